#include "graph/plugin.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/formula.h"

enum {
    NAME_MAX_LEN = 48,
    NOISE_STATE_MAX = 1024, /* each reference call copies the state, with the sample's levels */
    ROW_MAX = 128,
    NORMAL_FLOPS = 19,
    UNIT_FLOPS = 4,
    HOST_ALIGN = 16,
};

static const struct dae_row clamp_rows[] = {
    {.key = "clamp",
     .type = DAE_TYPE_INTERVAL,
     .offset = offsetof(struct noise_options, clamp),
     .default_text = "",
     .min = -1e30,
     .max = 1e30,
     .help = "[lo, hi] to clamp the result to; if not given, nothing is clamped"},
    {0},
};

static const struct dae_row per_pixel_rows[] = {
    DAE_BOOL(struct noise_options, per_pixel, false,
             "whether the channels of a pixel are chosen together instead of separately"),
    {0},
};

static const struct dae_row loss_rows[] = {
    DAE_FLOAT(struct loss_options, unmasked_weight, 1, 0, 1e6,
              "weight of the numbers that no corruption has replaced, relative to 1 for replaced numbers; 0: only "
              "replaced numbers count"),
    DAE_FLOAT(struct loss_options, weight, 1, 0, 1e6, "what the loss is multiplied by, in a sum of several losses"),
    {0},
};

static const struct dae_row optimizer_rows[] = {
    DAE_BOOL(struct optimizer_options, decay_biases, true,
             "whether weight decay also acts on parameters with one axis: biases, and the factors of normalisations"),
    {0},
};

const char *plugin_kind_text(enum plugin_kind kind)
{
    static const char *const text[] = {"layer", "corruption", "loss", "optimizer"};
    return text[kind];
}

const struct noise_options *plugin_noise_options(const struct plugin *plugin, const void *state)
{
    return (const void *)((const char *)state + plugin->host_offset);
}

const struct loss_options *plugin_loss_options(const struct plugin *plugin, const void *state)
{
    return (const void *)((const char *)state + plugin->host_offset);
}

bool plugin_is_named(const struct plugin *plugin, const char *message, const char **member)
{
    static const char *const formulas[] = {"y", "dx", "dw", "window_y", "update"};
    char place[2 * NAME_MAX_LEN];
    for (size_t i = 0; i <= sizeof formulas / sizeof formulas[0]; ++i) {
        const bool is_formula = i < sizeof formulas / sizeof formulas[0];
        *member = is_formula ? formulas[i] : "kernel";
        snprintf(place, sizeof place, is_formula ? "%s.%s:" : "kernels/%s.cl:", plugin->name, *member);
        for (const char *at = strstr(message, place); at; at = strstr(at + 1, place))
            if (at == message || !(isalnum((unsigned char)at[-1]) || at[-1] == '_'))
                return true;
    }
    return false;
}

void *plugin_state_new(const struct plugin *plugin, struct arena *arena)
{
    char *state = arena_alloc(arena, plugin->state_bytes + 1);
    for (const struct dae_row *row = plugin->rows; state && row->key; ++row)
        if (row->type == DAE_TYPE_INTERVAL) {
            const double interval[] = {-INFINITY, INFINITY};
            memcpy(state + row->offset, interval, sizeof interval);
        }
    return state;
}

const struct dae_level *plugin_deviation(const struct plugin *plugin, const void *state)
{
    if (!plugin->noise || !plugin->noise->deviation)
        return NULL;
    for (const struct dae_row *row = plugin->rows; row->key; ++row)
        if (strcmp(row->key, plugin->noise->deviation) == 0)
            return (const void *)((const char *)state + row->offset);
    return NULL;
}

bool plugin_is_squared_error(const struct plugin *plugin, const void *state)
{
    static const double targets[] = {-2.5, 0, 0.125, 1}, steps[] = {-3, -0.25, 0.5, 7};
    if (!plugin->loss || !plugin->loss->y || plugin_loss_options(plugin, state)->unmasked_weight != 1)
        return false;
    const double factor = plugin->loss->reference(state, 1, 0);
    bool is = factor > 0;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; ++i)
        for (size_t j = 0; j < sizeof steps / sizeof steps[0]; ++j) {
            const double want = factor * steps[j] * steps[j];
            const double have = plugin->loss->reference(state, targets[i] + steps[j], targets[i]);
            is = is && fabs(have - want) <= 1e-12 * want;
        }
    return is;
}

/* ---- Checking the tables. ---------------------------------------------------------------------------------------- */

/* The rows that the host adds. */
static size_t row_bytes(const struct dae_row *row)
{
    switch (row->type) {
    case DAE_TYPE_INT:
        return sizeof(int64_t);
    case DAE_TYPE_INTS:
        return (size_t)row->count * sizeof(int64_t);
    case DAE_TYPE_FLOAT:
        return sizeof(double);
    case DAE_TYPE_BOOL:
        return sizeof(bool);
    case DAE_TYPE_INTERVAL:
        return sizeof(double[2]);
    case DAE_TYPE_CHOICE:
        return sizeof(int);
    case DAE_TYPE_SHAPE:
        return sizeof(struct dae_shape);
    case DAE_TYPE_LEVEL:
        return sizeof(struct dae_level);
    }
    return SIZE_MAX;
}

static const char *head_fault(const struct plugin *p)
{
    const struct dae_head *head = p->head;
    if (!head->name || !head->name[0] || strlen(head->name) > NAME_MAX_LEN)
        return "it has no name";
    for (const char *c = head->name; *c; ++c)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_'))
            return "its name must consist of a-z, 0-9 and _";
    if (!head->help)
        return "it has no help text";
    if (head->rows && head->state_bytes == 0)
        return "it has rows but no state for them";
    int n = 0;
    for (const struct dae_row *row = head->rows; row && row->key; ++row, ++n)
        if (n == ROW_MAX || !row->help || row->offset > head->state_bytes ||
            (row->type == DAE_TYPE_INTS && row->count < 1) || head->state_bytes - row->offset < row_bytes(row) ||
            (row->type == DAE_TYPE_CHOICE && !row->choices))
            return "a row is incomplete, or is outside of the state";
    for (const struct dae_row *row = head->rows; row && row->key; ++row)
        if (row->type == DAE_TYPE_LEVEL && !p->noise)
            return "only a corruption can have a level that is drawn per sample";
    return NULL;
}

static const char *pointwise_fault(const struct dae_pointwise *p)
{
    if (!p->y || !p->dx)
        return "it needs the formulas y and dx";
    if (p->weight && (!p->dw || !p->weighted_reference))
        return "a layer with a weight needs dw and weighted_reference";
    if (!p->weight && !p->reference)
        return "it needs a reference";
    return NULL;
}

static const char *layer_fault(const struct dae_layer *p)
{
    if (!p->plan || !p->reference)
        return "it needs plan and reference";
    if (p->min_inputs < 0 || p->max_inputs < p->min_inputs || p->max_inputs > DAE_MAX_INPUTS)
        return "its number of inputs is invalid";
    if (!p->forward != !p->backward)
        return "a batch-wide layer needs forward and backward";
    if (p->view && (p->forward || p->kernel))
        return "a view must not have forward, backward or kernel";
    if (!p->view && !p->forward && !p->kernel)
        return "it has no kernel";
    if (p->couples && (!p->forward || formula_names(p->kernel, "DRAW_SAMPLE")))
        return "a layer that couples samples needs forward and backward, and cannot draw random numbers";
    if (p->affine && p->max_inputs > 1)
        return "only a layer with one input can be affine";
    return NULL;
}

static const char *noise_fault(const struct dae_noise *p)
{
    if (!p->y == !p->kernel)
        return "it needs either the formula y or a kernel";
    if (p->y ? !p->reference : !p->sample_reference)
        return p->y ? "it needs a reference" : "it needs a sample_reference";
    if (p->reads_data && !p->kernel)
        return "only a corruption with a kernel can read other samples";
    if (p->y && p->plan)
        return "a plugin with a formula must not have a plan";
    if (p->head.state_bytes > NOISE_STATE_MAX)
        return "the state of a corruption is limited to 1024 bytes";
    for (const struct dae_row *row = p->head.rows; p->deviation; ++row)
        if (!row || !row->key)
            return "its deviation names no row of type DAE_TYPE_LEVEL";
        else if (row->type == DAE_TYPE_LEVEL && strcmp(row->key, p->deviation) == 0)
            break;
    return NULL;
}

static const char *loss_fault(const struct dae_loss *p)
{
    if (!p->y != !p->dx || !p->y == !p->kernel)
        return "it needs either the formulas y and dx or a kernel";
    if (p->y ? !p->reference : !p->sample_reference)
        return p->y ? "it needs a reference" : "it needs a sample_reference";
    if (p->y && p->plan)
        return "a plugin with a formula must not have a plan";
    return NULL;
}

static const char *optimizer_fault(const struct dae_optimizer *p)
{
    if (!p->update || !p->reference)
        return "it needs update and reference";
    if (p->n_states < 0 || p->n_states > DAE_MAX_STATES)
        return "its number of states is invalid";
    if (p->decay < 0 || p->decay > (p->coefficients ? DAE_MAX_COEFFICIENTS : 0))
        return "its decay names no coefficient";
    for (const struct dae_row *row = p->head.rows; row && row->key; ++row)
        if (row->type == DAE_TYPE_FLOAT && row->offset == p->learning_rate)
            return NULL;
    return "no row of type DAE_TYPE_FLOAT fills its learning_rate";
}

/* Why the table cannot be used, or NULL. */
static const char *fault(const struct plugin *p)
{
    const char *why = head_fault(p);
    if (why)
        return why;
    return p->pointwise ? pointwise_fault(p->pointwise)
           : p->layer   ? layer_fault(p->layer)
           : p->noise   ? noise_fault(p->noise)
           : p->loss    ? loss_fault(p->loss)
                        : optimizer_fault(p->optimizer);
}

/* ---- What the host knows. ---------------------------------------------------------------------------------------- */

static int row_count(const struct dae_row *rows)
{
    int n = 0;
    while (rows && rows[n].key)
        ++n;
    return n;
}

/* The plugin's rows, then the host's, with offsets at the end of the state. */
static enum dae_status join_rows(struct plugin *p, const struct dae_row *host, size_t host_bytes, const char *from,
                                 struct arena *arena, struct error *err)
{
    const int own = row_count(p->head->rows), others = row_count(host);
    struct dae_row *rows = arena_array(arena, (size_t)(own + others) + 1, sizeof *rows);
    if (!rows)
        return error_no_memory(err, from, sizeof *rows);
    p->host_offset = (p->head->state_bytes + HOST_ALIGN - 1) / HOST_ALIGN * HOST_ALIGN;
    p->state_bytes = p->host_offset + host_bytes;
    p->rows = rows;
    if (own)
        memcpy(rows, p->head->rows, (size_t)own * sizeof *rows);
    for (int i = 0; i < others; ++i) {
        rows[own + i] = host[i];
        rows[own + i].offset += p->host_offset;
    }
    for (int i = 0; i < own + others; ++i)
        for (int j = 0; j < i; ++j)
            if (strcmp(rows[i].key, rows[j].key) == 0)
                return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: two rows are called '%s'%s", from,
                                 rows[i].key, i >= own ? ", one of them the host's" : "");
    return DAE_OK;
}

static void describe_pointwise(struct plugin *p)
{
    const struct dae_pointwise *table = p->pointwise;
    p->kind = PLUGIN_LAYER;
    p->reads_x = formula_names(table->dx, "x") || (table->weight && formula_names(table->dw, "x"));
    p->reads_y = formula_names(table->dx, "y") || (table->weight && formula_names(table->dw, "y"));
    p->monotone = table->monotone;
    p->onnx = table->onnx;
    p->min_inputs = p->max_inputs = 1;
}

static void describe_layer(struct plugin *p)
{
    const struct dae_layer *table = p->layer;
    p->kind = PLUGIN_LAYER;
    p->kernel = table->kernel;
    p->batch_wide = table->forward != NULL;
    p->view = table->view;
    p->reads_x = table->reads_x;
    p->reads_y = table->reads_y;
    p->draws = formula_names(table->kernel, "STREAM") || formula_names(table->kernel, "DRAW_SAMPLE");
    p->folds = table->folds;
    p->pools = table->pools;
    p->folds_dx = table->folds_dx;
    p->couples = table->couples;
    p->onnx = table->onnx;
    p->linear = table->linear;
    p->min_inputs = table->min_inputs > 0 ? table->min_inputs : 1;
    p->max_inputs = table->max_inputs > 0 ? table->max_inputs : 1;
}

static void describe_noise(struct plugin *p)
{
    const struct dae_noise *table = p->noise;
    p->kind = PLUGIN_CORRUPTION;
    p->kernel = table->kernel;
    p->draws =
        formula_names(table->kernel, "STREAM") || formula_names(table->y, "unit") || formula_names(table->y, "normal");
    p->masks = table->replaces;
    p->reads_data = table->reads_data;
    p->min_inputs = p->max_inputs = 1;
}

static void describe_loss(struct plugin *p)
{
    p->kind = PLUGIN_LOSS;
    p->unit_range = p->loss->unit_range;
    p->kernel = p->loss->kernel;
    p->draws = formula_names(p->loss->kernel, "STREAM");
    p->reads_x = true;
    p->min_inputs = p->max_inputs = 2;
}

enum dae_status plugin_complete(struct plugin *p, const char *from, struct arena *arena, struct error *err)
{
    p->head = p->pointwise ? &p->pointwise->head
              : p->layer   ? &p->layer->head
              : p->noise   ? &p->noise->head
              : p->loss    ? &p->loss->head
                           : &p->optimizer->head;
    if (p->head->abi != DAE_ABI)
        return error_set(err, DAE_PLUGIN,
                         "plugin %s cannot be used: its table says contract %u, but this program uses contract %d; "
                         "begin the table with DAE_TABLE, and build it again with this version's header",
                         from, (unsigned)p->head->abi, DAE_ABI);
    const char *why = fault(p);
    if (why)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: %s", from, why);
    p->name = p->head->name;
    p->help = p->head->help;
    if (p->pointwise)
        describe_pointwise(p);
    else if (p->layer)
        describe_layer(p);
    else if (p->noise)
        describe_noise(p);
    else if (p->loss)
        describe_loss(p);
    else
        p->kind = PLUGIN_OPTIMIZER;
    if (p->noise && p->noise->y)
        return join_rows(p, p->masks ? per_pixel_rows : clamp_rows, sizeof(struct noise_options), from, arena, err);
    if (p->loss)
        return join_rows(p, p->loss->y ? loss_rows : loss_rows + 1, sizeof(struct loss_options), from, arena, err);
    if (p->optimizer && p->optimizer->decay)
        return join_rows(p, optimizer_rows, sizeof(struct optimizer_options), from, arena, err);
    return join_rows(p, NULL, 0, from, arena, err);
}

double optimizer_rate(const struct plugin *plugin, const void *state)
{
    return *(const double *)(const void *)((const char *)state + plugin->optimizer->learning_rate);
}

void optimizer_coefficients(const struct plugin *plugin, const void *state, double lr, int64_t t,
                            double c[DAE_MAX_COEFFICIENTS])
{
    memset(c, 0, DAE_MAX_COEFFICIENTS * sizeof *c);
    if (plugin->optimizer->coefficients)
        plugin->optimizer->coefficients(state, lr, t, c);
}

int optimizer_spares(const struct plugin *plugin, const void *state)
{
    const struct optimizer_options *options = (const void *)((const char *)state + plugin->host_offset);
    return plugin->optimizer->decay && !options->decay_biases ? (int)plugin->optimizer->decay - 1 : -1;
}

const char *plugin_state_change(const struct plugin *plugin, const void *before, const void *after)
{
    if (memcmp(before, after, plugin->state_bytes) == 0)
        return NULL;
    for (const struct dae_row *row = plugin->rows; row->key; ++row)
        if (memcmp((const char *)before + row->offset, (const char *)after + row->offset, row_bytes(row)) != 0)
            return row->key;
    return "";
}

/* ---- Plans. ------------------------------------------------------------------------------------------------------ */

int64_t plugin_share(const struct plugin *plugin, const void *state, const struct dae_plan *plan)
{
    const bool per_pixel = plugin->masks && plugin_noise_options(plugin, state)->per_pixel;
    return per_pixel ? plan->input[0].dim[2] : 1;
}

bool plugin_reads_mask(const struct plugin *plugin, const void *state)
{
    return plugin->loss && plugin->loss->y && plugin_loss_options(plugin, state)->unmasked_weight != 1;
}

static int plan_pointwise(const struct dae_pointwise *table, struct dae_plan *plan)
{
    const struct dae_shape *shape = &plan->input[0];
    plan->output = *shape;
    plan->flops = formula_flops(table->y) * dae_shape_len(shape);
    if (table->weight) {
        plan->n_weights = 1;
        plan->weight[0] = (struct dae_weight){
            table->weight, {1, {shape->dim[shape->rank - 1]}}, DAE_INIT_CONSTANT, table->weight_start};
    }
    return 0;
}

static int plan_noise(const struct plugin *plugin, const void *state, struct dae_plan *plan)
{
    const struct dae_noise *table = plugin->noise;
    plan->output = plan->input[0];
    plan->flops = dae_shape_len(&plan->output);
    if (table->plan)
        return table->plan(state, plan);
    if (!table->y)
        return 0;
    plan->flops *= formula_flops(table->y) + (formula_names(table->y, "normal") ? NORMAL_FLOPS : 0) +
                   (formula_names(table->y, "unit") ? UNIT_FLOPS : 0);
    if (plugin->masks && plugin_noise_options(plugin, state)->per_pixel && plan->input[0].rank != 3)
        return dae_plan_fail(plan, "per_pixel expects an image (H, W, C)");
    return 0;
}

static int plan_loss(const struct dae_loss *table, const void *state, struct dae_plan *plan)
{
    const int64_t len = dae_shape_len(&plan->input[0]);
    plan->output = (struct dae_shape){1, {1}};
    plan->scratch_len = DAE_LANES;
    plan->flops = len;
    if (table->plan)
        return table->plan(state, plan);
    if (!table->y)
        return 0;
    plan->flops *= 1 + formula_flops(table->y);
    if (len != dae_shape_len(&plan->input[1]))
        return dae_plan_fail(plan, "the output and the clean input differ in size");
    return 0;
}

int plugin_plan(const struct plugin *plugin, const void *state, struct dae_plan *plan)
{
    return plugin->pointwise ? plan_pointwise(plugin->pointwise, plan)
           : plugin->layer   ? plugin->layer->plan(state, plan)
           : plugin->noise   ? plan_noise(plugin, state, plan)
                             : plan_loss(plugin->loss, state, plan);
}

/* ---- References. ------------------------------------------------------------------------------------------------- */

static void reference_pointwise(const struct dae_pointwise *table, const struct dae_reference *call)
{
    const struct dae_shape *shape = &call->plan->output;
    const int64_t channels = shape->dim[shape->rank - 1];
    for (int64_t i = 0; i < call->n * dae_shape_len(shape); ++i)
        call->y[i] = table->weight ? table->weighted_reference(call->state, call->x[0][i], call->w[0][i % channels])
                                   : table->reference(call->state, call->x[0][i]);
}

/* For one sample. If a formula names both, unit's elements follow those of normal, from the next multiple of 64 on. */
static void reference_noise(const struct plugin *plugin, const struct dae_reference *call)
{
    const struct dae_noise *table = plugin->noise;
    const struct dae_draw *draw = call->draw;
    const struct noise_options *options = plugin_noise_options(plugin, call->state);
    const int64_t len = dae_shape_len(&call->plan->output), share = plugin_share(plugin, call->state, call->plan);
    const bool normal = formula_names(table->y, "normal"), unit = formula_names(table->y, "unit");
    const int64_t first = normal && unit ? (len / share + 63) / 64 * 64 : 0;
    for (int64_t i = 0; i < len; ++i) {
        const uint32_t element = (uint32_t)(i / share);
        const double y =
            table->reference(call->state, call->x[0][i], unit ? (double)draw->unit(draw, (uint32_t)first + element) : 0,
                             normal ? draw->normal(draw, element) : 0);
        call->y[i] = plugin->masks ? y : dae_clamp(y, options->clamp);
    }
}

/* For one sample. A target of NaN is a hole. */
static void reference_loss(const struct plugin *plugin, const struct dae_reference *call)
{
    const double unmasked = plugin_loss_options(plugin, call->state)->unmasked_weight;
    call->y[0] = 0;
    for (int64_t i = 0; i < dae_shape_len(&call->plan->input[0]); ++i) {
        const double t = call->x[1][i], weight = call->plan->n_inputs < 3 || call->x[2][i] != 0 ? 1 : unmasked;
        if (!isnan(t))
            call->y[0] += weight * plugin->loss->reference(call->state, call->x[0][i], t);
    }
}

void plugin_reference(const struct plugin *plugin, const struct dae_reference *call)
{
    if (plugin->pointwise)
        reference_pointwise(plugin->pointwise, call);
    else if (plugin->layer)
        plugin->layer->reference(call);
    else if (plugin->noise && plugin->noise->y)
        reference_noise(plugin, call);
    else if (plugin->loss && plugin->loss->y)
        reference_loss(plugin, call);
    else if (plugin->noise)
        plugin->noise->sample_reference(call);
    else
        plugin->loss->sample_reference(call);
}
