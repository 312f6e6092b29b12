#include "cli/saved_model.h"

#include <stdio.h>

static enum dae_status read_file(struct saved_model *model, const struct invocation *invocation, struct error *err)
{
    struct device_request request;
    TRY(model_file_load(model->path, model->registry, &model->arena, &model->file, err));
    TRY(settings_read(model->registry, model->file.config, &model->arena, &model->settings, err));
    return invocation_request(invocation, model->file.config, &request, err);
}

enum dae_status saved_model_read(struct saved_model *model, const struct invocation *invocation, const char *path,
                                 struct error *err)
{
    model->path = path;
    TRY(invocation_registry(invocation, &model->registry, err));
    const enum dae_status status = read_file(model, invocation, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line refers to the config that is stored in the model");
    return status;
}

enum dae_status saved_model_open_device(struct saved_model *model, const struct invocation *invocation,
                                        struct error *err)
{
    TRY(invocation_device(invocation, model->file.config, &model->device, err));
    fprintf(stderr, "%s\n", device_line(model->device));
    return invocation_trust(invocation, &model->file.network, &model->settings, model->device, err);
}

void saved_model_release(struct saved_model *model)
{
    invocation_close(model->device);
    panel_columns_free(model->file.columns);
    registry_close(model->registry);
    arena_release(&model->arena);
}
