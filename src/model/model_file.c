#include "model/model_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "config/tree.h"

#define FORMAT "dae-cl model 1"

static char *tensor_name(const struct network *network, int node, int weight)
{
    return arena_printf(network->arena, "%s.%s", network->node[node].name,
                        network->node[node].plan.weight[weight].name);
}

enum dae_status model_file_save(const char *path, const struct network *network, const float *parameters,
                                const struct value *config, const struct panel_columns *columns, struct error *err)
{
    for (int64_t i = 0; i < network->parameters_len; ++i)
        if (!isfinite(parameters[i]))
            return error_set(err, DAE_DIVERGED, "%s is not written: the parameters of the network are not finite",
                             path);
    struct st_tensor *tensors = calloc((size_t)network->n_nodes * DAE_MAX_WEIGHTS, sizeof *tensors);
    struct text text = {0}, panel = {0};
    size_t n = 0;
    enum dae_status status = tensors ? tree_write(config, &text, err) : error_no_memory(err, path, 0);
    for (int i = 0; i < network->n_nodes && status == DAE_OK; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights && status == DAE_OK; ++w) {
            const struct dae_shape *shape = &network->node[i].plan.weight[w].shape;
            struct st_tensor *tensor = &tensors[n++];
            *tensor = (struct st_tensor){
                tensor_name(network, i, w), ST_F32, shape->rank, {0}, parameters + network->node[i].weight_offset[w]};
            for (int d = 0; d < shape->rank; ++d)
                tensor->shape[d] = (uint64_t)shape->dim[d];
            if (!tensor->name)
                status = error_no_memory(err, path, 0);
        }
    if (columns)
        panel_columns_write(columns, &panel);
    if (status == DAE_OK && (text.failed || panel.failed))
        status = error_no_memory(err, path, text.len + panel.len);
    if (status == DAE_OK) {
        const struct st_meta meta[] = {{"format", FORMAT}, {"config", text.data}, {"columns", panel.data}};
        status = safetensors_save(path, tensors, n, meta, columns ? 3 : 2, err);
    }
    text_release(&panel);
    text_release(&text);
    free(tensors);
    return status;
}

enum dae_status model_file_open(const char *path, struct arena *arena, struct safetensors *file, struct value **config,
                                struct error *err)
{
    TRY(safetensors_open(path, 0, file, err));
    const char *format = safetensors_meta(file, "format"), *text = safetensors_meta(file, "config");
    enum dae_status status;
    if (!format || strcmp(format, FORMAT) != 0 || !text)
        status =
            error_set(err, DAE_CHECKPOINT, "%s: it is not a model of this version of dae-cl (%s wanted)", path, FORMAT);
    else
        status = tree_parse_text(path, text, strlen(text), arena, config, err);
    if (status != DAE_OK)
        safetensors_close(file);
    return status;
}

enum dae_status model_file_columns(const char *path, const struct safetensors *file, struct panel_columns **columns,
                                   struct error *err)
{
    const char *text = safetensors_meta(file, "columns");
    if (!text)
        return error_set(err, DAE_CHECKPOINT, "%s: the model was not trained on a panel (data.source: csv)", path);
    return panel_columns_read(text, path, columns, err);
}

static bool fits(const struct st_tensor *tensor, const struct dae_shape *shape)
{
    bool same = tensor->dtype == ST_F32 && tensor->rank == shape->rank;
    for (int i = 0; i < shape->rank && same; ++i)
        same = tensor->shape[i] == (uint64_t)shape->dim[i];
    return same;
}

enum dae_status model_file_parameters(const char *path, const struct safetensors *file, const struct network *network,
                                      float *parameters, struct error *err)
{
    memset(parameters, 0, (size_t)network->parameters_len * sizeof *parameters);
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_shape *shape = &network->node[i].plan.weight[w].shape;
            const char *name = tensor_name(network, i, w);
            char want[96], have[96];
            if (!name)
                return error_no_memory(err, path, 0);
            const struct st_tensor *tensor = safetensors_find(file, name);
            if (!tensor)
                return error_set(err, DAE_CHECKPOINT, "%s: tensor '%s' is missing", path, name);
            if (!fits(tensor, shape)) {
                struct dae_shape theirs = {tensor->rank < DAE_MAX_RANK ? tensor->rank : DAE_MAX_RANK, {0}};
                for (int d = 0; d < theirs.rank; ++d)
                    theirs.dim[d] = (int64_t)tensor->shape[d];
                return error_set(err, DAE_CHECKPOINT, "%s: tensor '%s' is %s %s, the network needs F32 %s", path, name,
                                 safetensors_dtype_name(tensor->dtype), shape_text(&theirs, have),
                                 shape_text(shape, want));
            }
            float *to = parameters + network->node[i].weight_offset[w];
            memcpy(to, tensor->data, safetensors_bytes(tensor));
            for (int64_t k = 0; k < dae_shape_len(shape); ++k)
                if (!isfinite(to[k]))
                    return error_set(err, DAE_CHECKPOINT, "%s: tensor '%s' is not finite; the training had diverged",
                                     path, name);
        }
    return DAE_OK;
}
