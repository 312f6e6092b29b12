/* dae-cl bench: how fast a config's network trains and runs on a device, and where the time goes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check/bench.h"
#include "check/trust.h"
#include "cli/command.h"
#include "cli/output.h"
#include "config/fields.h"
#include "config/tree.h"
#include "graph/build.h"
#include "train/settings.h"

enum { N_COLUMNS = 6, DEFAULT_WINDOWS = 5, MAX_WINDOWS = 1000 };
static const double window_seconds = 0.5;

/* What is measured, and on what. */
struct subject {
    struct value *config;
    struct settings settings;
    struct network network;
    struct device *device;
    double platform_seconds;
    long long memory_mib; /* data.memory */
    int n_windows;
};

static enum dae_status read_windows(const struct invocation *invocation, int *n_windows, struct error *err)
{
    const char *text = invocation_value(invocation, "windows");
    *n_windows = DEFAULT_WINDOWS;
    if (!text)
        return DAE_OK;
    char *end;
    const long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > MAX_WINDOWS) {
        char excerpt[VALUE_EXCERPT_BYTES];
        return error_set(err, DAE_CONFIG, "bench: --windows '%s': expects a number from 1 to %d",
                         value_excerpt(text, excerpt), MAX_WINDOWS);
    }
    *n_windows = (int)n;
    return DAE_OK;
}

/* --batch N is --set train.batch=N. */
static enum dae_status set_batch(const struct invocation *invocation, struct value *config, struct arena *arena,
                                 struct error *err)
{
    const char *batch = invocation_value(invocation, "batch");
    if (!batch)
        return DAE_OK;
    const char *assignment = arena_printf(arena, "train.batch=%s", batch);
    return assignment ? tree_set(config, assignment, arena, err) : error_no_memory(err, "config", 0);
}

static enum dae_status open_subject(const struct invocation *invocation, const struct registry *registry,
                                    struct arena *arena, struct subject *subject, struct error *err)
{
    struct device_request request;
    TRY(read_windows(invocation, &subject->n_windows, err));
    TRY(invocation_config(invocation, invocation->argument[0], arena, &subject->config, err));
    TRY(set_batch(invocation, subject->config, arena, err));
    TRY(settings_read(registry, subject->config, arena, &subject->settings, err));
    const struct value *memory = value_map_get(subject->settings.data, "memory");
    if (memory)
        TRY(field_int(memory, 0, LLONG_MAX >> 20, &subject->memory_mib, err));
    TRY(invocation_request(invocation, subject->config, &request, err));
    TRY(network_build(registry, subject->config, arena, false, &subject->network, err));
    const double begin = clock_seconds();
    TRY(invocation_device(invocation, subject->config, &subject->device, err));
    subject->platform_seconds = clock_seconds() - begin;
    return invocation_trust_and_tune(invocation, &subject->network, &subject->settings, subject->device, err);
}

static cJSON *to_json(const struct subject *subject, const struct bench *bench)
{
    cJSON *root = cJSON_CreateObject();
    json_number(root, "train_images_per_second", bench->train.median);
    json_number(root, "infer_images_per_second", bench->infer.median);
    json_number(root, "launches_per_step", bench->launches_per_step);
    json_number(root, "host_waits_per_step", bench->waits_per_step);
    cJSON *start = cJSON_AddObjectToObject(root, "start_seconds");
    json_number(start, "platform", subject->platform_seconds);
    json_number(start, "build", bench->start.build);
    json_number(start, "load", bench->start.load);
    json_number(start, "first_step", bench->start.first_step);
    json_number(start, "total", bench->start.total);
    json_number(root, "peak_rss_bytes", (double)bench->peak_rss_bytes);
    json_number(root, "gemm_gflops_peak", bench->gemm_gflops_peak);
    json_number(root, "copy_gb_per_second", bench->copy_gb_per_second);
    cJSON *kernels = cJSON_AddArrayToObject(root, "kernels");
    for (int i = 0; i < bench->n_kernels; ++i) {
        const struct bench_kernel *kernel = &bench->kernel[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", kernel->name);
        json_number(row, "calls", kernel->calls);
        json_number(row, "milliseconds", kernel->milliseconds);
        json_number(row, "share", kernel->share);
        json_number(row, "gflops", kernel->gflops);
        cJSON_AddItemToArray(kernels, row);
    }
    return root;
}

static void print_rate(const char *what, const struct bench_rate *rate, int n_windows)
{
    printf("%-12s%10.0f images/s   (%d windows: %.0f to %.0f)\n", what, rate->median, n_windows, rate->lowest,
           rate->highest);
}

static enum dae_status print_kernels(const struct bench *bench, struct arena *arena, struct error *err)
{
    static const char *const header[N_COLUMNS] = {"kernel", "calls", "ms", "share", "GFLOP/s", "of peak"};
    const char **cell = arena_array(arena, (size_t)bench->n_kernels * N_COLUMNS, sizeof *cell);
    bool filled = cell != NULL;
    for (int i = 0; i < bench->n_kernels && filled; ++i) {
        const struct bench_kernel *kernel = &bench->kernel[i];
        const char **row = cell + i * N_COLUMNS;
        const bool known = kernel->gflops > 0;
        row[0] = kernel->name;
        row[1] = arena_printf(arena, "%.4g", kernel->calls);
        row[2] = arena_printf(arena, "%.3f", kernel->milliseconds);
        row[3] = arena_printf(arena, "%.1f %%", 100 * kernel->share);
        row[4] = known ? arena_printf(arena, "%.1f", kernel->gflops) : "";
        row[5] = known ? arena_printf(arena, "%.0f %%", 100 * kernel->gflops / bench->gemm_gflops_peak) : "";
        for (int j = 0; j < N_COLUMNS; ++j)
            filled = filled && row[j];
    }
    if (!filled)
        return error_no_memory(err, "table", 0);
    output_table(header, "lrrrrr", cell, bench->n_kernels);
    return DAE_OK;
}

static enum dae_status print(const struct subject *subject, const struct bench *bench, struct arena *arena,
                             struct error *err)
{
    double kernels = 0;
    for (int i = 0; i < bench->n_kernels; ++i)
        kernels += bench->kernel[i].milliseconds;
    printf("%s, batch %lld, %s\n%s\ndata: %s, %s; the config's data are not used\n\n", subject->settings.name,
           (long long)subject->settings.batch, subject->settings.optimizer->name, device_line(subject->device),
           bench->data, bench->streamed ? "streamed to the device" : "on the device");
    print_rate("training", &bench->train, subject->n_windows);
    print_rate("inference", &bench->infer, subject->n_windows);
    printf("step        %10.3f ms         (kernels %.3f ms; %.4g launches, %.2g waits of the host)\n",
           1e3 * (double)subject->settings.batch / bench->train.median, kernels, bench->launches_per_step,
           bench->waits_per_step);
    printf("start       %10.3f s          (platform %.3f, build %.3f, load %.3f, first step %.3f)\n",
           bench->start.total, subject->platform_seconds, bench->start.build, bench->start.load,
           bench->start.first_step);
    printf("memory      %10.1f MiB        (peak of this process while training)\n",
           (double)bench->peak_rss_bytes / 0x1p20);
    printf("device      %10.1f GFLOP/s    (measured peak of a product; copies %.1f GB/s)\n\n", bench->gemm_gflops_peak,
           bench->copy_gb_per_second);
    return print_kernels(bench, arena, err);
}

static enum dae_status run_bench(const struct invocation *invocation, struct error *err)
{
    struct arena arena = {0};
    struct registry *registry = NULL;
    struct subject subject = {0};
    struct bench bench;
    const double begin = clock_seconds();
    enum dae_status status = invocation_registry(invocation, &registry, err);
    if (status == DAE_OK)
        status = open_subject(invocation, registry, &arena, &subject, err);
    if (status == DAE_OK) {
        const struct bench_options options = {
            .device = subject.device,
            .network = &subject.network,
            .optimizer = subject.settings.optimizer,
            .optimizer_state = subject.settings.optimizer_state,
            .batch = subject.settings.batch,
            .memory_bytes = (int64_t)subject.memory_mib << 20,
            .n_windows = subject.n_windows,
            .window_seconds = window_seconds,
            .seconds_before = clock_seconds() - begin,
        };
        status = bench_run(&options, &arena, &bench, err);
    }
    if (status == DAE_OK && invocation_has(invocation, "json"))
        status = output_json(to_json(&subject, &bench), err);
    else if (status == DAE_OK)
        status = print(&subject, &bench, &arena, err);
    invocation_close(subject.device);
    registry_close(registry);
    arena_release(&arena);
    return status;
}

static const struct command_option option_batch = {"batch", "N", OPTION_VALUE, false,
                                                   "samples per batch, instead of the config's train.batch"};
static const struct command_option option_windows = {
    "windows", "N", OPTION_VALUE, false,
    "number of windows of half a second to measure; the median counts; 5 if not given"};

static const struct command_option *const options[] = {
    &option_platform, &option_batch, &option_windows, &option_set, &option_plugins, &option_trust, &option_json, NULL,
};

static const struct command_row examples[] = {
    {"dae-cl bench fc_mnist", "samples per second, and the time of each kernel"},
    {"dae-cl bench fc_mnist --batch 512 --windows 9", "the same with other batches, measured for longer"},
    {NULL, NULL},
};

const struct command command_bench = {
    .name = "bench",
    .arguments = "CONFIG",
    .summary = "measure how fast a network trains and runs, and where the time goes",
    .description = "Builds the network of CONFIG and measures it on synthetic data: generated digits if the input is "
                   "28x28, else noise. Of the config's data section, only memory is used. Training does what run does: "
                   "corruption, forward, loss, backward, reductions and the update, with a new order of the samples in "
                   "each pass. Inference is the forward pass over inputs on the device; its outputs stay there, and "
                   "the host waits for them only at the end.\n\n"
                   "Kernels are timed by OpenCL's clock in separate training steps; calls and milliseconds are per "
                   "step. The peak is a product of 1008x1008x1008; copies count bytes read and bytes written. The "
                   "start ends with the first trained batch, and does not include generating the data.",
    .options = options,
    .examples = examples,
    .run = run_bench,
};
