/* Matrix products against double precision: every transposition, odd sizes, offsets, bias, folds and adding; numbers
 * around C must stay as they are. Our own kernels in both shapes, and CLBlast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/philox.h"
#include "device/gemm.h"
#include "driver/driver.h"

enum { MOST = 105, OFFSET = 133, GUARD = 131, LEN = OFFSET + MOST * MOST + GUARD };
static const float CANARY = 12345.0f;

struct kind {
    const char *name;
    bool transpose_a, transpose_b;
};
static const struct kind kinds[] = {{"NN", false, false}, {"NT", false, true}, {"TN", true, false}};

struct extra {
    const char *name;
    bool bias;
    int fold;
    bool add;
    const char *expression;
};
static const struct extra extras[] = {
    {"plain", false, 0, false, NULL},
    {"add", false, 0, true, NULL},
    {"bias", true, 0, false, NULL},
    {"bias and fold forward", true, 1, false, "x < 0.0f ? (V)(P_SLOPE) * x : x"},
    {"fold backward", false, 2, false, "dy * (1.0f - y * y)"},
};

/* Everything on the device, and what is there. */
struct operands {
    float a[LEN], b[LEN], c[LEN], bias[LEN], other[LEN], result[LEN];
    struct buffer *on_a, *on_b, *on_c, *on_bias, *on_other;
};

static struct operands o;

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static void fill(float *x, uint32_t which)
{
    for (int i = 0; i < LEN; ++i)
        x[i] = (float)(2 * philox_uniform((struct philox_key){9, 0, 0, which}, (uint32_t)i) - 1);
}

static double want(const struct kind *kind, const struct extra *extra, int m, int n, int k, int i, int j, double *bound)
{
    double sum = extra->add ? (double)o.c[OFFSET + i * n + j] : 0, size = fabs(sum);
    for (int p = 0; p < k; ++p) {
        const double term = (double)o.a[OFFSET + (kind->transpose_a ? p * m + i : i * k + p)] *
                            (double)o.b[OFFSET + (kind->transpose_b ? j * k + p : p * n + j)];
        sum += term;
        size += fabs(term);
    }
    if (extra->bias) {
        sum += (double)o.bias[OFFSET + j];
        size += fabs((double)o.bias[OFFSET + j]);
    }
    /* Higham 2002, equation 3.5, and a few roundings of the fold. */
    *bound = (k + 6) * 0x1p-24 * (size + 1e-30);
    const double y = (double)o.other[OFFSET + i * n + j];
    return extra->fold == 1 ? (sum < 0 ? 0.25 * sum : sum) : extra->fold == 2 ? sum * (1 - y * y) : sum;
}

static void run(struct gemm *gemm, const char *where, const struct kind *kind, const struct extra *extra, int m, int n,
                int k)
{
    struct error err = {0};
    for (int i = 0; i < LEN; ++i)
        if (i < OFFSET || i >= OFFSET + m * n || !extra->add)
            o.c[i] = CANARY;
        else
            o.c[i] = (float)(i % 17) / 17.0f;
    check(buffer_write(o.on_c, 0, o.c, sizeof o.c, &err), &err);
    const struct gemm_operand a = {o.on_a, OFFSET}, b = {o.on_b, OFFSET}, c = {o.on_c, OFFSET},
                              bias = {o.on_bias, OFFSET}, other = {o.on_other, OFFSET};
    check(gemm_run(gemm, m, n, k, a, b, c, extra->add, bias, other, &err), &err);
    check(buffer_read(o.on_c, 0, o.result, sizeof o.result, &err), &err);
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            double bound, have = (double)o.result[OFFSET + i * n + j], y = want(kind, extra, m, n, k, i, j, &bound);
            if (!(fabs(have - y) <= bound))
                fail_msg("%s %s %s %dx%dx%d: C[%d,%d] is %.9g, wants %.9g", where, kind->name, extra->name, m, n, k, i,
                         j, have, y);
        }
    for (int i = 0; i < LEN; ++i)
        if ((i < OFFSET || i >= OFFSET + m * n) && o.result[i] != CANARY)
            fail_msg("%s %s %s %dx%dx%d: wrote %d floats %s C", where, kind->name, extra->name, m, n, k,
                     i < OFFSET ? OFFSET - i : i - OFFSET - m * n + 1, i < OFFSET ? "before" : "behind");
}

static struct device *open_device(const char *shape, const char *gemm)
{
    struct error err = {0};
    struct device *device;
    check(driver_open(NULL, &(struct tuning_request){.shape = shape, .gemm = gemm}, &device, &err), &err);
    struct buffer **buffers[] = {&o.on_a, &o.on_b, &o.on_c, &o.on_bias, &o.on_other};
    float *contents[] = {o.a, o.b, o.c, o.bias, o.other};
    for (uint32_t i = 0; i < 5; ++i) {
        fill(contents[i], i);
        check(buffer_new(device, sizeof o.a, "operand", buffers[i], &err), &err);
        check(buffer_write(*buffers[i], 0, contents[i], sizeof o.a, &err), &err);
    }
    return device;
}

static void close_device(struct device *device, struct gemm_pool *pool)
{
    gemm_pool_free(pool);
    struct buffer *buffers[] = {o.on_a, o.on_b, o.on_c, o.on_bias, o.on_other};
    for (int i = 0; i < 5; ++i)
        buffer_free(buffers[i]);
    device_close(device);
}

static struct gemm *prepare(struct gemm_pool *pool, const struct kind *kind, const struct extra *extra)
{
    struct error err = {0};
    struct gemm *gemm;
    const struct gemm_spec spec = {kind->transpose_a, kind->transpose_b,         extra->bias,
                                   extra->fold,       "#define P_SLOPE 0.25f\n", extra->expression};
    check(gemm_prepare(pool, &spec, &gemm, &err), &err);
    return gemm;
}

/* m, n and k each take every odd number from 1 to 65, in orders of their own; and some more. */
static void run_own(const char *shape)
{
    struct error err = {0};
    char notice[256];
    struct device *device = open_device(shape, "own");
    struct gemm_pool *pool;
    check(gemm_pool_new(device, notice, sizeof notice, &pool, &err), &err);
    assert_string_equal(notice, "");
    for (int t = 0; t < 3; ++t)
        for (int e = 0; e < 5; ++e) {
            struct gemm *gemm = prepare(pool, &kinds[t], &extras[e]);
            for (int i = 0; i < 33; ++i)
                run(gemm, shape, &kinds[t], &extras[e], 2 * i + 1, 2 * (i * 13 % 33) + 1, 2 * (i * 20 % 33) + 1);
            run(gemm, shape, &kinds[t], &extras[e], 16, 32, 64);
            run(gemm, shape, &kinds[t], &extras[e], 8, 48, 2);
            run(gemm, shape, &kinds[t], &extras[e], 1, 65, 1);
            run(gemm, shape, &kinds[t], &extras[e], 65, 1, 65);
            run(gemm, shape, &kinds[t], &extras[e], 41, 35, 261); /* more terms than a piece has */
        }
    close_device(device, pool);
}

static void own_wide(void **state)
{
    (void)state;
    run_own("wide");
}

static void own_grid(void **state)
{
    (void)state;
    run_own("grid");
}

static void clblast(void **state)
{
    (void)state;
    struct error err = {0};
    char notice[256];
    struct device *device = open_device("grid", "clblast");
    struct gemm_pool *pool;
    check(gemm_pool_new(device, notice, sizeof notice, &pool, &err), &err);
    assert_string_equal(notice, ""); /* it passes its own test here, and is used */
    for (int t = 0; t < 3; ++t)
        for (int e = 0; e < 5; ++e)
            run(prepare(pool, &kinds[t], &extras[e]), "clblast", &kinds[t], &extras[e], 17, 33, 29);
    close_device(device, pool);
}

static void senseless_products_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    char notice[256];
    struct device *device = open_device("wide", "own");
    struct gemm_pool *pool;
    struct gemm *gemm;
    check(gemm_pool_new(device, notice, sizeof notice, &pool, &err), &err);
    const struct gemm_spec both = {true, true, false, 0, "", NULL};
    assert_int_equal(gemm_prepare(pool, &both, &gemm, &err), DAE_BUG);
    err = (struct error){0};
    gemm = prepare(pool, &kinds[0], &extras[0]);
    const struct gemm_operand at = {o.on_a, 0};
    assert_int_equal(gemm_run(gemm, 0, 1, 1, at, at, at, false, at, at, &err), DAE_BUG);
    close_device(device, pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_wide),
        cmocka_unit_test(own_grid),
        cmocka_unit_test(clblast),
        cmocka_unit_test(senseless_products_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
