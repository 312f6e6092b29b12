#include "lib/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "graph/build.h"
#include "lib/model.h"

/* ---- Opening and closing. ---------------------------------------------------------------------------------------- */

static enum dae_status read_config(struct dae_run *run, const char *text, struct error *err)
{
    const struct registry *registry = run->context->registry;
    TRY(context_read_config(run->context, text, &run->arena, &run->config, err));
    TRY(settings_read(registry, run->config, &run->arena, &run->settings, err));
    TRY(network_build(registry, run->config, &run->arena, false, &run->network, err));
    if (!run->settings.from)
        return DAE_OK;
    TRY(start_read(run->settings.from, run->settings.from_sha256, &run->network, &run->arena, &run->start, err));
    return start_record(&run->start, run->config, &run->arena, err);
}

static void free_run(struct dae_run *run)
{
    run_release(run);
    start_release(&run->start);
    dataset_release(&run->train_set);
    dataset_release(&run->validation_set);
    dataset_release(&run->test_set);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    free(run->record);
    arena_release(&run->arena);
    free(run);
}

enum dae_status dae_run_new(struct dae_context *context, const char *config, struct dae_run **out)
{
    *out = NULL;
    ENTER(context);
    struct dae_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_no_memory(&context->err, "run", sizeof *run);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    run->context = context;
    const enum dae_status status = read_config(run, config, &context->err);
    if (status != DAE_OK)
        free_run(run);
    else
        *out = run;
    return status;
}

void dae_run_close(struct dae_run *run)
{
    if (!run)
        return;
    ENTER_TO_CLOSE();
    if (run->is_started) {
        dae_run_cancel(run);
        pthread_join(run->thread, NULL);
    }
    free_run(run);
}

static bool is_working(struct dae_run *run)
{
    pthread_mutex_lock(&run->lock);
    const bool working = run->is_working;
    pthread_mutex_unlock(&run->lock);
    return working;
}

enum dae_status dae_run_resume(struct dae_run *run, const char *path)
{
    ENTER(run->context);
    struct error *err = &run->context->err;
    if (run->trainer || is_working(run))
        return error_set(err, DAE_CONFIG, "a checkpoint is named before training begins");
    run->resume = arena_text(&run->arena, path, strlen(path));
    return run->resume ? DAE_OK : error_no_memory(err, "path", strlen(path));
}

/* ---- Training. --------------------------------------------------------------------------------------------------- */

/* Forgets an earlier cancellation. */
static void begin(struct dae_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->is_cancelled = false;
    __atomic_store_n(&run->stop, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&run->lock);
    run->listener = run->context->listener;
    run->listener.cancelled = 0;
    run->listener.told_at = 0;
}

/* Writes the checkpoint that another thread waits for. False if the run is to end. */
static bool serve(struct dae_run *run)
{
    pthread_mutex_lock(&run->lock);
    if (run->wanted) {
        run->answer = (struct error){0};
        enum dae_status status = run->trainer ? trainer_checkpoint(run->trainer, run->wanted, &run->answer)
                                              : error_set(&run->answer, DAE_CONFIG, "nothing was trained yet");
        (void)status; /* run->answer has it */
        run->wanted = NULL;
        pthread_cond_broadcast(&run->changed);
    }
    __atomic_store_n(&run->stop, run->is_cancelled ? SIGINT : 0, __ATOMIC_RELAXED);
    const bool goes_on = !run->is_cancelled;
    pthread_mutex_unlock(&run->lock);
    return goes_on;
}

static enum dae_status train_all(struct dae_run *run, struct error *err)
{
    TRY(run_prepare(run, err));
    while (!trainer_is_finished(run->trainer)) {
        const enum dae_status status = trainer_epoch(run->trainer, err);
        const bool goes_on = serve(run);
        if (status != DAE_OK && !(status_is_stop(status) && goes_on))
            return status;
        *err = (struct error){0};
    }
    return DAE_OK;
}

static void *work(void *context)
{
    struct dae_run *run = context;
    ENTER_TO_CLOSE();
    const enum dae_status status = train_all(run, &run->end);
    (void)status; /* run->end has it */
    serve(run);
    pthread_mutex_lock(&run->lock);
    run->is_working = false;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

enum dae_status dae_run_step(struct dae_run *run, int *finished)
{
    *finished = 0;
    ENTER(run->context);
    struct error *err = &run->context->err;
    if (run->is_started)
        return error_set(err, DAE_CONFIG, "the run was started, and trains in its own thread");
    begin(run);
    TRY(run_prepare(run, err));
    if (!trainer_is_finished(run->trainer))
        TRY(trainer_epoch(run->trainer, err));
    *finished = trainer_is_finished(run->trainer);
    return DAE_OK;
}

/* The thread gets no signal of the host. */
static int start_thread(struct dae_run *run)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&run->thread, NULL, work, run);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

enum dae_status dae_run_start(struct dae_run *run)
{
    ENTER(run->context);
    struct error *err = &run->context->err;
    if (run->is_started)
        return error_set(err, DAE_CONFIG, "the run was started before; dae_run_wait waits for its end");
    begin(run);
    run->end = (struct error){0};
    run->is_started = run->is_working = true;
    const int code = start_thread(run);
    if (code == 0)
        return DAE_OK;
    run->is_started = run->is_working = false;
    return error_set(err, DAE_NO_MEMORY, "cannot start a thread: %s", strerror(code));
}

/* The time `seconds` from now. */
static struct timespec deadline_in(double seconds)
{
    struct timespec at;
    const double most = 1e9; /* 30 years */
    clock_gettime(CLOCK_MONOTONIC, &at);
    seconds = seconds < most ? seconds : most;
    at.tv_sec += (time_t)seconds;
    at.tv_nsec += (long)(1e9 * (seconds - (double)(time_t)seconds));
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

enum dae_status dae_run_wait(struct dae_run *run, double seconds, int *finished)
{
    *finished = 0;
    ENTER(run->context);
    struct error *err = &run->context->err;
    if (!run->is_started)
        return error_set(err, DAE_CONFIG, "the run was not started: dae_run_start");
    const struct timespec deadline = deadline_in(seconds);
    pthread_mutex_lock(&run->lock);
    int code = 0;
    while (run->is_working && code != ETIMEDOUT)
        code = seconds < 0 ? pthread_cond_wait(&run->changed, &run->lock)
                           : pthread_cond_timedwait(&run->changed, &run->lock, &deadline);
    const bool ended = !run->is_working;
    pthread_mutex_unlock(&run->lock);
    if (!ended)
        return DAE_OK;
    pthread_join(run->thread, NULL);
    run->is_started = false;
    *err = run->end;
    *finished = err->status == DAE_OK;
    return err->status;
}

void dae_run_cancel(struct dae_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->is_cancelled = true;
    __atomic_store_n(&run->stop, SIGINT, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&run->lock);
}

/* ---- What was reached. ------------------------------------------------------------------------------------------- */

enum dae_status dae_run_checkpoint(struct dae_run *run, const char *path)
{
    ENTER(run->context);
    struct error *err = &run->context->err;
    pthread_mutex_lock(&run->lock);
    const bool asks = run->is_working;
    if (asks) {
        run->wanted = path;
        __atomic_store_n(&run->stop, run->is_cancelled ? SIGINT : SIGUSR1, __ATOMIC_RELAXED);
        while (run->wanted)
            pthread_cond_wait(&run->changed, &run->lock);
        *err = run->answer;
    }
    pthread_mutex_unlock(&run->lock);
    if (asks)
        return err->status;
    return run->trainer ? trainer_checkpoint(run->trainer, path, err)
                        : error_set(err, DAE_CONFIG, "nothing was trained yet");
}

static cJSON *metrics_json(const struct dae_run *run)
{
    const struct progress *now = &run->progress;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "epoch", (double)now->epoch);
    cJSON_AddNumberToObject(root, "epochs", (double)run->settings.epochs);
    cJSON_AddNumberToObject(root, "step", (double)now->step);
    cJSON_AddNumberToObject(root, "steps", (double)now->n_steps);
    json_number(root, "loss", now->loss);
    json_number(root, "images_per_second", now->images_per_second);
    json_number(root, "seconds_left", now->seconds_left);
    cJSON *history = cJSON_AddArrayToObject(root, "history");
    for (int64_t i = 0; i < run->n_records; ++i) {
        cJSON *row = cJSON_CreateObject();
        epoch_record_json(&run->record[i], row);
        cJSON_AddItemToArray(history, row);
    }
    return root;
}

/* Any thread may call it, so it leaves the context's error alone. */
enum dae_status dae_run_metrics(struct dae_run *run, char **json)
{
    struct error err = {0};
    ENTER_TO_CLOSE();
    pthread_mutex_lock(&run->lock);
    cJSON *metrics = metrics_json(run);
    pthread_mutex_unlock(&run->lock);
    return context_print(metrics, json, &err);
}

enum dae_status dae_run_model(struct dae_run *run, struct dae_model **model)
{
    *model = NULL;
    ENTER(run->context);
    struct error *err = &run->context->err;
    if (is_working(run))
        return error_set(err, DAE_CONFIG, "the run is working; wait for its end, or cancel it");
    if (!run->trainer)
        return error_set(err, DAE_CONFIG, "nothing was trained yet");
    return model_copy(run->context, run->config, trainer_parameters(run->trainer), run->train_set.columns, model, err);
}
