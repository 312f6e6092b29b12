#include "graph/source.h"

#include <stdio.h>
#include <string.h>

#include "device/sources.h"
#include "graph/params.h"
#include "graph/placement.h"

struct writer {
    const struct network *network;
    const struct fusion *fusion;
    const struct tuning *tuning;
    const struct schedule *schedule;
    struct text *text;
    bool patches; /* samples are cut out of images */
};

static const char *const axis_name[] = {"H", "W", "C"};

static void define_shape(struct text *text, const char *side, const struct dae_shape *shape)
{
    text_printf(text, "#define %s_LEN %lld\n", side, (long long)dae_shape_len(shape));
    for (int i = 0; shape->rank == 3 && i < 3; ++i)
        text_printf(text, "#define %s_%s %lld\n", side, axis_name[i], (long long)shape->dim[i]);
}

static void undefine_shape(struct text *text, const char *side, const struct dae_shape *shape)
{
    text_printf(text, "#undef %s_LEN\n", side);
    for (int i = 0; shape->rank == 3 && i < 3; ++i)
        text_printf(text, "#undef %s_%s\n", side, axis_name[i]);
}

static bool is_training(const struct writer *w)
{
    return w->schedule->options.kind == SCHEDULE_TRAIN;
}

/* A node of one sample that has something folded into its store. */
static bool folds_sample(const struct writer *w, int node)
{
    return w->network->node[node].plugin && !w->network->node[node].plugin->forward &&
           fusion_result(w->fusion, is_training(w), node) != node;
}

/* The pooling node that is folded into `node`, or -1. */
static int window_of(const struct writer *w, int node)
{
    return is_training(w) ? -1 : w->fusion->window[node];
}

/* Whether the pointwise node that is folded into `node` is applied once for a window, behind the pooling. */
static bool folds_last(const struct writer *w, int node)
{
    const int folded = w->fusion->forward[node];
    return folded >= 0 && window_of(w, node) >= 0 && (w->network->node[folded].plugin->flags & DAE_RISES);
}

/* FOLD_STORE, FOLD_WINDOW and FOLD_LAST choose by the node's number among the functions that add_folds writes. */
static void define_folds(struct writer *w)
{
    const char *const macro[] = {"FOLD_STORE(number, v)", "FOLD_WINDOW(number, a, b)", "FOLD_LAST(number, v)"};
    const char *const choice[] = {
        " (number) == %d ? fold_%d(v) :", " (number) == %d ? window_%d(a, b) :", " (number) == %d ? fold_%d(v) :"};
    const char *const otherwise[] = {"(v)", "(a)", "(v)"};
    for (int m = 0; m < 3; ++m) {
        text_printf(w->text, "#define %s (", macro[m]);
        for (int i = 0; i < w->network->n_nodes; ++i) {
            if (!folds_sample(w, i))
                continue;
            const bool last = folds_last(w, i), pointwise = w->fusion->forward[i] >= 0;
            if (m == 0 ? pointwise && !last : m == 1 ? window_of(w, i) >= 0 : last)
                text_printf(w->text, choice[m], i, i);
        }
        text_printf(w->text, " %s)\n", otherwise[m]);
    }
}

/* A function of what the pointwise node `folded` computes. */
static void add_fold(struct writer *w, int folded, const char *name, int number, const char *arguments,
                     const char *expression)
{
    const struct node *node = &w->network->node[folded];
    params_define(node->plugin, node->state, w->text);
    text_printf(w->text, "INLINE V %s_%d(%s) { return %s; }\n", name, number, arguments, expression);
    params_undefine(node->plugin, w->text);
}

static void add_folds(struct writer *w)
{
    for (int i = 0; i < w->network->n_nodes; ++i) {
        const struct node *node = w->network->node;
        const int y = w->fusion->forward[i], window = window_of(w, i), dx = w->fusion->backward[i];
        if (!node[i].plugin || node[i].plugin->forward)
            continue;
        if (y >= 0)
            add_fold(w, y, "fold", i, "const V x", node[y].plugin->pointwise_y);
        if (window >= 0)
            add_fold(w, window, "window", i, "const V a, const V b", node[window].plugin->window_y);
        if (dx >= 0)
            add_fold(w, dx, "fold_dx", i, "const V dy, const V y", node[dx].plugin->pointwise_dx);
    }
}

static void define_node(const struct writer *w, int number)
{
    const struct network *network = w->network;
    const struct node *node = &network->node[number];
    struct text *text = w->text;
    text_printf(text, "/* %s */\n#define FN(pass) %s_##pass##_%d\n#define STREAM %uu\n#define N_INPUTS %d\n",
                node->name, node->plugin->name, number, (unsigned)(PHILOX_NODE + node->stream), node->plan.n_inputs);
    define_shape(text, "IN", &node->plan.input[0]);
    define_shape(text, "OUT", &node->plan.output);
    params_define(node->plugin, node->state, text);
    for (int i = 0; i < node->plan.n_defines; ++i)
        text_printf(text, "#define %s %lld\n", node->plan.define[i].name, (long long)node->plan.define[i].value);
    const int window = window_of(w, number);
    const int64_t *size = window >= 0 ? network->node[window].plan.window : (const int64_t[]){1, 1};
    text_printf(text, "#define FOLDED %d\n#define FOLDED_H %lld\n#define FOLDED_W %lld\n",
                folds_sample(w, number) ? number : 0, (long long)size[0], (long long)size[1]);
    if (w->fusion->backward[number] >= 0)
        text_printf(text, "#define FOLDED_DX(dy, y) fold_dx_%d(dy, y)\n", number);
    else
        text_add(text, "#define FOLDED_DX(dy, y) (dy)\n");
}

static void undefine_node(const struct network *network, int number, struct text *text)
{
    const struct node *node = &network->node[number];
    text_add(text, "#undef FN\n#undef STREAM\n#undef N_INPUTS\n"
                   "#undef FOLDED\n#undef FOLDED_H\n#undef FOLDED_W\n#undef FOLDED_DX\n");
    undefine_shape(text, "IN", &node->plan.input[0]);
    undefine_shape(text, "OUT", &node->plan.output);
    params_undefine(node->plugin, text);
    for (int i = 0; i < node->plan.n_defines; ++i)
        text_printf(text, "#undef %s\n", node->plan.define[i].name);
}

static enum dae_status add_plugin_source(const struct dae_plugin *plugin, struct text *text, struct error *err)
{
    char file[64];
    snprintf(file, sizeof file, "%s.cl", plugin->name);
    return sources_add_text(text, file, plugin->kernel_source, err);
}

/* The functions of a layer that is given by two expressions. */
static void add_pointwise(const struct dae_plugin *plugin, struct text *text)
{
    text_printf(text,
                "INLINE V FN(y)(const V x) { return %s; }\n"
                "INLINE V FN(dx)(const V x, const V y, const V dy) { return %s; }\n"
                "INLINE void FN(forward)(FORWARD_ARGS)\n{\n"
                "    FOR_LANES(i, VECTORS(OUT_LEN))\n"
                "        store16(FN(y)(load16(x[0] + 16 * i, OUT_LEN - 16 * i)), y + 16 * i, OUT_LEN - 16 * i);\n}\n"
                "INLINE void FN(backward)(BACKWARD_ARGS)\n{\n"
                "    if (dx[0])\n"
                "        FOR_LANES(i, VECTORS(OUT_LEN)) {\n"
                "            const int n = OUT_LEN - 16 * i;\n"
                "            put16(FN(dx)(%s, %s, load16(dy + 16 * i, n)), dx[0] + 16 * i, n, add_dx[0]);\n"
                "        }\n}\n",
                plugin->pointwise_y, plugin->pointwise_dx,
                plugin->flags & DAE_READS_X ? "load16(x[0] + 16 * i, n)" : "(V)(0.0f)",
                plugin->flags & DAE_READS_Y ? "load16(y + 16 * i, n)" : "(V)(0.0f)");
}

static enum dae_status add_functions(struct writer *w, int number, struct error *err)
{
    const struct dae_plugin *plugin = w->network->node[number].plugin;
    define_node(w, number);
    if (plugin->pointwise_y)
        add_pointwise(plugin, w->text);
    else
        TRY(add_plugin_source(plugin, w->text, err));
    undefine_node(w->network, number, w->text);
    return DAE_OK;
}

enum dae_status source_write_plugin(const struct dae_plugin *plugin, struct text *text, struct error *err)
{
    TRY(sources_add(text, "dae.clh", err));
    TRY(add_plugin_source(plugin, text, err));
    return text->failed ? error_no_memory(err, "kernel source", text->len) : DAE_OK;
}

enum dae_status source_write_optimizer(const struct dae_plugin *plugin, const void *state, int vectors_each,
                                       int norm_vectors, struct text *text, struct error *err)
{
    TRY(sources_add(text, "dae.clh", err));
    text_printf(text, "#define FN(pass) %s_##pass\n", plugin->name);
    params_define(plugin, state, text);
    TRY(add_plugin_source(plugin, text, err));
    text_printf(text, "#define STATES %d\n#define UPDATE(w, g, state, c) FN(update)(w, g, state, c)\n",
                plugin->n_states);
    text_printf(text, "#define VECTORS_EACH %d\n#define NORM_VECTORS %d\n", vectors_each, norm_vectors);
    TRY(sources_add(text, "step.cl", err));
    return text->failed ? error_no_memory(err, "kernel source", text->len) : DAE_OK;
}

static void add_pointer(struct writer *w, const struct storage *storage)
{
    if (storage->where == STORAGE_BATCH)
        text_printf(w->text, "work + %lldul + (size_t)i * %lldul", (long long)storage->offset, (long long)storage->len);
    else if (storage->where == STORAGE_SCRATCH)
        text_printf(w->text, "scratch + %lldul", (long long)storage->offset);
    else
        text_add(w->text, "0");
}

static void add_inputs(struct writer *w, const struct call *call, bool read)
{
    const struct node *node = &w->network->node[call->node];
    text_add(w->text, "            G const float *x[] = {");
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        text_add(w->text, j ? ", " : "");
        if (read)
            add_pointer(w, &w->schedule->value[node->input[j]]);
        else
            text_add(w->text, "0");
    }
    text_add(w->text, "};\n            G const float *w[] = {");
    for (int i = 0; i < node->plan.n_weights; ++i)
        text_printf(w->text, "%sparameters + %lldul", i ? ", " : "", (long long)node->weight_offset[i]);
    text_add(w->text, node->plan.n_weights ? "};\n" : "0};\n");
}

/* A sample that has drawn another alternative passes as it is. */
static void add_passing(struct writer *w, const struct call *call)
{
    const struct node *node = &w->network->node[call->node];
    text_printf(w->text, "            if (sample_choice(s, %uu, %d) != %d)\n                copy(x[0], ",
                (unsigned)(PHILOX_NODE + node->choice.stream), node->choice.n, node->choice.index);
    add_pointer(w, &w->schedule->value[call->node]);
    text_printf(w->text, ", %lld);\n", (long long)dae_shape_len(&node->plan.output));
}

static void add_forward(struct writer *w, const struct call *call)
{
    const struct node *node = &w->network->node[call->node];
    add_inputs(w, call, true);
    /* A function may hold barriers, and those in a condition, even one that a whole group agrees on, go wrong on
     * PoCL 3.1: a group runs every alternative and then undoes what the sample has not drawn. */
    if (node->choice.n > 1 && w->tuning->lanes == 1) {
        add_passing(w, call);
        text_add(w->text, "            else\n");
    }
    text_printf(w->text, "            %s_forward_%d(s, x, w, ", node->plugin->name, call->node);
    add_pointer(w, &w->schedule->value[fusion_result(w->fusion, is_training(w), call->node)]);
    text_printf(w->text, ", scratch + %lldul);\n", (long long)call->scratch_offset);
    if (node->choice.n > 1 && w->tuning->lanes > 1) {
        text_add(w->text, "            SYNC();\n");
        add_passing(w, call);
    }
}

static void add_backward(struct writer *w, const struct call *call)
{
    const struct node *node = &w->network->node[call->node];
    add_inputs(w, call, node->plugin->flags & DAE_READS_X);
    text_add(w->text, "            G float *dx[] = {");
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        text_add(w->text, j ? ", " : "");
        add_pointer(w, schedule_dx(w->schedule, w->network, w->fusion, call->node, j));
    }
    text_add(w->text, "};\n            const int add_dx[] = {");
    for (int j = 0; j < node->plan.n_inputs; ++j)
        text_printf(w->text, "%s%d", j ? ", " : "", call->add_dx[j]);
    text_add(w->text, "};\n            G float *dw[] = {");
    for (int i = 0; i < node->plan.n_weights; ++i)
        text_printf(w->text, "%sslab + %lldul", i ? ", " : "",
                    (long long)w->schedule->slab[call->node * DAE_MAX_WEIGHTS + i]);
    text_add(w->text, node->plan.n_weights ? "};\n" : "0};\n");
    text_printf(w->text, "            %s_backward_%d(s, x, w, ", node->plugin->name, call->node);
    if (node->plugin->flags & DAE_READS_Y)
        add_pointer(w, &w->schedule->value[call->node]);
    else
        text_add(w->text, "0");
    text_add(w->text, ", ");
    if (node->plugin->kind == DAE_LOSS)
        text_add(w->text, "0");
    else
        add_pointer(w, &w->schedule->gradient[call->node]);
    text_printf(w->text, ", dx, add_dx, dw, i > begin, scratch + %lldul);\n", (long long)call->scratch_offset);
}

/* A slab holds what earlier passes left in the work buffer. Of a shard without samples all of it is cleared, else the
 * padding behind each weight, which no layer writes and the optimiser takes for zeros. */
static void add_slab_clearing(struct writer *w, const struct step *step)
{
    for (int c = step->first; c < step->first + step->n; ++c) {
        const struct call *call = &w->schedule->call[c];
        const struct node *node = &w->network->node[call->node];
        for (int i = 0; call->kind == CALL_BACKWARD && i < node->plan.n_weights; ++i) {
            const int64_t len = dae_shape_len(&node->plan.weight[i].shape);
            text_printf(w->text,
                        "        for (int i = (begin == end ? 0 : %lld) + LANE; i < %lld; i += LANES)\n"
                        "            slab[%lld + i] = 0.0f;\n",
                        (long long)len, (long long)((len + PLACEMENT_ALIGN - 1) / PLACEMENT_ALIGN * PLACEMENT_ALIGN),
                        (long long)w->schedule->slab[call->node * DAE_MAX_WEIGHTS + i]);
        }
    }
}

/* One segment. Each unit (a work-item or work-group) takes neighbouring shards, so that the samples of a batch with
 * fewer of them than shards are spread over all units; a shard is a fixed piece of the batch, whatever the number of
 * units, so that its sums have the same bits everywhere. */
static void add_kernel(struct writer *w, int number)
{
    const struct schedule *s = w->schedule;
    const struct step *step = &s->step[number];
    text_printf(w->text, "#line 1 \"segment %d\"\n__kernel void step_%d(" SOURCE_ARGUMENTS ")\n{\n", number, number);
    text_printf(w->text,
                "    const int unit = get_group_id(0);\n"
                "    G float *scratch = work + %lldul + (size_t)unit * %lldul;\n"
                "    const int until = (%d * (unit + 1) + %d) / %d;\n"
                "    for (int shard = (%d * unit + %d) / %d; shard < until; ++shard) {\n"
                "        const int begin = (int)((long)n * shard / %d), end = (int)((long)n * (shard + 1) / %d);\n"
                "        G float *slab = work + %lldul + (size_t)shard * %lldul;\n",
                (long long)s->scratch_offset, (long long)s->scratch_len, w->tuning->shards, w->tuning->units - 1,
                w->tuning->units, w->tuning->shards, w->tuning->units - 1, w->tuning->units, w->tuning->shards,
                w->tuning->shards, (long long)s->slab_offset, (long long)s->slab_len);
    add_slab_clearing(w, step);
    text_add(w->text,
             "        for (int i = begin; i < end; ++i) {\n"
             "            const int id = order[first + i];\n"
             "            const struct sample s = {seed_lo, seed_hi, epoch, (uint)id, split, scale, data, rows};\n");
    for (int c = step->first; c < step->first + step->n; ++c) {
        const struct call *call = &s->call[c];
        const char *const verb[] = {"gather", "forward", "backward"};
        text_printf(w->text, "            { /* %s %s */\n", verb[call->kind], w->network->node[call->node].name);
        if (call->kind == CALL_GATHER) {
            text_add(w->text, w->patches ? "            batch_cut(s, 0u, "
                                         : "            batch_gather(data, row < 0 ? id : row + i, ");
            add_pointer(w, &s->value[0]);
            text_add(w->text, ");\n");
        } else if (call->kind == CALL_FORWARD) {
            add_forward(w, call);
        } else {
            add_backward(w, call);
        }
        text_add(w->text, "            }\n            SYNC();\n");
    }
    text_add(w->text, "        }\n    }\n}\n");
}

enum dae_status source_write(const struct network *network, const struct fusion *fusion, const struct tuning *tuning,
                             const struct schedule *schedule, bool bytes, bool patches, struct text *text,
                             struct error *err)
{
    struct writer w = {network, fusion, tuning, schedule, text, patches};
    text_printf(text,
                "#define LANES %d\n#define TRAINING %d\n#define CORRUPTED %d\n#define DATA_BYTES %d\n"
                "#define HOLES %d\n#define LEN %lld\n",
                tuning->lanes, schedule->options.kind == SCHEDULE_TRAIN, schedule->options.corrupt, bytes,
                network->takes_holes, (long long)dae_shape_len(&network->node[0].plan.output));
    text_printf(text, "#define DATA_PATCHES %d\n", patches);
    for (int i = 0; patches && i < 3; ++i)
        text_printf(text, "#define PATCH_%s %lld\n", axis_name[i], (long long)network->node[0].plan.output.dim[i]);
    text_printf(text, "#define PHILOX_MUL_HI %d\n", tuning->mul_hi);
    define_folds(&w);
    TRY(sources_add(text, "dae.clh", err));
    add_folds(&w);
    TRY(sources_add(text, "convolution.clh", err));
    TRY(sources_add(text, "batch.cl", err));
    bool *written = arena_array(network->arena, (size_t)network->n_nodes, sizeof *written);
    if (!written)
        return error_no_memory(err, "kernel source", (unsigned)network->n_nodes);
    for (int i = 0; i < schedule->n_steps; ++i) {
        const struct step *step = &schedule->step[i];
        for (int c = step->first; c < step->first + step->n && !step->batch_wide; ++c) {
            const struct call *call = &schedule->call[c];
            if (call->kind == CALL_GATHER || written[call->node])
                continue;
            written[call->node] = true;
            TRY(add_functions(&w, call->node, err));
        }
    }
    for (int i = 0; i < schedule->n_steps; ++i)
        if (!schedule->step[i].batch_wide)
            add_kernel(&w, i);
    return text->failed ? error_no_memory(err, "kernel source", text->len) : DAE_OK;
}
