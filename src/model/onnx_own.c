#include "model/onnx_own.h"

#include <math.h>
#include <string.h>

#include "config/tree.h"
#include "graph/build.h"
#include "model/onnx_export.h"

bool onnx_is_own(const struct onnx_model *model)
{
    return strcmp(model->producer, "dae-cl") == 0;
}

static const char *meta(const struct onnx_model *model, const char *key)
{
    for (int i = 0; i < model->n_meta; ++i)
        if (strcmp(model->meta[i].key, key) == 0)
            return model->meta[i].text;
    return NULL;
}

/* ---- Comparing two graphs. --------------------------------------------------------------------------------------- */

static bool same_value(const struct onnx_model *a, int value_a, const struct onnx_model *b, int value_b)
{
    if (value_a < 0 || value_b < 0)
        return value_a == value_b;
    return strcmp(a->value[value_a], b->value[value_b]) == 0;
}

static bool same_attribute(const struct dae_onnx_attribute *a, const struct dae_onnx_attribute *b)
{
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind)
        return false;
    switch (a->kind) {
    case DAE_ONNX_KIND_INT:
        return a->integer == b->integer;
    case DAE_ONNX_KIND_INTS:
        return a->n == b->n && memcmp(a->integers, b->integers, (size_t)a->n * sizeof *a->integers) == 0;
    case DAE_ONNX_KIND_FLOAT:
        return (float)a->real == (float)b->real;
    case DAE_ONNX_KIND_TEXT:
        return strcmp(a->text, b->text) == 0;
    }
    return false;
}

static bool same_node(const struct onnx_model *a, const struct onnx_node *x, const struct onnx_model *b,
                      const struct onnx_node *y)
{
    bool same = strcmp(x->op, y->op) == 0 && strcmp(x->name, y->name) == 0 && x->n_inputs == y->n_inputs &&
                x->n_attributes == y->n_attributes && same_value(a, x->output, b, y->output);
    for (int i = 0; same && i < x->n_inputs; ++i)
        same = same_value(a, x->input[i], b, y->input[i]);
    for (int i = 0; same && i < x->n_attributes; ++i)
        same = same_attribute(&x->attribute[i], &y->attribute[i]);
    return same;
}

/* The first node in which two graphs differ; NULL: none. */
static const char *first_difference(const struct onnx_model *file, const struct onnx_model *want)
{
    for (int i = 0; i < file->n_nodes && i < want->n_nodes; ++i)
        if (!same_node(file, &file->node[i], want, &want->node[i]))
            return file->node[i].name;
    if (file->n_nodes != want->n_nodes)
        return "the number of nodes";
    if (file->n_outputs != 1 || !same_value(file, file->output[0].value, want, want->output[0].value))
        return "the output";
    return NULL;
}

/* The file's tensor of that name, or NULL. Both write tensors in the same order, so it is looked for from *at on. */
static const struct onnx_tensor *find_tensor(const struct onnx_model *file, const char *name, int *at)
{
    for (int i = 0; i < file->n_tensors; ++i) {
        const struct onnx_tensor *tensor = &file->tensor[(*at + i) % file->n_tensors];
        if (strcmp(file->value[tensor->value], name) == 0) {
            *at = (*at + i + 1) % file->n_tensors;
            return tensor;
        }
    }
    return NULL;
}

static bool same_shape(const struct onnx_tensor *a, const struct onnx_tensor *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

/* Numbers of all weights of a network. */
static int64_t weights_len(const struct network *network)
{
    int64_t len = 0;
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w)
            len += dae_shape_len(&network->node[i].plan.weight[w].shape);
    return len;
}

static int64_t tensors_len(const struct onnx_model *model)
{
    int64_t len = 0;
    for (int i = 0; i < model->n_tensors; ++i)
        len += onnx_tensor_len(&model->tensor[i]);
    return len;
}

/* The graphs that exporting the network gives: `plain` of parameters that are all zero, as the file stores them; `zero`
 * and `numbered` in 32 bits, of zeros and of the bits 1, 2, 3, ... */
struct exports {
    struct onnx_model plain, zero, numbered;
};

static void release(struct exports *exports)
{
    onnx_release(&exports->plain);
    onnx_release(&exports->zero);
    onnx_release(&exports->numbered);
}

static enum dae_status export_again(const struct onnx_model *model, const struct model_file *file, struct arena *arena,
                                    struct exports *exports, struct error *err)
{
    struct onnx_export_options options = {.opset = model->opset, .dynamic = model->input[0].axis[0].symbol};
    struct model_file other = *file;
    struct receptive_field field;
    const size_t len = (size_t)file->network.parameters_len;
    float *zeros = arena_array(arena, len + 1, sizeof *zeros), *numbers = arena_array(arena, len + 1, sizeof *numbers);
    if (!zeros || !numbers)
        return error_no_memory(err, "parameters", len * sizeof *zeros);
    for (size_t i = 0; i < len; ++i)
        memcpy(&numbers[i], &(uint32_t){(uint32_t)i + 1}, sizeof *numbers);
    TRY(receptive_field_find(&file->network, &field, err));
    other.parameters = zeros;
    TRY(onnx_export(&other, &field, &options, &exports->zero, err));
    for (int i = 0; i < model->n_tensors; ++i)
        options.half = options.half || model->tensor[i].stored == ONNX_FLOAT16;
    TRY(onnx_export(&other, &field, &options, &exports->plain, err));
    options.half = false;
    other.parameters = numbers;
    return onnx_export(&other, &field, &options, &exports->numbered, err);
}

/* Takes the parameters out of the file's tensors. Sets *different to the tensor that is missing or another constant. */
static int64_t take_parameters(const struct onnx_model *model, const struct exports *exports, float *parameters,
                               const char **different)
{
    int64_t taken = 0;
    int at = 0;
    for (int t = 0; t < exports->numbered.n_tensors && !*different; ++t) {
        const struct onnx_tensor *numbered = &exports->numbered.tensor[t], *zero = &exports->zero.tensor[t];
        const char *name = exports->numbered.value[numbered->value];
        const struct onnx_tensor *have = find_tensor(model, name, &at);
        const int64_t len = onnx_tensor_len(numbered);
        const size_t bytes = (size_t)len * (numbered->type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t));
        if (!have || have->type != numbered->type || !same_shape(have, numbered)) {
            *different = name;
        } else if (memcmp(numbered->data, zero->data, bytes) == 0) { /* no weight */
            if (memcmp(have->data, zero->data, bytes) != 0)
                *different = name;
        } else {
            for (int64_t i = 0; i < len; ++i) {
                uint32_t number;
                memcpy(&number, (const float *)numbered->data + i, sizeof number);
                parameters[number - 1] = ((const float *)have->data)[i];
            }
            taken += len;
        }
    }
    return taken;
}

static enum dae_status check_finite(const char *path, const struct model_file *file, struct error *err)
{
    for (int64_t i = 0; i < file->network.parameters_len; ++i)
        if (!isfinite(file->parameters[i]))
            return error_set(err, DAE_CHECKPOINT, "%s: its weights are not all finite", path);
    return DAE_OK;
}

static enum dae_status build(const char *path, const struct onnx_model *model, const struct registry *registry,
                             struct arena *arena, struct model_file *out, struct error *err)
{
    const char *config = meta(model, "config"), *columns = meta(model, "columns");
    if (!config)
        return error_set(err, DAE_CHECKPOINT, "%s: dae-cl wrote it, but its config is missing: it is cut short", path);
    TRY(tree_parse_text(path, config, strlen(config), arena, &out->config, err));
    TRY(network_build(registry, out->config, arena, false, &out->network, err));
    return columns ? panel_columns_read(columns, path, &out->columns, err) : DAE_OK;
}

enum dae_status onnx_own_read(const char *path, const struct onnx_model *model, const struct registry *registry,
                              struct arena *arena, struct model_file *out, const char **different, struct error *err)
{
    struct exports exports CLEANUP(release) = {0};
    TRY(build(path, model, registry, arena, out, err));
    const int64_t len = out->network.parameters_len, weights = weights_len(&out->network);
    *different = NULL;
    if (model->opset < ONNX_EXPORT_FIRST_OPSET || model->opset > ONNX_EXPORT_LAST_OPSET)
        *different = "the version of the operators";
    else if (tensors_len(model) < weights) /* before anything of that size is allocated */
        *different = "the number of weights";
    else if (model->n_inputs < 1 || model->input[0].rank < 1)
        *different = "the input";
    if (*different)
        return DAE_OK;
    out->parameters = arena_array(arena, (size_t)len + 1, sizeof *out->parameters);
    if (!out->parameters)
        return error_no_memory(err, path, (size_t)len * sizeof *out->parameters);
    TRY(export_again(model, out, arena, &exports, err));
    *different = first_difference(model, &exports.plain);
    const int64_t taken = *different ? 0 : take_parameters(model, &exports, out->parameters, different);
    if (!*different && (taken != weights || model->n_tensors != exports.plain.n_tensors))
        *different = "the number of weights";
    if (*different) {
        *different = arena_text(arena, *different, strlen(*different));
        return *different ? DAE_OK : error_no_memory(err, path, 0);
    }
    return check_finite(path, out, err);
}
