#define _GNU_SOURCE
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "graph/jacobian.h"
#include "train/circumstances.h"
#include "train/trainer_state.h"
#include "train/validation.h"

enum { MAX_WINDOW = 64 };

/* The host runs ahead of the device by at most two windows of steps. A window lasts about this long, so that Ctrl-C
 * takes effect soon and the device never waits for the host. */
static const double window_seconds = 0.05;

/* A loss that is being read back from the device. */
struct reading {
    struct device_event *event;
    int64_t step;
};

static int64_t samples_before(const struct trainer *t, int64_t step)
{
    int64_t samples = step * t->options->settings->batch, all = loader_samples(t->options->train);
    return samples < all ? samples : all;
}

/* The signal that requested a stop of this process, or 0. A handler sets it, or another thread. */
static int stop_requested(const struct trainer_options *options)
{
    return options->stop ? __atomic_load_n(options->stop, __ATOMIC_RELAXED) : 0;
}

/* The same for the training: several ranks stop only when all know of it. */
static int stop_asked(const struct trainer *t)
{
    return t->options->ranks ? t->agreed_stop : stop_requested(t->options);
}

/* Whether the steps since the last checkpoint have taken as long as a kill may cost. */
static bool checkpoint_due(const struct trainer *t)
{
    return t->options->checkpoint && clock_seconds() - t->part_start > 60 * t->options->settings->checkpoint_minutes;
}

/* One step in parts. *pause: a checkpoint is due. */
static enum dae_status train_in_parts(struct trainer *t, int64_t epoch, int64_t step, bool *pause, struct error *err)
{
    const int64_t number = epoch * t->n_steps + step + 1;
    const double rate = lr_schedule_at(&t->options->settings->rate, number, t->options->settings->epochs, t->n_steps);
    const struct parts_word mine = {stop_requested(t->options), checkpoint_due(t)};
    struct parts_word agreed;
    TRY(parts_train(t->parts, step * t->options->settings->batch, (uint32_t)epoch, number, rate, mine, &agreed,
                    &t->host_losses[step], err));
    t->agreed_stop = agreed.stop;
    *pause = agreed.pause;
    return DAE_OK;
}

enum dae_status trainer_step(struct trainer *t, int64_t epoch, int64_t step, struct error *err)
{
    const int64_t first = step * t->options->settings->batch, number = epoch * t->n_steps + step + 1;
    struct batch batch;
    bool pause;
    const double rate = lr_schedule_at(&t->options->settings->rate, number, t->options->settings->epochs, t->n_steps);
    if (t->parts)
        return train_in_parts(t, epoch, step, &pause, err);
    if (t->team)
        return multi_device_train(t->team, first, (uint32_t)epoch, number, rate, t->losses, step, err);
    TRY(loader_batch(t->options->train, first, t->options->network->seed, (uint32_t)epoch, 0, &batch, err));
    return executor_train(t->executor, &batch, number, rate, t->losses, step, err);
}

enum dae_status trainer_set_parameters(struct trainer *t, struct error *err)
{
    return t->team ? multi_device_set_parameters(t->team, t->at.parameters, err)
                   : executor_set_parameters(t->executor, t->at.parameters, err);
}

/* ---- Keeping what was reached. ----------------------------------------------------------------------------------- */

/* What validation has used: the parameters (parameters_len), or their average. */
static float *evaluated(const struct trainer *t)
{
    return t->at.average ? t->at.average : t->at.parameters;
}

static bool stops_early(const struct trainer *t)
{
    return t->options->choose &&
           early_stop_stops(&t->options->settings->early_stop, t->at.test_losses, (int64_t)t->at.epoch);
}

static bool is_finished(const struct trainer *t)
{
    return (int64_t)t->at.epoch >= t->options->settings->epochs || stops_early(t);
}

/* Reads what is on the device. */
static enum dae_status read_state(struct trainer *t, struct error *err)
{
    TRY(executor_get_parameters(t->executor, t->parameters, err));
    TRY(executor_get_state(t->executor, t->state, err));
    return t->average ? executor_get_average(t->executor, t->average, err) : DAE_OK;
}

/* The part of the state that is not finite; NULL: all is finite. */
static const char *bad_state(const struct trainer *t)
{
    const struct checkpoint now = {.parameters = t->parameters, .state = t->state, .average = t->average};
    return checkpoint_bad(&now, t->options->network, t->options->settings->optimizer->optimizer->n_states);
}

static void swap(float **a, float **b)
{
    float *kept = *a;
    *a = *b;
    *b = kept;
}

/* Accepts what read_state has read and bad_state has found finite as the state to continue from. */
static enum dae_status save_checkpoint(struct trainer *t, int64_t epoch, int64_t step, struct error *err)
{
    swap(&t->parameters, &t->at.parameters);
    swap(&t->state, &t->at.state);
    swap(&t->average, &t->at.average);
    if (t->at.best && step == 0 && epoch > 0 && early_stop_best(t->at.test_losses, epoch) == epoch - 1)
        memcpy(t->at.best, evaluated(t), (size_t)t->options->network->parameters_len * sizeof(float));
    t->at.epoch = (uint64_t)epoch;
    t->at.step = (uint64_t)step;
    memcpy(t->at.step_losses, t->host_losses, (size_t)step * sizeof(float));
    if (!t->options->checkpoint)
        return DAE_OK;
    return trainer_checkpoint(t, t->options->checkpoint, err);
}

static enum dae_status load_checkpoint(struct trainer *t, char *notice, size_t notice_len, struct error *err)
{
    const struct trainer_options *o = t->options;
    const char *path = o->resume_from ? o->resume_from : o->resume ? o->checkpoint : NULL;
    struct text now CLEANUP(text_release) = {0}, difference CLEANUP(text_release) = {0};
    if (!path)
        return DAE_OK;
    if (!o->resume_from && access(path, F_OK) != 0) {
        snprintf(notice, notice_len, "resume: no checkpoint in %s, starting from scratch", path);
        return DAE_OK;
    }
    circumstances_write(o->device, o->helper, o->n_helpers, &now);
    TRY(checkpoint_load(path, &t->at, o->network, o->settings->optimizer->optimizer->n_states,
                        (uint64_t)o->settings->epochs, (uint64_t)t->n_steps, o->fingerprint, now.data, &difference,
                        err));
    snprintf(notice, notice_len, "resume: from %s, epoch %llu, step %llu%s%s", path,
             (unsigned long long)t->at.epoch + 1, (unsigned long long)t->at.step,
             difference.len > 0
                 ? "; the bytes will not be those of a run that was never stopped, because these differ: "
                 : "",
             difference.len > 0 ? difference.data : "");
    return DAE_OK;
}

/* ---- When numbers go wrong. -------------------------------------------------------------------------------------- */

static int64_t first_bad(const float *losses, int64_t begin, int64_t end)
{
    while (begin < end && isfinite(losses[begin]))
        ++begin;
    return begin;
}

/* ---- An epoch. --------------------------------------------------------------------------------------------------- */

static void report(const struct trainer *t, int64_t epoch, const struct reading *reading, int64_t from)
{
    const struct trainer_options *o = t->options;
    if (!o->on_progress)
        return;
    const double done = (double)samples_before(t, reading->step + 1) - (double)samples_before(t, from);
    const double rate = done / (clock_seconds() - t->part_start);
    const double left = (double)(o->settings->epochs - epoch) * (double)loader_samples(o->train) -
                        (double)samples_before(t, reading->step + 1);
    o->on_progress(o->context, &(struct progress){epoch + 1, o->settings->epochs, reading->step + 1, t->n_steps,
                                                  (double)t->host_losses[reading->step], rate, left / rate});
}

static enum dae_status wait_reading(struct trainer *t, struct reading *reading, struct error *err)
{
    if (!reading->event)
        return DAE_OK;
    enum dae_status status = device_event_wait(t->options->device, reading->event, err);
    reading->event = NULL;
    return status;
}

/* Enqueues steps until the epoch's end, a signal, or until a checkpoint is due; *step is how far it came. */
static enum dae_status run_steps(struct trainer *t, int64_t epoch, int64_t *step, struct error *err)
{
    const int64_t from = *step;
    struct reading reading[2] = {{0}};
    int64_t window = 1, next_mark = from + 1;
    int turn = 0;
    double last = clock_seconds();
    enum dae_status status = DAE_OK;
    while (status == DAE_OK && *step < t->n_steps && stop_asked(t) == 0) {
        status = trainer_step(t, epoch, (*step)++, err);
        if (status != DAE_OK || *step < next_mark)
            continue;
        struct reading *mine = &reading[turn], *other = &reading[turn ^= 1];
        mine->step = *step - 1;
        status = buffer_read_later(t->losses, (uint64_t)mine->step * sizeof(float), &t->host_losses[mine->step],
                                   sizeof(float), &mine->event, err);
        bool read = other->event != NULL;
        if (status == DAE_OK)
            status = wait_reading(t, other, err);
        if (status == DAE_OK && read) {
            if (!isfinite(t->host_losses[other->step]))
                break; /* the caller checks every step's loss and finds the first */
            report(t, epoch, other, from);
            double time = clock_seconds();
            if (time - last < window_seconds / 2 && window < MAX_WINDOW)
                window *= 2;
            last = time;
            if (checkpoint_due(t))
                break;
        }
        next_mark = *step + window;
    }
    struct error late = {0}; /* the events must be waited for in any case */
    for (int i = 0; i < 2; ++i) {
        enum dae_status waited = wait_reading(t, &reading[i], status == DAE_OK ? err : &late);
        status = status == DAE_OK ? waited : status;
    }
    return status;
}

/* The same in parts, where each step ends on the host with its loss. All ranks break off at the same step. */
static enum dae_status run_steps_in_parts(struct trainer *t, int64_t epoch, int64_t *step, struct error *err)
{
    struct reading reading = {0};
    const int64_t from = *step;
    double last = clock_seconds();
    bool pause = false;
    t->agreed_stop = 0;
    while (*step < t->n_steps && !pause && stop_asked(t) == 0) {
        reading.step = (*step)++;
        TRY(train_in_parts(t, epoch, reading.step, &pause, err));
        if (!isfinite(t->host_losses[reading.step]))
            break;
        if (clock_seconds() - last > window_seconds) {
            last = clock_seconds();
            report(t, epoch, &reading, from);
        }
    }
    return DAE_OK;
}

static enum dae_status validate(struct trainer *t, int64_t epoch, struct epoch_record *record, struct error *err)
{
    const struct trainer_options *o = t->options;
    const struct validation validation = {t->executor, o->validation, o->network, o->ranks, t->sample_losses};
    struct bad_place bad = {o->validation, 0, epoch, t->n_steps, ""};
    TRY(validation_run(&validation, &record->validation_loss, record->term, &bad.first, err));
    record->n_terms = losses_terms(o->network);
    for (int i = 0; i < record->n_terms; ++i)
        record->term_name[i] = losses_name(o->network, i);
    if (bad.first < 0)
        return DAE_OK;
    snprintf(bad.what, sizeof bad.what, "the validation loss after epoch %lld is", (long long)epoch + 1);
    return trainer_diverged(t, &bad, err);
}

/* Checks the losses of the steps `from` .. `step` of an epoch and the state that the last of them left on the device. A
 * loss only depends on the parameters before its step, so those after the last step are checked separately. */
static enum dae_status read_back(struct trainer *t, int64_t epoch, int64_t from, int64_t step, struct error *err)
{
    struct bad_place bad = {t->options->train, 0, epoch, 0, ""};
    if (!t->parts)
        TRY(buffer_read(t->losses, (uint64_t)from * sizeof(float), t->host_losses + from,
                        (uint64_t)(step - from) * sizeof(float), err));
    bad.steps = first_bad(t->host_losses, from, step);
    bad.first = bad.steps * t->options->settings->batch;
    if (bad.steps < step) {
        snprintf(bad.what, sizeof bad.what, "the loss of epoch %lld, step %lld is", (long long)epoch + 1,
                 (long long)bad.steps + 1);
        return trainer_diverged(t, &bad, err);
    }
    TRY(read_state(t, err));
    if (t->options->ranks)
        TRY(shared_state_check(&t->lengths, t->parameters, t->state, t->average, t->options->ranks, err));
    const char *part = bad_state(t);
    if (!part)
        return DAE_OK;
    bad.first = (step - 1) * t->options->settings->batch;
    snprintf(bad.what, sizeof bad.what, "%s after epoch %lld, step %lld are",
             strcmp(part, "optimizer_state") == 0 ? "numbers that the optimizer keeps"
             : strcmp(part, "average") == 0       ? "averages of the parameters"
                                                  : "the parameters",
             (long long)epoch + 1, (long long)step);
    return trainer_diverged(t, &bad, err);
}

static enum dae_status stopped(const struct trainer *t, int64_t epoch, int64_t step, struct error *err)
{
    if (step == t->n_steps)
        return error_stopped(err, stop_asked(t), "stopped after epoch %lld", (long long)epoch + 1);
    return error_stopped(err, stop_asked(t), "stopped in epoch %lld after step %lld of %lld", (long long)epoch + 1,
                         (long long)step, (long long)t->n_steps);
}

/* Runs a part of an epoch, from *step on, and reads back what it left; adds its seconds. */
static enum dae_status run_part(struct trainer *t, int64_t epoch, int64_t *step, double *seconds, struct error *err)
{
    struct device *device = t->options->device;
    const int64_t from = *step;
    const struct device_counters before = device_count(device);
    t->part_start = clock_seconds();
    TRY(t->parts ? run_steps_in_parts(t, epoch, step, err) : run_steps(t, epoch, step, err));
    const struct device_counters after = device_count(device);
    TRY(device_finish(device, err));
    *seconds += clock_seconds() - t->part_start;
    t->cost.steps += (uint64_t)(*step - from);
    t->cost.launches += after.launches - before.launches;
    t->cost.waits += after.waits - before.waits;
    return read_back(t, epoch, from, *step, err);
}

static enum dae_status run_epoch(struct trainer *t, int64_t epoch, struct error *err)
{
    const struct trainer_options *o = t->options;
    int64_t step = (int64_t)t->at.step;
    const int64_t from = step;
    double seconds = 0;
    TRY(loader_shuffle(o->train, o->network->seed, (uint32_t)epoch, err));
    for (int i = 0; i < o->n_helpers; ++i)
        TRY(loader_shuffle(o->helper[i].train, o->network->seed, (uint32_t)epoch, err));
    TRY(run_part(t, epoch, &step, &seconds, err));
    while (step < t->n_steps) {
        TRY(save_checkpoint(t, epoch, step, err));
        if (stop_asked(t) != 0)
            return stopped(t, epoch, step, err);
        TRY(run_part(t, epoch, &step, &seconds, err));
    }
    t->seconds += seconds;
    struct epoch_record record = {
        .epoch = epoch + 1,
        .n_epochs = o->settings->epochs,
        .seconds = seconds,
        .images_per_second = (double)(samples_before(t, step) - samples_before(t, from)) / seconds,
    };
    for (int64_t i = 0; i < step; ++i)
        record.train_loss += (double)t->host_losses[i] / (double)step;
    TRY(validate(t, epoch, &record, err));
    t->at.train_losses[epoch] = record.train_loss;
    t->at.test_losses[epoch] = record.validation_loss;
    TRY(save_checkpoint(t, epoch + 1, 0, err));
    if (o->on_epoch)
        TRY(o->on_epoch(o->context, &record, err));
    return stop_asked(t) != 0 && !is_finished(t) ? stopped(t, epoch, step, err) : DAE_OK;
}

void epoch_record_json(const struct epoch_record *record, cJSON *object)
{
    cJSON_AddNumberToObject(object, "epoch", (double)record->epoch);
    json_number(object, "train_loss", record->train_loss);
    json_number(object, "validation_loss", record->validation_loss);
    cJSON *terms = record->n_terms > 0 ? cJSON_AddObjectToObject(object, "validation_terms") : NULL;
    for (int i = 0; i < record->n_terms; ++i)
        json_number(terms, record->term_name[i], record->term[i]);
    json_number(object, "seconds", record->seconds);
    json_number(object, "images_per_second", record->images_per_second);
}

/* ---- The whole training. ----------------------------------------------------------------------------------------- */

static enum dae_status form_team(struct trainer *t, struct error *err)
{
    const struct trainer_options *o = t->options;
    if (o->settings->parts > 1 || o->ranks)
        TRY(parts_new(o->device, t->executor, o->train, o->network, (int)o->settings->parts, o->ranks, &t->parts, err));
    if (o->n_helpers == 0)
        return DAE_OK;
    if (t->parts)
        return error_set(err, DAE_CONFIG,
                         "train.parts and ranks do not go with several devices in one process; start "
                         "one rank for each device (docs/many_machines.md)");
    TRY(multi_device_new(o->device, t->executor, o->train, o->helper, o->n_helpers, o->network, &t->executor_options,
                         &t->team, err));
    return multi_device_share_out(t->team, o->weights, t->at.share, err);
}

static enum dae_status allocate(struct trainer *t, struct error *err)
{
    const struct trainer_options *o = t->options;
    const struct settings *settings = o->settings;
    const int n_states = settings->optimizer->optimizer->n_states;
    const uint64_t epochs = (uint64_t)settings->epochs, steps = (uint64_t)t->n_steps;
    t->lengths = (struct shared_state){o->network, n_states, epochs, steps};
    TRY(checkpoint_new(o->network, n_states, settings->average > 0, o->choose, epochs, steps, &t->at, err));
    t->host_losses = calloc((size_t)t->n_steps, sizeof(float));
    t->sample_losses = calloc((size_t)((1 + losses_terms(o->network)) * loader_samples(o->validation)), sizeof(float));
    t->parameters = calloc((size_t)o->network->parameters_len, sizeof(float));
    t->state = calloc((size_t)o->network->trained_len * (size_t)n_states + 1, sizeof(float));
    t->average = t->at.average ? calloc((size_t)o->network->parameters_len, sizeof(float)) : NULL;
    if (!t->host_losses || !t->sample_losses || !t->parameters || !t->state || !t->at.average != !t->average)
        return error_no_memory(err, "losses", (unsigned long long)t->n_steps * sizeof(float));
    return DAE_OK;
}

static enum dae_status prepare(struct trainer *t, char *notice, size_t notice_len, struct error *err)
{
    const struct trainer_options *o = t->options;
    const struct settings *settings = o->settings;
    const int64_t samples = loader_samples(o->train);
    notice[0] = '\0';
    if (settings->batch > samples)
        return error_set(err, DAE_BAD_DATA, "train.batch is %lld, but there are only %lld training samples",
                         (long long)settings->batch, (long long)samples);
    TRY(network_check_batch(o->network, samples % settings->batch ? samples % settings->batch : settings->batch, err));
    TRY(loader_check_holes(o->train, o->network, err));
    TRY(loader_check_holes(o->validation, o->network, err));
    t->n_steps = (samples + settings->batch - 1) / settings->batch;
    TRY(allocate(t, err));
    t->at.n_shares = o->n_helpers > 0 ? (uint64_t)(1 + o->n_helpers) : 0;
    if (o->start)
        start_apply(o->start, o->network, t->at.parameters);
    else
        network_init(o->network, t->at.parameters);
    if (t->at.average)
        memcpy(t->at.average, t->at.parameters, (size_t)o->network->parameters_len * sizeof(float));
    TRY(load_checkpoint(t, notice, notice_len, err));
    if (o->ranks)
        TRY(shared_state_send(&t->lengths, &t->at, o->ranks, err));
    memcpy(t->host_losses, t->at.step_losses, (size_t)t->at.step * sizeof(float));
    if (notice[0] && o->on_notice)
        o->on_notice(o->context, notice);
    t->executor_options = (struct executor_options){
        .batch = settings->batch,
        .bytes = loader_holds_bytes(o->train),
        .patches = loader_patch_bits(o->train),
        .train = true,
        .evaluate = true,
        .corrupt = o->corrupt,
        .join = true,
        .fold = true,
        .optimizer = settings->optimizer,
        .optimizer_state = settings->optimizer_state,
        .clip_gradient = settings->clip_gradient,
        .average = settings->average,
    };
    if (settings->contractive > 0 && o->corrupt) {
        TRY(jacobian_contractive(o->network, settings->contractive, &t->contractive, err));
        t->executor_options.training = &t->contractive;
    }
    TRY(executor_new(o->device, o->network, &t->executor_options, &t->executor, err));
    TRY(buffer_new(o->device, (uint64_t)t->n_steps * sizeof(float), "losses", &t->losses, err));
    TRY(form_team(t, err));
    TRY(trainer_set_parameters(t, err));
    if (t->at.average)
        TRY(executor_set_average(t->executor, t->at.average, err));
    return executor_set_state(t->executor, t->at.state, err);
}

static void hand_over(struct trainer *t, struct trained *out)
{
    float **chosen = t->at.best ? &t->at.best : t->at.average ? &t->at.average : &t->at.parameters;
    *out = (struct trained){
        .parameters = *chosen,
        .train_losses = t->at.train_losses,
        .validation_losses = t->at.test_losses,
        .n_epochs = (int64_t)t->at.epoch,
        .best_epoch = t->at.best ? early_stop_best(t->at.test_losses, (int64_t)t->at.epoch) + 1 : 0,
        .stopped_early = stops_early(t) && (int64_t)t->at.epoch < t->options->settings->epochs,
        .seconds = t->seconds,
    };
    for (uint64_t i = 0; i < t->at.n_shares; ++i)
        out->share[i] = (int64_t)t->at.share[i];
    const double images = (double)(out->n_epochs - t->first_epoch) * (double)loader_samples(t->options->train) -
                          (double)samples_before(t, t->first_step);
    out->images_per_second = t->seconds > 0 ? images / t->seconds : NAN;
    out->launches_per_step = (double)t->cost.launches / (double)t->cost.steps;
    out->waits_per_step = (double)t->cost.waits / (double)t->cost.steps;
    if (t->parts)
        out->parts = parts_cost(t->parts);
    *chosen = NULL;
    t->at.train_losses = t->at.test_losses = NULL;
}

void trainer_close(struct trainer *t)
{
    if (!t)
        return;
    multi_device_free(t->team);
    parts_free(t->parts);
    executor_free(t->executor);
    buffer_free(t->losses);
    checkpoint_release(&t->at);
    free(t->host_losses);
    free(t->sample_losses);
    free(t->parameters);
    free(t->state);
    free(t->average);
    free(t);
}

enum dae_status trainer_open(const struct trainer_options *options, char *notice, size_t notice_len,
                             struct trainer **out, struct error *err)
{
    struct trainer *t CLEANUP(trainer_close_cleanup) = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return error_no_memory(err, "training", sizeof *t);
    t->options = options;
    TRY(prepare(t, notice, notice_len, err));
    t->first_epoch = (int64_t)t->at.epoch;
    t->first_step = (int64_t)t->at.step;
    *out = t;
    t = NULL;
    return DAE_OK;
}

bool trainer_is_finished(const struct trainer *t)
{
    return is_finished(t);
}

enum dae_status trainer_epoch(struct trainer *t, struct error *err)
{
    return run_epoch(t, (int64_t)t->at.epoch, err);
}

const float *trainer_parameters(const struct trainer *t)
{
    return t->at.best && t->at.epoch > 0 ? t->at.best : evaluated(t);
}

enum dae_status trainer_checkpoint(const struct trainer *t, const char *path, struct error *err)
{
    const struct trainer_options *o = t->options;
    struct text made CLEANUP(text_release) = {0};
    circumstances_write(o->device, o->helper, o->n_helpers, &made);
    if (made.failed)
        return error_no_memory(err, path, made.len);
    return checkpoint_save(path, &t->at, o->network, o->settings->optimizer->optimizer->n_states, o->fingerprint,
                           made.data, err);
}

enum dae_status trainer_run(const struct trainer_options *options, char *notice, size_t notice_len, struct trained *out,
                            struct error *err)
{
    struct trainer *t CLEANUP(trainer_close_cleanup) = NULL;
    *out = (struct trained){0};
    TRY(trainer_open(options, notice, notice_len, &t, err));
    while (!is_finished(t))
        TRY(trainer_epoch(t, err));
    hand_over(t, out);
    return DAE_OK;
}

void trained_release(struct trained *trained)
{
    free(trained->parameters);
    free(trained->train_losses);
    free(trained->validation_losses);
    *trained = (struct trained){0};
}
