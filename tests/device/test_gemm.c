/* Matrix products against double precision: every transposition, odd sizes, offsets, bias, folds, adding, and batches
 * of matrices with gaps between their rows; numbers around C must stay as they are. Our own kernels in both shapes, and
 * CLBlast; DAE_CL_SHAPE=wide or grid selects our own of that shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "device/gemm.h"
#include "driver/driver.h"

enum { MOST = 165, OFFSET = 133, GUARD = 131, LEN = OFFSET + MOST * MOST + GUARD };
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

/* Everything on the device, and its values. */
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

/* The place of element (row, column) of a stored matrix of product (i, j) of the batch. */
static int64_t place(int64_t row_len, const int64_t step[2], int i, int j, int row, int column)
{
    return OFFSET + i * step[0] + j * step[1] + row * row_len + column;
}

static double want(const struct kind *kind, const struct extra *extra, const struct gemm_product *q, int outer,
                   int inner, int i, int j, double *bound)
{
    const int64_t at = place(q->c_row, q->c_step, outer, inner, i, j);
    double sum = extra->add ? (double)o.c[at] : 0, size = fabs(sum);
    for (int p = 0; p < q->k; ++p) {
        const bool ta = kind->transpose_a, tb = kind->transpose_b;
        const double term = (double)o.a[place(q->a_row, q->a_step, outer, inner, ta ? p : i, ta ? i : p)] *
                            (double)o.b[place(q->b_row, q->b_step, outer, inner, tb ? j : p, tb ? p : j)];
        sum += term;
        size += fabs(term);
    }
    if (extra->bias) {
        sum += (double)o.bias[OFFSET + j];
        size += fabs((double)o.bias[OFFSET + j]);
    }
    /* Higham 2002, equation 3.5, and a few roundings of the fold. */
    *bound = (double)(q->k + 6) * 0x1p-24 * (size + 1e-30);
    const double y = (double)o.other[at];
    return extra->fold == 1 ? (sum < 0 ? 0.25 * sum : sum) : extra->fold == 2 ? sum * (1 - y * y) : sum;
}

/* q has everything but the buffers; rows are given, and batch is 1 or more. Numbers outside of C keep their values. */
static void run_layout(struct gemm *gemm, const char *where, const struct kind *kind, const struct extra *extra,
                       const struct gemm_product *q)
{
    static bool written[LEN];
    struct error err = {0};
    struct gemm_product product = *q;
    for (int i = 0; i < LEN; ++i) {
        o.c[i] = extra->add ? (float)(i % 17) / 17.0f : CANARY;
        written[i] = false;
    }
    product.a = (struct gemm_operand){o.on_a, OFFSET};
    product.b = (struct gemm_operand){o.on_b, OFFSET};
    product.c = (struct gemm_operand){o.on_c, OFFSET};
    product.bias = (struct gemm_operand){o.on_bias, OFFSET};
    product.other = (struct gemm_operand){o.on_other, OFFSET};
    product.add = extra->add;
    check(buffer_write(o.on_c, 0, o.c, sizeof o.c, &err), &err);
    check(gemm_run(gemm, &product, &err), &err);
    check(buffer_read(o.on_c, 0, o.result, sizeof o.result, &err), &err);
    for (int64_t e = 0; e < q->batch[0] * q->batch[1] * q->m * q->n; ++e) {
        const int j = (int)(e % q->n), i = (int)(e / q->n % q->m), number = (int)(e / (q->n * q->m));
        const int outer = number / (int)q->batch[1], inner = number % (int)q->batch[1];
        const int64_t at = place(q->c_row, q->c_step, outer, inner, i, j);
        double bound, have = (double)o.result[at], y = want(kind, extra, q, outer, inner, i, j, &bound);
        written[at] = true;
        if (!(fabs(have - y) <= bound))
            fail_msg("%s %s %s %dx%dx%d: C[%d,%d] of product (%d,%d) is %.9g, expected %.9g", where, kind->name,
                     extra->name, (int)q->m, (int)q->n, (int)q->k, i, j, outer, inner, have, y);
    }
    for (int i = 0; i < LEN; ++i)
        if (!written[i] && o.result[i] != o.c[i])
            fail_msg("%s %s %s %dx%dx%d: wrote number %d, which is none of C", where, kind->name, extra->name,
                     (int)q->m, (int)q->n, (int)q->k, i);
}

static void run(struct gemm *gemm, const char *where, const struct kind *kind, const struct extra *extra, int m, int n,
                int k)
{
    const struct gemm_product dense = {.m = m,
                                       .n = n,
                                       .k = k,
                                       .batch = {1, 1},
                                       .a_row = kind->transpose_a ? m : k,
                                       .b_row = kind->transpose_b ? k : n,
                                       .c_row = n};
    run_layout(gemm, where, kind, extra, &dense);
}

/* A batch of 3 x 2 products with gaps between rows and between matrices, whose inner loop goes along the rows. */
static void run_batch(struct gemm *gemm, const char *where, const struct kind *kind, const struct extra *extra, int m,
                      int n, int k)
{
    const int64_t a_rows = kind->transpose_a ? k : m, a_len = kind->transpose_a ? m : k;
    const int64_t b_rows = kind->transpose_b ? n : k, b_len = kind->transpose_b ? k : n;
    const struct gemm_product batch = {
        .m = m,
        .n = n,
        .k = k,
        .batch = {3, 2},
        .a_row = 2 * a_len + 1,
        .b_row = 2 * b_len + 3,
        .c_row = 2 * n + 5,
        .a_step = {a_rows * (2 * a_len + 1) + 2, a_len + 1},
        .b_step = {b_rows * (2 * b_len + 3), b_len},
        .c_step = {m * (2 * n + 5) + 7, n + 2},
    };
    run_layout(gemm, where, kind, extra, &batch);
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

/* m, n and k each take every odd number from 1 to 65, in different orders, and some more. */
static void run_own(const char *shape)
{
    struct error err = {0};
    struct device *device = open_device(shape, "own");
    struct gemm_pool *pool;
    check(gemm_pool_new(device, &pool, &err), &err);
    assert_null(strstr(device_notices(device), "CLBlast"));
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
            run_batch(gemm, shape, &kinds[t], &extras[e], 5, 3, 7);
            run_batch(gemm, shape, &kinds[t], &extras[e], 1, 16, 19);
            run_batch(gemm, shape, &kinds[t], &extras[e], 37, 35, 17);
        }
    close_device(device, pool);
}

static bool wanted(const char *name)
{
    const char *only = getenv("DAE_CL_SHAPE");
    return !only || strcmp(only, name) == 0;
}

static void own_wide(void **state)
{
    (void)state;
    if (!wanted("wide"))
        skip();
    run_own("wide");
}

static void own_grid(void **state)
{
    (void)state;
    if (!wanted("grid"))
        skip();
    run_own("grid");
}

static void clblast(void **state)
{
    (void)state;
    if (!wanted("clblast"))
        skip();
    struct error err = {0};
    struct device *device = open_device("grid", "clblast");
    struct gemm_pool *pool;
    check(gemm_pool_new(device, &pool, &err), &err);
    assert_null(strstr(device_notices(device), "CLBlast")); /* it passes its own test here, and is used */
    for (int t = 0; t < 3; ++t)
        for (int e = 0; e < 5; ++e) {
            struct gemm *gemm = prepare(pool, &kinds[t], &extras[e]);
            run(gemm, "clblast", &kinds[t], &extras[e], 17, 33, 29);
            run_batch(gemm, "clblast", &kinds[t], &extras[e], 9, 17, 5);
        }
    close_device(device, pool);
}

static void senseless_products_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct device *device = open_device("wide", "own");
    struct gemm_pool *pool;
    struct gemm *gemm;
    check(gemm_pool_new(device, &pool, &err), &err);
    const struct gemm_spec both = {true, true, false, 0, "", NULL};
    assert_int_equal(gemm_prepare(pool, &both, &gemm, &err), DAE_BUG);
    err = (struct error){0};
    gemm = prepare(pool, &kinds[0], &extras[0]);
    const struct gemm_operand at = {o.on_a, 0};
    const struct gemm_product senseless[] = {
        {.m = 0, .n = 1, .k = 1, .a = at, .b = at, .c = at},
        {.m = 2, .n = 3, .k = 2, .a = at, .b = at, .c = at, .c_row = 2},
        {.m = 2, .n = 3, .k = 2, .a = at, .b = at, .c = at, .a_row = -2},
        {.m = 2, .n = 3, .k = 2, .a = at, .b = at, .c = at, .batch = {-1, 1}},
    };
    for (size_t i = 0; i < sizeof senseless / sizeof senseless[0]; ++i) {
        assert_int_equal(gemm_run(gemm, &senseless[i], &err), DAE_BUG);
        err = (struct error){0};
    }
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
