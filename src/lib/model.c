#include "lib/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/shape.h"
#include "base/text.h"
#include "base/version.h"
#include "config/tree.h"
#include "data/source.h"
#include "graph/build.h"
#include "lib/samples.h"

/* ---- Reading and writing. ---------------------------------------------------------------------------------------- */

static void close_model(struct dae_model *model)
{
    denoiser_free(model->denoiser);
    context_close_device(model->context, model->device);
    panel_columns_free(model->file.columns);
    arena_release(&model->arena);
    free(model);
}

void dae_model_close(struct dae_model *model)
{
    if (!model)
        return;
    ENTER_TO_CLOSE();
    close_model(model);
}

/* bytes: NULL for a file. */
static enum dae_status read_model(struct dae_model *model, const char *name, const void *bytes, size_t len,
                                  struct error *err)
{
    const struct registry *registry = model->context->registry;
    char *path = arena_text(&model->arena, name, strlen(name)); /* marks borrow it */
    if (!path)
        return error_no_memory(err, "path", strlen(name));
    TRY(bytes ? model_file_read(path, bytes, len, registry, &model->arena, &model->file, err)
              : model_file_load(path, registry, &model->arena, &model->file, err));
    TRY(settings_read(registry, model->file.config, &model->arena, &model->settings, err));
    return receptive_field_find(&model->file.network, &model->field, err);
}

static enum dae_status open_model(struct dae_context *context, const char *name, const void *bytes, size_t len,
                                  struct dae_model **out)
{
    struct error *err = &context->err;
    *out = NULL;
    if (!context->registry)
        return error_set(err, DAE_CONFIG, "the context could not be opened");
    struct dae_model *model = calloc(1, sizeof *model);
    if (!model)
        return error_no_memory(err, "model", sizeof *model);
    model->context = context;
    const enum dae_status status = read_model(model, name, bytes, len, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line refers to the config that is stored in the model");
    if (status != DAE_OK)
        close_model(model);
    else
        *out = model;
    return status;
}

enum dae_status dae_model_load(struct dae_context *context, const char *path, struct dae_model **model)
{
    ENTER(context);
    return open_model(context, path, NULL, 0, model);
}

enum dae_status dae_model_read(struct dae_context *context, const char *name, const void *bytes, size_t len,
                               struct dae_model **model)
{
    ENTER(context);
    return open_model(context, name, bytes ? bytes : "", len, model);
}

enum dae_status dae_model_save(struct dae_model *model, const char *path)
{
    const struct model_file *file = &model->file;
    ENTER(model->context);
    return model_file_save(path, &file->network, file->parameters, file->config, file->columns, &model->context->err);
}

static enum dae_status copy(struct dae_model *model, const struct value *config, const float *parameters,
                            const struct panel_columns *columns, struct error *err)
{
    struct text text CLEANUP(text_release) = {0}, panel CLEANUP(text_release) = {0};
    const struct registry *registry = model->context->registry;
    struct model_file *file = &model->file;
    TRY(tree_write(config, &text, err));
    if (columns)
        panel_columns_write(columns, &panel);
    if (text.failed || panel.failed)
        return error_no_memory(err, "model", text.len + panel.len);
    TRY(tree_parse_text("the model's config", text.data, text.len, &model->arena, &file->config, err));
    TRY(settings_read(registry, file->config, &model->arena, &model->settings, err));
    TRY(network_build(registry, file->config, &model->arena, false, &file->network, err));
    TRY(source_transfer(value_map_get(file->config, "data"), &file->transfer, err));
    const size_t len = (size_t)file->network.parameters_len;
    file->parameters = arena_array(&model->arena, len + 1, sizeof *file->parameters); /* a network may have none */
    if (!file->parameters)
        return error_no_memory(err, "model", len * sizeof *file->parameters);
    memcpy(file->parameters, parameters, len * sizeof *file->parameters);
    if (columns)
        TRY(panel_columns_read(panel.data, "the model's columns", &file->columns, err));
    return receptive_field_find(&file->network, &model->field, err);
}

enum dae_status model_copy(struct dae_context *context, const struct value *config, const float *parameters,
                           const struct panel_columns *columns, struct dae_model **out, struct error *err)
{
    struct dae_model *model = calloc(1, sizeof *model);
    if (!model)
        return error_no_memory(err, "model", sizeof *model);
    model->context = context;
    const enum dae_status status = copy(model, config, parameters, columns, err);
    if (status != DAE_OK)
        close_model(model);
    else
        *out = model;
    return status;
}

/* ---- Describing. ------------------------------------------------------------------------------------------------- */

static void add_shape(cJSON *root, const char *key, const struct dae_shape *shape)
{
    cJSON *list = cJSON_AddArrayToObject(root, key);
    for (int i = 0; i < shape->rank; ++i)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)shape->dim[i]));
}

/* One number for each axis of a volume; two for images and, as the second is 1 or 0, for signals. */
static void add_axes(cJSON *root, const char *key, const struct network *network, const int64_t of[FIELD_AXES])
{
    const int n = network->node[0].plan.output.rank == 4 ? 3 : 2;
    add_shape(root, key, &(struct dae_shape){n, {of[0], of[1], of[2]}});
}

static cJSON *describe(const struct dae_model *model, const char *config)
{
    const struct network *network = &model->file.network;
    const struct panel_columns *columns = model->file.columns;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "dae_cl_version", DAE_CL_VERSION);
    cJSON_AddStringToObject(root, "name", model->settings.name);
    add_shape(root, "input", &network->node[0].plan.output);
    add_shape(root, "output", &network->node[network->output].plan.output);
    if (network->code >= 0)
        add_shape(root, "code", &network->node[network->code].plan.output);
    cJSON_AddNumberToObject(root, "parameters", (double)network->n_parameters);
    cJSON_AddBoolToObject(root, "any_size", model->field.any_size);
    if (model->field.any_size) {
        add_axes(root, "multiple", network, model->field.stride);
        add_axes(root, "reach", network, model->field.reach);
    } else {
        cJSON_AddStringToObject(root, "own_size_because", model->field.problem);
    }
    cJSON_AddBoolToObject(root, "fills_holes", network->takes_holes);
    cJSON *names = columns ? cJSON_AddArrayToObject(root, "columns") : NULL;
    for (int i = 0; columns && i < columns->d; ++i)
        cJSON_AddItemToArray(names, cJSON_CreateString(columns->name[i]));
    cJSON_AddStringToObject(root, "config", config);
    return root;
}

enum dae_status dae_model_describe(struct dae_model *model, char **json)
{
    struct text config CLEANUP(text_release) = {0};
    *json = NULL;
    ENTER(model->context);
    struct error *err = &model->context->err;
    TRY(tree_write(model->file.config, &config, err));
    if (config.failed)
        return error_no_memory(err, "config", config.len);
    return context_print(describe(model, config.data), json, err);
}

/* ---- Using. ------------------------------------------------------------------------------------------------------ */

static enum dae_status on_part(void *context, int64_t done, int64_t n, bool tiles, struct error *err)
{
    struct dae_model *model = context;
    (void)tiles;
    return listener_progress(&model->context->listener, (double)done / (double)n, err);
}

/* Opens the device and checks it, once. */
static enum dae_status open_denoiser(struct dae_model *model, struct error *err)
{
    struct dae_context *context = model->context;
    const struct model_file *file = &model->file;
    if (model->denoiser)
        return DAE_OK;
    if (!model->device) {
        struct device *device = NULL;
        const enum dae_status status =
            context_open_device(context, file->config, &file->network, &model->settings, &device, err);
        if (status != DAE_OK) {
            context_close_device(context, device);
            return status;
        }
        model->device = device;
    }
    const struct denoiser_options options = {.device = model->device,
                                             .registry = context->registry,
                                             .config = file->config,
                                             .network = &file->network,
                                             .parameters = file->parameters,
                                             .batch = model->settings.batch,
                                             .memory_bytes = (uint64_t)context->options.memory << 20,
                                             .on_part = on_part,
                                             .context = model};
    return denoiser_new(&options, &model->denoiser, err);
}

/* A call: what goes in and comes out, as the caller has it and as floats. */
struct call {
    struct samples in, out;
    float *x, *y; /* (in.len), (out.len) */
};

static void release_call(struct call *call)
{
    free(call->x);
    free(call->y);
}

static float *new_floats(int64_t len)
{
    return malloc((size_t)len * sizeof(float));
}

static enum dae_status read_in(struct call *call, const struct samples *out, bool holes, struct error *err)
{
    const struct samples *in = &call->in;
    call->x = new_floats(in->len);
    call->y = new_floats(out->len);
    if (!call->x || !call->y)
        return error_no_memory(err, "samples", (unsigned long long)(in->len + out->len) * sizeof(float));
    samples_read(in, call->x);
    for (int64_t i = 0; i < in->len; ++i)
        if (!isfinite(call->x[i]) && !(holes && isnan(call->x[i])))
            return error_set(err, DAE_BAD_DATA, "in: sample %lld, element %lld: %s; remove or replace it",
                             (long long)(i / (in->len / in->n)), (long long)(i % (in->len / in->n)),
                             isnan(call->x[i]) ? "not a number (NaN)" : "infinity");
    return DAE_OK;
}

static enum dae_status check_shape(const struct samples *samples, const struct dae_shape *want, const char *what,
                                   int64_t n, struct error *err)
{
    char have_text[SHAPE_TEXT], want_text[SHAPE_TEXT];
    if (shape_equal(&samples->shape, want) && samples->n == n)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s: %lld samples of %s, but expects %lld of %s", what, (long long)samples->n,
                     shape_text(&samples->shape, have_text), (long long)n, shape_text(want, want_text));
}

static enum dae_status check_input(const struct dae_model *model, const struct samples *in, struct error *err)
{
    const struct network *network = &model->file.network;
    const struct dae_shape *want = &network->node[0].plan.output;
    char have_text[SHAPE_TEXT], want_text[SHAPE_TEXT];
    if (denoiser_accepts(network, model->field.any_size, &in->shape))
        return DAE_OK;
    const enum dae_status status = error_set(err, DAE_BAD_DATA, "in: samples of %s, but the model takes %s",
                                             shape_text(&in->shape, have_text), shape_text(want, want_text));
    if (!model->field.any_size && want->rank == 3 && in->shape.rank == 3)
        error_note(err, "the network only takes images of its own size: %s", model->field.problem);
    return status;
}

/* Rows of a table are standardised as in training. */
static void standardise(const struct panel_columns *columns, float *x, int64_t len)
{
    for (int64_t i = 0; columns && i < len; ++i)
        x[i] = (float)panel_columns_standardise(columns, (int)(i % columns->d), (double)x[i]);
}

static void restore_units(const struct panel_columns *columns, float *y, int64_t len)
{
    for (int64_t i = 0; columns && i < len; ++i)
        y[i] = (float)panel_columns_restore(columns, (int)(i % columns->d), (double)y[i]);
}

/* Pixels become the numbers that the network was trained on. */
static enum dae_status transfer_in(const struct dae_model *model, struct call *call, struct error *err)
{
    const struct transfer *transfer = &model->file.transfer;
    const unsigned largest = samples_largest(&call->in);
    const int64_t len = call->in.len / call->in.n,
                  bad = transfer_is_none(transfer)
                            ? -1
                            : transfer_first_bad(transfer, false, largest, call->x, call->in.len);
    if (bad >= 0)
        return error_set(err, DAE_BAD_DATA,
                         "in: sample %lld, element %lld: %g is a number for which the model's "
                         "transfer has no value",
                         (long long)(bad / len), (long long)(bad % len), transfer_stored(call->x[bad], largest));
    transfer_apply(transfer, true, largest, call->x, call->in.len);
    return DAE_OK;
}

static enum dae_status finish_call(const struct call *call, struct error *err)
{
    const int64_t bad = denoiser_first_bad(call->y, call->out.n, call->out.len / call->out.n);
    if (bad >= 0)
        return error_set(err, DAE_BAD_DATA,
                         "sample %lld: the model's output is not finite; use values like those it was trained on, or "
                         "train it again",
                         (long long)bad);
    samples_write(&call->out, call->y);
    return DAE_OK;
}

static struct error *begin_call(struct dae_model *model)
{
    __atomic_store_n(&model->context->listener.cancelled, 0, __ATOMIC_RELAXED);
    model->context->listener.told_at = 0;
    return &model->context->err;
}

enum dae_status dae_denoise(struct dae_model *model, const struct dae_image *in, const struct dae_image *out)
{
    struct call call CLEANUP(release_call) = {0};
    ENTER(model->context);
    struct error *err = begin_call(model);
    TRY(samples_check(in, "in", &call.in, err));
    TRY(samples_check(out, "out", &call.out, err));
    TRY(check_input(model, &call.in, err));
    TRY(check_shape(&call.out, &call.in.shape, "out", call.in.n, err));
    TRY(read_in(&call, &call.out, model->file.network.takes_holes, err));
    TRY(open_denoiser(model, err));
    standardise(model->file.columns, call.x, call.in.len);
    TRY(transfer_in(model, &call, err));
    TRY(denoiser_run(model->denoiser, call.x, call.in.n, &call.in.shape, err));
    memcpy(call.y, call.x, (size_t)call.out.len * sizeof *call.y);
    restore_units(model->file.columns, call.y, call.out.len);
    transfer_restore(&model->file.transfer, samples_largest(&call.out), call.y, call.out.len);
    return finish_call(&call, err);
}

enum dae_status dae_encode(struct dae_model *model, const struct dae_image *in, const struct dae_image *out)
{
    struct call call CLEANUP(release_call) = {0};
    const struct network *network = &model->file.network;
    ENTER(model->context);
    struct error *err = begin_call(model);
    if (network->code < 0)
        return error_set(err, DAE_CONFIG, "the model's config names no layer `code`");
    TRY(samples_check(in, "in", &call.in, err));
    TRY(samples_check(out, "out", &call.out, err));
    TRY(check_shape(&call.in, &network->node[0].plan.output, "in", call.in.n, err));
    TRY(check_shape(&call.out, &network->node[network->code].plan.output, "out", call.in.n, err));
    TRY(read_in(&call, &call.out, network->takes_holes, err));
    TRY(open_denoiser(model, err));
    standardise(model->file.columns, call.x, call.in.len);
    TRY(transfer_in(model, &call, err));
    TRY(denoiser_compute(model->denoiser, call.x, call.in.n, call.x, call.y, err));
    return finish_call(&call, err);
}

enum dae_status dae_impute(struct dae_model *model, const struct dae_image *in, const struct dae_image *out)
{
    struct call call CLEANUP(release_call) = {0};
    const struct network *network = &model->file.network;
    ENTER(model->context);
    struct error *err = begin_call(model);
    if (!network->takes_holes)
        return error_set(err, DAE_CONFIG, "the model does not read the mask; train one whose layers do");
    TRY(samples_check(in, "in", &call.in, err));
    TRY(samples_check(out, "out", &call.out, err));
    if (!samples_are_floats(&call.in) || !samples_are_floats(&call.out))
        return error_set(err, DAE_CONFIG, "%s: holes are NaN, so its elements must be floats",
                         samples_are_floats(&call.in) ? "out" : "in");
    TRY(check_shape(&call.in, &network->node[0].plan.output, "in", call.in.n, err));
    TRY(check_shape(&call.out, &call.in.shape, "out", call.in.n, err));
    TRY(read_in(&call, &call.out, true, err));
    TRY(open_denoiser(model, err));
    memcpy(call.y, call.x, (size_t)call.out.len * sizeof *call.y);
    standardise(model->file.columns, call.x, call.in.len);
    TRY(denoiser_compute(model->denoiser, call.x, call.in.n, call.x, NULL, err));
    restore_units(model->file.columns, call.x, call.in.len);
    for (int64_t i = 0; i < call.out.len; ++i)
        if (isnan(call.y[i]))
            call.y[i] = call.x[i];
    return finish_call(&call, err);
}
