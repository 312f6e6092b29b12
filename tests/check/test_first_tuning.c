/* What is measured at a device's first use is measured once, by one process, only if the user wants it, and holds for
 * every later run. What is tried is possible. No test depends on speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/candidates.h"
#include "check/first_tuning.h"

#include "subject.h"

static const char dense_config[] = "data: {source: digits, train: 64, test: 32}\n"
                                   "corruption: {gaussian: {sigma: 0.3}}\n"
                                   "model:\n"
                                   "  input: [3, 5]\n"
                                   "  layers:\n"
                                   "    - flatten\n"
                                   "    - dense: {units: 15}\n"
                                   "train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 1}\n";

static const char winograd_config[] = "data: {source: digits, train: 64, test: 32}\n"
                                      "corruption: {gaussian: {sigma: 0.3}}\n"
                                      "model:\n"
                                      "  input: [8, 8, 16]\n"
                                      "  layers:\n"
                                      "    - conv2d: {filters: 16, kernel: 3, pad: 1}\n"
                                      "train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 1}\n";

/* The lines that were said, and how many. */
struct said {
    char line[1024];
    int n;
};

static void say(void *context, const char *line)
{
    struct said *said = context;
    snprintf(said->line, sizeof said->line, "%s", line);
    ++said->n;
}

static int set_up(void **state)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/tmp/dae-cl-tuning-XXXXXX");
    *state = folder;
    unsetenv("DAE_CL_TUNE");
    return mkdtemp(folder) && setenv("DAE_CL_CACHE_DIR", folder, 1) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", (const char *)*state);
    return system(command);
}

/* How many lines a first use of the network says on a device that was opened just now. */
static int first_use(const char *yaml, struct tuning *tuning)
{
    struct subject s;
    struct said said = {.n = 0};
    open_subject(&s, yaml, NULL);
    first_tuning(s.device, &s.network, &s.settings, NULL, say, &said);
    *tuning = *device_tuning(s.device);
    close_subject(&s);
    if (said.n > 0)
        assert_non_null(strstr(said.line, "device tuning: first use: "));
    return said.n;
}

static void each_kind_is_measured_once(void **state)
{
    (void)state;
    struct tuning first, second, third;
    assert_int_equal(first_use(dense_config, &first), 1);
    assert_true(first.products_timed && !first.convolutions_timed && tuning_is_sound(&first));
    assert_int_equal(first_use(dense_config, &second), 0);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(first_use(winograd_config, &third), 1);
    assert_true(third.products_timed && third.convolutions_timed && tuning_is_sound(&third));
    assert_int_equal(third.gemm_rows, first.gemm_rows);
    assert_int_equal(first_use(winograd_config, &second), 0);
    assert_memory_equal(&second, &third, sizeof third);
}

static void nothing_is_measured_against_the_users_will(void **state)
{
    (void)state;
    struct subject s;
    struct said said = {.n = 0};
    open_subject(&s, dense_config, NULL);
    struct tuning tuning = *device_tuning(s.device);
    tuning.tuned = false;
    device_set_tuning(s.device, &tuning);
    first_tuning(s.device, &s.network, &s.settings, NULL, say, &said);
    tuning.tuned = true;
    device_set_tuning(s.device, &tuning);
    setenv("DAE_CL_TUNE", "off", 1);
    first_tuning(s.device, &s.network, &s.settings, NULL, say, &said);
    unsetenv("DAE_CL_TUNE");
    assert_int_equal(said.n, 0);
    assert_memory_equal(device_tuning(s.device), &tuning, sizeof tuning);
    close_subject(&s);
}

static void a_stop_is_no_measurement(void **state)
{
    (void)state;
    struct subject s;
    struct said said = {.n = 0};
    struct tuning tuning;
    const volatile sig_atomic_t stop = SIGTERM;
    open_subject(&s, dense_config, NULL);
    const struct tuning before = *device_tuning(s.device);
    first_tuning(s.device, &s.network, &s.settings, &stop, say, &said);
    assert_int_equal(said.n, 0);
    assert_memory_equal(device_tuning(s.device), &before, sizeof before);
    close_subject(&s);
    assert_int_equal(first_use(dense_config, &tuning), 1);
}

/* Another process measured while this one had the device open. */
static void what_another_process_found_is_used(void **state)
{
    (void)state;
    struct subject s;
    struct said said = {.n = 0};
    open_subject(&s, dense_config, NULL);
    struct tuning found = *device_tuning(s.device);
    found.gemm_rows = 3;
    found.gemm_columns = 1;
    found.products_timed = true;
    check(tuning_remember(device_facts(s.device), &found, &err));
    first_tuning(s.device, &s.network, &s.settings, NULL, say, &said);
    assert_int_equal(said.n, 0);
    assert_memory_equal(device_tuning(s.device), &found, sizeof found);
    close_subject(&s);
}

/* The candidates of a kind for a processor with vectors of this many floats. */
static void try_all(enum candidate_kind kind, int floats)
{
    const struct platform_device cpu = {
        .type = DEVICE_CPU, .vector_floats = floats, .compute_units = 2, .max_work_group = 4096};
    const struct properties properties = properties_of(&cpu);
    struct tuning from, next;
    int n = 0;
    check(tuning_choose(&cpu, &(struct tuning_request){0}, &from, &err));
    for (int at = 0; candidates_next(kind, &properties, &from, &at, &next); ++n) {
        assert_true(tuning_is_sound(&next));
        assert_true(memcmp(&next, &from, sizeof next) != 0);
        assert_true(tuning_has_room(&properties, next.gemm_rows, next.gemm_columns));
        assert_true(tuning_has_room(&properties, next.conv_tile / next.conv_block, next.conv_block));
        assert_true(tuning_has_room(&properties, next.conv_rows, next.conv_block));
    }
    assert_true(n < CANDIDATES_MOST);
    if (kind == CANDIDATE_WINOGRAD)
        assert_int_equal(n, 1);
    else if (floats > 4) /* with 16 registers of 4, no other size fits */
        assert_true(n >= 2);
}

static void candidates_are_possible_on_every_processor(void **state)
{
    (void)state;
    for (int floats = 4; floats <= 16; floats *= 2)
        for (int kind = 0; kind < CANDIDATE_KINDS; ++kind)
            try_all(kind, floats);
}

static void winograd_is_a_candidate_where_a_layer_may_use_it(void **state)
{
    (void)state;
    struct subject s;
    open_subject(&s, winograd_config, NULL);
    struct tuning tuning = *device_tuning(s.device);
    assert_true(candidates_apply(CANDIDATE_WINOGRAD, &tuning, &s.network));
    assert_false(candidates_apply(CANDIDATE_PRODUCTS, &tuning, &s.network));
    tuning.winograd_asked = true;
    assert_false(candidates_apply(CANDIDATE_WINOGRAD, &tuning, &s.network));
    assert_true(candidates_apply(CANDIDATE_CONVOLUTIONS, &tuning, &s.network));
    close_subject(&s);
    open_subject(&s, dense_config, NULL);
    assert_false(candidates_apply(CANDIDATE_WINOGRAD, device_tuning(s.device), &s.network));
    assert_true(candidates_apply(CANDIDATE_PRODUCTS, device_tuning(s.device), &s.network));
    close_subject(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_is_measured_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_measured_against_the_users_will, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_is_no_measurement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_another_process_found_is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(candidates_are_possible_on_every_processor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(winograd_is_a_candidate_where_a_layer_may_use_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
