/* dae-cl run: trains the network of a config, compares it with its rivals, and writes everything to a folder. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_result.h"
#include "cli/session.h"
#include "cli/stop.h"
#include "cli/study_output.h"
#include "model/model_file.h"
#include "model/receptive_field.h"

enum { NAME_LEN = 1200 };

/* A run: what it opens and what it makes. */
struct run {
    struct session session;
    struct trained model, standard;
    struct evaluation evaluation;
    struct study_outcome study[STUDY_MAX]; /* n_studied of them */
    int n_studied;
    struct progress_line progress;
    struct whole_images whole_images;
    const char *role; /* of the network that is being trained, in the log */
};

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
    epoch_record_json(record, event);
    return run_folder_log(&run->session.folder, event, err);
}

/* Whose network is kept. */
static enum dae_status log_choice(struct run *run, const struct trained *trained, struct error *err)
{
    const double loss = trained->validation_losses[trained->best_epoch - 1];
    cJSON *event = cJSON_CreateObject();
    fprintf(stderr, "  %safter epoch %lld; epoch %lld, which has the lowest validation loss, %.5f, is kept\n",
            trained->stopped_early ? "stopped early, " : "", (long long)trained->n_epochs,
            (long long)trained->best_epoch, loss);
    cJSON_AddStringToObject(event, "event", "chosen");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON_AddNumberToObject(event, "epoch", (double)trained->best_epoch);
    json_number(event, "validation_loss", loss);
    cJSON_AddBoolToObject(event, "stopped_early", trained->stopped_early);
    return run_folder_log(&run->session.folder, event, err);
}

/* How each batch was split. */
static enum dae_status log_shares(struct run *run, const struct trained *trained, struct error *err)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", "shares");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON *shares = cJSON_AddArrayToObject(event, "samples");
    for (int i = 0; i < run->session.n_devices; ++i) {
        fprintf(stderr, "  %lld of %lld samples of each batch on '%s'\n", (long long)trained->share[i],
                (long long)run->session.settings.batch, device_facts(run->session.devices[i])->name);
        cJSON_AddItemToArray(shares, cJSON_CreateNumber((double)trained->share[i]));
    }
    return run_folder_log(&run->session.folder, event, err);
}

static void on_notice(void *context, const char *notice)
{
    (void)context;
    output_note("  %s\n", notice);
}

static enum dae_status train(struct run *run, const char *role, bool corrupt, struct trained *out, struct error *err)
{
    char name[64], checkpoint[NAME_LEN], notice[512];
    snprintf(name, sizeof name, "checkpoint/%s.safetensors", role);
    TRY(run_folder_path(&run->session.folder, name, checkpoint, sizeof checkpoint, err));
    struct text fingerprint = {0};
    enum dae_status status =
        settings_fingerprint(run->session.config, &run->session.train_set, corrupt, &fingerprint, err);
    if (status == DAE_OK) {
        const struct trainer_options options = {
            .device = run->session.device,
            .network = &run->session.network,
            .settings = &run->session.settings,
            .start = run->session.start.path ? &run->session.start : NULL,
            .train = run->session.train,
            .helper = run->session.helper,
            .n_helpers = run->session.n_devices - 1,
            .weights = run->model.parameters && run->session.n_devices > 1 ? run->model.share : NULL,
            .validation = run->session.validation ? run->session.validation : run->session.test,
            .choose = run->session.validation != NULL,
            .corrupt = corrupt,
            .checkpoint = checkpoint,
            .fingerprint = fingerprint.data,
            .resume = invocation_has(run->session.invocation, "resume"),
            .stop = stop_signal(),
            .on_notice = on_notice,
            .on_progress = on_progress,
            .on_epoch = on_epoch,
            .context = run,
        };
        run->role = role;
        progress_begin(&run->progress, corrupt ? "training the denoising autoencoder"
                                               : "training the same network without noise, for comparison");
        status = trainer_run(&options, notice, sizeof notice, out, err);
        progress_end(&run->progress);
        if (status == DAE_OK && out->best_epoch > 0)
            status = log_choice(run, out, err);
        if (status == DAE_OK && run->session.n_devices > 1)
            status = log_shares(run, out, err);
    }
    text_release(&fingerprint);
    return status;
}

static enum dae_status train_all(struct run *run, struct error *err)
{
    char path[NAME_LEN];
    TRY(session_log(&run->session, "start", device_line(run->session.device), err));
    if (run->session.start.path)
        TRY(session_log(&run->session, "from", run->session.start.notes.data, err));
    TRY(train(run, "model", true, &run->model, err));
    TRY(session_write_config(&run->session, err)); /* a continued run writes its config only now */
    TRY(run_folder_path(&run->session.folder, "model.safetensors", path, sizeof path, err));
    TRY(model_file_save(path, &run->session.network, run->model.parameters, run->session.config,
                        run->session.train_set.columns, err));
    if (run->session.settings.compare_standard)
        TRY(train(run, "standard_ae", false, &run->standard, err));
    return DAE_OK;
}

static enum dae_status on_tiles(void *context, int64_t done, int64_t n, struct error *err)
{
    (void)context, (void)done, (void)n;
    return stop_check(err);
}

/* If the test set has images and the network takes any size: measures whole images, as in the literature. */
static enum dae_status measure_whole_images(struct run *run, struct error *err)
{
    struct receptive_field field;
    const struct tiler_options options = {.device = run->session.device,
                                          .registry = run->session.registry,
                                          .config = run->session.config,
                                          .network = &run->session.network,
                                          .parameters = run->model.parameters,
                                          .on_tiles = on_tiles};
    if (run->session.test_set.block_bytes == 0)
        return DAE_OK;
    TRY(receptive_field_find(&run->session.network, &field, err));
    if (!field.any_size) {
        output_note("the whole test images are not denoised: the network only takes images of its own size: %s\n",
                    field.problem);
        return DAE_OK;
    }
    fprintf(stderr, "denoising the whole test images\n");
    return whole_images_run(&options, &run->session.test_set, &run->whole_images, err);
}

static enum dae_status compare(struct run *run, struct error *err)
{
    const struct evaluation_options options = {
        .device = run->session.device,
        .network = &run->session.network,
        .settings = &run->session.settings,
        .test_set = &run->session.test_set,
        .train = run->session.train,
        .test = run->session.test,
        .model = run->model.parameters,
        .standard = run->standard.parameters,
        .stop = stop_signal(),
    };
    fprintf(stderr, "comparing on all %lld test samples\n", (long long)run->session.test_set.n);
    TRY(evaluation_run(&options, &run->evaluation, err));
    return measure_whole_images(run, err);
}

/* Studies that ended are kept in any case. */
static enum dae_status study(struct run *run, struct error *err)
{
    for (; run->n_studied < run->session.n_studies; ++run->n_studied)
        TRY(study_output_run(&run->session, &run->session.studies[run->n_studied], run->model.parameters,
                             run->standard.parameters, &run->study[run->n_studied], err));
    return DAE_OK;
}

/* The numbers come first, because what follows only illustrates them and may fail. */
static enum dae_status report(struct run *run, struct error *err)
{
    const struct run_result result = {
        .network = &run->session.network,
        .settings = &run->session.settings,
        .config = run->session.config,
        .device = device_facts(run->session.device),
        .device_line = device_line(run->session.device),
        .data_line = run->session.data_line,
        .model = &run->model,
        .standard = run->standard.parameters ? &run->standard : NULL,
        .start = run->session.start.path ? &run->session.start : NULL,
        .evaluation = &run->evaluation,
        .whole_images = run->whole_images.n > 0 ? &run->whole_images : NULL,
        .study = run->study,
        .n_studies = run->n_studied,
        .n_train = run->session.train_set.n,
        .n_validation = run->session.validation_set.n,
        .n_test = run->session.test_set.n,
    };
    const char *folder = run->session.folder.path;
    char path[NAME_LEN];
    TRY(run_folder_path(&run->session.folder, "run.json", path, sizeof path, err));
    cJSON *json = run_result_json(&result);
    enum dae_status status = json_save(path, json, 1, err);
    if (status == DAE_OK && invocation_has(run->session.invocation, "json")) {
        status = output_json(json, err);
        json = NULL;
    } else if (status == DAE_OK) {
        run_result_print(&result, stdout);
        for (int i = 0; i < run->n_studied; ++i)
            study_output_print(&run->study[i], folder, stdout);
    }
    cJSON_Delete(json);
    if (status == DAE_OK)
        status = run_report_write(&result, folder, err);
    if (status == DAE_OK && !invocation_has(run->session.invocation, "json"))
        output_line("\nreport: %s/report.html\n", folder);
    return status;
}

/* A study that fails or is stopped does not affect earlier results. */
static enum dae_status study_and_report(struct run *run, struct error *err)
{
    struct error late = {0};
    enum dae_status status = study(run, err);
    if (status != DAE_OK) {
        if (report(run, &late) != DAE_OK)
            error_note(err, "%s", error_message(&late));
        return status;
    }
    TRY(report(run, err));
    return session_log(&run->session, "done", NULL, err);
}

static enum dae_status run_all(struct run *run, struct error *err)
{
    struct session *session = &run->session;
    TRY(session_read(session, session->invocation->argument[0], NULL, err));
    TRY(evaluation_check(&session->settings, &session->network, session->config, err));
    TRY(session_load(session, err));
    TRY(evaluation_check_data(&session->settings, session->config, &session->train_set, &session->test_set, err));
    const struct study_task task = session_task(session, NULL, NULL);
    TRY(study_check_data(&task, session->studies, session->n_studies, err));
    TRY(session_open_devices(session, true, err));
    TRY(session_open_folder(session, err));
    enum dae_status status = train_all(run, err);
    if (status == DAE_OK)
        status = compare(run, err);
    if (status == DAE_OK)
        status = study_and_report(run, err);
    if (status_is_stop(status))
        error_note(err, "a checkpoint is in %s; to continue, type the same command with --resume",
                   session->folder.path);
    return status;
}

static enum dae_status run_run(const struct invocation *invocation, struct error *err)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return error_no_memory(err, "run", sizeof *run);
    session_init(&run->session, invocation);
    enum dae_status status = run_all(run, err);
    if (status != DAE_OK)
        session_log_failure(&run->session, err);
    evaluation_release(&run->evaluation);
    whole_images_release(&run->whole_images);
    trained_release(&run->model);
    trained_release(&run->standard);
    session_close(&run->session);
    free(run);
    return status;
}

static const struct command_option option_from = {
    "from", "MODEL", OPTION_VALUE, false,
    "start from the weights of MODEL, a model.safetensors or the folder of its run, as the key train.from does"};
static const struct command_option option_freeze = {
    "freeze", "LAYER[,LAYER]", OPTION_LIST, false,
    "layers whose weights stay as they are in MODEL, as the key train.freeze lists them"};

static const struct command_option *const options[] = {
    &option_platform, &option_out,     &option_from,  &option_freeze, &option_resume, &option_force,
    &option_set,      &option_plugins, &option_trust, &option_json,   NULL,
};

const struct command command_run = {
    .name = "run",
    .arguments = "CONFIG",
    .summary = "train a network, compare it with its rivals, and write a report",
    .description =
        "Trains the denoising autoencoder that CONFIG describes, then the rivals that its key compare lists: the same "
        "network without noise, and closed-form maps. Measures all of them on all test samples.\n\n"
        "Writes config.yaml (with every default filled in), log.jsonl, run.json, model.safetensors, checkpoint/, "
        "figures/ and report.html to the run's folder. Ctrl-C stops after the running step and writes a checkpoint; "
        "the same command with --resume continues and ends with the same bytes as a run that was never stopped. A "
        "folder that already holds a run is refused unless --resume or --force is given.\n\n"
        "With --from, training starts from the weights of a trained model instead of random numbers, and so do the "
        "rivals that are networks. Layers are found by their names, which must have the same shapes. What the model "
        "lacks starts from random numbers, and is named, as is what no layer takes. The optimiser and its learning "
        "rate are those of CONFIG. docs/interop.md says more.",
    .options = options,
    .run = run_run,
};
