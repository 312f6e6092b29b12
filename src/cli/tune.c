/* dae-cl tune: finds by trial the fastest settings of a device for a network, and remembers them for that device. */
#include <stdio.h>

#include "check/tune.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "graph/build.h"
#include "train/settings.h"

enum { N_COLUMNS = 3 };

static void show_progress(int done, int of)
{
    if (progress_on_terminal())
        fprintf(stderr, "\rtrial %d of at most %d", done, of);
}

static enum dae_status print(const struct tune_report *report, struct arena *arena, struct error *err)
{
    static const char *const header[N_COLUMNS] = {"trial", "images/s", ""};
    const char **cell = arena_array(arena, (size_t)report->n_trials * N_COLUMNS, sizeof *cell);
    if (!cell)
        return error_no_memory(err, "table", 0);
    for (int i = 0; i < report->n_trials; ++i) {
        const char **row = cell + i * N_COLUMNS;
        row[0] = report->trial[i].what;
        row[1] = arena_printf(arena, "%.0f", report->trial[i].rate);
        row[2] = i > 0 && report->trial[i].chosen ? "faster" : "";
        if (!row[1])
            return error_no_memory(err, "table", 0);
    }
    output_table(header, "lrl", cell, report->n_trials);
    const struct tuning *tuning = &report->tuning;
    printf("\nremembered for this device: products by %d rows x %d vectors, convolutions by %d pixels x %d vectors and "
           "%d rows "
           "of weights%s, %d samples in flight, random numbers by %s\n"
           "training: %.0f images/s before, %.0f now\n",
           tuning->gemm_rows, tuning->gemm_columns, tuning->conv_tile / tuning->conv_block, tuning->conv_block,
           tuning->conv_rows, tuning->winograd ? " with Winograd's algorithm" : "", tuning->units,
           tuning->mul_hi ? "mul_hi" : "wide products", report->before, report->after);
    return DAE_OK;
}

static cJSON *to_json(const struct tune_report *report)
{
    cJSON *root = cJSON_CreateObject();
    json_number(root, "before_images_per_second", report->before);
    json_number(root, "after_images_per_second", report->after);
    json_number(root, "gemm_rows", report->tuning.gemm_rows);
    json_number(root, "gemm_columns", report->tuning.gemm_columns);
    json_number(root, "conv_tile", report->tuning.conv_tile);
    json_number(root, "conv_block", report->tuning.conv_block);
    json_number(root, "conv_rows", report->tuning.conv_rows);
    json_number(root, "winograd", report->tuning.winograd);
    json_number(root, "units", report->tuning.units);
    json_number(root, "mul_hi", report->tuning.mul_hi);
    cJSON *trials = cJSON_AddArrayToObject(root, "trials");
    for (int i = 0; i < report->n_trials; ++i) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "what", report->trial[i].what);
        json_number(row, "images_per_second", report->trial[i].rate);
        cJSON_AddBoolToObject(row, "chosen", report->trial[i].chosen);
        if (!cJSON_AddItemToArray(trials, row))
            cJSON_Delete(row);
    }
    return root;
}

static enum dae_status tune(const struct invocation *invocation, const struct registry *registry, struct arena *arena,
                            struct device **device, struct error *err)
{
    struct value *config;
    struct settings settings;
    struct network network;
    struct tune_report report;
    TRY(invocation_config(invocation, invocation->argument[0], arena, &config, err));
    TRY(settings_read(registry, config, arena, &settings, err));
    TRY(network_build(registry, config, arena, false, &network, err));
    TRY(invocation_device(invocation, config, device, err));
    TRY(invocation_trust(invocation, &network, &settings, *device, err));
    fprintf(stderr, "%s\n", device_line(*device));
    const struct tune_options options = {
        .device = *device,
        .network = &network,
        .optimizer = settings.optimizer,
        .optimizer_state = settings.optimizer_state,
        .batch = settings.batch,
        .progress = show_progress,
    };
    TRY(tune_run(&options, arena, &report, err));
    if (progress_on_terminal())
        fputs("\n", stderr);
    TRY(tuning_remember(device_facts(*device), &report.tuning, err));
    return invocation_has(invocation, "json") ? output_json(to_json(&report), err) : print(&report, arena, err);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct arena arena = {0};
    struct registry *registry = NULL;
    struct device *device = NULL;
    enum dae_status status = invocation_registry(invocation, &registry, err);
    if (status == DAE_OK)
        status = tune(invocation, registry, &arena, &device, err);
    invocation_close(device);
    registry_close(registry);
    arena_release(&arena);
    return status;
}

static const struct command_option *const options[] = {
    &option_platform, &option_trust, &option_set, &option_plugins, &option_json, NULL,
};

static const struct command_row examples[] = {
    {"dae-cl tune image_gray", "find the fastest settings, and remember them for this device"},
    {NULL, NULL},
};

const struct command command_tune = {
    .name = "tune",
    .arguments = "CONFIG",
    .summary = "find the settings with which a device trains a network fastest",
    .description =
        "Trains the network of CONFIG on synthetic data with other sizes of register tiles, with and without "
        "Winograd's algorithm, with another number of samples in flight and another way to multiply random "
        "numbers. A device's first use tries a few of these for three seconds. Each trial takes about a second "
        "plus the time to compile; a setting is kept if it is faster by more than the measurement varies. "
        "Later runs on the same device, with the same driver and version of dae-cl, use the settings; "
        "`device: {tuned: false}` ignores them.\n\n"
        "Tuning changes no random number and no shard of a gradient. Sizes of tiles may change the order of "
        "a product's sums, Winograd's algorithm what is rounded, and so the last bits of results.\n\n"
        "The settings are in a small file in $DAE_CL_CACHE_DIR, else $XDG_CACHE_HOME/dae-cl, else "
        "~/.cache/dae-cl; remove it to reset them.",
    .options = options,
    .examples = examples,
    .run = run,
};
