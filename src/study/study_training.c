#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "config/tree.h"
#include "study/study.h"
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

/* What is in the folder is of use only when it is of this very network; a study that finds another begins anew. */
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
    struct text fingerprint = {0};
    struct bar bar = {task, arena_printf(task->arena, "training %s", name)};
    struct trained trained = {0};
    char path[PATH_LEN];
    if (!bar.what)
        return error_no_memory(err, "study", 0);
    if ((size_t)snprintf(path, sizeof path, "%s/%s.safetensors", task->folder, name) >= sizeof path)
        return error_set(err, DAE_IO, "the path %s/%s.safetensors is too long", task->folder, name);
    TRY(folder_make(task->folder, err));
    study_progress(task, 0, bar.what);
    enum dae_status status = settings_fingerprint(variant->config, task->train_set, corrupt, &fingerprint, err);
    if (status == DAE_OK) {
        struct trainer_options options = {
            .device = task->device,
            .network = &variant->network,
            .settings = &variant->settings,
            .train = task->train,
            .validation = task->validation ? task->validation : task->test,
            .choose = task->validation != NULL,
            .bytes = task->train_set->kind == DATASET_UINT8,
            .corrupt = corrupt,
            .checkpoint = path,
            .fingerprint = fingerprint.data,
            .resume = task->resume,
            .stop = task->stop,
            .on_progress = on_progress,
            .context = &bar,
        };
        status = train(&options, &trained, err);
    }
    text_release(&fingerprint);
    if (status == DAE_OK) {
        const size_t len = (size_t)variant->network.parameters_len;
        float *kept = arena_array(task->arena, len, sizeof *kept);
        if (kept)
            memcpy(kept, trained.parameters, len * sizeof *kept);
        else
            status = error_no_memory(err, "study", len * sizeof *kept);
        *parameters = kept;
    }
    trained_release(&trained);
    task->done += task->share;
    return status;
}

enum dae_status study_stopped(const struct study_task *task, struct error *err)
{
    if (!task->stop || !*task->stop)
        return DAE_OK;
    return error_stopped(err, *task->stop, "stopped while measuring");
}

/* ---- Samples through a network. ---------------------------------------------------------------------------------- */

struct pass {
    struct executor *executor;
    const struct network *network;
    float *clean, *noisy, *output, *code, *loss;
};

static float *numbers(int64_t n, int64_t len)
{
    return calloc((size_t)(n * len), sizeof(float));
}

static enum dae_status pass_batch(struct pass *pass, struct batch *batch, struct error *err)
{
    const struct network *network = pass->network;
    const struct {
        int node;
        float *value;
    } read[] = {
        {0, pass->clean},
        {network->noisy, pass->noisy},
        {network->output, pass->output},
        {network->loss, pass->loss},
        {network->code, pass->code},
    };
    TRY(executor_forward(pass->executor, SCHEDULE_EVALUATE, batch, err));
    for (size_t i = 0; i < sizeof read / sizeof read[0]; ++i)
        if (read[i].value)
            TRY(executor_read(pass->executor, SCHEDULE_EVALUATE, read[i].node, batch->n, read[i].value, err));
    return DAE_OK;
}

enum dae_status study_pass(const struct study_task *task, const struct study_variant *variant, const float *parameters,
                           struct loader *loader, uint32_t split, uint32_t epoch, bool corrupt,
                           enum dae_status (*visit)(void *context, const struct study_batch *batch, struct error *err),
                           void *context, struct error *err)
{
    const struct network *network = &variant->network;
    const int64_t n = variant->settings.batch, all = loader_samples(loader);
    const int64_t input = dae_shape_len(&network->node[0].plan.output);
    const int64_t code = network->code < 0 ? 0 : dae_shape_len(&network->node[network->code].plan.output);
    const struct executor_options options = {
        .batch = n,
        .bytes = task->train_set->kind == DATASET_UINT8,
        .patches = loader_cuts_patches(loader),
        .evaluate = true,
        .corrupt = corrupt,
        .join = true,
        .fold = true,
    };
    struct pass pass = {
        .network = network,
        .clean = numbers(n, input),
        .noisy = numbers(n, input),
        .output = numbers(n, dae_shape_len(&network->node[network->output].plan.output)),
        .code = code ? numbers(n, code) : NULL,
        .loss = numbers(n, 1),
    };
    enum dae_status status = DAE_OK;
    if (!pass.clean || !pass.noisy || !pass.output || !pass.loss || (code && !pass.code))
        status = error_no_memory(err, "study", (unsigned long long)(n * input) * sizeof(float));
    if (status == DAE_OK)
        status = executor_new(task->device, network, &options, &pass.executor, err);
    if (status == DAE_OK)
        status = executor_set_parameters(pass.executor, parameters, err);
    if (status == DAE_OK)
        status = loader_unshuffle(loader, err);
    for (int64_t first = 0; first < all && status == DAE_OK; first += n) {
        struct batch batch;
        status = loader_batch(loader, first, epoch, split, &batch, err);
        if (status == DAE_OK)
            status = pass_batch(&pass, &batch, err);
        if (status == DAE_OK)
            status = visit(
                context,
                &(struct study_batch){first, batch.n, pass.clean, pass.noisy, pass.output, pass.code, pass.loss}, err);
        if (status == DAE_OK)
            status = study_stopped(task, err);
    }
    executor_free(pass.executor);
    free(pass.clean);
    free(pass.noisy);
    free(pass.output);
    free(pass.code);
    free(pass.loss);
    return status;
}
