/* A model from a file and the device that it runs on, for commands that use a trained model. */
#ifndef CLI_SAVED_MODEL_H
#define CLI_SAVED_MODEL_H

#include "cli/invocation.h"
#include "model/model_file.h"
#include "train/settings.h"

/* Zero-initialise. */
struct saved_model {
    const char *path;
    struct arena arena;
    struct registry *registry;
    struct model_file file;
    struct settings settings;
    struct device *device;
};

/* Reads the file, or model.safetensors in a run's folder, and checks everything in its config and on the command line
 * before any device is opened. The caller releases, whatever the outcome. */
MUST_USE enum dae_status saved_model_read(struct saved_model *model, const struct invocation *invocation,
                                          const char *path, struct error *err);
/* Opens the device, prints its name, and checks that it can be trusted. */
MUST_USE enum dae_status saved_model_open_device(struct saved_model *model, const struct invocation *invocation,
                                                 struct error *err);
void saved_model_release(struct saved_model *model);

#endif
