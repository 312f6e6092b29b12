/* Networks on folds of a panel: the future changes no bit of them, and holes are filled from seen cells. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../train/training.h"
#include "study/panel/cell_mask.h"
#include "study/panel/panel_networks.h"

enum { D = 7, N = 320 };

static const char config[] =
    "seed: 3\n"
    "data: {source: factor_panel, train: 240, test: 80, assets: 7, factors: 2, noise: 0.2, missing: 0.1}\n"
    "corruption: {masking: {p: 0.3}}\n"
    "model:\n"
    "  input: [7]\n"
    "  layers:\n"
    "    - {concat: {}, from: [input, mask]}\n"
    "    - dense: {units: 7}\n"
    "train: {loss: {mse: {unmasked_weight: 0}}, optimizer: {adam: {lr: 0.02}}, batch: 32, epochs: 3}\n";

static struct bench b;
static struct study_task task;
static struct panel_data data;
static double clip;

static int set_up(void **state)
{
    (void)state;
    open_bench(&b, config, NULL);
    task = (struct study_task){.device = b.device,
                               .registry = b.registry,
                               .arena = &b.arena,
                               .config = b.config,
                               .settings = &b.settings,
                               .network = &b.network,
                               .train_set = &b.train_set,
                               .test_set = &b.test_set,
                               .train = b.train,
                               .test = b.test,
                               .folder = b.folder,
                               .stop = &b.stop};
    check(source_open_panel(b.settings.data, NULL, &data, &clip, &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    panel_data_release(&data);
    snprintf(command, sizeof command, "rm -rf %s", b.folder);
    assert_int_equal(system(command), 0);
    close_bench(&b);
    return 0;
}

/* Reverses the rows [first, n), and makes them a hundred times as large. */
static void shuffle_future(struct cells *cells, int64_t first)
{
    for (int64_t i = first, k = cells->n - 1; i <= k; ++i, --k)
        for (int j = 0; j < cells->d; ++j) {
            const int64_t at = i * cells->d + j, other = k * cells->d + j;
            const double x = cells->x[at];
            const uint8_t seen = cells->seen[at];
            cells->x[at] = 100 * cells->x[other];
            cells->seen[at] = cells->seen[other];
            cells->x[other] = at == other ? cells->x[other] : 100 * x;
            cells->seen[other] = seen;
        }
}

/* A network trained on the fold, and its output for the fold's test window. */
struct made {
    float *parameters;
    double output[N * D];
};

static void make(const struct panel *panel, const struct panel_split *split, struct made *made)
{
    struct panel_fold fold;
    struct panel_networks networks = {0};
    check(panel_fold_new(&b.arena, panel, split, 4, false, &fold, &err));
    const struct panel_training how = {.corrupt = true,
                                       .name = "fold",
                                       .train = &fold.train,
                                       .validation = &fold.validation,
                                       .first_row = split->train_first,
                                       .n_seeds = 1,
                                       .share = 1};
    check(panel_networks_train(&task, &how, &networks, &err));
    memset(made->output, 0, sizeof made->output);
    check(panel_networks_fill(&networks, 0, &fold.test, made->output, &err));
    for (int64_t i = 0; i < fold.test.n * D; ++i)
        assert_true(isfinite(made->output[i]) && (!fold.test.seen[i] || made->output[i] == fold.test.x[i]));
    made->parameters = arena_array(&b.arena, (size_t)b.network.parameters_len, sizeof(float));
    memcpy(made->parameters, networks.parameters[0], (size_t)b.network.parameters_len * sizeof(float));
    panel_networks_release(&networks);
    panel_fold_release(&fold);
}

static void the_future_changes_no_bit(void **state)
{
    (void)state;
    static struct made before, after;
    struct panel *panel = &data.panel;
    const size_t bytes = (size_t)b.network.parameters_len * sizeof(float);
    struct cells kept;
    check(cells_copy(&kept, &panel->cells, &err));
    for (int rolling = 0; rolling < 2; ++rolling) {
        const struct panel_walk walk = {.train_rows = 160, .test_rows = 60, .rolling = rolling};
        assert_int_equal(panel_walk_folds(&walk, N), 3);
        for (int64_t number = 0; number < 3; ++number) {
            const struct panel_split split = panel_walk_fold(&walk, N, number);
            struct cells *cells = &panel->cells, mine = *cells;
            make(panel, &split, &before);
            shuffle_future(cells, split.test_end); /* after the fold: not even its test window changes */
            make(panel, &split, &after);
            assert_memory_equal(before.parameters, after.parameters, bytes);
            assert_memory_equal(before.output, after.output, sizeof before.output);
            shuffle_future(cells, split.train_end);
            make(panel, &split, &after);
            assert_memory_equal(before.parameters, after.parameters, bytes);
            assert_memory_not_equal(before.output, after.output, sizeof before.output);
            cells->x[(split.train_end - 1) * D + 2] = 2.5; /* the last day of training does count */
            cells->seen[(split.train_end - 1) * D + 2] = 1;
            make(panel, &split, &after);
            assert_memory_not_equal(before.parameters, after.parameters, bytes);
            memcpy(mine.x, kept.x, (size_t)N * D * sizeof(double));
            memcpy(mine.seen, kept.seen, (size_t)N * D);
        }
    }
    cells_release(&kept);
}

static void validation_is_held_out_of_training(void **state)
{
    (void)state;
    struct panel_fold fold;
    const struct panel_split split = {0, 240, 240, N}, gap = {0, 200, 240, N}, none = {0, 4, 4, N};
    check(panel_fold_new(&b.arena, &data.panel, &split, 0, true, &fold, &err));
    assert_int_equal(fold.train.n, 210);
    assert_int_equal(fold.validation.n, 30);
    assert_ptr_equal(fold.validation.x, fold.train.x + 210 * D);
    panel_fold_release(&fold);
    check(panel_fold_new(&b.arena, &data.panel, &gap, 0, true, &fold, &err));
    assert_int_equal(fold.train.n, 200);
    assert_int_equal(fold.validation.n, 40);
    panel_fold_release(&fold);
    check(panel_fold_new(&b.arena, &data.panel, &split, 0, false, &fold, &err));
    assert_int_equal(fold.train.n, 240);
    panel_fold_release(&fold);
    assert_int_equal(panel_fold_new(&b.arena, &data.panel, &none, 0, true, &fold, &err), DAE_BAD_DATA);
    err = (struct error){0};
}

static void candidates_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } bad[] = {{"[{train.epochs: none}]", "expects an integer"}, {"[]", "list"}, {"[3]", "map"}, {"{}", "list"}};
    struct panel_candidates candidates;
    struct value *list;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        err = (struct error){0};
        check(tree_parse_text("c.yaml", bad[i].text, strlen(bad[i].text), &b.arena, &list, &err));
        assert_int_equal(panel_candidates_read(&task, list, &candidates, &err), DAE_CONFIG);
        if (!strstr(err.text, bad[i].error))
            fail_msg("%s", err.text);
    }
    static const char good[] = "[{}, {train.epochs: 2, seed: 5}]";
    err = (struct error){0};
    check(tree_parse_text("c.yaml", good, strlen(good), &b.arena, &list, &err));
    check(panel_candidates_read(&task, list, &candidates, &err));
    assert_int_equal(candidates.n, 2);
    assert_string_equal(candidates.name[0], "as the config says");
    assert_string_equal(candidates.name[1], "train.epochs=2, seed=5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_future_changes_no_bit),
        cmocka_unit_test(validation_is_held_out_of_training),
        cmocka_unit_test(candidates_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
