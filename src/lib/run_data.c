/* What a run opens before it trains: its data, its device, its trainer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/shape.h"
#include "data/source.h"
#include "data/validation_set.h"
#include "lib/run.h"
#include "lib/samples.h"
#include "train/settings_fingerprint.h"

/* ---- Samples from the caller. ------------------------------------------------------------------------------------ */

/* Refuses infinities, and remembers the first hole. */
static enum dae_status check_numbers(struct dataset *set, struct error *err)
{
    const int64_t len = dae_shape_len(&set->shape);
    const float *value = set->values;
    for (int64_t i = 0; i < set->n * len; ++i) {
        char place[96];
        if (isfinite(value[i]) || (isnan(value[i]) && set->hole))
            continue;
        snprintf(place, sizeof place, "sample %lld, element %lld", (long long)(i / len), (long long)(i % len));
        if (isinf(value[i]))
            return error_set(err, DAE_BAD_DATA, "%s: infinity; remove or replace it", place);
        if (!(set->hole = strdup(place)))
            return error_no_memory(err, "samples", sizeof place);
    }
    return DAE_OK;
}

static enum dae_status copy_samples(const struct samples *samples, struct dataset *set, struct error *err)
{
    const bool bytes = samples->element == DAE_U8;
    dataset_release(set);
    *set = (struct dataset){.n = samples->n, .shape = samples->shape, .kind = bytes ? DATASET_UINT8 : DATASET_FLOAT};
    set->values = malloc((size_t)samples->len * (bytes ? 1 : sizeof(float)));
    if (!set->values)
        return error_no_memory(err, "samples", (unsigned long long)samples->len * (bytes ? 1 : sizeof(float)));
    if (bytes) {
        samples_read_bytes(samples, set->values);
        return DAE_OK;
    }
    samples_read(samples, set->values);
    return check_numbers(set, err);
}

static bool is_given(const struct dae_run *run)
{
    const struct source *source = source_named(run->settings.data);
    return source && source->flags & SOURCE_GIVEN;
}

enum dae_status dae_run_data(struct dae_run *run, const char *split, const struct dae_image *image)
{
    struct samples samples;
    ENTER(run->context);
    struct error *err = &run->context->err;
    const bool is_test = strcmp(split, "test") == 0;
    if (!is_test && strcmp(split, "train") != 0)
        return error_set(err, DAE_CONFIG, "there are no samples '%s'; expects train or test", split);
    if (!is_given(run))
        return error_at(err, DAE_CONFIG, value_map_get(run->settings.data, "source")->mark,
                        "data.source names other samples; write data: {source: memory} to give them here");
    if (run->is_loaded || run->is_started)
        return error_set(err, DAE_CONFIG, "samples are given before training begins");
    TRY(samples_check(image, split, &samples, err));
    struct dataset *set = is_test ? &run->test_set : &run->train_set;
    enum dae_status status = copy_samples(&samples, set, err);
    if (status == DAE_OK)
        status = loader_check_samples(set, &run->network, is_test ? "test" : "training", err);
    if (status != DAE_OK)
        dataset_release(set);
    return status;
}

/* ---- Loading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status load_source(struct dae_run *run, struct error *err)
{
    struct dataset *train = &run->train_set, *test = &run->test_set;
    struct source_notice notice = {""};
    TRY(source_load(run->settings.data, getenv("DAE_CL_DATA"), train, test, &notice, err));
    run->is_loaded = true;
    listener_log(&run->listener, notice.text);
    TRY(loader_check_samples(train, &run->network, "training", err));
    return test->n > 0 ? loader_check_samples(test, &run->network, "test", err) : DAE_OK;
}

/* Each set was checked when it was given. */
static enum dae_status take_given(struct dae_run *run, struct error *err)
{
    const struct dataset *train = &run->train_set, *test = &run->test_set;
    if (train->n == 0)
        return error_set(err, DAE_CONFIG, "no training samples were given; dae_run_data gives them");
    if (test->n > 0 && test->kind != train->kind)
        return error_set(err, DAE_BAD_DATA,
                         "the training samples are %s, but the test samples are %s; both must be of the same kind",
                         dataset_numbers(train), dataset_numbers(test));
    TRY(source_take(run->settings.data, &run->train_set, &run->test_set, err));
    run->is_loaded = true;
    return DAE_OK;
}

static enum dae_status load_data(struct dae_run *run, struct error *err)
{
    TRY(is_given(run) ? take_given(run, err) : load_source(run, err));
    return validation_set_take(run->settings.data, run->test_set.n, &run->train_set, &run->validation_set, err);
}

static enum dae_status open_loader(struct dae_run *run, const struct dataset *set, struct loader **loader,
                                   struct error *err)
{
    TRY(loader_new(run->device, set, run->settings.batch, loader, err));
    return network_check_samples(&run->network, set->n, loader_is_streamed(*loader), err);
}

static void on_progress(void *context, const struct progress *progress)
{
    struct dae_run *run = context;
    struct error unused = {0};
    const double done = ((double)(progress->epoch - 1) + (double)progress->step / (double)progress->n_steps) /
                        (double)progress->n_epochs;
    pthread_mutex_lock(&run->lock);
    run->progress = *progress;
    pthread_mutex_unlock(&run->lock);
    if (listener_progress(&run->listener, done, &unused) != DAE_OK)
        dae_run_cancel(run);
}

static enum dae_status on_epoch(void *context, const struct epoch_record *record, struct error *err)
{
    struct dae_run *run = context;
    pthread_mutex_lock(&run->lock);
    struct epoch_record *grown = realloc(run->record, (size_t)(run->n_records + 1) * sizeof *grown);
    if (grown) {
        run->record = grown;
        grown[run->n_records++] = *record;
    }
    pthread_mutex_unlock(&run->lock);
    return grown ? DAE_OK : error_no_memory(err, "losses", (size_t)(run->n_records + 1) * sizeof *grown);
}

static enum dae_status open_trainer(struct dae_run *run, struct error *err)
{
    char notice[512];
    TRY(settings_fingerprint(run->config, &run->train_set, true, &run->fingerprint, err));
    run->options = (struct trainer_options){
        .device = run->device,
        .network = &run->network,
        .settings = &run->settings,
        .start = run->start.path ? &run->start : NULL,
        .train = run->train,
        .validation = run->validation,
        .choose = run->validation_set.n > 0,
        .corrupt = true,
        .fingerprint = run->fingerprint.data,
        .resume_from = run->resume,
        .stop = &run->stop,
        .on_progress = on_progress,
        .on_epoch = on_epoch,
        .context = run,
    };
    TRY(trainer_open(&run->options, notice, sizeof notice, &run->trainer, err));
    listener_log(&run->listener, notice);
    return DAE_OK;
}

static enum dae_status prepare(struct dae_run *run, struct error *err)
{
    if (!run->is_loaded)
        TRY(load_data(run, err));
    TRY(context_open_device(run->context, run->config, &run->network, &run->settings, &run->device, err));
    TRY(open_loader(run, &run->train_set, &run->train, err));
    const struct dataset *judge = run->validation_set.n > 0 ? &run->validation_set
                                  : run->test_set.n > 0     ? &run->test_set
                                                            : &run->train_set;
    TRY(open_loader(run, judge, &run->validation, err));
    return open_trainer(run, err);
}

void run_release(struct dae_run *run)
{
    trainer_close(run->trainer);
    loader_free(run->train);
    loader_free(run->validation);
    context_close_device(run->context, run->device);
    text_release(&run->fingerprint);
    run->trainer = NULL;
    run->train = run->validation = NULL;
    run->device = NULL;
}

enum dae_status run_prepare(struct dae_run *run, struct error *err)
{
    if (run->trainer)
        return DAE_OK;
    const enum dae_status status = prepare(run, err);
    if (status != DAE_OK)
        run_release(run);
    return status;
}
