/* Single-precision matrix products on the device: our own kernels (kernels/gemm.cl), or CLBlast where the tuning table
 * says so and its self-test agrees with a double-precision product on the host. */
#ifndef DEVICE_GEMM_H
#define DEVICE_GEMM_H

#include "device/device.h"

struct gemm;
struct gemm_pool; /* the program that products share */

struct gemm_spec {
    bool transpose_a, transpose_b; /* not both */
    bool bias;
    int fold;                /* 0 none; 1 x -> y; 2 (dy, y) -> dx */
    const char *definitions; /* #defines that the expression needs, or "" */
    const char *expression;  /* OpenCL C on V, or NULL */
};

struct gemm_operand {
    struct buffer *buffer;
    int64_t offset; /* in floats */
};

/* A pool for one device, owned by the caller; frees before device_close. When CLBlast is wanted and fails its
 * self-test, our own kernels serve and the device's notices say so. */
MUST_USE enum dae_status gemm_pool_new(struct device *device, struct gemm_pool **out, struct error *err);
void gemm_pool_free(struct gemm_pool *pool); /* NULL is fine; frees its products too */

/* Prepares a product; owned by the pool, and the same one for the same spec. */
MUST_USE enum dae_status gemm_prepare(struct gemm_pool *pool, const struct gemm_spec *spec, struct gemm **out,
                                      struct error *err);

/* Builds what was prepared, in one program: that is much faster than one for each. gemm_run does it when nobody did. */
MUST_USE enum dae_status gemm_pool_build(struct gemm_pool *pool, struct error *err);

/* C (m,n) = op(A) (m,k) op(B) (k,n), or += when `add` (then without bias and fold). bias (n) and other, which lies as C
 * does, are read only when the spec asks for them. */
struct gemm_product {
    int64_t m, n, k;
    struct gemm_operand a, b, c, bias, other;
    bool add;
    /* Zeros stand for one product of dense matrices. */
    int64_t a_row, b_row, c_row;             /* floats from one stored row to the next */
    int64_t batch[2];                        /* products, in two nested loops */
    int64_t a_step[2], b_step[2], c_step[2]; /* floats from a matrix to that of the next product, in each loop */
};

/* Enqueues it. Rows that overlap, or no numbers: DAE_BUG. */
MUST_USE enum dae_status gemm_run(struct gemm *gemm, const struct gemm_product *product, struct error *err);

#endif
