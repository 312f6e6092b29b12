/* Which device a request means, on invented lists; and the list of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/tuning.h"
#include "driver/driver.h"

enum { N = 5 };

static struct platform_device devices[N] = {
    {.platform = "Portable Computing Language",
     .vendor = "GenuineIntel",
     .name = "pthread-skylake",
     .type = DEVICE_CPU,
     .usable = true},
    {.platform = "Intel(R) OpenCL",
     .vendor = "Intel(R) Corporation",
     .name = "Core i7",
     .type = DEVICE_CPU,
     .usable = true},
    {.platform = "Old Graphics",
     .vendor = "Old",
     .name = "Broken GPU",
     .type = DEVICE_GPU,
     .reason = "it is older than OpenCL 1.2"},
    {.platform = "Fast Graphics", .vendor = "Fast", .name = "Turbo One", .type = DEVICE_GPU, .usable = true},
    {.platform = "Fast Graphics", .vendor = "Fast", .name = "Turbo Two", .type = DEVICE_GPU, .usable = true},
};

static void picks(const char *request, int n, int wanted, const char *why)
{
    const struct platform_list list = {.device = devices, .n = n};
    struct error err = {0};
    char line[512];
    int index = -1;
    if (driver_choose(&list, request, &index, line, sizeof line, &err) != DAE_OK)
        fail_msg("%s: %s", request ? request : "(none)", err.text);
    assert_int_equal(index, wanted);
    if (!strstr(line, devices[wanted].name) || !strstr(line, devices[wanted].platform) || !strstr(line, why))
        fail_msg("the line '%s' does not say which and why (%s)", line, why);
}

static void refuses(const char *request, int n, enum dae_status status, const char *message)
{
    const struct platform_list list = {.device = devices, .n = n, .problem = "no OpenCL platform; install one"};
    struct error err = {0};
    char line[512];
    int index = -1;
    assert_int_equal(driver_choose(&list, request, &index, line, sizeof line, &err), status);
    if (!strstr(err.text, message))
        fail_msg("'%s' does not say '%s'", err.text, message);
    /* A request for a missing device is answered with the existing ones. */
    for (int i = 0; i < n && status == DAE_NO_DEVICE; ++i)
        assert_non_null(strstr(err.text, devices[i].name));
}

static void automatic_choice(void **state)
{
    (void)state;
    picks(NULL, N, 3, "the first usable GPU");
    picks("auto", N, 3, "the first usable GPU");
    picks("AUTO", 3, 0, "no usable GPU, so the CPU");
    refuses(NULL, 0, DAE_NO_DEVICE, "install one");
    const struct platform_list only_broken = {.device = &devices[2], .n = 1};
    struct error err = {0};
    char line[512];
    int index;
    assert_int_equal(driver_choose(&only_broken, NULL, &index, line, sizeof line, &err), DAE_NO_DEVICE);
    assert_non_null(strstr(err.text, "older than OpenCL 1.2"));
}

static void kinds_and_names(void **state)
{
    (void)state;
    picks("cpu", N, 0, "asked for");
    picks("cpu:1", N, 1, "asked for");
    picks("GPU:2", N, 4, "asked for");
}

static void pieces_of_names(void **state)
{
    (void)state;
    picks("portable", N, 0, "asked for");
    picks("turbo", N, 3, "asked for");
    picks("TURBO TWO", N, 4, "asked for");
    picks("fast:1", N, 4, "asked for");
    picks("Intel(R) OpenCL", N, 1, "asked for");
}

static void what_is_not_there(void **state)
{
    (void)state;
    refuses("nvidia", N, DAE_NO_DEVICE, "no OpenCL device of that name");
    refuses("turbo:2", N, DAE_NO_DEVICE, "only 2 devices match that name, numbered from 0");
    refuses("intel", N, DAE_NO_DEVICE, "matches several platforms");
    refuses("broken", N, DAE_NO_DEVICE, "it is older than OpenCL 1.2");
    refuses("gpu", 2, DAE_NO_DEVICE, "no OpenCL device of that name");
    refuses("anything", 0, DAE_NO_DEVICE, "install one");
}

static void malformed_requests(void **state)
{
    (void)state;
    refuses("", N, DAE_CONFIG, "the name is empty");
    refuses(":1", N, DAE_CONFIG, "the name is empty");
    refuses("cpu:", N, DAE_CONFIG, "NAME:N");
    refuses("cpu:x", N, DAE_CONFIG, "NAME:N");
    refuses("cpu:-1", N, DAE_CONFIG, "NAME:N");
    refuses("cpu:1x", N, DAE_CONFIG, "NAME:N");
    refuses("cpu:99999999999999999999", N, DAE_CONFIG, "NAME:N");
}

static void tuning_follows_the_device(void **state)
{
    (void)state;
    struct error err = {0};
    struct tuning tuning;
    struct platform_device cpu = {.type = DEVICE_CPU, .compute_units = 64, .max_work_group = 4096};
    struct platform_device gpu = {.type = DEVICE_GPU, .compute_units = 80, .max_work_group = 32};
    assert_int_equal(tuning_choose(&cpu, &(struct tuning_request){0}, &tuning, &err), DAE_OK);
    assert_true(tuning.wide && !tuning.clblast && tuning.lanes == 1 && tuning.width == 16 && tuning.winograd);
    assert_int_equal(tuning.units, tuning.shards);
    cpu.compute_units = 2;
    assert_int_equal(tuning_choose(&cpu, &(struct tuning_request){.shape = "auto", .gemm = "clblast"}, &tuning, &err),
                     DAE_OK);
    assert_true(tuning.wide && tuning.clblast && tuning.units == 2 && tuning.shards == 32);
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){0}, &tuning, &err), DAE_OK);
    assert_true(!tuning.wide && tuning.clblast && tuning.lanes == 32 && tuning.width == 1);
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){.shape = "wide", .gemm = "own"}, &tuning, &err),
                     DAE_OK);
    assert_true(tuning.wide && !tuning.clblast);
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){.shape = "square"}, &tuning, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "auto, wide or grid"));
}

/* Its kernels are for the shape wide; a table that describes itself alike must compute the same bits. */
static void winograd_follows_the_shape(void **state)
{
    (void)state;
    struct error err = {0};
    struct tuning tuning;
    struct text on = {0}, off = {0};
    const struct platform_device cpu = {.type = DEVICE_CPU, .compute_units = 2, .max_work_group = 4096};
    const struct platform_device gpu = {.type = DEVICE_GPU, .compute_units = 80, .max_work_group = 256};
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){0}, &tuning, &err), DAE_OK);
    assert_false(tuning.winograd);
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){.shape = "wide"}, &tuning, &err), DAE_OK);
    assert_true(tuning.winograd);
    tuning_describe(&tuning, &on);
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){.shape = "wide", .winograd = "off"}, &tuning, &err),
                     DAE_OK);
    assert_false(tuning.winograd);
    tuning_describe(&tuning, &off);
    assert_string_not_equal(on.data, off.data);
    text_release(&on);
    text_release(&off);
    assert_int_equal(tuning_choose(&gpu, &(struct tuning_request){.winograd = "on"}, &tuning, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "choose auto or off"));
    err = (struct error){0};
    assert_int_equal(tuning_choose(&cpu, &(struct tuning_request){.winograd = "yes"}, &tuning, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "auto, on or off"));
}

/* The tiles of a CPU whose vectors have `floats` floats. */
static struct tuning tiles_of(int floats)
{
    const struct platform_device cpu = {.type = DEVICE_CPU, .compute_units = 2, .vector_floats = floats};
    struct error err = {0};
    struct tuning tuning;
    assert_int_equal(tuning_choose(&cpu, &(struct tuning_request){0}, &tuning, &err), DAE_OK);
    assert_true(tuning_is_sound(&tuning));
    return tuning;
}

static void is_tile(int floats, int rows, int columns, int dots, int conv, int block, int conv_rows)
{
    const struct tuning t = tiles_of(floats);
    assert_int_equal(t.gemm_rows, rows);
    assert_int_equal(t.gemm_columns, columns);
    assert_int_equal(t.gemm_dots, dots);
    assert_int_equal(t.conv_tile, conv);
    assert_int_equal(t.conv_block, block);
    assert_int_equal(t.conv_rows, conv_rows);
}

static void tiles_follow_the_registers(void **state)
{
    (void)state;
    is_tile(16, 8, 2, 4, 16, 2, 12);
#ifdef __x86_64__
    is_tile(8, 6, 1, 2, 6, 1, 6);
    is_tile(4, 2, 1, 2, 2, 1, 2);
#endif
    const int odd[] = {0, 1, 2, 3, 32, -5};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
        const struct platform_device cpu = {.type = DEVICE_CPU, .vector_floats = odd[i]};
        assert_false(properties_of(&cpu).known);
        is_tile(odd[i], 6, 1, 2, 6, 1, 6);
    }
    /* Other registers than this machine can have: NEON's, and completely filled ones. */
    const struct properties neon = {4, 32, true}, avx2 = {8, 16, true};
    assert_true(tuning_has_room(&neon, 6, 1) && !tuning_has_room(&neon, 7, 1));
    assert_true(tuning_has_room(&avx2, 6, 1) && !tuning_has_room(&avx2, 7, 1) && !tuning_has_room(&avx2, 3, 2));
}

/* Nothing is remembered for two of them together. */
static void identities_tell_instructions_apart(void **state)
{
    (void)state;
    char line[5][PROPERTIES_LINE];
    struct platform_device cpu = {.type = DEVICE_CPU, .compute_units = 2, .vector_floats = 8, .fused = true};
    properties_identity(&cpu, line[0]);
    cpu.vector_floats = 4;
    properties_identity(&cpu, line[1]);
    cpu.fused = false;
    properties_identity(&cpu, line[2]);
    assert_int_equal(setenv("CL_CONFIG_CPU_TARGET_ARCH", "corei7", 1), 0);
    properties_identity(&cpu, line[3]);
    assert_int_equal(unsetenv("CL_CONFIG_CPU_TARGET_ARCH"), 0);
    cpu.compute_units = 3;
    properties_identity(&cpu, line[4]);
    for (int i = 0; i < 5; ++i)
        for (int j = 0; j < i; ++j)
            assert_string_not_equal(line[i], line[j]);
#ifdef __x86_64__
    assert_non_null(strstr(line[0], "processor "));
    if (__builtin_cpu_supports("avx2"))
        assert_non_null(strstr(line[0], " avx2"));
    assert_int_equal(__builtin_cpu_supports("avx512f") != 0, strstr(line[0], " avx512f") != NULL);
#endif
}

static void this_machine(void **state)
{
    (void)state;
    struct platform_list list;
    struct error err = {0};
    assert_int_equal(driver_list_devices(&list, &err), DAE_OK);
    assert_true(list.n > 0 || list.problem[0]);
    for (int i = 0; i < list.n; ++i) {
        assert_true(list.device[i].name[0] && list.device[i].platform[0]);
        assert_true(list.device[i].usable || list.device[i].reason[0]);
    }
    platform_list_release(&list);
}

/* Remembers these numbers under this tuning's key, as tune would. */
static void remember(const struct platform_device *device, int rows, int columns, int units)
{
    struct error err = {0};
    struct tuning tuning;
    assert_int_equal(tuning_choose(device, &(struct tuning_request){0}, &tuning, &err), DAE_OK);
    tuning.gemm_rows = rows;
    tuning.gemm_columns = columns;
    tuning.units = units;
    tuning.mul_hi = tuning.products_timed = true;
    assert_int_equal(tuning_remember(device, &tuning, &err), DAE_OK);
}

static void a_table_is_taken_when_it_is_sound(void **state)
{
    (void)state;
    static const int unsound[][3] = {{0, 2, 4}, {8, 0, 4}, {29, 1, 4}, {8, 4, 4}, {8, 2, 0}, {8, 2, 33}, {8, 2, -1}};
    struct platform_device cpu = {.type = DEVICE_CPU, .compute_units = 4, .max_work_group = 4096, .driver = "7"};
    struct error err = {0};
    struct tuning tuning, before;
    char folder[] = "/tmp/dae-cl-tuning-XXXXXX", problem[256], command[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("DAE_CL_CACHE_DIR", folder, 1), 0);
    assert_int_equal(tuning_choose(&cpu, &(struct tuning_request){0}, &before, &err), DAE_OK);
    tuning = before;
    tuning_recall(&cpu, &tuning, problem, sizeof problem);
    assert_string_equal(problem, "");
    assert_memory_equal(&tuning, &before, sizeof tuning);
    remember(&cpu, 14, 2, 32);
    tuning_recall(&cpu, &tuning, problem, sizeof problem);
    assert_string_equal(problem, "");
    assert_int_equal(tuning.gemm_rows, 14);
    assert_int_equal(tuning.gemm_columns, 2);
    assert_int_equal(tuning.units, 32);
    assert_true(tuning.mul_hi && tuning.winograd && !tuning.convolutions_timed && tuning.products_timed);
    for (size_t i = 0; i < sizeof unsound / sizeof unsound[0]; ++i) {
        remember(&cpu, unsound[i][0], unsound[i][1], unsound[i][2]);
        tuning = before;
        tuning_recall(&cpu, &tuning, problem, sizeof problem);
        assert_non_null(strstr(problem, "impossible numbers"));
        assert_memory_equal(&tuning, &before, sizeof tuning);
    }
    remember(&cpu, 14, 2, 32);
    tuning = before;
    tuning.winograd_asked = true; /* the user's own word has a table of its own */
    tuning_recall(&cpu, &tuning, problem, sizeof problem);
    assert_string_equal(problem, "");
    assert_int_equal(tuning.gemm_rows, before.gemm_rows);
    struct platform_device other[] = {cpu, cpu, cpu}; /* without known properties */
    strcpy(other[0].driver, "8");
    other[1].vector_floats = 4;
    other[2].fused = !cpu.fused;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; ++i) {
        tuning = before;
        tuning_recall(&other[i], &tuning, problem, sizeof problem);
        assert_string_equal(problem, "");
        assert_memory_equal(&tuning, &before, sizeof tuning);
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void a_notice_is_given_once(void **state)
{
    (void)state;
    struct error err = {0};
    struct device *device;
    assert_int_equal(driver_open(NULL, &(struct tuning_request){0}, &device, &err), DAE_OK);
    const size_t before = strlen(device_new_notices(device));
    assert_string_equal(device_new_notices(device), "");
    assert_int_equal(device_add_notice(device, "one", &err), DAE_OK);
    assert_int_equal(device_add_notice(device, "two", &err), DAE_OK);
    assert_int_equal(device_add_notice(device, "one", &err), DAE_OK);
    assert_string_equal(device_new_notices(device), "one\ntwo\n");
    assert_int_equal(device_add_notice(device, "two", &err), DAE_OK);
    assert_string_equal(device_new_notices(device), "");
    assert_string_equal(device_notices(device) + before, "one\ntwo\n");
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(automatic_choice),
        cmocka_unit_test(kinds_and_names),
        cmocka_unit_test(pieces_of_names),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(malformed_requests),
        cmocka_unit_test(tuning_follows_the_device),
        cmocka_unit_test(winograd_follows_the_shape),
        cmocka_unit_test(tiles_follow_the_registers),
        cmocka_unit_test(identities_tell_instructions_apart),
        cmocka_unit_test(a_table_is_taken_when_it_is_sound),
        cmocka_unit_test(this_machine),
        cmocka_unit_test(a_notice_is_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
