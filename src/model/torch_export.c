#include "model/torch_export.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/version.h"
#include "model/torch_python.h"

void torch_export_release(struct torch_export *export)
{
    torch_layout_release(&export->layout);
    text_release(&export->python);
    *export = (struct torch_export){0};
}

/* ---- Names. ------------------------------------------------------------------------------------------------------ */

static bool is_taken(const struct torch_writer *w, int before, const char *name)
{
    for (int i = 0; i < before; ++i)
        if (w->name[i] && strcmp(w->name[i], name) == 0)
            return true;
    return torch_python_reserves(name);
}

/* The layer's name with '_' for what Python's names do not have, made different from those before it. */
static enum dae_status name_layers(struct torch_writer *w)
{
    const struct network *network = w->layout->network;
    for (int i = network->noisy + 1; i <= network->output; ++i) {
        const char *from = network->node[i].name;
        char *name = arena_printf(w->arena, "%s%s", isdigit((unsigned char)*from) ? "layer_" : "", from);
        for (char *c = name; name && *c; ++c)
            if (!isalnum((unsigned char)*c))
                *c = '_';
        const char *plain = name;
        for (int n = 2; name && is_taken(w, i, name); ++n)
            name = arena_printf(w->arena, "%s_%d", plain, n);
        if (!(w->name[i] = name))
            return error_no_memory(w->err, "Python", 0);
    }
    return DAE_OK;
}

/* ---- Weights. ---------------------------------------------------------------------------------------------------- */

static enum dae_status make_tensors(const struct model_file *file, const struct torch_writer *w, struct arena *arena,
                                    struct torch_export *export)
{
    const struct torch_layout *layout = &export->layout;
    export->n_tensors = (size_t)layout->n_tensors;
    export->tensor = arena_array(arena, export->n_tensors + 1, sizeof *export->tensor);
    for (int i = 0; export->tensor && i < layout->n_tensors; ++i) {
        const struct torch_tensor *from = &layout->tensor[i];
        struct st_tensor *to = &export->tensor[i];
        float *data = arena_array(arena, (size_t)from->len + 1, sizeof *data);
        *to = (struct st_tensor){.name = arena_printf(arena, "%s.%s", w->name[from->node], from->role),
                                 .dtype = ST_F32,
                                 .rank = from->rank,
                                 .data = data};
        if (!data || !to->name)
            return error_no_memory(w->err, "weights", (size_t)from->len * sizeof *data);
        for (int d = 0; d < from->rank; ++d)
            to->shape[d] = (uint64_t)from->dim[d];
        for (int64_t k = 0; k < from->len; ++k)
            data[k] = file->parameters[from->place[k]];
    }
    return export->tensor ? DAE_OK : error_no_memory(w->err, "weights", 0);
}

/* ---- Layers. ----------------------------------------------------------------------------------------------------- */

static bool is_plain(const struct dae_shape *shape)
{
    return shape->dim[shape->rank - 1] == 1 || shape->dim[shape->rank - 1] == dae_shape_len(shape);
}

/* ".permute(0, ...)" that moves the channels to the end, or back. */
static void add_permute(struct text *text, int rank, bool to_end)
{
    text_add(text, ".permute(0");
    for (int i = 1; i <= rank; ++i)
        text_printf(text, ", %d", to_end ? i % rank + 1 : (i + rank - 2) % rank + 1);
    text_add(text, ")");
}

/* A value with another shape. To and from a vector it is PyTorch's own flattening, in whose order the weights are. */
static void add_view(struct text *text, const char *x, const struct dae_shape *from, const struct dae_shape *to)
{
    const bool vector = from->rank == 1 || to->rank == 1;
    text_add(text, x);
    if (from->rank == 1 && to->rank == 1)
        return;
    if (to->rank == 1) {
        text_add(text, ".flatten(1)");
        return;
    }
    if (!vector && !is_plain(from))
        add_permute(text, from->rank, true);
    const bool first = vector || is_plain(to); /* the channels */
    text_add(text, ".reshape(-1");
    for (int i = 0; i < to->rank; ++i)
        text_printf(text, ", %lld", (long long)to->dim[first ? (i + to->rank - 1) % to->rank : i]);
    text_add(text, ")");
    if (!first)
        add_permute(text, to->rank, false);
}

static int find_value(const struct onnx_model *graph, const char *name)
{
    for (int i = 0; i < graph->n_values; ++i)
        if (strcmp(graph->value[i], name) == 0)
            return i;
    return -1;
}

/* The variable of each layer: views have no node of their own that counts. */
static enum dae_status write_layers(struct torch_writer *w, const char **variable)
{
    const struct network *network = w->layout->network;
    const struct onnx_model *graph = &w->layout->graph;
    for (int i = network->noisy + 1; i <= network->output; ++i) {
        const struct node *node = &network->node[i];
        if (i == network->mask)
            continue;
        variable[i] = w->name[i];
        if (!node->plugin->view) {
            TRY(torch_python_layer(w, i));
            continue;
        }
        text_printf(&w->forward, "        %s = ", w->name[i]);
        add_view(&w->forward, variable[node->input[0]], &node->plan.input[0], &node->plan.output);
        text_add(&w->forward, "\n");
        const int value = find_value(graph, node->name);
        if (value >= 0)
            w->value[value] = w->name[i];
    }
    return DAE_OK;
}

/* ---- The file. --------------------------------------------------------------------------------------------------- */

static void add_shape(struct text *text, const struct dae_shape *shape)
{
    text_add(text, "(N");
    for (int i = 0; i < shape->rank; ++i)
        text_printf(text, ", %lld", (long long)shape->dim[(i + shape->rank - 1) % shape->rank]);
    text_add(text, ")");
}

static void write_file(const struct torch_writer *w, const char *name, const char *result, struct text *text)
{
    const struct network *network = w->layout->network;
    const struct dae_shape *in = &network->node[0].plan.output, *out = &network->node[network->output].plan.output;
    const bool mask = w->layout->graph.n_inputs > 1;
    const char *init = w->init.data ? w->init.data : "", *forward = w->forward.data ? w->forward.data : "";
    text_printf(text, TORCH_EXPORT_HEAD "%s trained. Input and output are ", DAE_CL_VERSION);
    add_shape(text, in);
    text_printf(
        text,
        ", as dae-cl trained it, with the numbers\nthat dae-cl denoise gives to the network: pixels from 0 to 1, "
        "columns of a table standardised.%s\n\"\"\"\nimport os\n\n%s%sfrom torch import nn\n\n\nclass "
        "Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n%s\n    def forward(self, "
        "x%s):\n%s        return ",
        mask ? " The mask is 1 where a number is missing, which is\nthen 0 in the input." : "",
        strstr(init, "torch.") || strstr(forward, "torch.") ? "import torch\n" : "",
        strstr(forward, "F.") ? "import torch.nn.functional as F\n" : "", init, mask ? ", mask" : "", forward);
    if (out->rank == in->rank)
        text_add(text, result);
    else
        add_view(text, result, out, in);
    text_printf(
        text,
        "\n\n\ndef load(path=None):\n    \"\"\"The trained network, for inference: its weights are those of the "
        "file next to this one, or of PATH.\"\"\"\n    from safetensors.torch import load_file\n\n    model = "
        "Model()\n    here = os.path.dirname(os.path.abspath(__file__))\n    "
        "model.load_state_dict(load_file(path or os.path.join(here, \"%s\")))\n    return model.eval()\n",
        name);
}

static void release(struct torch_writer *w)
{
    text_release(&w->init);
    text_release(&w->forward);
}

enum dae_status torch_export(const struct model_file *file, const char *name, struct arena *arena,
                             struct torch_export *export, struct error *err)
{
    struct torch_writer w CLEANUP(release) = {.layout = &export->layout, .arena = arena, .err = err};
    const struct network *network = &file->network;
    const size_t n = (size_t)network->n_nodes;
    TRY(torch_layout_find(network, file->config, arena, &export->layout, err));
    const struct onnx_model *graph = &export->layout.graph;
    const char **variable = arena_array(arena, n, sizeof *variable);
    w.name = arena_array(arena, n, sizeof *w.name);
    w.value = arena_array(arena, (size_t)graph->n_values, sizeof *w.value);
    if (!variable || !w.name || !w.value)
        return error_no_memory(err, "Python", n * sizeof *variable);
    variable[network->noisy] = w.value[graph->input[0].value] = "x";
    if (graph->n_inputs > 1)
        variable[network->mask] = w.value[graph->input[1].value] = "mask";
    TRY(name_layers(&w));
    TRY(make_tensors(file, &w, arena, export));
    TRY(write_layers(&w, variable));
    write_file(&w, name, variable[network->output], &export->python);
    export->n_modules = w.n_modules;
    return w.init.failed || w.forward.failed || export->python.failed
               ? error_no_memory(err, "Python", export->python.len)
               : DAE_OK;
}
