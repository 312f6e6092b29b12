#include "graph/schedule.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "graph/placement.h"

/* While planning, each node's value, its gradient and what it keeps is an item; items of aliases share a root. */
struct item {
    int root; /* item whose memory this one is */
    int64_t len;
    int first, last; /* calls that touch it; first > last: none */
    bool kept;       /* to the end of the batch */
    bool once;       /* len is of the whole batch, not of a sample */
};

struct planner {
    const struct network *network;
    const struct fusion *fusion;
    const struct tuning *tuning;
    struct schedule *schedule;
    struct item *item; /* (ITEMS n_nodes) */
    int n_items;
    int *step_of; /* per call */
};

static const struct storage nowhere = {STORAGE_NONE, 0, 0};

enum { ITEMS = 3 }; /* of a node, side by side */

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

static bool is_view(const struct node *node)
{
    return node->plugin && (node->plugin->flags & DAE_VIEW);
}

/* The node whose gradient a backward call of `node` writes for input j: behind a folded layer, that layer's input. */
static int dx_target(const struct network *network, const struct fusion *fusion, int node, int j)
{
    int folded = j == 0 ? fusion->backward[node] : -1;
    return folded >= 0 ? network->node[folded].input[0] : network->node[node].input[j];
}

const struct storage *schedule_dx(const struct schedule *schedule, const struct network *network,
                                  const struct fusion *fusion, int node, int j)
{
    int target = dx_target(network, fusion, node, j);
    /* The loss wants no gradient of its target, even where the target is the network's input. */
    if (!network->node[target].wants_gradient || (node == network->loss && j == 1))
        return &nowhere;
    return &schedule->gradient[target];
}

static void set_aliases(struct planner *p)
{
    const struct network *network = p->network;
    for (int i = 0; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        for (int side = 0; side < 2; ++side) {
            struct item *item = &p->item[ITEMS * i + side];
            *item = (struct item){
                .root = ITEMS * i + side, .len = dae_shape_len(&node->plan.output), .first = INT_MAX, .last = -1};
            if (is_view(node) || p->fusion->affine_done[i] || (node->corrupts && !p->schedule->options.corrupt))
                item->root = p->item[ITEMS * node->input[0] + side].root;
        }
        p->item[kept_of(i)] =
            (struct item){.root = kept_of(i), .len = node->plan.kept_len, .first = INT_MAX, .last = -1, .once = true};
    }
}

static void touch(struct planner *p, int item, int call)
{
    struct item *root = &p->item[p->item[item].root];
    if (call < root->first)
        root->first = call;
    if (call > root->last)
        root->last = call;
}

static void list_calls(struct planner *p)
{
    const struct network *network = p->network;
    struct schedule *s = p->schedule;
    s->call[s->n_calls++] = (struct call){.kind = CALL_GATHER};
    for (int i = 1; i < network->n_nodes; ++i) {
        bool skip = is_view(&network->node[i]) || p->fusion->forward_done[i] || p->fusion->affine_done[i] ||
                    (s->options.kind != SCHEDULE_TRAIN && p->fusion->window_done[i]) ||
                    (network->node[i].corrupts && !s->options.corrupt) ||
                    (i == network->loss && s->options.kind == SCHEDULE_INFER);
        if (!skip)
            s->call[s->n_calls++] = (struct call){.kind = CALL_FORWARD, .node = i};
    }
    for (int i = network->loss; i > network->noisy && s->options.kind == SCHEDULE_TRAIN; --i)
        if (!is_view(&network->node[i]) && !p->fusion->backward_done[i] && network->node[i].wants_gradient)
            s->call[s->n_calls++] = (struct call){.kind = CALL_BACKWARD, .node = i};
}

static bool is_batch_wide(const struct network *network, const struct call *call)
{
    return call->kind != CALL_GATHER && network->node[call->node].plugin->forward;
}

static void cut_steps(struct planner *p)
{
    struct schedule *s = p->schedule;
    for (int i = 0; i < s->n_calls; ++i) {
        bool wide = is_batch_wide(p->network, &s->call[i]);
        struct step *last = s->n_steps ? &s->step[s->n_steps - 1] : NULL;
        if (last && s->options.join && !wide && !last->batch_wide)
            ++last->n;
        else
            s->step[s->n_steps++] = (struct step){i, 1, wide};
        p->step_of[i] = s->n_steps - 1;
    }
}

/* Which items each call reads and writes; and where a gradient has a writer already. */
static void trace(struct planner *p)
{
    const struct network *network = p->network;
    struct schedule *s = p->schedule;
    for (int i = 0; i < s->n_calls; ++i) {
        struct call *call = &s->call[i];
        const struct node *node = &network->node[call->node];
        if (call->kind == CALL_GATHER) {
            touch(p, value_of(0), i);
            continue;
        }
        if (s->options.kind == SCHEDULE_TRAIN && node->plan.kept_len > 0)
            touch(p, kept_of(call->node), i);
        if (call->kind == CALL_FORWARD) {
            for (int j = 0; j < node->plan.n_inputs; ++j)
                touch(p, value_of(node->input[j]), i);
            touch(p, value_of(fusion_result(p->fusion, s->options.kind == SCHEDULE_TRAIN, call->node)), i);
            continue;
        }
        const int folded = p->fusion->backward[call->node];
        if (node->plugin->flags & DAE_READS_X)
            for (int j = 0; j < node->plan.n_inputs; ++j)
                touch(p, value_of(node->input[j]), i);
        if (node->plugin->flags & DAE_READS_Y)
            touch(p, value_of(call->node), i);
        if (folded >= 0)
            touch(p, value_of(folded), i);
        if (node->plugin->kind != DAE_LOSS)
            touch(p, gradient_of(call->node), i);
        for (int j = 0; j < node->plan.n_inputs; ++j) {
            int target = gradient_of(dx_target(network, p->fusion, call->node, j));
            if (schedule_dx(s, network, p->fusion, call->node, j) == &nowhere)
                continue;
            call->add_dx[j] = p->item[p->item[target].root].first <= i;
            touch(p, target, i);
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
        keep(p, 0);
        keep(p, network->noisy);
    }
    for (int i = 0; options->keep_all && i < p->n_items; ++i)
        p->item[p->item[i].root].kept = true;
}

/* Items that one segment alone touches, and the nodes' own scratch, share the unit's scratch by lifetime. */
static enum dae_status place_scratch(struct planner *p, struct storage *storage, struct error *err)
{
    struct schedule *s = p->schedule;
    const int n_items = p->n_items;
    struct placement_item *place = calloc((size_t)n_items + (size_t)s->n_calls, sizeof *place);
    if (!place)
        return error_no_memory(err, "scratch plan", (unsigned long long)n_items * sizeof *place);
    for (int i = 0; i < n_items; ++i) {
        const struct item *item = &p->item[i];
        place[i].first = INT_MAX; /* touches no call: meets nothing */
        place[i].last = -1;
        if (item->root == i && item->first <= item->last && storage[i].where == STORAGE_SCRATCH)
            place[i] = (struct placement_item){.len = item->len, .first = item->first, .last = item->last};
    }
    for (int i = 0; i < s->n_calls; ++i)
        place[n_items + i] =
            (struct placement_item){.len = p->network->node[s->call[i].node].plan.scratch_len, .first = i, .last = i};
    enum dae_status status = placement_solve(place, n_items + s->n_calls, &s->scratch_len, err);
    for (int i = 0; i < n_items; ++i)
        if (storage[i].where == STORAGE_SCRATCH)
            storage[i].offset = place[i].offset;
    for (int i = 0; i < s->n_calls; ++i)
        s->call[i].scratch_offset = place[n_items + i].offset;
    free(place);
    return status;
}

/* The rest lives in the work buffer for the whole batch, by lifetime in steps. */
static enum dae_status place_batch(struct planner *p, struct storage *storage, int64_t *total, struct error *err)
{
    struct schedule *s = p->schedule;
    const int n_items = p->n_items;
    struct placement_item *place = calloc((size_t)n_items, sizeof *place);
    if (!place)
        return error_no_memory(err, "memory plan", (unsigned long long)n_items * sizeof *place);
    enum dae_status status = DAE_OK;
    for (int i = 0; i < n_items; ++i) {
        const struct item *item = &p->item[i];
        place[i].first = INT_MAX;
        place[i].last = -1;
        if (storage[i].where != STORAGE_BATCH)
            continue;
        place[i].first = item->kept ? 0 : p->step_of[item->first];
        place[i].last = item->kept ? s->n_steps : p->step_of[item->last];
        if (__builtin_mul_overflow(item->len, item->once ? 1 : s->options.batch, &place[i].len))
            status =
                error_set(err, DAE_NO_MEMORY, "a batch of %lld is larger than any memory", (long long)s->options.batch);
    }
    if (status == DAE_OK)
        status = placement_solve(place, n_items, total, err);
    for (int i = 0; i < n_items; ++i)
        if (storage[i].where == STORAGE_BATCH)
            storage[i].offset = place[i].offset;
    free(place);
    return status;
}

static void place_slabs(struct planner *p)
{
    struct schedule *s = p->schedule;
    for (int i = 0; i < p->network->n_nodes; ++i) {
        const struct node *node = &p->network->node[i];
        bool sample = s->options.kind == SCHEDULE_TRAIN && node->plugin && !node->plugin->forward;
        for (int w = 0; w < DAE_MAX_WEIGHTS; ++w) {
            int64_t *slab = &s->slab[i * DAE_MAX_WEIGHTS + w];
            *slab = -1;
            if (!sample || w >= node->plan.n_weights)
                continue;
            *slab = s->slab_len;
            s->slab_len +=
                (dae_shape_len(&node->plan.weight[w].shape) + PLACEMENT_ALIGN - 1) / PLACEMENT_ALIGN * PLACEMENT_ALIGN;
        }
    }
}

static enum dae_status place(struct planner *p, struct error *err)
{
    struct schedule *s = p->schedule;
    const int n = p->network->n_nodes;
    struct storage *storage = arena_array(p->network->arena, (size_t)p->n_items, sizeof *storage);
    if (!storage)
        return error_no_memory(err, "memory plan", (size_t)p->n_items * sizeof *storage);
    for (int i = 0; i < p->n_items; ++i) {
        const struct item *item = &p->item[i];
        storage[i].len = item->len;
        if (item->root != i || item->first > item->last)
            continue;
        const struct step *step = &s->step[p->step_of[item->first]];
        bool local = p->step_of[item->first] == p->step_of[item->last] && !step->batch_wide && !item->kept;
        storage[i].where = local ? STORAGE_SCRATCH : STORAGE_BATCH;
    }
    int64_t total = 0, slabs, scratch;
    enum dae_status status = place_scratch(p, storage, err);
    if (status == DAE_OK)
        status = place_batch(p, storage, &total, err);
    place_slabs(p);
    s->scratch_offset = total;
    if (status == DAE_OK && (__builtin_mul_overflow(s->scratch_len, p->tuning->units, &scratch) ||
                             __builtin_mul_overflow(s->slab_len, p->tuning->shards, &slabs) ||
                             __builtin_add_overflow(total, scratch, &s->slab_offset) ||
                             __builtin_add_overflow(s->slab_offset, slabs, &s->work_len) || s->work_len > INT_MAX))
        status = error_set(err, DAE_NO_MEMORY, "a batch of %lld needs more than 2^31 numbers; use a smaller batch",
                           (long long)s->options.batch);
    for (int i = 0; i < n; ++i) {
        s->value[i] = storage[p->item[value_of(i)].root];
        s->gradient[i] = storage[p->item[gradient_of(i)].root];
        s->value[i].len = s->gradient[i].len = dae_shape_len(&p->network->node[i].plan.output);
        s->kept[i] = storage[kept_of(i)];
    }
    return status;
}

enum dae_status schedule_plan(const struct network *network, const struct fusion *fusion, const struct tuning *tuning,
                              const struct schedule_options *options, struct schedule *schedule, struct error *err)
{
    const size_t n = (size_t)network->n_nodes;
    struct arena *arena = network->arena;
    *schedule = (struct schedule){.options = *options};
    struct planner planner = {.network = network, .fusion = fusion, .tuning = tuning, .schedule = schedule};
    planner.n_items = ITEMS * network->n_nodes;
    planner.item = arena_array(arena, ITEMS * n, sizeof *planner.item);
    planner.step_of = arena_array(arena, 2 * n + 1, sizeof *planner.step_of);
    schedule->call = arena_array(arena, 2 * n + 1, sizeof *schedule->call);
    schedule->step = arena_array(arena, 2 * n + 1, sizeof *schedule->step);
    schedule->value = arena_array(arena, n, sizeof *schedule->value);
    schedule->gradient = arena_array(arena, n, sizeof *schedule->gradient);
    schedule->kept = arena_array(arena, n, sizeof *schedule->kept);
    schedule->slab = arena_array(arena, n * DAE_MAX_WEIGHTS, sizeof *schedule->slab);
    if (!planner.item || !planner.step_of || !schedule->call || !schedule->step || !schedule->value ||
        !schedule->gradient || !schedule->kept || !schedule->slab)
        return error_no_memory(err, "schedule", n * sizeof *schedule->call);
    set_aliases(&planner);
    list_calls(&planner);
    cut_steps(&planner);
    trace(&planner);
    set_kept(&planner);
    return place(&planner, err);
}
