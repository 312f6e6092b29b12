#include "model/onnx_import.h"

#include <assert.h>
#include <string.h>

#include "base/shape.h"
#include "config/tree.h"
#include "graph/build.h"
#include "model/onnx_layers.h"
#include "model/onnx_own.h"

void onnx_import_release(struct onnx_import *import)
{
    panel_columns_free(import->file.columns);
    text_release(&import->notes);
    *import = (struct onnx_import){0};
}

/* ---- The config. ------------------------------------------------------------------------------------------------- */

/* Square images train on patches of photographs; everything else on arrays. The user names the files. */
static void write_data(struct text *text, const struct dae_shape *shape)
{
    if (shape_is_image(shape) && shape->dim[0] == shape->dim[1])
        text_printf(text, "data: {source: images, train: images/train, test: images/test, patch: %lld, channels: %s}\n",
                    (long long)shape->dim[0], shape->dim[2] == 1 ? "grey" : "colour");
    else
        text_add(text, "data: {source: npy, train: train.npy, test: test.npy}\n");
}

static enum dae_status make_config(struct onnx_layers *l, const char *name, struct value **config)
{
    const struct dae_shape *shape = onnx_shape(l, 0);
    struct text text CLEANUP(text_release) = {0};
    text_printf(&text, "name: %s\n", name);
    write_data(&text, shape);
    text_add(&text, "model: {input: [");
    for (int i = 0; i < shape->rank; ++i)
        text_printf(&text, "%s%lld", i ? ", " : "", (long long)shape->dim[i]);
    text_add(&text, "]}\ntrain: {loss: mse, optimizer: adam}\n");
    if (text.failed)
        return error_no_memory(l->err, l->path, text.len);
    TRY(tree_parse_text(l->path, text.data, text.len, l->arena, config, l->err));
    return value_map_put(l->arena, value_map_get(*config, "model"), "layers", l->list)
               ? DAE_OK
               : error_no_memory(l->err, l->path, 0);
}

/* ---- The weights. ------------------------------------------------------------------------------------------------ */

static enum dae_status place_weights(const struct onnx_layers *l, struct model_file *file)
{
    const size_t len = (size_t)file->network.parameters_len;
    file->parameters = arena_array(l->arena, len + 1, sizeof *file->parameters);
    if (!file->parameters)
        return error_no_memory(l->err, l->path, len * sizeof *file->parameters);
    for (int i = 1; i < l->network.n_nodes; ++i) {
        const struct node *node = &file->network.node[i];
        assert(strcmp(node->name, l->network.node[i].name) == 0);
        for (int w = 0; w < node->plan.n_weights; ++w)
            memcpy(file->parameters + node->weight_offset[w], l->weight[i][w],
                   (size_t)dae_shape_len(&node->plan.weight[w].shape) * sizeof(float));
    }
    return DAE_OK;
}

static enum dae_status read_foreign(struct onnx_layers *l, const struct onnx_import_options *options,
                                    struct model_file *file)
{
    struct error why = {0};
    TRY(onnx_layers_read(l, options->size));
    TRY(make_config(l, options->name, &file->config));
    const enum dae_status status = network_build(l->registry, file->config, l->arena, false, &file->network, &why);
    if (status == DAE_CONFIG)
        return error_set(l->err, DAE_CHECKPOINT, "%s: %s", l->path, error_message(&why));
    if (status != DAE_OK)
        return error_set(l->err, status, "%s", error_message(&why));
    return place_weights(l, file);
}

/* ---- The file. --------------------------------------------------------------------------------------------------- */

static void note_types(const struct onnx_model *model, struct text *notes)
{
    int n = 0;
    for (int i = 0; i < model->n_tensors; ++i)
        n += model->tensor[i].stored == ONNX_FLOAT16 || model->tensor[i].stored == ONNX_DOUBLE;
    if (n)
        text_printf(notes, "%d constant%s of 16 or 64 bits became floats of 32 bits, in which dae-cl computes\n", n,
                    n == 1 ? "" : "s");
}

static enum dae_status read_model(const char *path, const struct onnx_model *model, const struct registry *registry,
                                  const struct onnx_import_options *options, struct arena *arena,
                                  struct onnx_import *import, struct error *err)
{
    struct onnx_layers layers = {.path = path, .model = model, .registry = registry, .arena = arena, .err = err};
    const char *different = NULL;
    import->opset = model->opset;
    if (model->opset < ONNX_IMPORT_FIRST_OPSET || model->opset > ONNX_IMPORT_LAST_OPSET)
        return error_set(err, DAE_CHECKPOINT, "%s: its operators have version %d (opset); dae-cl reads %d to %d", path,
                         model->opset, ONNX_IMPORT_FIRST_OPSET, ONNX_IMPORT_LAST_OPSET);
    note_types(model, &import->notes);
    if (onnx_is_own(model)) {
        TRY(onnx_own_read(path, model, registry, arena, &import->file, &different, err));
        import->own = !different;
    }
    if (import->own && options->size[0])
        return error_set(err, DAE_CONFIG, "%s: its config says what size samples have; leave out --size", path);
    if (!import->own) {
        if (different)
            text_printf(&import->notes,
                        "the graph is no longer that of the config in the file (%s), so only the graph was read\n",
                        different);
        panel_columns_free(import->file.columns);
        import->file = (struct model_file){0};
        TRY(read_foreign(&layers, options, &import->file));
    }
    return import->notes.failed ? error_no_memory(err, path, import->notes.len) : DAE_OK;
}

enum dae_status onnx_import(const char *path, const struct registry *registry,
                            const struct onnx_import_options *options, struct arena *arena, struct onnx_import *import,
                            struct error *err)
{
    struct onnx_model model;
    TRY(onnx_load(path, &model, err));
    const enum dae_status status = read_model(path, &model, registry, options, arena, import, err);
    onnx_release(&model);
    return status;
}
