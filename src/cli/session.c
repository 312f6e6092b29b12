#include "cli/session.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "cli/session_start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/shape.h"
#include "cli/stop.h"
#include "config/tree.h"
#include "data/shard_set.h"
#include "data/validation_set.h"
#include "graph/build.h"

enum { NAME_LEN = 1200 };

void session_init(struct session *session, const struct invocation *invocation)
{
    session->invocation = invocation;
    session->folder.lock = session->folder.log = -1;
}

static void close_loaders(struct session *session)
{
    loader_free(session->train);
    loader_free(session->validation);
    loader_free(session->test);
    for (int i = 0; i < MULTI_DEVICE_MAX; ++i) {
        loader_free(session->helper[i].train);
        session->helper[i].train = NULL;
    }
    session->train = session->validation = session->test = NULL;
}

static void release_data(struct session *session)
{
    close_loaders(session);
    dataset_release(&session->train_set);
    dataset_release(&session->validation_set);
    dataset_release(&session->test_set);
    free(session->data_text);
    session->data_text = NULL;
}

void session_close(struct session *session)
{
    run_folder_close(&session->folder);
    release_data(session);
    for (int i = 0; i < MULTI_DEVICE_MAX; ++i)
        invocation_close(session->devices[i]);
    start_release(&session->start);
    registry_close(session->registry);
    arena_release(&session->arena);
}

void session_turn(struct session *session)
{
    run_folder_close(&session->folder);
    start_release(&session->start);
    session->start = (struct start){0};
    session->use = (struct run_folder_use){0};
    arena_release(&session->arena);
    session->config = NULL;
    session->network = (struct network){0};
    session->settings = (struct settings){0};
    session->n_studies = 0;
}

/* Compares every output with every input. */
static enum dae_status check_outputs(struct session *session, const char *path, struct error *err)
{
    const struct invocation *invocation = session->invocation;
    struct outputs outputs = {0};
    enum dae_status status = outputs_read(&outputs, "config", path, err);
    if (status == DAE_OK && session->start.path)
        status = outputs_read(&outputs, "model", session->start.path, err);
    if (status == DAE_OK)
        status = outputs_read_data(&outputs, session->settings.data, err);
    for (int i = 0; i < invocation_count(invocation, "plugins") && status == DAE_OK; ++i)
        status = outputs_read(&outputs, "plugins", invocation_nth(invocation, "plugins", i), err);
    if (status == DAE_OK)
        status = run_folder_check(&session->folder, invocation->command->name, &outputs, err);
    outputs_release(&outputs);
    return status;
}

static enum dae_status choose_folder(struct session *session, const char *study, struct error *err)
{
    char path[NAME_LEN];
    const char *out = invocation_value(session->invocation, "out");
    session->use = (struct run_folder_use){
        .study = study,
        .resume = invocation_has(session->invocation, "resume"),
        .force = invocation_has(session->invocation, "force"),
        .number = out && strcmp(out, "auto") == 0,
    };
    if (out && !session->use.number)
        snprintf(path, sizeof path, "%s", out);
    else
        snprintf(path, sizeof path, "runs/%s", session->settings.name);
    return run_folder_choose(&session->folder, path, &session->use, err);
}

static enum dae_status read_settings(struct session *session, struct value *config, struct error *err)
{
    session->config = config;
    if (!session->registry)
        TRY(invocation_registry(session->invocation, &session->registry, err));
    TRY(settings_read(session->registry, session->config, &session->arena, &session->settings, err));
    return network_build(session->registry, session->config, &session->arena, false, &session->network, err);
}

/* What needs the folder, if there is one: a run in it may have kept what it started from. */
static enum dae_status plan(struct session *session, struct error *err)
{
    TRY(session_start_read(session, err));
    const struct study_task task = session_task(session, NULL, NULL);
    TRY(study_plan_all(&task, session->studies, &session->n_studies, err));
    struct device_request request;
    return invocation_request(session->invocation, session->config, &request, err);
}

enum dae_status session_take(struct session *session, struct value *config, struct error *err)
{
    TRY(read_settings(session, config, err));
    return plan(session, err);
}

enum dae_status session_read(struct session *session, const char *path, const char *study, struct error *err)
{
    struct value *config;
    TRY(invocation_config(session->invocation, path, &session->arena, &config, err));
    TRY(session_start_options(session, config, err));
    TRY(read_settings(session, config, err));
    TRY(choose_folder(session, study, err));
    TRY(plan(session, err));
    if (session->start.path)
        output_note("%s", session->start.notes.data);
    TRY(check_outputs(session, session->config->mark.file, err));
    TRY(run_folder_allow(&session->folder, &session->use, err));
    for (int i = 0; i < session->n_studies && !study; ++i) {
        struct run_folder_use use = session->use;
        use.study = session->studies[i].study->name;
        TRY(run_folder_allow(&session->folder, &use, err));
    }
    return DAE_OK;
}

static enum dae_status load_samples(struct session *session, struct error *err)
{
    struct dataset *train = &session->train_set, *test = &session->test_set;
    struct source_notice notice;
    release_data(session);
    TRY(source_load(session->settings.data, getenv("DAE_CL_DATA"), train, test, &notice, err));
    const struct value *source = value_map_get(session->settings.data, "source");
    char have[96];
    if (notice.text[0])
        snprintf(session->data_line, sizeof session->data_line, "%s", notice.text);
    else
        snprintf(session->data_line, sizeof session->data_line, "%s", source ? source->text : "?");
    TRY(validation_set_take(session->settings.data, test->n, train, &session->validation_set, err));
    char held_out[48] = "";
    if (session->validation_set.n > 0)
        snprintf(held_out, sizeof held_out, "%lld validation, ", (long long)session->validation_set.n);
    output_note("data: %s (%lld training, %s%lld test samples of %s)\n", session->data_line, (long long)train->n,
                held_out, (long long)test->n, shape_text(&train->shape, have));
    return DAE_OK;
}

/* Whether the loaded samples are those of the config; if so, they take the places of its texts in messages. */
static bool has_samples(struct session *session, const char *data_text)
{
    const struct value *source = value_map_get(session->settings.data, "source");
    if (!session->data_text || strcmp(session->data_text, data_text) != 0 || !source)
        return false;
    session->train_set.mark = session->validation_set.mark = session->test_set.mark = source->mark;
    return true;
}

static enum dae_status check_samples(struct session *session, struct error *err)
{
    const struct dataset *train = &session->train_set, *test = &session->test_set;
    TRY(loader_check_samples(train, &session->network, "training", err));
    if (session->settings.batch > train->n)
        return error_set(err, DAE_BAD_DATA, "train.batch is %lld, but there are only %lld training samples",
                         (long long)session->settings.batch, (long long)train->n);
    if (train->kind != test->kind)
        return error_set(err, DAE_BAD_DATA,
                         "the training samples are %s, but the test samples are %s; both must have the same shape",
                         dataset_numbers(train), dataset_numbers(test));
    if (train->shards && session->ranks && ranks_count(session->ranks) > train->shards->n)
        return error_at(
            err, DAE_CONFIG, train->mark,
            "%d ranks are more than the %lld training shards, of which each rank reads its own; start fewer, "
            "or cut the data into more shards",
            ranks_count(session->ranks), (long long)train->shards->n);
    if (session->validation_set.n > 0)
        TRY(loader_check_samples(&session->validation_set, &session->network, "validation", err));
    return loader_check_samples(test, &session->network, "test", err);
}

enum dae_status session_load(struct session *session, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    TRY(tree_write(session->settings.data, &text, err));
    if (!has_samples(session, text.data)) {
        TRY(load_samples(session, err));
        session->data_text = strdup(text.data);
        if (!session->data_text)
            return error_no_memory(err, "data", text.len);
    }
    return check_samples(session, err);
}

static enum dae_status open_helpers(struct session *session, struct error *err)
{
    for (int i = 1; i < session->n_devices; ++i) {
        struct multi_device_helper *helper = &session->helper[i - 1];
        helper->device = session->devices[i];
        TRY(loader_new(helper->device, &session->train_set, session->settings.batch, &helper->train, err));
        TRY(network_check_samples(&session->network, session->train_set.n, loader_is_streamed(helper->train), err));
    }
    return DAE_OK;
}

static enum dae_status open_loaders(struct session *session, struct error *err)
{
    const int64_t batch = session->settings.batch;
    if (session->test && loader_batch_size(session->train) == batch)
        return DAE_OK;
    close_loaders(session);
    TRY(open_helpers(session, err));
    TRY(loader_new(session->device, &session->train_set, batch, &session->train, err));
    if (session->validation_set.n > 0)
        TRY(loader_new(session->device, &session->validation_set, batch, &session->validation, err));
    TRY(loader_new(session->device, &session->test_set, batch, &session->test, err));
    if (loader_is_streamed(session->train) && !session->train_set.shards)
        fprintf(
            stderr,
            "data: the training samples are streamed, because they do not fit into the memory that they may take\n");
    return DAE_OK;
}

static enum dae_status open_devices(struct session *session, bool several, struct error *err)
{
    if (several && session->ranks) {
        TRY(invocation_device_of(session->invocation, session->config, ranks_local_number(session->ranks),
                                 &session->devices[0], err));
        session->n_devices = 1;
    } else if (several) {
        TRY(invocation_devices(session->invocation, session->config, session->devices, &session->n_devices, err));
    } else {
        TRY(invocation_device(session->invocation, session->config, &session->devices[0], err));
        session->n_devices = 1;
    }
    session->device = session->devices[0];
    for (int i = 0; i < session->n_devices; ++i)
        fprintf(stderr, "%s\n", device_line(session->devices[i]));
    stop_listen();
    for (int i = 0; i < session->n_devices; ++i)
        TRY((session->ranks ? invocation_trust : invocation_trust_and_tune)(
            session->invocation, &session->network, &session->settings, session->devices[i], err));
    return DAE_OK;
}

enum dae_status session_open_devices(struct session *session, bool several, struct error *err)
{
    const struct network *network = &session->network;
    if (!session->device)
        TRY(open_devices(session, several, err));
    TRY(open_loaders(session, err));
    if (session->validation)
        TRY(network_check_samples(network, session->validation_set.n, loader_is_streamed(session->validation), err));
    TRY(network_check_samples(network, session->train_set.n, loader_is_streamed(session->train), err));
    return network_check_samples(network, session->test_set.n, loader_is_streamed(session->test), err);
}

enum dae_status session_open_folder(struct session *session, struct error *err)
{
    TRY(run_folder_open(&session->folder, &session->use, err));
    TRY(session_start_keep(session, err));
    const bool goes_on = session->use.resume || session->use.study;
    return goes_on && run_folder_has(&session->folder, "config.yaml") ? DAE_OK : session_write_config(session, err);
}

enum dae_status session_write_config(struct session *session, struct error *err)
{
    struct text yaml = {0};
    enum dae_status status = tree_write(session->config, &yaml, err);
    if (status == DAE_OK)
        status = run_folder_config(&session->folder, yaml.data, err);
    text_release(&yaml);
    return status;
}

enum dae_status session_log(struct session *session, const char *name, const char *text, struct error *err)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", name);
    if (text)
        cJSON_AddStringToObject(event, "text", text);
    return run_folder_log(&session->folder, event, err);
}

void session_log_failure(struct session *session, struct error *err)
{
    struct error late = {0}; /* the first error is the one that counts */
    if (session->folder.log >= 0 && session_log(session, "stopped", err->text, &late) != DAE_OK)
        error_note(err, "%s", late.text);
}

struct study_task session_task(struct session *session, const float *model, const float *standard)
{
    return (struct study_task){
        .device = session->device,
        .registry = session->registry,
        .arena = &session->arena,
        .config = session->config,
        .settings = &session->settings,
        .network = &session->network,
        .train_set = &session->train_set,
        .test_set = &session->test_set,
        .train = session->train,
        .validation = session->validation,
        .test = session->test,
        .start = session->start.path ? &session->start : NULL,
        .model = model,
        .standard = standard,
        .data_root = getenv("DAE_CL_DATA"),
        .resume = invocation_has(session->invocation, "resume"),
        .stop = stop_signal(),
    };
}
