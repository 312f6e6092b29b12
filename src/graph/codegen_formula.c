#include "graph/codegen_formula.h"

#include <stdio.h>

#include "graph/formula.h"
#include "graph/params.h"

void codegen_function(const char *plugin, const char *member, const char *name, const char *arguments,
                      const char *formula, struct text *text)
{
    text_printf(text, "INLINE V %s(%s)\n{\n    return\n#line 1 \"%s.%s\"\n%s\n#line 1 \"%s\"\n    ;\n}\n", name,
                arguments, plugin, member, formula, plugin);
}

/* ---- Pointwise layers. ------------------------------------------------------------------------------------------- */

static const char *loaded(bool reads, const char *load)
{
    return reads ? load : "(V)(0.0f)";
}

static void plain_layer(const struct plugin *plugin, struct text *text)
{
    const struct dae_pointwise *table = plugin->pointwise;
    codegen_function(plugin->name, "y", "FN(y)", "const V x", table->y, text);
    codegen_function(plugin->name, "dx", "FN(dx)", "const V x, const V y, const V dy", table->dx, text);
    text_printf(
        text,
        "INLINE void FN(forward)(FORWARD_ARGS)\n{\n"
        "    FOR_LANES(i, VECTORS(OUT_LEN))\n"
        "        store(FN(y)(load(x[0] + WIDTH * i, OUT_LEN - WIDTH * i)), y + WIDTH * i, OUT_LEN - WIDTH * i);\n}\n"
        "INLINE void FN(backward)(BACKWARD_ARGS)\n{\n"
        "    if (dx[0])\n"
        "        FOR_LANES(i, VECTORS(OUT_LEN)) {\n"
        "            const int n = OUT_LEN - WIDTH * i;\n"
        "            put(FN(dx)(%s, %s, load(dy + WIDTH * i, n)), dx[0] + WIDTH * i, n, add_dx[0]);\n"
        "        }\n}\n",
        loaded(plugin->reads_x, "load(x[0] + WIDTH * i, n)"), loaded(plugin->reads_y, "load(y + WIDTH * i, n)"));
}

/* With a weight per channel, a vector never spans two pixels, so that its weights are also contiguous. The gradient of
 * the weight is summed over the pixels by the lane that owns the channels. */
static void weighted_layer(const struct node *node, struct text *text)
{
    const struct plugin *plugin = node->plugin;
    const struct dae_pointwise *table = plugin->pointwise;
    const char *x = loaded(plugin->reads_x, "load(x[0] + at, n)"), *y = loaded(plugin->reads_y, "load(y + at, n)");
    codegen_function(plugin->name, "y", "FN(y)", "const V x, const V w", table->y, text);
    codegen_function(plugin->name, "dx", "FN(dx)", "const V x, const V y, const V dy, const V w", table->dx, text);
    codegen_function(plugin->name, "dw", "FN(dw)", "const V x, const V y, const V dy, const V w", table->dw, text);
    text_printf(text,
                "#define CHANNELS %lld\n"
                "#define FOR_PIECES FOR_LANES(i, OUT_LEN / CHANNELS * VECTORS(CHANNELS))\n"
                "#define PIECE const int c = WIDTH * (i %% VECTORS(CHANNELS)), n = CHANNELS - c, "
                "at = i / VECTORS(CHANNELS) * CHANNELS + c\n"
                "INLINE void FN(forward)(FORWARD_ARGS)\n{\n"
                "    FOR_PIECES {\n"
                "        PIECE;\n"
                "        store(FN(y)(load(x[0] + at, n), load(w[0] + c, n)), y + at, n);\n"
                "    }\n}\n",
                (long long)node->plan.weight[0].shape.dim[0]);
    text_printf(text,
                "INLINE void FN(backward)(BACKWARD_ARGS)\n{\n"
                "    if (dx[0])\n"
                "        FOR_PIECES {\n"
                "            PIECE;\n"
                "            put(FN(dx)(%s, %s, load(dy + at, n), load(w[0] + c, n)), dx[0] + at, n, add_dx[0]);\n"
                "        }\n"
                "    SYNC();\n" /* for PoCL 3.1 only: see layernorm.cl */
                "    FOR_LANES(i, VECTORS(CHANNELS)) {\n"
                "        const int c = WIDTH * i, n = CHANNELS - c;\n"
                "        V sum = 0.0f;\n"
                "        for (int at = c; at < OUT_LEN; at += CHANNELS)\n"
                "            sum += FN(dw)(%s, %s, load(dy + at, n), load(w[0] + c, n));\n"
                "        put(sum, dw[0] + c, n, add_dw);\n"
                "    }\n}\n"
                "#undef CHANNELS\n#undef FOR_PIECES\n#undef PIECE\n",
                x, y, x, y);
}

/* ---- Corruptions. ------------------------------------------------------------------------------------------------ */

/* A level with a range would cost a draw at each use of its macro, so it is drawn once into an array, and the macro
 * names its place there. */
static void draw_levels(const struct plugin *plugin, struct text *text)
{
    int n = 0;
    text_add(text, "INLINE void FN(levels)(const struct sample s, float *level)\n{\n");
    for (const struct dae_row *row = plugin->rows; row->key; ++row)
        if (row->type == DAE_TYPE_LEVEL) {
            text_printf(text, "    level[%d] = ", n++);
            params_macro(row, text);
            text_add(text, ";\n");
        }
    text_add(text, "}\n");
    n = 0;
    for (const struct dae_row *row = plugin->rows; row->key; ++row)
        if (row->type == DAE_TYPE_LEVEL) {
            text_add(text, "#undef ");
            params_macro(row, text);
            text_add(text, "\n#define ");
            params_macro(row, text);
            text_printf(text, " level[%d]\n", n++);
        }
    text_printf(text, "#define LEVELS %d\n", n + 1);
}

/* `unit` and `normal` of one draw use the same bits, so a formula of both takes unit's from the draws after those of
 * normal. */
static void noise(const struct node *node, struct text *text)
{
    const struct plugin *plugin = node->plugin;
    const struct dae_noise *table = plugin->noise;
    const bool unit = formula_names(table->y, "unit"), normal = formula_names(table->y, "normal");
    draw_levels(plugin, text);
    codegen_function(plugin->name, "y", "FN(y)", "const V x, const V unit, const V normal, const float *level",
                     table->y, text);
    text_printf(text,
                "#define SHARE %lld\n"
                "#define N_DRAWS DRAWS(OUT_LEN / SHARE)\n"
                "INLINE void FN(forward)(FORWARD_ARGS)\n{\n"
                "    float level[LEVELS];\n"
                "    FN(levels)(s, level);\n"
                "    FOR_LANES(i, N_DRAWS) {\n"
                "        V unit[SHARED_LEN(SHARE)], normal[SHARED_LEN(SHARE)];\n",
                (long long)plugin_share(plugin, node->state, &node->plan));
    if (unit)
        text_printf(text,
                    "        draw_units(s, STREAM, %si, unit);\n"
                    "        share_out(unit, SHARE);\n",
                    normal ? "N_DRAWS + " : "");
    if (normal)
        text_add(text, "        draw_normals(s, STREAM, i, normal);\n"
                       "        share_out(normal, SHARE);\n");
    text_printf(text,
                "        FOR_SHARED(j, c, SHARE) {\n"
                "            const int at = SHARED_AT(i, j, c, SHARE), n = OUT_LEN - at;\n"
                "            if (n > 0) {\n"
                "                const V v = FN(y)(load(x[0] + at, n), %s, %s, level);\n"
                "                store(%s, y + at, n);\n"
                "            }\n"
                "        }\n"
                "    }\n}\n"
                "#undef LEVELS\n#undef SHARE\n#undef N_DRAWS\n",
                loaded(unit, "unit[j]"), loaded(normal, "normal[j]"),
                plugin->masks ? "v" : "clamped(v, P_CLAMP_LO, P_CLAMP_HI)");
}

/* ---- Losses. ----------------------------------------------------------------------------------------------------- */

static void loss(const struct plugin *plugin, struct text *text)
{
    codegen_function(plugin->name, "y", "FN(y)", "const V x, const V t", plugin->loss->y, text);
    codegen_function(plugin->name, "dx", "FN(dx)", "const V x, const V t", plugin->loss->dx, text);
    text_add(text, "/* v, the numbers from WIDTH i on, times their weights: 0 beyond the end and in holes. */\n"
                   "INLINE V FN(weighted)(const V v, const V t, G const float *const *x, const int i)\n{\n"
                   "    V weighted = v;\n"
                   "#if IN_LEN % WIDTH\n"
                   "    weighted = (UV)(WIDTH * i) + LANE_NUMBERS < (UV)(IN_LEN) ? weighted : (V)(0.0f);\n"
                   "#endif\n"
                   "#if HOLES\n"
                   "    weighted = known(t, weighted, (V)(0.0f));\n"
                   "#endif\n"
                   "#if N_INPUTS > 2 && CORRUPTED\n"
                   "    weighted = load(x[2] + WIDTH * i, IN_LEN - WIDTH * i) > 0.0f ? weighted : weighted * "
                   "P_UNMASKED_WEIGHT;\n"
                   "#endif\n"
                   "    return weighted;\n}\n");
    text_add(text, "INLINE void FN(forward)(FORWARD_ARGS)\n{\n"
                   "    V sum = 0.0f;\n"
                   "    FOR_LANES(i, VECTORS(IN_LEN)) {\n"
                   "        const V t = load(x[1] + WIDTH * i, IN_LEN - WIDTH * i);\n"
                   "        sum += FN(weighted)(FN(y)(load(x[0] + WIDTH * i, IN_LEN - WIDTH * i), t), t, x, i);\n"
                   "    }\n"
                   "    lanes_sum(sum, y, tmp);\n}\n");
    text_add(text, "INLINE void FN(backward)(BACKWARD_ARGS)\n{\n"
                   "    FOR_LANES(i, VECTORS(IN_LEN)) {\n"
                   "        const int n = IN_LEN - WIDTH * i;\n"
                   "        const V t = load(x[1] + WIDTH * i, n), d = FN(dx)(load(x[0] + WIDTH * i, n), t);\n"
                   "        put(s.scale * FN(weighted)(d, t, x, i), dx[0] + WIDTH * i, n, add_dx[0]);\n"
                   "    }\n}\n");
}

void codegen_formula(const struct node *node, struct text *text)
{
    if (node->plugin->noise)
        noise(node, text);
    else if (node->plugin->loss)
        loss(node->plugin, text);
    else if (node->plugin->pointwise->weight)
        weighted_layer(node, text);
    else
        plain_layer(node->plugin, text);
}

/* ---- Optimisers. ------------------------------------------------------------------------------------------------- */

void codegen_update(const struct dae_optimizer *optimizer, struct text *text)
{
    text_add(text, "INLINE V FN(update)(V w, const V g, V *state, const float lr, const float4 c)\n{\n");
    for (int i = 0; i < DAE_MAX_COEFFICIENTS; ++i)
        text_printf(text, "    const float c%d = c.s%d;\n", i, i);
    for (int i = 0; i < optimizer->n_states; ++i)
        text_printf(text, "    V s%d = state[%d];\n", i, i);
    text_printf(text, "#line 1 \"%s.update\"\n%s\n#line 1 \"%s\"\n    ;\n", optimizer->head.name, optimizer->update,
                optimizer->head.name);
    for (int i = 0; i < optimizer->n_states; ++i)
        text_printf(text, "    state[%d] = s%d;\n", i, i);
    text_add(text, "    return w;\n}\n");
}
