#include "graph/codegen.h"

#include <stdio.h>
#include <string.h>

#include "device/sources.h"
#include "graph/codegen_formula.h"
#include "graph/formula.h"
#include "graph/params.h"
#include "graph/placement.h"

struct writer {
    const struct network *network;
    const struct tuning *tuning;
    const struct schedule *schedule;
    struct text *text;
    int patches; /* bits of a number in the images that samples are cut from; 0: they are not */
};

static const char *const axis_name[] = {"H", "W", "C"};

/* ---- Macros. ----------------------------------------------------------------------------------------------------- */

static void define_integer(struct text *text, const char *name, int64_t value)
{
    text_printf(text, "#define %s %lld\n", name, (long long)value);
}

/* Dimensions by number and by name: (C), (L,C), (H,W,C) and (D,H,W,C). */
static void define_shape(struct text *text, const char *side, const struct dae_shape *shape)
{
    static const char *const names[DAE_MAX_RANK + 1] = {"", "C", "LC", "HWC", "DHWC"};
    text_printf(text, "#define %s_RANK %d\n#define %s_LEN %lld\n", side, shape->rank, side,
                (long long)dae_shape_len(shape));
    for (int i = 0; i < shape->rank; ++i)
        text_printf(text, "#define %s_%d %lld\n#define %s_%c %lld\n", side, i, (long long)shape->dim[i], side,
                    names[shape->rank][i], (long long)shape->dim[i]);
}

/* The macros that describe a node to its kernel file. */
static void define_node(const struct node *node, struct text *text)
{
    text_printf(text, "#define STREAM %uu\n#define N_INPUTS %d\n", (unsigned)(PHILOX_NODE + node->stream),
                node->plan.n_inputs);
    define_shape(text, "IN", &node->plan.input[0]);
    define_shape(text, "OUT", &node->plan.output);
    params_define(node->plugin, node->state, text);
    for (int i = 0; i < node->plan.n_defines; ++i)
        define_integer(text, node->plan.define[i].name, node->plan.define[i].value);
}

/* For a layer of one sample, also the names of its functions and what is folded into them. */
static void define_functions(const struct writer *w, int number, struct text *text)
{
    const struct node *node = &w->network->node[number];
    const struct call *forward = schedule_find(w->schedule, CALL_FORWARD, number);
    const struct call *backward = schedule_find(w->schedule, CALL_BACKWARD, number);
    const int64_t one[] = {1, 1}, *window = one;
    if (forward && forward->pool >= 0)
        window = w->network->node[forward->pool].plan.window;
    text_printf(text, "#define FN(pass) %s_##pass##_%d\n", node->plugin->name, number);
    define_integer(text, "FOLDED", forward && forward->result != number ? number : 0);
    define_integer(text, "FOLDED_H", window[0]);
    define_integer(text, "FOLDED_W", window[1]);
    if (backward && backward->fold_dx >= 0)
        text_printf(text, "#define FOLDED_DX(dy, y) fold_dx_%d(dy, y)\n", number);
    else
        text_add(text, "#define FOLDED_DX(dy, y) (dy)\n");
}

/* Appends those definitions, one per line, that `file` mentions. */
static void add_mentioned(const char *definitions, const char *file, struct text *text)
{
    char name[128];
    for (const char *line = definitions; *line; line = strchr(line, '\n') + 1)
        if (sscanf(line, "#define %127[A-Za-z0-9_]", name) == 1 && formula_names(file, name))
            text_add_bytes(text, line, strcspn(line, "\n") + 1);
}

/* ---- Folded layers. ---------------------------------------------------------------------------------------------- */

/* Whether the pointwise layer of a call is applied once per window, after the pooling. */
static bool folds_last(const struct writer *w, const struct call *call)
{
    return call->fold >= 0 && call->pool >= 0 && w->network->node[call->fold].plugin->monotone;
}

static bool is_sample_call(const struct writer *w, const struct call *call)
{
    return call->kind != CALL_GATHER && !w->network->node[call->node].plugin->batch_wide;
}

/* FOLD_STORE, FOLD_WINDOW and FOLD_LAST select one of the functions that add_folds writes, by the node's number. */
static void define_folds(struct writer *w)
{
    const char *const macro[] = {"FOLD_STORE(number, v)", "FOLD_WINDOW(number, a, b)", "FOLD_LAST(number, v)"};
    const char *const choice[] = {
        " (number) == %d ? fold_%d(v) :", " (number) == %d ? window_%d(a, b) :", " (number) == %d ? fold_%d(v) :"};
    const char *const otherwise[] = {"(v)", "(a)", "(v)"};
    for (int m = 0; m < 3; ++m) {
        text_printf(w->text, "#define %s (", macro[m]);
        for (int i = 0; i < w->schedule->n_calls; ++i) {
            const struct call *call = &w->schedule->call[i];
            if (!is_sample_call(w, call))
                continue;
            const bool last = folds_last(w, call);
            if (m == 0 ? call->fold >= 0 && !last : m == 1 ? call->pool >= 0 : last)
                text_printf(w->text, choice[m], call->node, call->node);
        }
        text_printf(w->text, " %s)\n", otherwise[m]);
    }
}

/* A function that computes the node `folded`, for the node `number`. */
static void add_fold(struct writer *w, int folded, const char *member, const char *name, int number,
                     const char *arguments, const char *formula)
{
    const struct node *node = &w->network->node[folded];
    struct text definitions = {0};
    char function[64];
    snprintf(function, sizeof function, "%s_%d", name, number);
    text_add(&definitions, "");
    params_define(node->plugin, node->state, &definitions);
    w->text->failed = w->text->failed || definitions.failed;
    if (!definitions.failed) {
        text_add(w->text, definitions.data);
        codegen_function(node->plugin->name, member, function, arguments, formula, w->text);
        sources_undefine(w->text, definitions.data);
    }
    text_release(&definitions);
}

static void add_folds(struct writer *w)
{
    const struct node *node = w->network->node;
    for (int i = 0; i < w->schedule->n_calls; ++i) {
        const struct call *call = &w->schedule->call[i];
        if (!is_sample_call(w, call))
            continue;
        if (call->fold >= 0)
            add_fold(w, call->fold, "y", "fold", call->node, "const V x", node[call->fold].plugin->pointwise->y);
        if (call->pool >= 0)
            add_fold(w, call->pool, "window_y", "window", call->node, "const V a, const V b",
                     node[call->pool].plugin->layer->window_y);
        if (call->fold_dx >= 0)
            add_fold(w, call->fold_dx, "dx", "fold_dx", call->node, "const V dy, const V y",
                     node[call->fold_dx].plugin->pointwise->dx);
    }
}

/* ---- Layers. ----------------------------------------------------------------------------------------------------- */

static enum dae_status add_plugin_source(const struct plugin *plugin, struct text *text, struct error *err)
{
    char file[64];
    snprintf(file, sizeof file, "%s.cl", plugin->name);
    return sources_add_text(text, file, plugin->kernel, err);
}

/* Appends a node's functions, and undefines what its file defined, because all files of a program share macros. */
static enum dae_status add_functions(struct writer *w, int number, struct error *err)
{
    const struct node *node = &w->network->node[number];
    struct text definitions = {0}, functions = {0};
    enum dae_status status = DAE_OK;
    define_functions(w, number, &definitions);
    define_node(node, &definitions);
    if (node->plugin->kernel)
        status = add_plugin_source(node->plugin, &functions, err);
    else
        codegen_formula(node, &functions);
    w->text->failed = w->text->failed || definitions.failed || functions.failed;
    if (status == DAE_OK && !w->text->failed) {
        text_printf(w->text, "/* %s */\n%s%s", node->name, definitions.data, functions.data);
        sources_undefine(w->text, definitions.data);
        sources_undefine(w->text, functions.data);
    }
    text_release(&definitions);
    text_release(&functions);
    return status;
}

enum dae_status codegen_plugin(const struct node *node, const struct tuning *tuning, struct text *text,
                               struct error *err)
{
    struct text definitions = {0}, file = {0};
    define_node(node, &definitions);
    tuning_define(tuning, text);
    enum dae_status status = sources_add(text, "dae.clh", err);
    if (status == DAE_OK)
        status = add_plugin_source(node->plugin, &file, err);
    text->failed = text->failed || definitions.failed || file.failed;
    if (status == DAE_OK && !text->failed) {
        add_mentioned(definitions.data, file.data, text);
        text_add(text, file.data);
    }
    text_release(&definitions);
    text_release(&file);
    TRY(status);
    return text->failed ? error_no_memory(err, "kernel source", text->len) : DAE_OK;
}

enum dae_status codegen_optimizer(const struct plugin *plugin, const void *state, const struct tuning *tuning,
                                  int norm_vectors, struct text *text, struct error *err)
{
    tuning_define(tuning, text);
    TRY(sources_add(text, "dae.clh", err));
    text_printf(text, "#define FN(pass) %s_##pass\n", plugin->name);
    params_define(plugin, state, text);
    codegen_update(plugin->optimizer, text);
    text_printf(text, "#define STATES %d\n#define UPDATE(w, g, state, lr, c) FN(update)(w, g, state, lr, c)\n",
                plugin->optimizer->n_states);
    text_printf(text, "#define VECTORS_EACH %d\n#define NORM_VECTORS %d\n#define SPARED %d\n", tuning->update_vectors,
                norm_vectors, optimizer_spares(plugin, state));
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

/* A sample that has drawn another alternative passes unchanged. */
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
    /* A function may contain barriers, and barriers inside a condition fail on PoCL 3.1, even if the whole group agrees
     * on it. So a group runs every alternative and then undoes those that the sample has not drawn. */
    if (node->choice.n > 1 && w->tuning->lanes == 1) {
        add_passing(w, call);
        text_add(w->text, "            else\n");
    }
    text_printf(w->text, "            %s_forward_%d(s, x, w, ", node->plugin->name, call->node);
    add_pointer(w, &w->schedule->value[call->result]);
    text_add(w->text, ", ");
    add_pointer(w, &call->scratch);
    if (call->penalty >= 0)
        text_printf(w->text, ", work + %lldul + i);\n", (long long)call->penalty);
    else
        text_add(w->text, ", 0);\n");
    if (node->choice.n > 1 && w->tuning->lanes > 1) {
        text_add(w->text, "            SYNC();\n");
        add_passing(w, call);
    }
}

static void add_backward(struct writer *w, const struct call *call)
{
    const struct node *node = &w->network->node[call->node];
    add_inputs(w, call, node->plugin->reads_x);
    text_add(w->text, "            G float *dx[] = {");
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        text_add(w->text, j ? ", " : "");
        if (call->dx[j] >= 0)
            add_pointer(w, &w->schedule->gradient[call->dx[j]]);
        else
            text_add(w->text, "0");
    }
    text_add(w->text, "};\n            const int add_dx[] = {");
    for (int j = 0; j < node->plan.n_inputs; ++j)
        text_printf(w->text, "%s%d", j ? ", " : "", call->add_dx[j]);
    text_add(w->text, "};\n            G float *dw[] = {");
    for (int i = 0; i < node->plan.n_weights; ++i)
        text_printf(w->text, "%sslab + %lldul", i ? ", " : "",
                    (long long)w->schedule->slab[call->node * DAE_MAX_WEIGHTS + i]);
    text_add(w->text, node->plan.n_weights ? "};\n" : "0};\n");
    const bool is_term = node->plugin->kind == PLUGIN_LOSS && call->node < w->network->loss;
    if (is_term)
        text_printf(w->text, "            struct sample term = s;\n            term.scale *= %.9ef;\n",
                    plugin_loss_options(node->plugin, node->state)->weight);
    text_printf(w->text, "            %s_backward_%d(%s, x, w, ", node->plugin->name, call->node,
                is_term ? "term" : "s");
    if (node->plugin->reads_y)
        add_pointer(w, &w->schedule->value[call->node]);
    else
        text_add(w->text, "0");
    text_add(w->text, ", ");
    if (node->plugin->kind == PLUGIN_LOSS)
        text_add(w->text, "0");
    else
        add_pointer(w, &w->schedule->gradient[call->node]);
    text_add(w->text, ", dx, add_dx, dw, i > begin, ");
    add_pointer(w, &call->scratch);
    text_add(w->text, call->penalty >= 0 ? ", scale);\n" : ", 0.0f);\n");
}

/* A slab contains what earlier passes left in the work buffer. For a shard without samples all of it is cleared, else
 * only the padding after each weight, which no layer writes and which must be zero for the optimiser. */
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

/* In grid shape a compiler would compute the addresses and keys of all layers before the loop over the samples, and
 * keep them in registers, hundreds of them. It cannot do so if each call reads where the memory begins from volatile
 * local memory, and if the seed seems to depend on the sample: no number is below 0. */
static const char bases_declared[] = "    G float *volatile __local at_work;\n"
                                     "    G float *volatile __local at_scratch;\n"
                                     "    G float *volatile __local at_slab;\n"
                                     "    G const float *volatile __local at_parameters;\n";
static const char bases_written[] = "        barrier(CLK_LOCAL_MEM_FENCE); /* those of the last shard are read */\n"
                                    "        if (get_local_id(0) == 0) {\n"
                                    "            at_work = work;\n"
                                    "            at_scratch = scratch;\n"
                                    "            at_slab = slab;\n"
                                    "            at_parameters = parameters;\n"
                                    "        }\n"
                                    "        barrier(CLK_LOCAL_MEM_FENCE);\n";
static const char bases_read[] =
    "            G float *const work = at_work, *const scratch = at_scratch, *const slab = at_slab;\n"
    "            G const float *const parameters = at_parameters;\n";

static const char *in_grid(const struct writer *w, const char *text)
{
    return w->tuning->wide ? "" : text;
}

/* One segment. Each unit (a work-item or work-group) takes neighbouring shards, so that a batch with fewer samples than
 * shards is spread over all units. A shard is a fixed piece of the batch for any number of units, so that its sums have
 * the same bits everywhere. */
static void add_kernel(struct writer *w, int number)
{
    const struct schedule *s = w->schedule;
    const struct step *step = &s->step[number];
    text_printf(w->text, "#line 1 \"segment %d\"\n__kernel void step_%d(" CODEGEN_ARGUMENTS ")\n{\n%s", number, number,
                in_grid(w, bases_declared));
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
    text_printf(w->text, "%s        {\n%s", in_grid(w, bases_written), in_grid(w, bases_read));
    add_slab_clearing(w, step);
    text_printf(w->text,
                "        }\n"
                "        for (int i = begin; i < end; ++i) {\n"
                "            const int id = order[first + i];\n"
                "            const struct sample s = {seed_lo%s, seed_hi%s, epoch, (uint)id, split, scale, data, rows, "
                "row < 0 ? -1 : row + i};\n",
                in_grid(w, " ^ (uint)(id < 0)"), in_grid(w, " ^ (uint)(id < 0)"));
    for (int c = step->first; c < step->first + step->n; ++c) {
        const struct call *call = &s->call[c];
        const char *const verb[] = {"gather", "forward", "backward"};
        text_printf(w->text, "            { /* %s %s */\n%s", verb[call->kind], w->network->node[call->node].name,
                    in_grid(w, bases_read));
        if (call->kind == CALL_GATHER) {
            text_add(w->text, w->patches ? "            batch_cut(s, 0, "
                                         : "            batch_gather(data, s.row < 0 ? id : s.row, ");
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

enum dae_status codegen_schedule(const struct network *network, const struct tuning *tuning,
                                 const struct schedule *schedule, bool bytes, int patches, struct text *text,
                                 struct error *err)
{
    struct writer w = {network, tuning, schedule, text, patches};
    text_printf(text,
                "#define LANES %d\n#define TRAINING %d\n#define CORRUPTED %d\n#define DATA_BITS %d\n"
                "#define HOLES %d\n#define LEN %lld\n",
                tuning->lanes, schedule->options.kind == SCHEDULE_TRAIN, schedule->options.corrupt,
                patches ? patches
                : bytes ? 8
                        : 32,
                network->takes_holes, (long long)dae_shape_len(&network->node[0].plan.output));
    text_printf(text, "#define DATA_PATCHES %d\n#define DATA_PAIRS %d\n", patches > 0, network->pairs);
    for (int i = 0; patches && i < 3; ++i)
        text_printf(text, "#define PATCH_%s %lld\n", axis_name[i], (long long)network->node[0].plan.output.dim[i]);
    tuning_define(tuning, text);
    define_folds(&w);
    TRY(sources_add(text, "dae.clh", err));
    add_folds(&w);
    TRY(sources_add(text, "convolution.clh", err));
    TRY(sources_add(text, "grouped.clh", err));
    TRY(sources_add(text, "margins.clh", err));
    TRY(sources_add(text, "winograd.clh", err));
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
