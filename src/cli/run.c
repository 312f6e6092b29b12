/* dae-cl run: trains the network of a config, compares it with its rivals, and leaves a folder with everything. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/run_folder.h"
#include "cli/run_result.h"
#include "cli/trust.h"
#include "config/tree.h"
#include "train/model_file.h"

enum { NAME_LEN = 1200 };

/* Everything that a run opens, in the order in which it does. */
struct run {
    const struct invocation *invocation;
    struct arena arena;
    struct value *config;
    struct registry *registry;
    struct network network;
    struct settings settings;
    struct dataset train_set, test_set;
    struct dataset_notice notice;
    char data_line[1200];
    struct device *device; /* the first of them */
    struct device *devices[TEAM_MAX];
    struct team_helper helper[TEAM_MAX];
    int n_devices;
    struct loader *train, *test;
    struct run_folder folder;
    struct trained model, standard;
    struct comparison comparison;
    struct progress_line progress;
    struct whole_images whole_images;
    const char *role; /* of the network that is being trained, in the log */
};

static volatile sig_atomic_t stop_signal;

/* The first signal asks for a stop after the step; a second one does not wait for a kernel that never ends. */
static void on_signal(int number)
{
    if (stop_signal)
        _exit(128 + number);
    stop_signal = number;
}

/* After the device is open: some drivers replace handlers when they start. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool same_shape(const struct dae_shape *a, const struct dae_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

/* Reads and checks all that the config says, before any data is read or device touched. */
static enum dae_status read_config(struct run *run, struct error *err)
{
    TRY(invocation_config(run->invocation, run->invocation->argument[0], &run->arena, &run->config, err));
    TRY(invocation_registry(run->invocation, &run->registry, err));
    TRY(settings_read(run->registry, run->config, &run->arena, &run->settings, err));
    TRY(network_build(run->registry, run->config, &run->arena, false, &run->network, err));
    TRY(comparison_check(&run->settings, &run->network, run->config, err));
    struct device_request request;
    return invocation_request(run->invocation, run->config, &request, err);
}

static enum dae_status load_data(struct run *run, struct error *err)
{
    TRY(dataset_load(run->settings.data, getenv("DAE_CL_DATA"), &run->train_set, &run->test_set, &run->notice, err));
    const struct value *source = value_map_get(run->settings.data, "source");
    const struct node *input = &run->network.node[0];
    char want[96], have[96];
    if (run->notice.text[0])
        snprintf(run->data_line, sizeof run->data_line, "%s", run->notice.text);
    else
        snprintf(run->data_line, sizeof run->data_line, "%s", source ? source->text : "?");
    fprintf(stderr, "data: %s (%lld training, %lld test samples of %s)\n", run->data_line, (long long)run->train_set.n,
            (long long)run->test_set.n, shape_text(&run->train_set.shape, have));
    if (!same_shape(&input->plan.output, &run->train_set.shape))
        return error_at(err, DAE_CONFIG, input->mark, "model.input is %s, but the samples are %s",
                        shape_text(&input->plan.output, want), shape_text(&run->train_set.shape, have));
    if (run->train_set.kind != run->test_set.kind)
        return error_set(err, DAE_BAD_DATA, "the training samples are %s and the test samples are %s; give both alike",
                         run->train_set.kind == DATASET_UINT8 ? "bytes" : "floats",
                         run->test_set.kind == DATASET_UINT8 ? "bytes" : "floats");
    return DAE_OK;
}

static enum dae_status open_device(struct run *run, struct error *err)
{
    TRY(invocation_devices(run->invocation, run->config, run->devices, &run->n_devices, err));
    run->device = run->devices[0];
    for (int i = 0; i < run->n_devices; ++i)
        fprintf(stderr, "%s\n", device_line(run->devices[i]));
    catch_signals();
    for (int i = 0; i < run->n_devices; ++i)
        TRY(trust_check(run->invocation, &run->network, &run->settings, run->devices[i], err));
    for (int i = 1; i < run->n_devices; ++i) {
        struct team_helper *helper = &run->helper[i - 1];
        helper->device = run->devices[i];
        TRY(loader_new(helper->device, &run->train_set, run->settings.batch, &helper->train, err));
        TRY(network_check_samples(&run->network, run->train_set.n, loader_is_streamed(helper->train), err));
    }
    TRY(loader_new(run->device, &run->train_set, run->settings.batch, &run->train, err));
    TRY(loader_new(run->device, &run->test_set, run->settings.batch, &run->test, err));
    TRY(network_check_samples(&run->network, run->train_set.n, loader_is_streamed(run->train), err));
    TRY(network_check_samples(&run->network, run->test_set.n, loader_is_streamed(run->test), err));
    if (loader_is_streamed(run->train))
        fprintf(stderr, "data: the training samples are streamed; they are more than the device may hold\n");
    return DAE_OK;
}

static enum dae_status open_folder(struct run *run, struct error *err)
{
    char path[NAME_LEN];
    const char *out = invocation_value(run->invocation, "out");
    if (out)
        snprintf(path, sizeof path, "%s", out);
    else
        snprintf(path, sizeof path, "runs/%s", run->settings.name);
    TRY(run_folder_open(&run->folder, path, invocation_has(run->invocation, "resume"), err));
    TRY(run_folder_path(&run->folder, "config.yaml", path, sizeof path, err));
    struct text yaml = {0};
    enum dae_status status = tree_write(run->config, &yaml, err);
    if (status == DAE_OK)
        status = atomic_file_save(path, yaml.data, yaml.len, err);
    text_release(&yaml);
    return status;
}

static void on_progress(void *context, const struct progress *progress)
{
    struct run *run = context;
    progress_draw(&run->progress, progress);
}

static enum dae_status on_epoch(void *context, const struct epoch_record *record, struct error *err)
{
    struct run *run = context;
    progress_epoch(&run->progress, record);
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", "epoch");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON_AddNumberToObject(event, "epoch", (double)record->epoch);
    json_number(event, "train_loss", record->train_loss);
    json_number(event, "validation_loss", record->validation_loss);
    json_number(event, "seconds", record->seconds);
    json_number(event, "images_per_second", record->images_per_second);
    return run_folder_log(&run->folder, event, err);
}

static enum dae_status log_event(struct run *run, const char *name, const char *text, struct error *err)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", name);
    if (text)
        cJSON_AddStringToObject(event, "text", text);
    return run_folder_log(&run->folder, event, err);
}

/* How each batch was split. */
static enum dae_status log_shares(struct run *run, const struct trained *trained, struct error *err)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", "shares");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON *shares = cJSON_AddArrayToObject(event, "samples");
    for (int i = 0; i < run->n_devices; ++i) {
        fprintf(stderr, "  %lld of %lld samples of each batch on '%s'\n", (long long)trained->share[i],
                (long long)run->settings.batch, device_facts(run->devices[i])->name);
        cJSON_AddItemToArray(shares, cJSON_CreateNumber((double)trained->share[i]));
    }
    return run_folder_log(&run->folder, event, err);
}

static enum dae_status train(struct run *run, const char *role, bool corrupt, struct trained *out, struct error *err)
{
    char name[64], checkpoint[NAME_LEN], notice[512];
    snprintf(name, sizeof name, "checkpoint/%s.safetensors", role);
    TRY(run_folder_path(&run->folder, name, checkpoint, sizeof checkpoint, err));
    struct text fingerprint = {0};
    enum dae_status status = settings_fingerprint(run->config, corrupt, &fingerprint, err);
    if (status == DAE_OK) {
        const struct trainer_options options = {
            .device = run->device,
            .network = &run->network,
            .settings = &run->settings,
            .train = run->train,
            .helper = run->helper,
            .n_helpers = run->n_devices - 1,
            .weights = run->model.parameters && run->n_devices > 1 ? run->model.share : NULL,
            .validation = run->test,
            .bytes = run->train_set.kind == DATASET_UINT8,
            .corrupt = corrupt,
            .checkpoint = checkpoint,
            .fingerprint = fingerprint.data,
            .resume = invocation_has(run->invocation, "resume"),
            .stop = &stop_signal,
            .on_progress = on_progress,
            .on_epoch = on_epoch,
            .context = run,
        };
        run->role = role;
        progress_begin(&run->progress, corrupt ? "training the denoising autoencoder"
                                               : "training the same network without noise, to compare with");
        status = trainer_run(&options, notice, sizeof notice, out, err);
        progress_end(&run->progress);
        if (notice[0])
            fprintf(stderr, "  %s\n", notice);
        if (status == DAE_OK && run->n_devices > 1)
            status = log_shares(run, out, err);
    }
    text_release(&fingerprint);
    if (status == DAE_INTERRUPTED || status == DAE_TERMINATED)
        error_note(err, "a checkpoint is in %s; to go on, type the same command with --resume", run->folder.path);
    return status;
}

static enum dae_status train_all(struct run *run, struct error *err)
{
    char path[NAME_LEN];
    TRY(log_event(run, "start", device_line(run->device), err));
    TRY(train(run, "model", true, &run->model, err));
    TRY(run_folder_path(&run->folder, "model.safetensors", path, sizeof path, err));
    TRY(model_file_save(path, &run->network, run->model.parameters, run->config, err));
    if (run->settings.compare_standard)
        TRY(train(run, "standard_ae", false, &run->standard, err));
    return DAE_OK;
}

/* Where the test set is images and the network takes any size: as the literature measures it. */
static enum dae_status measure_whole_images(struct run *run, struct error *err)
{
    int64_t reach[2];
    const struct tiler_options options = {.device = run->device,
                                          .registry = run->registry,
                                          .config = run->config,
                                          .network = &run->network,
                                          .parameters = run->model.parameters};
    if (run->test_set.block_bytes == 0 || !network_reach(&run->network, reach))
        return DAE_OK;
    fprintf(stderr, "denoising the whole test images\n");
    return whole_images_run(&options, &run->test_set, &run->whole_images, err);
}

static enum dae_status compare_and_report(struct run *run, struct error *err)
{
    const struct comparison_options options = {
        .device = run->device,
        .network = &run->network,
        .settings = &run->settings,
        .test_set = &run->test_set,
        .train = run->train,
        .test = run->test,
        .bytes = run->train_set.kind == DATASET_UINT8,
        .model = run->model.parameters,
        .standard = run->standard.parameters,
    };
    char path[NAME_LEN];
    fprintf(stderr, "comparing on all %lld test samples\n", (long long)run->test_set.n);
    TRY(comparison_run(&options, &run->comparison, err));
    TRY(measure_whole_images(run, err));
    const struct run_result result = {
        .network = &run->network,
        .settings = &run->settings,
        .config = run->config,
        .device = device_facts(run->device),
        .device_line = device_line(run->device),
        .data_line = run->data_line,
        .model = &run->model,
        .standard = run->standard.parameters ? &run->standard : NULL,
        .comparison = &run->comparison,
        .whole_images = run->whole_images.n > 0 ? &run->whole_images : NULL,
        .n_train = run->train_set.n,
        .n_test = run->test_set.n,
    };
    TRY(run_report_write(&result, run->folder.path, err));
    TRY(run_folder_path(&run->folder, "run.json", path, sizeof path, err));
    cJSON *json = run_result_json(&result);
    enum dae_status status = json_save(path, json, 1, err);
    if (status == DAE_OK && invocation_has(run->invocation, "json")) {
        char *text = cJSON_Print(json);
        if (text)
            puts(text);
        free(text);
    } else if (status == DAE_OK) {
        run_result_print(&result, stdout);
        printf("\nreport: %s/report.html\n", run->folder.path);
    }
    cJSON_Delete(json);
    TRY(status);
    return log_event(run, "done", NULL, err);
}

static void release(struct run *run)
{
    comparison_release(&run->comparison);
    whole_images_release(&run->whole_images);
    trained_release(&run->model);
    trained_release(&run->standard);
    run_folder_close(&run->folder);
    loader_free(run->train);
    loader_free(run->test);
    for (int i = 0; i < TEAM_MAX; ++i) {
        loader_free(run->helper[i].train);
        device_close(run->devices[i]);
    }
    dataset_release(&run->train_set);
    dataset_release(&run->test_set);
    registry_close(run->registry);
    arena_release(&run->arena);
}

static enum dae_status run_run(const struct invocation *invocation, struct error *err)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return error_no_memory(err, "run", sizeof *run);
    run->invocation = invocation;
    run->folder.lock = run->folder.log = -1;
    enum dae_status status = read_config(run, err);
    if (status == DAE_OK)
        status = load_data(run, err);
    if (status == DAE_OK)
        status = open_device(run, err);
    if (status == DAE_OK)
        status = open_folder(run, err);
    if (status == DAE_OK)
        status = train_all(run, err);
    if (status == DAE_OK)
        status = compare_and_report(run, err);
    if (status != DAE_OK && run->folder.log >= 0) {
        struct error late = {0}; /* the first error is the one that counts */
        if (log_event(run, "stopped", err->text, &late) != DAE_OK)
            error_note(err, "%s", late.text);
    }
    release(run);
    free(run);
    return status;
}

static const struct command_option option_out = {"out", "DIR", OPTION_VALUE, false,
                                                 "the run's folder; runs/NAME when not given"};
static const struct command_option option_resume = {"resume", NULL, OPTION_FLAG, false,
                                                    "go on from the checkpoint in the folder"};

static const struct command_option *const options[] = {
    &option_platform, &option_out, &option_resume, &option_set, &option_plugins, &option_trust, &option_json, NULL,
};

const struct command command_run = {
    .name = "run",
    .arguments = "CONFIG",
    .summary = "train a network, compare it with its rivals, write a report",
    .description =
        "Trains the denoising autoencoder that CONFIG describes, then, as its key compare asks, the same network "
        "without "
        "noise and the closed-form rivals, and measures all of them on all test samples.\n"
        "\n"
        "The run's folder gets config.yaml (with every default written out), log.jsonl, run.json, model.safetensors, "
        "checkpoint/, figures/ and report.html. Ctrl-C stops after the running step and writes a checkpoint; the same "
        "command with --resume goes on and ends with the same bytes as a run that was never stopped.",
    .options = options,
    .run = run_run,
};
