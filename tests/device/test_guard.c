/* Guard zones: every write outside of a buffer is counted and reported, and a read there gives NaN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "device/guard.h"
#include "device/program.h"
#include "driver/driver.h"

static const char source[] = "__kernel void poke(__global float *x, const int at, const float v) { x[at] = v; }\n"
                             "__kernel void peek(__global float *x, const int at) { x[0] = x[at] * 0.0f; }\n";
enum { LEN = 5 };

static struct device *device;
static struct program *program;
static struct kernel *poke, *peek;

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static void write_at(struct buffer *buffer, int at)
{
    struct error err = {0};
    const size_t one[2] = {1, 1};
    const struct kernel_arg args[] = {ARG_BUFFER(buffer), ARG_INT(at), ARG_FLOAT(1)};
    check(kernel_launch(poke, one, one, args, 3, &err), &err);
}

static int64_t changed(char *where, size_t len)
{
    struct error err = {0};
    int64_t n;
    check(guard_check(device, &n, where, len, &err), &err);
    return n;
}

static struct buffer *guarded(uint64_t bytes, const char *what)
{
    struct error err = {0};
    struct buffer *buffer;
    guard_set(device, true);
    check(buffer_new(device, bytes, what, &buffer, &err), &err);
    guard_set(device, false);
    return buffer;
}

static void writes_outside_are_counted(void **state)
{
    (void)state;
    char where[128];
    struct buffer *a = guarded(LEN * sizeof(float), "first"), *b = guarded(LEN * sizeof(float), "second");
    for (int i = 0; i < LEN; ++i)
        write_at(a, i);
    assert_int_equal(changed(where, sizeof where), 0);
    assert_string_equal(where, "");
    write_at(a, LEN);
    assert_int_equal(changed(where, sizeof where), 1);
    assert_string_equal(where, "1 numbers behind 'first'");
    write_at(b, -1);
    write_at(b, -1000);
    assert_int_equal(changed(where, sizeof where), 3);
    assert_string_equal(where, "2 numbers before 'second'");
    buffer_free(b); /* freed buffers are not counted */
    assert_int_equal(changed(where, sizeof where), 1);
    buffer_free(a);
    assert_int_equal(changed(where, sizeof where), 0);
}

static void buffers_hold_zeros_and_what_is_written(void **state)
{
    (void)state;
    struct error err = {0};
    char where[128];
    float x[LEN];
    struct buffer *a = guarded(LEN * sizeof(float), "a");
    check(buffer_read(a, 0, x, sizeof x, &err), &err);
    for (int i = 0; i < LEN; ++i)
        assert_true(x[i] == 0);
    write_at(a, 3);
    check(buffer_read(a, 0, x, sizeof x, &err), &err);
    assert_true(x[3] == 1 && x[2] == 0 && x[4] == 0);
    assert_int_equal(changed(where, sizeof where), 0);
    buffer_free(a);
}

static void a_length_that_is_no_multiple_of_four_has_a_guard_too(void **state)
{
    (void)state;
    char where[128];
    struct buffer *a = guarded(7, "bytes");
    write_at(a, 2);
    assert_int_equal(changed(where, sizeof where), 1);
    buffer_free(a);
}

static void reads_outside_give_nan(void **state)
{
    (void)state;
    const int outside[] = {-1, LEN};
    for (int i = 0; i < 2; ++i) {
        struct error err = {0};
        float x;
        const size_t one[2] = {1, 1};
        struct buffer *a = guarded(LEN * sizeof(float), "a");
        const struct kernel_arg args[] = {ARG_BUFFER(a), ARG_INT(outside[i])};
        check(kernel_launch(peek, one, one, args, 2, &err), &err);
        check(buffer_read(a, 0, &x, sizeof x, &err), &err);
        assert_true(isnan(x));
        buffer_free(a);
    }
}

static int open_device(void **state)
{
    (void)state;
    struct error err = {0};
    enum dae_status status = driver_open(NULL, &(struct tuning_request){0}, &device, &err);
    if (status == DAE_OK)
        status = program_build(device, "test", source, "", &program, &err);
    if (status == DAE_OK)
        status = kernel_new(program, "poke", &poke, &err);
    if (status == DAE_OK)
        status = kernel_new(program, "peek", &peek, &err);
    if (status != DAE_OK)
        print_error("%s\n", err.text);
    return status != DAE_OK;
}

static int close_device(void **state)
{
    (void)state;
    kernel_free(poke);
    kernel_free(peek);
    program_free(program);
    device_close(device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_outside_are_counted),
        cmocka_unit_test(buffers_hold_zeros_and_what_is_written),
        cmocka_unit_test(a_length_that_is_no_multiple_of_four_has_a_guard_too),
        cmocka_unit_test(reads_outside_give_nan),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
