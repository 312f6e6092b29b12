#include "graph/schedule.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "graph/fold.h"
#include "graph/placement.h"

/* While planning, each array is an item: each node's value, its gradient and what it keeps; each call's scratch; and
 * the penalties. Items of aliases share a root. */
struct item {
    int root;           /* item whose memory this one is */
    int64_t each, once; /* floats per sample, and once per batch */
    int first, last;    /* calls that touch it; first > last: none */
    bool kept;          /* to the end of the batch */
};

struct planner {
    const struct network *network;
    const struct tuning *tuning;
    struct schedule *schedule;
    struct item *item;
    struct storage *storage; /* (n_items) */
    int n_items;
    int *step_of; /* per call */
};

enum { ITEMS = 3 }; /* per node */

static int value_of(int node)
{
    return ITEMS * node;
}

static int gradient_of(int node)
{
    return ITEMS * node + 1;
}

static int kept_of(int node)
{
    return ITEMS * node + 2;
}

static int scratch_of(const struct planner *p, int call)
{
    return ITEMS * p->network->n_nodes + call;
}

static int penalties_of(const struct planner *p)
{
    return p->n_items - 1;
}

static bool is_batch_wide(const struct planner *p, int call)
{
    const struct call *c = &p->schedule->call[call];
    return c->kind != CALL_GATHER && p->network->node[c->node].plugin->batch_wide;
}

/* ---- Calls and steps. -------------------------------------------------------------------------------------------- */

static void add_call(struct schedule *s, enum call_kind kind, int node)
{
    struct call *call = &s->call[s->n_calls++];
    *call = (struct call){
        .kind = kind, .node = node, .affine = -1, .fold = -1, .pool = -1, .result = node, .penalty = -1, .fold_dx = -1};
    for (int j = 0; j < DAE_MAX_INPUTS; ++j)
        call->dx[j] = -1;
}

static void list_calls(struct planner *p)
{
    const struct network *network = p->network;
    struct schedule *s = p->schedule;
    add_call(s, CALL_GATHER, 0);
    for (int i = 1; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        if (!node->plugin->view && !(node->corrupts && !s->options.corrupt) &&
            !(i >= network->first_loss && s->options.kind == SCHEDULE_INFER))
            add_call(s, CALL_FORWARD, i);
    }
    for (int i = network->loss; i > network->noisy && s->options.kind == SCHEDULE_TRAIN; --i)
        if (!network->node[i].plugin->view && network->node[i].wants_gradient && !network_is_sum(network, i))
            add_call(s, CALL_BACKWARD, i);
}

/* Removes the calls that other calls have absorbed. */
static void remove_folded(struct schedule *s)
{
    int n = 0;
    for (int i = 0; i < s->n_calls; ++i)
        if (s->call[i].kind != CALL_FOLDED)
            s->call[n++] = s->call[i];
    s->n_calls = n;
}

/* Which gradients a backward call writes: after a folded layer, that of its input. A loss has no gradient for its
 * target, even if the target is the network's input. */
static void find_dx(const struct network *network, struct call *call)
{
    const struct node *node = &network->node[call->node];
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        const int target = j == 0 && call->fold_dx >= 0 ? network->node[call->fold_dx].input[0] : node->input[j];
        if (network->node[target].wants_gradient && !network_is_target(network, call->node, j))
            call->dx[j] = target;
    }
}

static void cut_steps(struct planner *p)
{
    struct schedule *s = p->schedule;
    for (int i = 0; i < s->n_calls; ++i) {
        const bool wide = is_batch_wide(p, i);
        struct step *last = s->n_steps ? &s->step[s->n_steps - 1] : NULL;
        if (last && s->options.join && !wide && !last->batch_wide)
            ++last->n;
        else
            s->step[s->n_steps++] = (struct step){i, 1, wide};
        p->step_of[i] = s->n_steps - 1;
    }
}

/* ---- Items and their lifetimes. ---------------------------------------------------------------------------------- */

static struct item *new_item(struct planner *p, int number, int64_t each, int64_t once)
{
    p->item[number] = (struct item){.root = number, .each = each, .once = once, .first = INT_MAX, .last = -1};
    return &p->item[number];
}

/* Whether a node shares the memory of its input. */
static bool is_alias(const struct planner *p, int number)
{
    const struct schedule *s = p->schedule;
    const struct node *node = &p->network->node[number];
    bool alias = node->plugin && (node->plugin->view || (node->corrupts && !s->options.corrupt));
    for (int i = 0; i < s->n_calls && s->options.finished; ++i)
        alias = alias || s->call[i].affine == number;
    return alias;
}

static void list_items(struct planner *p)
{
    const struct network *network = p->network;
    const struct schedule *s = p->schedule;
    for (int i = 0; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        const bool alias = is_alias(p, i);
        for (int side = 0; side < 2; ++side) {
            struct item *item = new_item(p, ITEMS * i + side, dae_shape_len(&node->plan.output), 0);
            if (alias)
                item->root = p->item[ITEMS * node->input[0] + side].root;
        }
        new_item(p, kept_of(i), node->plan.kept_each, node->plan.kept_batch);
    }
    for (int i = 0; i < s->n_calls; ++i) {
        const struct dae_plan *plan = &network->node[s->call[i].node].plan;
        const bool wide = is_batch_wide(p, i);
        new_item(p, scratch_of(p, i), wide ? plan->scratch_each : plan->scratch_len, wide ? plan->scratch_batch : 0);
    }
    new_item(p, penalties_of(p), 0, 0)->kept = true;
}

static void touch(struct planner *p, int item, int call)
{
    struct item *root = &p->item[p->item[item].root];
    if (call < root->first)
        root->first = call;
    if (call > root->last)
        root->last = call;
}

static void trace_backward(struct planner *p, int number)
{
    struct call *call = &p->schedule->call[number];
    const struct node *node = &p->network->node[call->node];
    for (int j = 0; node->plugin->reads_x && j < node->plan.n_inputs; ++j)
        touch(p, value_of(node->input[j]), number);
    if (node->plugin->reads_y)
        touch(p, value_of(call->node), number);
    if (call->fold_dx >= 0)
        touch(p, value_of(call->fold_dx), number);
    if (node->plugin->kind != PLUGIN_LOSS)
        touch(p, gradient_of(call->node), number);
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        if (call->dx[j] < 0)
            continue;
        const int target = gradient_of(call->dx[j]);
        call->add_dx[j] = p->item[p->item[target].root].first <= number;
        touch(p, target, number);
    }
}

/* Records which items each call reads and writes, and which gradients already have a writer. */
static void trace(struct planner *p)
{
    struct schedule *s = p->schedule;
    for (int i = 0; i < s->n_calls; ++i) {
        struct call *call = &s->call[i];
        const struct node *node = &p->network->node[call->node];
        if (call->kind == CALL_GATHER) {
            touch(p, value_of(0), i);
            continue;
        }
        if (node->plan.kept_each + node->plan.kept_batch > 0)
            touch(p, kept_of(call->node), i);
        touch(p, scratch_of(p, i), i);
        if (call->kind == CALL_BACKWARD) {
            const struct call *forward = schedule_find(s, CALL_FORWARD, call->node);
            call->penalty = forward ? forward->penalty : -1; /* folded nodes add no penalty */
            trace_backward(p, i);
            continue;
        }
        for (int j = 0; j < node->plan.n_inputs; ++j)
            touch(p, value_of(node->input[j]), i);
        touch(p, value_of(call->result), i);
        if (network_penalty_counts(p->network, call->node) && s->options.kind == SCHEDULE_TRAIN) {
            touch(p, penalties_of(p), i);
            call->penalty = s->n_penalties++;
        }
    }
}

static void keep(struct planner *p, int node)
{
    if (node >= 0)
        p->item[p->item[value_of(node)].root].kept = true;
}

static void set_kept(struct planner *p)
{
    const struct network *network = p->network;
    const struct schedule_options *options = &p->schedule->options;
    keep(p, options->kind == SCHEDULE_INFER ? -1 : network->loss);
    if (options->kind != SCHEDULE_TRAIN) {
        keep(p, network->code);
        keep(p, network->output);
    }
    if (options->kind == SCHEDULE_EVALUATE) {
        for (int i = network->first_loss; i < network->loss; ++i)
            keep(p, i);
        keep(p, 0);
        keep(p, network->noisy);
        keep(p, options->corrupt ? network->mask : -1);
    }
    for (int i = 0; options->keep_all && i < ITEMS * network->n_nodes; ++i)
        p->item[p->item[i].root].kept = true;
}

/* ---- Places. ----------------------------------------------------------------------------------------------------- */

/* Items that only one segment touches go to the unit's scratch, all others to the work buffer for the whole batch. */
static void choose_places(struct planner *p)
{
    for (int i = 0; i < p->n_items; ++i) {
        const struct item *item = &p->item[i];
        p->storage[i] = (struct storage){.len = item->each};
        if (item->root != i || item->first > item->last || item->each + item->once == 0)
            continue;
        const int step = p->step_of[item->first];
        const bool local = step == p->step_of[item->last] && !p->schedule->step[step].batch_wide && !item->kept;
        p->storage[i].where = local ? STORAGE_SCRATCH : STORAGE_BATCH;
    }
}

/* An item's length and the steps in which it is alive; in scratch its length per sample, and the calls. */
static enum dae_status measure(const struct planner *p, int number, struct placement_item *place, struct error *err)
{
    const struct schedule *s = p->schedule;
    const struct item *item = &p->item[number];
    if (p->storage[number].where == STORAGE_SCRATCH) {
        *place = (struct placement_item){.len = item->each, .first = item->first, .last = item->last};
        return DAE_OK;
    }
    int64_t len;
    if (__builtin_mul_overflow(item->each, s->options.batch, &len) ||
        __builtin_add_overflow(len, PLACEMENT_ALIGN, &len) || __builtin_add_overflow(len, item->once, &len))
        return error_set(err, DAE_NO_MEMORY, "a batch of %lld is larger than any memory", (long long)s->options.batch);
    *place = (struct placement_item){.len = shape_round_up(item->each * s->options.batch, PLACEMENT_ALIGN) + item->once,
                                     .first = item->kept ? 0 : p->step_of[item->first],
                                     .last = item->kept ? s->n_steps : p->step_of[item->last]};
    return DAE_OK;
}

/* Places all items of that kind; *total is the length. */
static enum dae_status place_items(struct planner *p, int where, int64_t *total, struct error *err)
{
    struct placement_item *place = calloc((size_t)p->n_items, sizeof *place);
    if (!place)
        return error_no_memory(err, "memory plan", (unsigned long long)p->n_items * sizeof *place);
    enum dae_status status = DAE_OK;
    int n = 0;
    for (int i = 0; i < p->n_items && status == DAE_OK; ++i)
        if ((int)p->storage[i].where == where)
            status = measure(p, i, &place[n++], err);
    if (status == DAE_OK)
        status = placement_solve(place, n, total, err);
    n = 0;
    for (int i = 0; i < p->n_items && status == DAE_OK; ++i)
        if ((int)p->storage[i].where == where)
            p->storage[i].offset = place[n++].offset;
    free(place);
    return status;
}

/* Slabs are in the order of the parameters; a run of weights without a batch-wide layer in between is one reduction. */
static void place_slab(struct planner *p, int node, int w)
{
    struct schedule *s = p->schedule;
    const struct node *of = &p->network->node[node];
    const int64_t len = shape_round_up(dae_shape_len(&of->plan.weight[w].shape), PLACEMENT_ALIGN);
    const int64_t gradient = network_gradient_offset(p->network, of, w);
    struct reduction *last = s->n_reductions ? &s->reduction[s->n_reductions - 1] : NULL;
    s->slab[node * DAE_MAX_WEIGHTS + w] = s->slab_len;
    if (last && last->gradient + last->len == gradient)
        last->len += len;
    else
        s->reduction[s->n_reductions++] = (struct reduction){s->slab_len, gradient, len};
    s->slab_len += len;
}

static void place_slabs(struct planner *p)
{
    struct schedule *s = p->schedule;
    for (int i = 0; i < p->network->n_nodes; ++i) {
        const struct node *node = &p->network->node[i];
        const bool sample = s->options.kind == SCHEDULE_TRAIN && node->plugin && !node->plugin->batch_wide;
        for (int w = 0; w < DAE_MAX_WEIGHTS; ++w) {
            s->slab[i * DAE_MAX_WEIGHTS + w] = -1;
            if (sample && w < node->plan.n_weights && node->wants_gradient)
                place_slab(p, i, w);
        }
    }
}

/* Copies every place to where executors read it. */
static void publish(struct planner *p)
{
    struct schedule *s = p->schedule;
    for (int i = 0; i < p->network->n_nodes; ++i) {
        const int64_t len = dae_shape_len(&p->network->node[i].plan.output);
        s->value[i] = p->storage[p->item[value_of(i)].root];
        s->gradient[i] = p->storage[p->item[gradient_of(i)].root];
        s->value[i].len = s->gradient[i].len = len;
        s->kept[i] = p->storage[kept_of(i)];
    }
    s->penalty_offset = p->storage[penalties_of(p)].offset;
    for (int i = 0; i < s->n_calls; ++i) {
        struct call *call = &s->call[i];
        call->scratch = p->storage[scratch_of(p, i)];
        if (call->penalty >= 0)
            call->penalty = s->penalty_offset + call->penalty * s->options.batch;
    }
}

static enum dae_status place(struct planner *p, struct error *err)
{
    struct schedule *s = p->schedule;
    int64_t total, slabs, scratch;
    if (__builtin_mul_overflow(s->n_penalties, s->options.batch, &p->item[penalties_of(p)].once))
        return error_set(err, DAE_NO_MEMORY, "a batch of %lld is larger than any memory", (long long)s->options.batch);
    choose_places(p);
    TRY(place_items(p, STORAGE_SCRATCH, &s->scratch_len, err));
    TRY(place_items(p, STORAGE_BATCH, &total, err));
    place_slabs(p);
    s->scratch_offset = total;
    if (__builtin_mul_overflow(s->scratch_len, p->tuning->units, &scratch) ||
        __builtin_mul_overflow(s->slab_len, p->tuning->shards, &slabs) ||
        __builtin_add_overflow(total, scratch, &s->slab_offset) ||
        __builtin_add_overflow(s->slab_offset, slabs, &s->work_len) || s->work_len > INT_MAX)
        return error_set(err, DAE_NO_MEMORY, "a batch of %lld needs more than 2^31 numbers; use a smaller batch",
                         (long long)s->options.batch);
    publish(p);
    return DAE_OK;
}

/* ---- The whole. -------------------------------------------------------------------------------------------------- */

static bool take_memory(struct planner *p)
{
    const size_t n = (size_t)p->network->n_nodes, calls = 2 * n + 1;
    struct arena *arena = p->network->arena;
    struct schedule *s = p->schedule;
    p->n_items = (int)(ITEMS * n + calls + 1);
    p->item = arena_array(arena, (size_t)p->n_items, sizeof *p->item);
    p->storage = arena_array(arena, (size_t)p->n_items, sizeof *p->storage);
    p->step_of = arena_array(arena, calls, sizeof *p->step_of);
    s->call = arena_array(arena, calls, sizeof *s->call);
    s->step = arena_array(arena, calls, sizeof *s->step);
    s->value = arena_array(arena, n, sizeof *s->value);
    s->gradient = arena_array(arena, n, sizeof *s->gradient);
    s->kept = arena_array(arena, n, sizeof *s->kept);
    s->slab = arena_array(arena, n * DAE_MAX_WEIGHTS, sizeof *s->slab);
    s->reduction = arena_array(arena, n * DAE_MAX_WEIGHTS, sizeof *s->reduction);
    return p->item && p->storage && p->step_of && s->call && s->step && s->value && s->gradient && s->kept && s->slab &&
           s->reduction;
}

enum dae_status schedule_plan(const struct network *network, const struct tuning *tuning,
                              const struct schedule_options *options, struct schedule *schedule, struct error *err)
{
    *schedule = (struct schedule){.options = *options};
    struct planner planner = {.network = network, .tuning = tuning, .schedule = schedule};
    if (!take_memory(&planner))
        return error_no_memory(err, "schedule", (unsigned)network->n_nodes * sizeof *schedule->call);
    list_calls(&planner);
    if (options->fold)
        fold_calls(network, options, schedule->call, schedule->n_calls);
    remove_folded(schedule);
    for (int i = 0; i < schedule->n_calls; ++i)
        if (schedule->call[i].kind == CALL_BACKWARD)
            find_dx(network, &schedule->call[i]);
    cut_steps(&planner);
    list_items(&planner);
    trace(&planner);
    set_kept(&planner);
    return place(&planner, err);
}

const struct call *schedule_find(const struct schedule *schedule, enum call_kind kind, int node)
{
    for (int i = 0; i < schedule->n_calls; ++i)
        if (schedule->call[i].kind == kind && schedule->call[i].node == node)
            return &schedule->call[i];
    return NULL;
}

bool schedule_folds(const struct schedule *schedule)
{
    for (int i = 0; i < schedule->n_calls; ++i)
        if (schedule->call[i].result != schedule->call[i].node || schedule->call[i].fold_dx >= 0)
            return true;
    return false;
}

bool schedule_absorbs(const struct schedule *schedule)
{
    for (int i = 0; i < schedule->n_calls; ++i)
        if (schedule->call[i].affine >= 0)
            return true;
    return false;
}

int64_t schedule_batch_part(const struct schedule *schedule, const struct storage *storage)
{
    return storage->offset + shape_round_up(storage->len * schedule->options.batch, PLACEMENT_ALIGN);
}
