/* The plan of a batch: what runs, in which steps, and that no two arrays share memory while both are alive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "graph/schedule.h"
#include "networks.h"

static const struct tuning wide = {.wide = true, .lanes = 1, .units = 2, .shards = 32};

static const char conv[] = "corruption: {gaussian: {}}\n"
                           "model:\n"
                           "  input: [8, 8, 1]\n"
                           "  layers:\n"
                           "    - {conv2d: {filters: 3, kernel: 3, pad: 1}, name: conv}\n"
                           "    - {relu: {}, name: relu}\n"
                           "    - {maxpool2d: {}, name: pool}\n"
                           "    - {conv_transpose2d: {filters: 1, kernel: 2, stride: 2}, name: up}\n"
                           "    - {sigmoid: {}, name: y}\n"
                           "train: {loss: mse}\n";

static const char mixed[] = "corruption: {gaussian: {}}\n"
                            "model:\n"
                            "  input: [6, 4, 1]\n"
                            "  layers:\n"
                            "    - {conv2d: {filters: 2, kernel: 1}, name: conv}\n"
                            "    - {tanh: {}, name: t}\n"
                            "    - {flatten: {}, name: flat}\n"
                            "    - {dense: {units: 24}, name: d1}\n"
                            "    - {relu: {}, name: r}\n"
                            "    - {dense: {units: 24}, name: d2}\n"
                            "    - {add: {}, name: sum, from: [r, d2, r]}\n"
                            "    - {dropout: {}, name: drop}\n"
                            "  code: d1\n"
                            "train: {loss: mse}\n";

struct planned {
    struct arena arena;
    struct network network;
    struct schedule schedule;
};

static void plan(const char *text, bool fold, struct schedule_options options, struct planned *p)
{
    struct error err = {0};
    *p = (struct planned){0};
    options.fold = fold;
    if (build_text(registry, text, false, &p->arena, &p->network, &err) != DAE_OK ||
        schedule_plan(&p->network, &wide, &options, &p->schedule, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

static int node(const struct planned *p, const char *name)
{
    int i = network_find(&p->network, name);
    assert_true(i >= 0);
    return i;
}

static int count(const struct planned *p, enum call_kind kind, const char *name)
{
    int n = 0;
    for (int i = 0; i < p->schedule.n_calls; ++i)
        n += p->schedule.call[i].kind == kind && p->schedule.call[i].node == node(p, name);
    return n;
}

static const struct call *forward(const struct planned *p, const char *name)
{
    const struct call *call = schedule_find(&p->schedule, CALL_FORWARD, node(p, name));
    assert_non_null(call);
    return call;
}

static const struct call *backward(const struct planned *p, const char *name)
{
    const struct call *call = schedule_find(&p->schedule, CALL_BACKWARD, node(p, name));
    assert_non_null(call);
    return call;
}

static void a_chain_is_one_segment(void **state)
{
    (void)state;
    struct planned p;
    plan(conv, true, (struct schedule_options){.kind = SCHEDULE_TRAIN, .batch = 5, .corrupt = true, .join = true}, &p);
    assert_int_equal(p.schedule.n_calls, 1 + 7 + 5); /* gather, forward, backward of all but the noise and the relu */
    assert_int_equal(p.schedule.n_steps, 1);
    assert_int_equal(p.schedule.step[0].n, p.schedule.n_calls);
    assert_int_equal(p.schedule.value[p.network.loss].where, STORAGE_BATCH);
    assert_int_equal(p.schedule.value[node(&p, "conv")].where, STORAGE_SCRATCH);
    assert_int_equal(p.schedule.gradient[0].where, STORAGE_NONE);
    assert_int_equal(count(&p, CALL_BACKWARD, "gaussian_1"), 0);
    assert_int_equal(p.schedule.slab_len, 32 + 16 + 16 + 16);
    arena_release(&p.arena);
}

static void unjoined_every_call_is_a_step(void **state)
{
    (void)state;
    struct planned p;
    plan(conv, true, (struct schedule_options){.kind = SCHEDULE_TRAIN, .batch = 5, .corrupt = true}, &p);
    assert_int_equal(p.schedule.n_steps, p.schedule.n_calls);
    assert_int_equal(p.schedule.value[node(&p, "conv")].where, STORAGE_BATCH);
    arena_release(&p.arena);
}

static void kinds_keep_what_they_promise(void **state)
{
    (void)state;
    struct planned p;
    plan(mixed, true, (struct schedule_options){.kind = SCHEDULE_EVALUATE, .batch = 5, .corrupt = true, .join = true},
         &p);
    const int kept[] = {0, p.network.noisy, p.network.code, p.network.output, p.network.loss};
    for (int i = 0; i < 5; ++i)
        assert_int_equal(p.schedule.value[kept[i]].where, STORAGE_BATCH);
    assert_int_equal(p.schedule.slab_len, 0);
    arena_release(&p.arena);
    plan(mixed, true, (struct schedule_options){.kind = SCHEDULE_INFER, .batch = 5, .join = true}, &p);
    assert_int_equal(p.schedule.value[p.network.code].where, STORAGE_BATCH);
    assert_int_equal(p.schedule.value[p.network.output].where, STORAGE_BATCH);
    assert_int_equal(p.schedule.value[p.network.loss].where, STORAGE_NONE);
    assert_int_equal(count(&p, CALL_FORWARD, "gaussian_1"), 0);
    assert_int_equal(p.schedule.value[p.network.noisy].offset, p.schedule.value[0].offset);
    arena_release(&p.arena);
}

static void products_take_their_neighbours_in(void **state)
{
    (void)state;
    struct planned p;
    const struct schedule_options options = {.kind = SCHEDULE_TRAIN, .batch = 5, .corrupt = true, .join = true};
    plan(mixed, true, options, &p);
    /* d1 is the code and keeps its own value; r has three readers; t is before d1, after a view. */
    assert_int_equal(forward(&p, "d1")->fold, -1);
    assert_int_equal(backward(&p, "d1")->fold_dx, node(&p, "t"));
    assert_int_equal(backward(&p, "d2")->fold_dx, -1);
    assert_int_equal(count(&p, CALL_BACKWARD, "t"), 0);
    assert_int_equal(count(&p, CALL_FORWARD, "t"), 1);
    assert_int_equal(count(&p, CALL_FORWARD, "flat"), 0);
    const int flat = node(&p, "flat"), t = node(&p, "t");
    assert_int_equal(p.schedule.value[flat].offset, p.schedule.value[t].offset);
    arena_release(&p.arena);
    plan(mixed, false, options, &p);
    assert_int_equal(backward(&p, "d1")->fold_dx, -1);
    assert_int_equal(count(&p, CALL_BACKWARD, "t"), 1);
    arena_release(&p.arena);
}

static void convolutions_take_their_neighbours_in(void **state)
{
    (void)state;
    static const char text[] = "model:\n"
                               "  input: [8, 8, 1]\n"
                               "  layers:\n"
                               "    - {conv2d: {filters: 16, kernel: 3, pad: 1}, name: wide}\n"
                               "    - {relu: {}, name: relu}\n"
                               "    - {maxpool2d: {}, name: pool}\n"
                               "    - {conv2d: {filters: 15, kernel: 1}, name: narrow}\n"
                               "    - {tanh: {}, name: tanh}\n"
                               "    - {maxpool2d: {kernel: 2, stride: 1}, name: overlapping}\n"
                               "    - {conv_transpose2d: {filters: 1, kernel: 6}}\n"
                               "%s"
                               "train: {loss: mse}\n";
    const struct schedule_options train = {.kind = SCHEDULE_TRAIN, .batch = 5, .join = true};
    const struct schedule_options evaluate = {.kind = SCHEDULE_EVALUATE, .batch = 5, .join = true};
    struct planned p;
    char config[1024];
    snprintf(config, sizeof config, text, "");
    plan(config, true, train, &p);
    /* Training's backward reads what is pooled; nothing else reads what the relu saw. */
    assert_int_equal(forward(&p, "wide")->fold, node(&p, "relu"));
    assert_int_equal(count(&p, CALL_FORWARD, "relu"), 0);
    assert_int_equal(count(&p, CALL_FORWARD, "pool"), 1);
    assert_int_equal(count(&p, CALL_BACKWARD, "relu"), 0); /* in the pooling layer's */
    assert_int_equal(count(&p, CALL_BACKWARD, "pool"), 1);
    assert_int_equal(forward(&p, "narrow")->fold, -1); /* would compute mostly on unused lanes */
    assert_int_equal(p.schedule.value[node(&p, "wide")].where, STORAGE_NONE);
    arena_release(&p.arena);
    plan(config, true, evaluate, &p);
    assert_int_equal(forward(&p, "wide")->result, node(&p, "pool"));
    assert_int_equal(count(&p, CALL_FORWARD, "pool"), 0);
    assert_int_equal(count(&p, CALL_FORWARD, "overlapping"), 1);
    assert_int_equal(p.schedule.value[node(&p, "relu")].where, STORAGE_NONE);
    arena_release(&p.arena);
    snprintf(config, sizeof config, text, "  code: relu\n");
    plan(config, true, evaluate, &p);
    assert_int_equal(forward(&p, "wide")->result, node(&p, "relu"));
    assert_int_equal(count(&p, CALL_FORWARD, "pool"), 1);
    arena_release(&p.arena);
    plan(config, false, evaluate, &p);
    assert_int_equal(count(&p, CALL_FORWARD, "relu"), 1);
    arena_release(&p.arena);
}

/* A folded backward writes past the pointwise layer, into a gradient that another reader also writes: products that a
 * separate kernel finishes cannot add there. */
static void no_fold_into_a_gradient_with_two_writers(void **state)
{
    (void)state;
    static const char residual[] = "model:\n"
                                   "  input: [8]\n"
                                   "  layers:\n"
                                   "    - {dense: {units: 8}, name: a}\n"
                                   "    - {reshape: {shape: [8]}, name: view}\n"
                                   "    - {relu: {}, name: r}\n"
                                   "    - {dense: {units: 8}, name: b}\n"
                                   "    - {add: {}, from: [a, b]}\n"
                                   "train: {loss: mse}\n";
    struct planned p;
    plan(residual, true, (struct schedule_options){.kind = SCHEDULE_TRAIN, .batch = 5, .join = true}, &p);
    assert_int_equal(backward(&p, "b")->fold_dx, -1);
    arena_release(&p.arena);
}

static void gradients_are_written_once_and_then_added_to(void **state)
{
    (void)state;
    struct planned p;
    plan(mixed, true, (struct schedule_options){.kind = SCHEDULE_TRAIN, .batch = 5, .corrupt = true, .join = true}, &p);
    int writers = 0, r = node(&p, "r");
    for (int i = 0; i < p.schedule.n_calls; ++i) {
        const struct call *call = &p.schedule.call[i];
        const struct node *n = &p.network.node[call->node];
        for (int j = 0; call->kind == CALL_BACKWARD && j < n->plan.n_inputs; ++j)
            if (n->input[j] == r)
                assert_int_equal(call->add_dx[j], writers++ > 0);
    }
    assert_int_equal(writers, 3);
    arena_release(&p.arena);
}

/* Expected lifetimes by steps of the arrays of the whole batch; none may overlap another. */
static void batch_arrays_do_not_overlap(void **state)
{
    (void)state;
    for (int form = 0; form < 4; ++form) {
        struct planned p;
        plan(form & 1 ? mixed : conv, true,
             (struct schedule_options){.kind = SCHEDULE_TRAIN, .batch = 5, .corrupt = true, .keep_all = form & 2}, &p);
        const struct schedule *s = &p.schedule;
        for (int i = 0; i < p.network.n_nodes; ++i) {
            const struct storage *v = &s->value[i];
            if (v->where != STORAGE_BATCH)
                continue;
            assert_true(v->offset >= 0 && v->offset + 5 * v->len <= s->scratch_offset);
            /* A node's gradient and its value are alive together whenever its backward reads the value. */
            const struct storage *g = &s->gradient[i];
            if (g->where == STORAGE_BATCH && p.network.node[i].plugin && p.network.node[i].plugin->reads_y)
                assert_true(v->offset + 5 * v->len <= g->offset || g->offset + 5 * g->len <= v->offset);
            for (int j = 0; j < p.network.node[i].plan.n_inputs; ++j) {
                const struct storage *x = &s->value[p.network.node[i].input[j]];
                if (x->where == STORAGE_BATCH && x->offset != v->offset)
                    assert_true(v->offset + 5 * v->len <= x->offset || x->offset + 5 * x->len <= v->offset);
            }
        }
        assert_true(s->scratch_offset <= s->slab_offset && s->slab_offset <= s->work_len);
        assert_int_equal(s->slab_offset - s->scratch_offset, s->scratch_len * wide.units);
        assert_int_equal(s->work_len - s->slab_offset, s->slab_len * wide.shards);
        arena_release(&p.arena);
    }
}

static void batches_beyond_all_memory_are_refused(void **state)
{
    (void)state;
    struct planned p = {0};
    struct error err = {0};
    const struct schedule_options options = {.kind = SCHEDULE_TRAIN, .batch = INT64_MAX / 2};
    assert_int_equal(build_text(registry, conv, false, &p.arena, &p.network, &err), DAE_OK);
    assert_int_equal(schedule_plan(&p.network, &wide, &options, &p.schedule, &err), DAE_NO_MEMORY);
    arena_release(&p.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_one_segment),
        cmocka_unit_test(unjoined_every_call_is_a_step),
        cmocka_unit_test(kinds_keep_what_they_promise),
        cmocka_unit_test(products_take_their_neighbours_in),
        cmocka_unit_test(convolutions_take_their_neighbours_in),
        cmocka_unit_test(no_fold_into_a_gradient_with_two_writers),
        cmocka_unit_test(gradients_are_written_once_and_then_added_to),
        cmocka_unit_test(batch_arrays_do_not_overlap),
        cmocka_unit_test(batches_beyond_all_memory_are_refused),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
