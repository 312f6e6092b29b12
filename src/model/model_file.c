#include "model/model_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/shape.h"
#include "config/tree.h"
#include "data/source.h"
#include "graph/build.h"

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
    struct st_tensor *tensors CLEANUP(cleanup_free) =
        calloc((size_t)network->n_nodes * DAE_MAX_WEIGHTS, sizeof *tensors);
    struct text text CLEANUP(text_release) = {0}, panel CLEANUP(text_release) = {0};
    size_t n = 0;
    if (!tensors)
        return error_no_memory(err, path, 0);
    TRY(tree_write(config, &text, err));
    for (int i = 0; i < network->n_nodes; ++i)
        for (int w = 0; w < network->node[i].plan.n_weights; ++w) {
            const struct dae_shape *shape = &network->node[i].plan.weight[w].shape;
            struct st_tensor *tensor = &tensors[n++];
            *tensor = (struct st_tensor){
                tensor_name(network, i, w), ST_F32, shape->rank, {0}, parameters + network->node[i].weight_offset[w]};
            for (int d = 0; d < shape->rank; ++d)
                tensor->shape[d] = (uint64_t)shape->dim[d];
            if (!tensor->name)
                return error_no_memory(err, path, 0);
        }
    if (columns)
        panel_columns_write(columns, &panel);
    if (text.failed || panel.failed)
        return error_no_memory(err, path, text.len + panel.len);
    const struct st_meta meta[] = {{"format", FORMAT}, {"config", text.data}, {"columns", panel.data}};
    return safetensors_save(path, tensors, n, meta, columns ? 3 : 2, err);
}

static bool fits(const struct st_tensor *tensor, const struct dae_shape *shape)
{
    bool same = tensor->dtype == ST_F32 && tensor->rank == shape->rank;
    for (int i = 0; i < shape->rank && same; ++i)
        same = tensor->shape[i] == (uint64_t)shape->dim[i];
    return same;
}

static enum dae_status read_parameters(const char *path, const struct safetensors *file, const struct network *network,
                                       float *parameters, struct error *err)
{
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

enum dae_status model_file_find(const char *name, struct arena *arena, const char **path, struct error *err)
{
    struct stat info;
    *path = name;
    if (stat(name, &info) < 0 || !S_ISDIR(info.st_mode))
        return DAE_OK;
    *path = arena_printf(arena, "%s%smodel.safetensors", name, name[strlen(name) - 1] == '/' ? "" : "/");
    if (!*path)
        return error_no_memory(err, "file name", strlen(name));
    if (access(*path, F_OK) == 0)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT,
                     "%s: the folder contains no model.safetensors, which a training writes when it ends", name);
}

enum dae_status model_file_check_kind(const char *path, const struct safetensors *file, struct error *err)
{
    const char *format = safetensors_meta(file, "format");
    if (format && strncmp(format, "dae-cl checkpoint", 17) == 0)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it is the checkpoint of a training, not a model; the training writes model.safetensors "
                         "into the same folder when it ends",
                         path);
    if (!format || strcmp(format, FORMAT) != 0 || !safetensors_meta(file, "config"))
        return error_set(err, DAE_CHECKPOINT, "%s: it is not a model of this version of dae-cl (expected %s)", path,
                         FORMAT);
    return DAE_OK;
}

static enum dae_status take(const char *path, const struct safetensors *file, const struct registry *registry,
                            struct arena *arena, struct model_file *out, struct error *err)
{
    const char *config = safetensors_meta(file, "config"), *columns = safetensors_meta(file, "columns");
    TRY(model_file_check_kind(path, file, err));
    TRY(tree_parse_text(path, config, strlen(config), arena, &out->config, err));
    TRY(network_build(registry, out->config, arena, false, &out->network, err));
    TRY(source_transfer(value_map_get(out->config, "data"), &out->transfer, err));
    const size_t len = (size_t)out->network.parameters_len;
    out->parameters = arena_array(arena, len + 1, sizeof *out->parameters); /* a network may have none */
    if (!out->parameters)
        return error_no_memory(err, path, len * sizeof *out->parameters);
    TRY(read_parameters(path, file, &out->network, out->parameters, err));
    return columns ? panel_columns_read(columns, path, &out->columns, err) : DAE_OK;
}

enum dae_status model_file_load(const char *path, const struct registry *registry, struct arena *arena,
                                struct model_file *out, struct error *err)
{
    struct safetensors file CLEANUP(safetensors_close) = {0};
    *out = (struct model_file){0};
    TRY(safetensors_open(path, 0, &file, err));
    return take(path, &file, registry, arena, out, err);
}

enum dae_status model_file_read(const char *name, const void *bytes, size_t len, const struct registry *registry,
                                struct arena *arena, struct model_file *out, struct error *err)
{
    struct safetensors file CLEANUP(safetensors_close) = {0};
    *out = (struct model_file){0};
    TRY(safetensors_read(name, bytes, len, 0, &file, err));
    return take(name, &file, registry, arena, out, err);
}
