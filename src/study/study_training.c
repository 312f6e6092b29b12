#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "config/tree.h"
#include "graph/build.h"
#include "study/study.h"
#include "train/settings_fingerprint.h"
#include "train/trainer.h"

enum { PATH_LEN = 1200 };

enum dae_status study_variant_under(const struct study_task *task, const struct value *corruption,
                                    const char *const *assignments, struct study_variant **out, struct error *err)
{
    struct study_variant *variant = arena_alloc(task->arena, sizeof *variant);
    if (!variant || !(variant->config = value_copy(task->arena, task->config)))
        return error_no_memory(err, "study", sizeof *variant);
    if (corruption && !value_map_put(task->arena, variant->config, "corruption", value_copy(task->arena, corruption)))
        return error_no_memory(err, "study", 0);
    for (int i = 0; assignments && assignments[i]; ++i)
        TRY(tree_set(variant->config, assignments[i], task->arena, err));
    TRY(settings_read(task->registry, variant->config, task->arena, &variant->settings, err));
    TRY(network_build(task->registry, variant->config, task->arena, false, &variant->network, err));
    *out = variant;
    return DAE_OK;
}

enum dae_status study_variant(const struct study_task *task, const char *const *assignments, struct study_variant **out,
                              struct error *err)
{
    return study_variant_under(task, NULL, assignments, out, err);
}

/* ---- Training. --------------------------------------------------------------------------------------------------- */

void study_progress(struct study_task *task, double share, const char *what)
{
    task->done += share;
    if (task->on_progress)
        task->on_progress(task->context, task->done, what);
}

struct bar {
    struct study_task *task;
    const char *what;
};

static void on_progress(void *context, const struct progress *p)
{
    const struct bar *bar = context;
    const struct study_task *task = bar->task;
    const double part = ((double)(p->epoch - 1) + (double)p->step / (double)p->n_steps) / (double)p->n_epochs;
    if (task->on_progress)
        task->on_progress(task->context, task->done + task->share * part, bar->what);
}

/* A checkpoint is used only if it belongs to exactly this network; otherwise the study trains from scratch. */
static enum dae_status train(struct trainer_options *options, struct trained *trained, struct error *err)
{
    char notice[512];
    if (options->resume) {
        struct error inner = {0};
        enum dae_status status = trainer_run(options, notice, sizeof notice, trained, &inner);
        if (status != DAE_CHECKPOINT) {
            *err = inner;
            return status;
        }
        options->resume = false;
    }
    return trainer_run(options, notice, sizeof notice, trained, err);
}

enum dae_status study_train(struct study_task *task, const struct study_variant *variant, bool corrupt,
                            const char *name, const float **parameters, struct error *err)
{
    struct text fingerprint CLEANUP(text_release) = {0};
    struct trained trained CLEANUP(trained_release) = {0};
    struct bar bar = {task, arena_printf(task->arena, "training %s", name)};
    const size_t len = (size_t)variant->network.parameters_len;
    float *kept = arena_array(task->arena, len, sizeof *kept);
    char path[PATH_LEN];
    if (!bar.what || !kept)
        return error_no_memory(err, "study", len * sizeof *kept);
    if ((size_t)snprintf(path, sizeof path, "%s/%s.safetensors", task->folder, name) >= sizeof path)
        return error_set(err, DAE_IO, "the path %s/%s.safetensors is too long", task->folder, name);
    TRY(folder_make(task->folder, err));
    study_progress(task, 0, bar.what);
    TRY(settings_fingerprint(variant->config, task->train_set, corrupt, &fingerprint, err));
    struct trainer_options options = {
        .device = task->device,
        .network = &variant->network,
        .settings = &variant->settings,
        .start = task->start,
        .train = task->train,
        .validation = task->validation ? task->validation : task->test,
        .choose = task->validation != NULL,
        .corrupt = corrupt,
        .checkpoint = path,
        .fingerprint = fingerprint.data,
        .resume = task->resume,
        .stop = task->stop,
        .on_progress = on_progress,
        .context = &bar,
    };
    TRY(train(&options, &trained, err));
    *parameters = memcpy(kept, trained.parameters, len * sizeof *kept);
    task->done += task->share;
    return DAE_OK;
}

enum dae_status study_stopped(const struct study_task *task, struct error *err)
{
    if (!task->stop || !*task->stop)
        return DAE_OK;
    return error_stopped(err, *task->stop, "stopped while measuring");
}

/* ---- Samples through a network. ---------------------------------------------------------------------------------- */

struct pass {
    const struct study_task *task;
    model_visit *visit;
    void *context;
};

static enum dae_status pass_batch(void *context, const struct model_batch *batch, struct error *err)
{
    const struct pass *pass = context;
    TRY(pass->visit(pass->context, batch, err));
    return study_stopped(pass->task, err);
}

enum dae_status study_pass(const struct study_task *task, const struct study_variant *variant, const float *parameters,
                           struct loader *loader, bool corrupt, model_visit *visit, void *context, struct error *err)
{
    struct model *model CLEANUP(model_close_cleanup) = NULL;
    struct pass pass = {task, visit, context};
    TRY(model_open_each(task->device, &variant->network, parameters, loader, corrupt, &model, err));
    return model_each(model, loader, loader == task->train ? 0 : PHILOX_HELD_OUT, pass_batch, &pass, err);
}
