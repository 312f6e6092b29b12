#include "check/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/philox.h"
#include "data/digits.h"
#include "device/gemm.h"
#include "device/profile.h"
#include "graph/executor.h"
#include "model/loader.h"

enum {
    SAMPLES = 16384, /* unless they or the batch are large */
    MIN_BATCHES = 4,
    MAX_CHUNK = 64, /* training steps between two reads of the loss, as in train/trainer.c */
    MAX_SMALL_CHUNK = 4096,
    MAX_PROFILED = 1000,
    PEAK_SIDE = 1008, /* of the product that gives the peak; rows of 4 KiB would all map to one cache set */
    PEAK_WINDOWS = 5,
    LABEL_LEN = 256,
};

static const int64_t max_data_bytes = 64 << 20;
static const uint64_t copy_bytes = 64 << 20;
static const double chunk_seconds = 0.05, warm_seconds = 0.3, profile_seconds = 0.3, peak_seconds = 0.1,
                    turn_seconds = 0.03;

/* ---- Windows. ---------------------------------------------------------------------------------------------------- */

/* Work that can be enqueued repeatedly. The host reads the first number of `marker` after each chunk, but only waits
 * for the previous read: it is ahead of the device by at most two chunks. */
struct work {
    enum dae_status (*enqueue)(void *context, struct error *err);
    void *context;
    struct device *device;
    const struct buffer *marker;
    int64_t chunk, max_chunk;
};

struct window {
    int64_t times;
    double seconds;
    struct device_counters cost; /* without the wait at the end */
};

static enum dae_status enqueue_chunk(struct work *work, int64_t *times, struct error *err)
{
    for (int64_t i = 0; i < work->chunk; ++i, ++*times)
        TRY(work->enqueue(work->context, err));
    return DAE_OK;
}

static enum dae_status run_window(struct work *work, double seconds, struct window *window, struct error *err)
{
    struct device_event *event[2] = {NULL, NULL};
    float look[2];
    int turn = 0;
    *window = (struct window){0};
    const struct device_counters before = device_count(work->device);
    const double start = clock_seconds();
    enum dae_status status = DAE_OK;
    while (status == DAE_OK && clock_seconds() - start < seconds) {
        status = enqueue_chunk(work, &window->times, err);
        if (status == DAE_OK)
            status = buffer_read_later(work->marker, 0, &look[turn], sizeof look[turn], &event[turn], err);
        turn ^= 1;
        if (status == DAE_OK && event[turn]) {
            status = device_event_wait(work->device, event[turn], err);
            event[turn] = NULL;
        }
    }
    const struct device_counters after = device_count(work->device);
    struct error late = {0}; /* the events must be waited for in any case */
    for (int i = 0; i < 2; ++i)
        if (event[i]) {
            enum dae_status waited = device_event_wait(work->device, event[i], status == DAE_OK ? err : &late);
            status = status == DAE_OK ? waited : status;
        }
    if (status == DAE_OK)
        status = device_finish(work->device, err);
    window->seconds = clock_seconds() - start;
    window->cost = (struct device_counters){after.launches - before.launches, after.waits - before.waits};
    return status;
}

/* Finds the size of a chunk, while caches, clocks and the driver's late compilation settle. */
static enum dae_status warm_up(struct work *work, double seconds, struct error *err)
{
    const double end = clock_seconds() + seconds;
    struct window window;
    work->chunk = 1;
    do {
        TRY(run_window(work, seconds / 16, &window, err));
        double fits = chunk_seconds * (double)window.times / window.seconds;
        work->chunk = fits < 1 ? 1 : fits > (double)work->max_chunk ? work->max_chunk : (int64_t)fits;
    } while (clock_seconds() < end);
    return DAE_OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Warms up, then measures n_windows: `each` is what one enqueueing counts for. `all`, if asked for, sums the windows
 * up. */
static enum dae_status measure(struct work *work, int n_windows, double seconds, double warm, double each,
                               struct bench_rate *rate, struct window *all, struct error *err)
{
    double *rates = calloc((size_t)n_windows, sizeof *rates);
    if (!rates)
        return error_no_memory(err, "windows", (unsigned long long)n_windows * sizeof *rates);
    struct window sum = {0}, window;
    enum dae_status status = warm_up(work, warm, err);
    for (int i = 0; i < n_windows && status == DAE_OK; ++i) {
        status = run_window(work, seconds, &window, err);
        rates[i] = each * (double)window.times / window.seconds;
        sum.times += window.times;
        sum.seconds += window.seconds;
        sum.cost.launches += window.cost.launches;
        sum.cost.waits += window.cost.waits;
    }
    qsort(rates, (size_t)n_windows, sizeof *rates, by_value);
    rate->median = (rates[(n_windows - 1) / 2] + rates[n_windows / 2]) / 2;
    rate->lowest = rates[0];
    rate->highest = rates[n_windows - 1];
    if (all)
        *all = sum;
    free(rates);
    return status;
}

/* ---- Synthetic data. --------------------------------------------------------------------------------------------- */

static void fill_random(uint8_t *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        const uint32_t counter[4] = {(uint32_t)(i / 16), 0, 0, 0}, key[2] = {1, 2};
        uint32_t block[4];
        philox_block(counter, key, block);
        memcpy(bytes + i, block, (size_t)(n - i < 16 ? n - i : 16));
    }
}

static void fill_random_floats(float *values, int64_t n)
{
    uint8_t bytes[1024];
    fill_random(bytes, sizeof bytes);
    for (int64_t i = 0; i < n; ++i)
        values[i] = (float)bytes[i % (int64_t)sizeof bytes] / 255.0f;
}

/* Whole batches: digits if the input has their size, else noise. */
static enum dae_status make_data(const struct bench_options *options, struct arena *arena, struct dataset *set,
                                 const char **words, struct error *err)
{
    const struct dae_shape *shape = &options->network->node[0].plan.output;
    const int64_t most = options->samples ? options->samples : SAMPLES;
    const int64_t len = dae_shape_len(shape), fit = max_data_bytes / len < most ? max_data_bytes / len : most;
    const int64_t batches = fit / options->batch < MIN_BATCHES ? MIN_BATCHES : fit / options->batch;
    int64_t bytes;
    *set = (struct dataset){.n = batches * options->batch,
                            .shape = *shape,
                            .kind = options->floats ? DATASET_FLOAT : DATASET_UINT8,
                            .memory_bytes = options->memory_bytes};
    if (__builtin_mul_overflow(set->n, len * (int64_t)(options->floats ? sizeof(float) : 1), &bytes))
        return error_set(err, DAE_NO_MEMORY, "a batch of %lld is larger than any memory", (long long)options->batch);
    TRY(device_check_memory(options->device, (uint64_t)bytes, "the synthetic data", "try a smaller --batch", err));
    set->values = malloc((size_t)bytes);
    set->labels = malloc((size_t)set->n);
    if (!set->values || !set->labels)
        return error_no_memory(err, "synthetic data", (unsigned long long)bytes);
    const bool digits = !options->floats && shape->dim[0] == DIGITS_SIDE && len == DIGITS_PIXELS;
    if (digits)
        digits_render(1, 0, (size_t)set->n, set->values, set->labels);
    else if (options->floats)
        fill_random_floats(set->values, set->n * len);
    else
        fill_random(set->values, bytes);
    *words = arena_printf(arena, "%lld samples of %s, as %s", (long long)set->n,
                          digits ? "generated digits" : "random numbers", options->floats ? "floats" : "bytes");
    return *words ? DAE_OK : error_no_memory(err, "text", 0);
}

/* ---- Training and inference. ------------------------------------------------------------------------------------- */

struct bencher {
    const struct bench_options *options;
    struct loader *loader;
    struct executor *executor;
    struct buffer *losses; /* (n_steps) of a pass over the data */
    int64_t n_steps, step, t;
    uint32_t epoch;
};

static enum dae_status train_step(void *context, struct error *err)
{
    struct bencher *b = context;
    if (b->step == b->n_steps) {
        TRY(loader_shuffle(b->loader, b->options->network->seed, ++b->epoch, err));
        b->step = 0;
    }
    struct batch batch;
    TRY(loader_batch(b->loader, b->step * b->options->batch, b->options->network->seed, b->epoch, 0, &batch, err));
    return executor_train(b->executor, &batch, ++b->t, 1, b->losses, b->step++, err);
}

static enum dae_status infer_batch(void *context, struct error *err)
{
    struct bencher *b = context;
    b->step = (b->step + 1) % b->n_steps;
    struct batch batch;
    TRY(loader_batch(b->loader, b->step * b->options->batch, b->options->network->seed, 0, 0, &batch, err));
    return executor_forward(b->executor, SCHEDULE_INFER, &batch, err);
}

/* From an open device to the first trained batch. */
static enum dae_status start(struct bencher *b, const struct dataset *set, struct bench *bench, struct error *err)
{
    const struct bench_options *o = b->options;
    const struct executor_options options = {
        .batch = o->batch,
        .bytes = !o->floats,
        .train = true,
        .infer = !o->train_only,
        .corrupt = true,
        .join = true,
        .fold = true,
        .optimizer = o->optimizer,
        .optimizer_state = o->optimizer_state,
    };
    const double begin = clock_seconds();
    TRY(executor_new(o->device, o->network, &options, &b->executor, err));
    const double built = clock_seconds();
    float *parameters = calloc((size_t)o->network->parameters_len, sizeof *parameters);
    if (!parameters)
        return error_no_memory(err, "parameters", (unsigned long long)o->network->parameters_len * sizeof *parameters);
    network_init(o->network, parameters);
    enum dae_status status = executor_set_parameters(b->executor, parameters, err);
    free(parameters);
    TRY(status);
    b->n_steps = set->n / o->batch;
    TRY(buffer_new(o->device, (uint64_t)b->n_steps * sizeof(float), "losses", &b->losses, err));
    TRY(loader_new(o->device, set, o->batch, &b->loader, err));
    TRY(loader_shuffle(b->loader, o->network->seed, 0, err));
    bench->streamed = loader_is_streamed(b->loader);
    const double loaded = clock_seconds();
    TRY(train_step(b, err));
    TRY(device_finish(o->device, err));
    const double stepped = clock_seconds();
    bench->start.build = built - begin;
    bench->start.load = loaded - built;
    bench->start.first_step = stepped - loaded;
    bench->start.total = o->seconds_before + stepped - begin;
    return DAE_OK;
}

/* Numbers that are not finite take a different time to compute. */
static enum dae_status check_loss(const struct bencher *b, struct error *err)
{
    float loss;
    TRY(buffer_read(b->losses, (uint64_t)(b->step - 1) * sizeof loss, &loss, sizeof loss, err));
    if (isfinite(loss))
        return DAE_OK;
    return error_set(err, DAE_DIVERGED, "the loss is not finite after %lld steps; try a smaller learning rate",
                     (long long)b->t);
}

/* ---- Kernels. ---------------------------------------------------------------------------------------------------- */

/* A backward pass computes the gradient of its weights, if any, and perhaps that of its input: each costs a forward
 * pass. */
static double flops_of(const struct network *network, const struct call *call)
{
    const struct node *node = &network->node[call->node];
    if (call->kind == CALL_GATHER)
        return 0;
    int passes = call->kind == CALL_FORWARD ? 1 : node->plan.n_weights > 0;
    if (call->kind == CALL_BACKWARD)
        passes += network->node[node->input[0]].wants_gradient;
    return passes * (double)node->plan.flops;
}

static void call_text(const struct network *network, const struct call *call, char text[LABEL_LEN / 2])
{
    const char *const verb[] = {"", "", " backward"};
    snprintf(text, LABEL_LEN / 2, "%s%s", call->kind == CALL_GATHER ? "gather" : network->node[call->node].name,
             verb[call->kind]);
}

static const struct step *segment_of(const struct schedule *schedule, const char *kernel)
{
    int number, end = 0;
    return sscanf(kernel, "step_%d%n", &number, &end) == 1 && !kernel[end] && number < schedule->n_steps
               ? &schedule->step[number]
               : NULL;
}

/* The displayed name of a row, and its operations per call (NaN: unknown). *behind_loss says whether the loss has
 * passed, because rows are in the order of their first launch. */
static void describe(const struct bencher *b, const struct profile_row *row, bool *behind_loss, char name[LABEL_LEN],
                     double *flops)
{
    const struct network *network = b->options->network;
    const struct schedule *schedule = executor_schedule(b->executor, SCHEDULE_TRAIN);
    const struct step *segment = segment_of(schedule, row->name);
    *flops = NAN;
    if (segment) {
        char first[LABEL_LEN / 2], last[LABEL_LEN / 2];
        const struct call *call = &schedule->call[segment->first];
        call_text(network, call, first);
        call_text(network, call + segment->n - 1, last);
        snprintf(name, LABEL_LEN, segment->n > 1 ? "%s .. %s" : "%s", first, last);
        *flops = 0;
        for (int i = 0; i < segment->n; ++i) {
            *flops += (double)b->options->batch * flops_of(network, &call[i]);
            *behind_loss = *behind_loss || call[i].node >= network->first_loss;
        }
        return;
    }
    const bool product = strncmp(row->name, "gemm_", 5) == 0 && row->n_sizes == 3;
    int at = snprintf(name, LABEL_LEN, "%s", product ? "gemm" : row->name);
    for (int i = 0; i < row->n_sizes; ++i)
        at += snprintf(name + at, (size_t)(LABEL_LEN - at), "%c%d", i ? 'x' : ' ', (int)row->size[i]);
    if (row->n_sizes > 0)
        snprintf(name + at, (size_t)(LABEL_LEN - at), *behind_loss ? " backward" : " forward");
    if (product)
        *flops = 2.0 * row->size[0] * row->size[1] * row->size[2];
}

static int by_time(const void *a, const void *b)
{
    const double x = ((const struct bench_kernel *)a)->milliseconds, y = ((const struct bench_kernel *)b)->milliseconds;
    return (x < y) - (x > y);
}

/* Merges rows with the same name. */
static enum dae_status tabulate(const struct bencher *b, const struct profile *profile, int64_t steps,
                                struct arena *arena, struct bench *bench, struct error *err)
{
    bool behind_loss = false;
    double total = 0;
    bench->kernel = arena_array(arena, (size_t)profile->n_rows + 1, sizeof *bench->kernel);
    if (!bench->kernel)
        return error_no_memory(err, "kernel table", (unsigned)profile->n_rows * sizeof *bench->kernel);
    for (int r = 0; r < profile->n_rows; ++r) {
        const struct profile_row *row = &profile->row[r];
        char name[LABEL_LEN];
        double flops;
        describe(b, row, &behind_loss, name, &flops);
        int i = 0;
        while (i < bench->n_kernels && strcmp(bench->kernel[i].name, name) != 0)
            ++i;
        struct bench_kernel *kernel = &bench->kernel[i];
        if (i == bench->n_kernels) {
            kernel->name = arena_printf(arena, "%s", name);
            if (!kernel->name)
                return error_no_memory(err, "kernel table", 0);
            ++bench->n_kernels;
        }
        kernel->calls += (double)row->calls / (double)steps;
        kernel->milliseconds += 1e3 * row->seconds / (double)steps;
        kernel->gflops += flops * (double)row->calls / (double)steps; /* operations, for now */
        total += 1e3 * row->seconds / (double)steps;
    }
    for (int i = 0; i < bench->n_kernels; ++i) {
        bench->kernel[i].share = bench->kernel[i].milliseconds / total;
        bench->kernel[i].gflops /= 1e6 * bench->kernel[i].milliseconds;
    }
    qsort(bench->kernel, (size_t)bench->n_kernels, sizeof *bench->kernel, by_time);
    return DAE_OK;
}

static enum dae_status profile_steps(struct bencher *b, int64_t steps, struct profile *profile, struct error *err)
{
    TRY(profile_start(b->options->device, err));
    enum dae_status status = DAE_OK;
    for (int64_t i = 0; i < steps && status == DAE_OK; ++i)
        status = train_step(b, err);
    struct error late = {0}; /* the first error is the one that counts */
    enum dae_status stopped = profile_stop(b->options->device, profile, status == DAE_OK ? err : &late);
    return status == DAE_OK ? stopped : status;
}

static enum dae_status time_kernels(struct bencher *b, struct arena *arena, struct bench *bench, struct error *err)
{
    const double steps_per_second = bench->train.median / (double)b->options->batch;
    int64_t steps = (int64_t)(profile_seconds * steps_per_second) + 3;
    if (steps > MAX_PROFILED)
        steps = MAX_PROFILED;
    struct profile profile;
    TRY(profile_steps(b, 1, &profile, err)); /* a new queue may start slowly */
    profile_release(&profile);
    TRY(profile_steps(b, steps, &profile, err));
    enum dae_status status = tabulate(b, &profile, steps, arena, bench, err);
    profile_release(&profile);
    return status;
}

/* ---- What the device can do. ------------------------------------------------------------------------------------- */

struct product_work {
    struct gemm *gemm;
    const struct bench_product *product;
    struct buffer *a, *b, *c;
};

static enum dae_status multiply(void *context, struct error *err)
{
    const struct product_work *w = context;
    const struct gemm_product product = {
        .m = w->product->m, .n = w->product->n, .k = w->product->k, .a = {w->a, 0}, .b = {w->b, 0}, .c = {w->c, 0}};
    return gemm_run(w->gemm, &product, err);
}

/* Numbers in [-1/2, 1/2), because some devices compute zeros faster. */
static enum dae_status new_matrix(struct device *device, int64_t len, struct buffer **out, struct error *err)
{
    float *values = malloc((size_t)len * sizeof *values);
    if (!values)
        return error_no_memory(err, "matrix", (unsigned long long)len * sizeof *values);
    for (int64_t i = 0; i < len; ++i)
        values[i] = (float)(i * 7919 % 4093) / 4093.0f - 0.5f;
    enum dae_status status = buffer_new(device, (uint64_t)len * sizeof *values, "matrix", out, err);
    if (status == DAE_OK)
        status = buffer_write(*out, 0, values, (uint64_t)len * sizeof *values, err);
    free(values);
    return status;
}

enum dae_status bench_gemm(struct device *device, const struct bench_product *product, int n_windows,
                           double window_seconds, struct bench_rate *rate, struct error *err)
{
    const struct gemm_spec spec = {product->transpose_a, product->transpose_b, .definitions = ""};
    struct product_work w = {.product = product};
    struct gemm_pool *pool = NULL;
    int64_t m = product->m, n = product->n, k = product->k, most = INT32_MAX / 8;
    if (m < 1 || n < 1 || k < 1 || m > most / n || m > most / k || n > most / k)
        return error_set(err, DAE_CONFIG, "a product of %lldx%lldx%lld is too large to measure", (long long)m,
                         (long long)n, (long long)k);
    enum dae_status status = gemm_pool_new(device, &pool, err);
    if (status == DAE_OK)
        status = gemm_prepare(pool, &spec, &w.gemm, err);
    if (status == DAE_OK)
        status = new_matrix(device, m * k, &w.a, err);
    if (status == DAE_OK)
        status = new_matrix(device, k * n, &w.b, err);
    if (status == DAE_OK)
        status = new_matrix(device, m * n, &w.c, err);
    struct work work = {multiply, &w, device, w.c, 1, MAX_SMALL_CHUNK};
    if (status == DAE_OK)
        status = measure(&work, n_windows, window_seconds, window_seconds, 2e-9 * (double)m * (double)n * (double)k,
                         rate, NULL, err);
    buffer_free(w.a);
    buffer_free(w.b);
    buffer_free(w.c);
    gemm_pool_free(pool);
    return status;
}

struct copy_work {
    struct buffer *from, *to;
};

static enum dae_status copy(void *context, struct error *err)
{
    const struct copy_work *w = context;
    return buffer_copy(w->from, w->to, copy_bytes, err);
}

enum dae_status bench_copy(struct device *device, double *gb_per_second, struct error *err)
{
    struct copy_work w = {NULL, NULL};
    struct bench_rate rate = {0};
    enum dae_status status = buffer_new(device, copy_bytes, "copy", &w.from, err);
    if (status == DAE_OK)
        status = buffer_new(device, copy_bytes, "copy", &w.to, err);
    struct work work = {copy, &w, device, w.to, 1, MAX_SMALL_CHUNK};
    if (status == DAE_OK)
        status = measure(&work, PEAK_WINDOWS, peak_seconds, peak_seconds, 2e-9 * (double)copy_bytes, &rate, NULL, err);
    *gb_per_second = rate.highest;
    buffer_free(w.from);
    buffer_free(w.to);
    return status;
}

/* ---- All of it. -------------------------------------------------------------------------------------------------- */

static enum dae_status measure_network(struct bencher *b, struct arena *arena, struct bench *bench, struct error *err)
{
    const struct bench_options *o = b->options;
    struct window all;
    struct work work = {train_step, b, o->device, b->losses, 1, MAX_CHUNK};
    TRY(measure(&work, o->n_windows, o->window_seconds, warm_seconds, (double)o->batch, &bench->train, &all, err));
    bench->launches_per_step = (double)all.cost.launches / (double)all.times;
    bench->waits_per_step = (double)all.cost.waits / (double)all.times;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    bench->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    if (o->train_only)
        return check_loss(b, err);
    TRY(time_kernels(b, arena, bench, err));
    TRY(check_loss(b, err));
    work = (struct work){infer_batch, b, o->device, b->losses, 1, MAX_SMALL_CHUNK};
    return measure(&work, o->n_windows, o->window_seconds, warm_seconds, (double)o->batch, &bench->infer, NULL, err);
}

enum dae_status bench_run(const struct bench_options *options, struct arena *arena, struct bench *bench,
                          struct error *err)
{
    struct bencher b = {.options = options};
    struct dataset set = {0};
    struct bench_rate peak;
    *bench = (struct bench){0};
    enum dae_status status = make_data(options, arena, &set, &bench->data, err);
    if (status == DAE_OK)
        status = start(&b, &set, bench, err);
    if (status == DAE_OK)
        status = measure_network(&b, arena, bench, err);
    loader_free(b.loader);
    dataset_release(&set);
    executor_free(b.executor);
    buffer_free(b.losses);
    TRY(status);
    if (options->train_only)
        return DAE_OK;
    const struct bench_product product = {false, false, PEAK_SIDE, PEAK_SIDE, PEAK_SIDE};
    TRY(bench_gemm(options->device, &product, PEAK_WINDOWS, peak_seconds, &peak, err));
    bench->gemm_gflops_peak = peak.highest;
    return bench_copy(options->device, &bench->copy_gb_per_second, err);
}

/* ---- Measuring in turns. ----------------------------------------------------------------------------------------- */

struct bench_trainer {
    struct bencher bencher;
    struct dataset set;
    struct tuning tuning;
    struct work work;
};

static enum dae_status settle(struct bench_trainer *t, struct error *err)
{
    const struct bench_options *o = t->bencher.options;
    struct arena arena = {0};
    struct bench bench = {0};
    enum dae_status status = make_data(o, &arena, &t->set, &bench.data, err);
    if (status == DAE_OK)
        status = start(&t->bencher, &t->set, &bench, err);
    arena_release(&arena);
    TRY(status);
    t->work = (struct work){train_step, &t->bencher, o->device, t->bencher.losses, 1, MAX_CHUNK};
    TRY(warm_up(&t->work, turn_seconds, err));
    return check_loss(&t->bencher, err);
}

enum dae_status bench_trainer_new(const struct bench_options *options, struct bench_trainer **out, struct error *err)
{
    struct bench_trainer *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return error_no_memory(err, "trainer", sizeof *t);
    t->bencher.options = options;
    t->tuning = *device_tuning(options->device);
    const enum dae_status status = settle(t, err);
    if (status == DAE_OK)
        *out = t;
    else
        bench_trainer_free(t);
    return status;
}

enum dae_status bench_trainer_window(struct bench_trainer *trainer, double seconds, double *rate, struct error *err)
{
    const struct bench_options *o = trainer->bencher.options;
    struct window window;
    device_set_tuning(o->device, &trainer->tuning);
    TRY(run_window(&trainer->work, seconds, &window, err));
    *rate = (double)o->batch * (double)window.times / window.seconds;
    return DAE_OK;
}

void bench_trainer_free(struct bench_trainer *trainer)
{
    if (!trainer)
        return;
    loader_free(trainer->bencher.loader);
    dataset_release(&trainer->set);
    executor_free(trainer->bencher.executor);
    buffer_free(trainer->bencher.losses);
    free(trainer);
}
