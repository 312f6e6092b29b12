#include "cli/saved_model.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/samples_file.h"

static enum dae_status read_file(struct saved_model *model, const struct invocation *invocation, struct error *err)
{
    struct device_request request;
    TRY(model_file_load(model->path, model->registry, &model->arena, &model->file, err));
    TRY(settings_read(model->registry, model->file.config, &model->arena, &model->settings, err));
    return invocation_request(invocation, model->file.config, &request, err);
}

/* A name that says what kind of file it is, in any letter case. */
static bool is_named(const char *path, const char *ending)
{
    const size_t len = strlen(path), n = strlen(ending);
    return len > n && strcasecmp(path + len - n, ending) == 0;
}

/* Names what was given instead of a model, which is most often the command's other argument. */
static enum dae_status refuse_other_files(const char *path, struct error *err)
{
    struct samples_form form;
    TRY(samples_file_form_of_content(path, &form, err));
    if (form.kind != SAMPLES_UNKNOWN)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it is %s%s, not a model; MODEL is the first argument, before the files to process", path,
                         form.image                 ? "an image, "
                         : form.kind == SAMPLES_NPY ? "an array, NPY"
                         : form.kind == SAMPLES_WAV ? "a recording, WAV"
                                                    : "an array, IDX",
                         form.image ? form.image->name : "");
    if (is_named(path, ".yaml") || is_named(path, ".yml"))
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it is a config, not a model; dae-cl run trains one and writes model.safetensors", path);
    if (is_named(path, ".csv") || is_named(path, ".csv.gz"))
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it is a table, not a model; MODEL is the first argument, before the files to process",
                         path);
    return DAE_OK;
}

/* What to do with the files of other programs, once they have turned out to be no models. */
static void note_other_programs(const char *path, struct error *err)
{
    if (is_named(path, ".onnx"))
        error_note(err, "dae-cl import %s -o FOLDER makes a model of an ONNX file", path);
    else if (is_named(path, ".pt") || is_named(path, ".pth") || is_named(path, ".ckpt"))
        error_note(err, "files of PyTorch are not read; save the state_dict as safetensors, and dae-cl import "
                        "WEIGHTS.safetensors --onto CONFIG -o FOLDER makes a model of it");
}

enum dae_status saved_model_read(struct saved_model *model, const struct invocation *invocation, const char *path,
                                 struct error *err)
{
    TRY(model_file_find(path, &model->arena, &model->path, err));
    TRY(refuse_other_files(model->path, err));
    TRY(invocation_registry(invocation, &model->registry, err));
    const enum dae_status status = read_file(model, invocation, err);
    if (status == DAE_CHECKPOINT)
        note_other_programs(model->path, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line refers to the config that is stored in the model");
    return status;
}

enum dae_status saved_model_open_device(struct saved_model *model, const struct invocation *invocation,
                                        struct error *err)
{
    TRY(invocation_device(invocation, model->file.config, &model->device, err));
    fprintf(stderr, "%s\n", device_line(model->device));
    return invocation_trust_and_tune(invocation, &model->file.network, &model->settings, model->device, err);
}

void saved_model_release(struct saved_model *model)
{
    invocation_close(model->device);
    panel_columns_free(model->file.columns);
    registry_close(model->registry);
    arena_release(&model->arena);
}
