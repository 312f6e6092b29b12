#include "cli/training_run.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/figures.h"
#include "cli/output.h"
#include "cli/ranks_start.h"
#include "cli/run_values.h"
#include "cli/stop.h"
#include "model/model_file.h"
#include "model/receptive_field.h"
#include "train/settings_fingerprint.h"
#include "train/test_errors.h"

enum { NAME_LEN = 1200 };

/* A line about what is done now. */
static void say(const struct training_run *run, const char *format, ...) BASE_PRINTF(2, 3);
static void say(const struct training_run *run, const char *format, ...)
{
    char line[NAME_LEN];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (!run->on_part)
        output_note("%s\n", line);
}

static void on_progress(void *context, const struct progress *progress)
{
    struct training_run *run = context;
    const double part = (double)(progress->epoch - 1) + (double)progress->step / (double)progress->n_steps;
    if (run->on_part)
        run->on_part(run->context, part / (double)progress->n_epochs);
    else
        progress_draw(&run->progress, progress);
}

static enum dae_status on_epoch(void *context, const struct epoch_record *record, struct error *err)
{
    struct training_run *run = context;
    if (!run->on_part)
        progress_epoch(&run->progress, record);
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", "epoch");
    cJSON_AddStringToObject(event, "network", run->role);
    epoch_record_json(record, event);
    return run_folder_log(&run->session->folder, event, err);
}

/* Whose network is kept. */
static enum dae_status log_choice(struct training_run *run, const struct trained *trained, struct error *err)
{
    const double loss = trained->validation_losses[trained->best_epoch - 1];
    cJSON *event = cJSON_CreateObject();
    say(run, "  %safter epoch %lld; epoch %lld, which has the lowest validation loss, %.5f, is kept",
        trained->stopped_early ? "stopped early, " : "", (long long)trained->n_epochs, (long long)trained->best_epoch,
        loss);
    cJSON_AddStringToObject(event, "event", "chosen");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON_AddNumberToObject(event, "epoch", (double)trained->best_epoch);
    json_number(event, "validation_loss", loss);
    cJSON_AddBoolToObject(event, "stopped_early", trained->stopped_early);
    return run_folder_log(&run->session->folder, event, err);
}

/* How each batch was split. */
static enum dae_status log_shares(struct training_run *run, const struct trained *trained, struct error *err)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", "shares");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON *shares = cJSON_AddArrayToObject(event, "samples");
    for (int i = 0; i < run->session->n_devices; ++i) {
        say(run, "  %lld of %lld samples of each batch on '%s'", (long long)trained->share[i],
            (long long)run->session->settings.batch, device_facts(run->session->devices[i])->name);
        cJSON_AddItemToArray(shares, cJSON_CreateNumber((double)trained->share[i]));
    }
    return run_folder_log(&run->session->folder, event, err);
}

/* What the parts and the ranks cost. */
static enum dae_status log_parts(struct training_run *run, const struct trained *trained, struct error *err)
{
    const struct parts_cost *cost = &trained->parts;
    const struct ranks *ranks = run->session->ranks;
    const double steps = (double)cost->steps;
    cJSON *event = cJSON_CreateObject();
    say(run, "  %d rank%s%s%s, %lld parts; in a step %.3f ms of adding, %.3f ms of exchange, %.0f bytes sent",
        ranks ? ranks_count(ranks) : 1, ranks ? "s" : "", ranks ? " over " : "", ranks ? ranks_transport(ranks) : "",
        (long long)run->session->settings.parts, 1000 * cost->add_seconds / steps,
        1000 * cost->exchange_seconds / steps, (double)cost->bytes_sent / steps);
    cJSON_AddStringToObject(event, "event", "ranks");
    cJSON_AddStringToObject(event, "network", run->role);
    cJSON_AddNumberToObject(event, "ranks", ranks ? ranks_count(ranks) : 1);
    cJSON_AddNumberToObject(event, "parts", (double)run->session->settings.parts);
    cJSON_AddNumberToObject(event, "gradient_bytes", (double)run->session->network.trained_len * sizeof(float));
    json_number(event, "sent_bytes_per_step", (double)cost->bytes_sent / steps);
    json_number(event, "adding_seconds_per_step", cost->add_seconds / steps);
    json_number(event, "exchange_seconds_per_step", cost->exchange_seconds / steps);
    json_number(event, "training_seconds_per_step", trained->seconds / steps);
    return run_folder_log(&run->session->folder, event, err);
}

static enum dae_status log_training(struct training_run *run, const struct trained *out, struct error *err)
{
    if (out->best_epoch > 0)
        TRY(log_choice(run, out, err));
    if (out->parts.steps > 0)
        TRY(log_parts(run, out, err));
    return run->session->n_devices > 1 ? log_shares(run, out, err) : DAE_OK;
}

/* Whether this process keeps the run's folder: it is alone, or rank 0. */
static bool leads(const struct training_run *run)
{
    return !run->session->ranks || ranks_number(run->session->ranks) == 0;
}

static void on_notice(void *context, const char *notice)
{
    say(context, "  %s", notice);
}

static enum dae_status train(struct training_run *run, const char *role, bool corrupt, struct trained *out,
                             struct error *err)
{
    char name[64], checkpoint[NAME_LEN] = "", notice[512];
    const bool speaks = leads(run), keeps = speaks && run->keeps_model; /* the other ranks keep no files */
    snprintf(name, sizeof name, "checkpoint/%s.safetensors", role);
    if (speaks)
        TRY(run_folder_path(&run->session->folder, name, checkpoint, sizeof checkpoint, err));
    struct text fingerprint = {0};
    enum dae_status status =
        settings_fingerprint(run->session->config, &run->session->train_set, corrupt, &fingerprint, err);
    if (status == DAE_OK) {
        const struct trainer_options options = {
            .device = run->session->device,
            .network = &run->session->network,
            .settings = &run->session->settings,
            .train = run->session->train,
            .helper = run->session->helper,
            .n_helpers = run->session->n_devices - 1,
            .weights = run->model.parameters && run->session->n_devices > 1 ? run->model.share : NULL,
            .validation = run->session->validation ? run->session->validation : run->session->test,
            .choose = run->session->validation != NULL,
            .ranks = run->session->ranks,
            .start = run->session->start.path ? &run->session->start : NULL,
            .corrupt = corrupt,
            .checkpoint = keeps ? checkpoint : NULL,
            .fingerprint = fingerprint.data,
            .resume = keeps && invocation_has(run->session->invocation, "resume"),
            .stop = stop_signal(),
            .on_notice = on_notice,
            .on_progress = on_progress,
            .on_epoch = speaks ? on_epoch : NULL,
            .context = run,
        };
        run->role = role;
        if (!run->on_part)
            progress_begin(&run->progress, corrupt ? "training the denoising autoencoder"
                                                   : "training the same network without noise, for comparison");
        status = trainer_run(&options, notice, sizeof notice, out, err);
        if (!run->on_part)
            progress_end(&run->progress);
        if (status == DAE_OK && speaks)
            status = log_training(run, out, err);
    }
    text_release(&fingerprint);
    return status;
}

/* A rank other than 0 helps to train, and keeps nothing. */
static enum dae_status train_silently(struct training_run *run, struct error *err)
{
    TRY(train(run, "model", true, &run->model, err));
    return run->session->settings.compare_standard ? train(run, "standard_ae", false, &run->standard, err) : DAE_OK;
}

static enum dae_status train_all(struct training_run *run, struct error *err)
{
    char path[NAME_LEN];
    TRY(session_log(run->session, "start", device_line(run->session->device), err));
    if (run->session->start.path)
        TRY(session_log(run->session, "from", run->session->start.notes.data, err));
    TRY(train(run, "model", true, &run->model, err));
    TRY(session_write_config(run->session, err)); /* a continued run writes its config only now */
    TRY(run_folder_path(&run->session->folder, "model.safetensors", path, sizeof path, err));
    if (run->keeps_model)
        TRY(model_file_save(path, &run->session->network, run->model.parameters, run->session->config,
                            run->session->train_set.columns, err));
    if (run->session->settings.compare_standard)
        TRY(train(run, "standard_ae", false, &run->standard, err));
    return DAE_OK;
}

static enum dae_status on_tiles(void *context, int64_t done, int64_t n, struct error *err)
{
    (void)context, (void)done, (void)n;
    return stop_check(err);
}

/* If the test set has images and the network takes any size: measures whole images, as in the literature. */
static enum dae_status measure_whole_images(struct training_run *run, struct error *err)
{
    struct receptive_field field;
    const struct tiler_options options = {.device = run->session->device,
                                          .registry = run->session->registry,
                                          .config = run->session->config,
                                          .network = &run->session->network,
                                          .parameters = run->model.parameters,
                                          .on_tiles = on_tiles};
    if (run->session->test_set.block_bytes == 0 || !run->reports)
        return DAE_OK;
    TRY(receptive_field_find(&run->session->network, &field, err));
    if (!field.any_size) {
        say(run, "the whole test images are not denoised: the network only takes images of its own size: %s",
            field.problem);
        return DAE_OK;
    }
    say(run, "denoising the whole test images");
    return whole_images_run(&options, &run->session->test_set, &run->whole_images, err);
}

static enum dae_status compare(struct training_run *run, struct error *err)
{
    const struct evaluation_options options = {
        .device = run->session->device,
        .network = &run->session->network,
        .settings = &run->session->settings,
        .test_set = &run->session->test_set,
        .train = run->session->train,
        .test = run->session->test,
        .model = run->model.parameters,
        .standard = run->standard.parameters,
        .stop = stop_signal(),
    };
    say(run, "comparing on all %lld test samples", (long long)run->session->test_set.n);
    TRY(evaluation_run(&options, &run->evaluation, err));
    return measure_whole_images(run, err);
}

/* Studies that ended are kept in any case. */
static enum dae_status study(struct training_run *run, struct error *err)
{
    for (; run->n_studied < run->session->n_studies; ++run->n_studied)
        TRY(study_output_run(run->session, &run->session->studies[run->n_studied], run->model.parameters,
                             run->standard.parameters, &run->study[run->n_studied], err));
    return DAE_OK;
}

static struct run_result result_of(const struct training_run *run, const struct provenance *provenance)
{
    const struct session *session = run->session;
    return (struct run_result){
        .network = &session->network,
        .settings = &session->settings,
        .config = session->config,
        .device = device_facts(session->device),
        .device_line = device_line(session->device),
        .data_line = session->data_line,
        .model = &run->model,
        .standard = run->standard.parameters ? &run->standard : NULL,
        .start = session->start.path ? &session->start : NULL,
        .evaluation = &run->evaluation,
        .whole_images = run->whole_images.n > 0 ? &run->whole_images : NULL,
        .study = run->study,
        .n_studies = run->n_studied,
        .n_train = session->train_set.n,
        .n_validation = session->validation_set.n,
        .n_test = session->test_set.n,
        .train_checksum = session->train_set.checksum,
        .provenance = provenance,
    };
}

static enum dae_status save_numbers(struct training_run *run, const struct run_result *result, struct error *err)
{
    const struct run_folder *folder = &run->session->folder;
    char path[NAME_LEN];
    TRY(run_folder_path(folder, RUN_FOLDER_ERRORS, path, sizeof path, err));
    TRY(test_errors_save(path, &run->evaluation, &run->session->test_set, err));
    TRY(run_folder_path(folder, "run.json", path, sizeof path, err));
    cJSON_Delete(run->json);
    run->json = run_result_json(result);
    return json_save(path, run->json, 1, err);
}

/* Everything that a user has asked to see. */
static enum dae_status print(struct training_run *run, const struct run_result *result, struct error *err)
{
    if (run->on_part)
        return DAE_OK;
    if (run->print)
        return run_values_print(run->json, run->print, err);
    if (invocation_has(run->session->invocation, "json")) {
        cJSON *json = run->json;
        run->json = NULL;
        return output_json(json, err);
    }
    run_result_print(result, stdout);
    for (int i = 0; i < run->n_studied; ++i)
        study_output_print(&run->study[i], run->session->folder.path, stdout);
    return DAE_OK;
}

/* The numbers come first, because what follows only illustrates them and may fail. */
static enum dae_status report(struct training_run *run, struct error *err)
{
    struct provenance provenance CLEANUP(provenance_release) = {0};
    TRY(provenance_take(&provenance, err));
    const struct run_result result = result_of(run, &provenance);
    const char *folder = run->session->folder.path;
    TRY(save_numbers(run, &result, err));
    TRY(print(run, &result, err));
    if (run->reports)
        TRY(run_report_write(&result, folder, err));
    if (run->reports && !run->on_part && !run->print && !invocation_has(run->session->invocation, "json"))
        output_line("\nreport: %s/report.html\n", folder);
    return DAE_OK;
}

/* A study that fails or is stopped does not affect earlier results. */
static enum dae_status study_and_report(struct training_run *run, struct error *err)
{
    struct error late = {0};
    enum dae_status status = study(run, err);
    if (status != DAE_OK) {
        if (report(run, &late) != DAE_OK)
            error_note(err, "%s", error_message(&late));
        return status;
    }
    TRY(report(run, err));
    return session_log(run->session, "done", NULL, err);
}

enum dae_status training_run_check(const struct session *session, struct error *err)
{
    return evaluation_check(&session->settings, &session->network, session->config, err);
}

enum dae_status training_run_carry_out(struct training_run *run, bool several_devices, struct error *err)
{
    struct session *session = run->session;
    TRY(session_load(session, err));
    if (run->reports)
        figures_expect();
    TRY(evaluation_check_data(&session->settings, session->config, &session->train_set, &session->test_set, err));
    const struct study_task task = session_task(session, NULL, NULL);
    TRY(study_check_data(&task, session->studies, session->n_studies, err));
    TRY(session_open_devices(session, several_devices, err));
    TRY(session_compare_ranks(session, err));
    if (!leads(run))
        return train_silently(run, err);
    TRY(session_open_folder(session, err));
    TRY(train_all(run, err));
    ranks_end(session->ranks, DAE_OK, err); /* what follows is rank 0's alone */
    session->ranks = NULL;
    TRY(compare(run, err));
    return study_and_report(run, err);
}

void training_run_release(struct training_run *run)
{
    cJSON_Delete(run->json);
    evaluation_release(&run->evaluation);
    whole_images_release(&run->whole_images);
    trained_release(&run->model);
    trained_release(&run->standard);
}
