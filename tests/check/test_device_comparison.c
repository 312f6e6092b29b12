/* Compares two devices: here the two shapes of one device, one of which gets a broken kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../graph/networks.h"
#include "base/file.h"
#include "check/device_comparison.h"
#include "driver/driver.h"
#include "graph/params.h"

static const char net[] = "seed: 1\n"
                          "model:\n"
                          "  input: [37]\n"
                          "  layers:\n"
                          "    - {dropout: {p: 0.4}, name: drop}\n"
                          "    - {dense: {units: 33}, name: wide}\n"
                          "    - {tanh: {}, name: bent}\n"
                          "    - {dense: {units: 37}, name: out}\n"
                          "train: {loss: mse}\n";

static struct registry *registry;
static struct device *device[2];

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

/* Fills the report; the arena owns its memory. */
static void compare(struct arena *arena, struct verify_report *report)
{
    struct error err = {0};
    struct network network;
    const struct plugin *optimizer;
    const void *state;
    struct value *sgd;
    check(build_text(registry, net, false, arena, &network, &err), &err);
    check(tree_parse_text("sgd", "sgd: {}", 7, arena, &sgd, &err), &err);
    check(params_read(registry, PLUGIN_OPTIMIZER, sgd, NULL, 0, arena, &optimizer, &state, &err), &err);
    const struct verify_options options = {
        .n = 9, .epoch = 1, .seed = 1, .guards = true, .optimizer = optimizer, .optimizer_state = state};
    check(device_comparison_run(device, &network, &options, arena, report, &err), &err);
}

static const struct verify_row *first_failed(const struct verify_report *report)
{
    for (int i = 0; i < report->n_rows; ++i)
        if (!report->row[i].passed)
            return &report->row[i];
    return NULL;
}

/* Compares while kernels/`name` has `with` instead of `find`. */
static void compare_broken(const char *name, const char *find, const char *with, struct arena *arena,
                           struct verify_report *report)
{
    char folder[] = "/tmp/dae-cl-kernels-XXXXXX", path[512];
    struct error err = {0};
    char *text;
    size_t len;
    snprintf(path, sizeof path, "kernels/%s", name);
    check(file_read(path, 1 << 20, DAE_IO, &text, &len, &err), &err);
    char *at = strstr(text, find);
    assert_non_null(at);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)(at - text), text, with, at + strlen(find));
    assert_int_equal(fclose(file), 0);
    free(text);
    setenv("DAE_CL_KERNELS", folder, 1);
    compare(arena, report);
    unsetenv("DAE_CL_KERNELS");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void the_two_shapes_agree(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct verify_report report;
    compare(&arena, &report);
    const struct verify_row *row = first_failed(&report);
    if (row)
        fail_msg("%s: %s: %g, bound %g", row->node, row->what, row->error, row->bound);
    assert_true(report.n_numbers > 9 * (37 + 37 + 33 + 33 + 37 + 1));
    arena_release(&arena);
}

static void the_first_node_that_differs_is_named(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct verify_report report;
    compare_broken("gemm.cl", "for (int p = 0; p < TILE; ++p)", "for (int p = 0; p < TILE - 1; ++p)", &arena, &report);
    const struct verify_row *row = first_failed(&report);
    assert_non_null(row);
    assert_string_equal(row->node, "wide");
    assert_string_equal(row->what, "values");
    assert_non_null(strstr(row->note, "the second device is further from the reference"));
    for (int i = 0; i < report.n_rows; ++i) /* later nodes are right for what they read */
        if (strcmp(report.row[i].node, "bent") == 0)
            assert_true(report.row[i].passed);
    arena_release(&arena);
}

static void one_bit_of_a_mask_counts(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct verify_report report;
    compare_broken("dropout.cl", "FN(factor)(word[j])",
                   "FN(factor)(word[j] ^ (LANES > 1 && DRAWN_AT(i, j) == 33 ? 1u << 31 : 0u))", &arena, &report);
    bool found = false;
    for (int i = 0; i < report.n_rows; ++i)
        if (strcmp(report.row[i].what, "mask") == 0) {
            assert_string_equal(report.row[i].node, "drop");
            assert_false(report.row[i].passed);
            assert_true(report.row[i].error <= 9); /* one number of each sample at most */
            found = true;
        }
    assert_true(found);
    arena_release(&arena);
}

static void a_nan_is_a_difference(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct verify_report report;
    compare_broken("gemm.cl", "float sum = 0.0f;", "float sum = NAN;", &arena, &report);
    const struct verify_row *row = first_failed(&report);
    assert_non_null(row);
    assert_string_equal(row->node, "wide");
    assert_true(isnan(row->error));
    arena_release(&arena);
}

static int open_all(void **state)
{
    (void)state;
    struct error err = {0};
    registry = open_plugins();
    enum dae_status status = registry ? DAE_OK : DAE_PLUGIN;
    for (int i = 0; i < 2 && status == DAE_OK; ++i)
        status = driver_open(NULL, &(struct tuning_request){.shape = i == 0 ? "wide" : "grid", .gemm = "own"},
                             &device[i], &err);
    if (status != DAE_OK)
        print_error("%s\n", err.text);
    return status != DAE_OK;
}

static int close_all(void **state)
{
    (void)state;
    device_close(device[0]);
    device_close(device[1]);
    registry_close(registry);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_shapes_agree),
        cmocka_unit_test(the_first_node_that_differs_is_named),
        cmocka_unit_test(one_bit_of_a_mask_counts),
        cmocka_unit_test(a_nan_is_a_difference),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
