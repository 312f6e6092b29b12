/* A trained network that the library's caller has loaded. */
#ifndef LIB_MODEL_H
#define LIB_MODEL_H

#include "lib/context.h"
#include "model/denoiser.h"
#include "model/model_file.h"

struct dae_model {
    struct dae_context *context;
    struct arena arena;
    struct model_file file;
    struct settings settings;
    struct receptive_field field;
    struct device *device;     /* NULL before it is used */
    struct denoiser *denoiser; /* on the device */
};

/* A model of its own from a network's config, parameters (parameters_len) and columns (NULL: none), which are copied.
 * The caller owns it: dae_model_close. */
MUST_USE enum dae_status model_copy(struct dae_context *context, const struct value *config, const float *parameters,
                                    const struct panel_columns *columns, struct dae_model **out, struct error *err);

#endif
