/* Single-precision matrix products on the device: by our own kernels (kernels/gemm.cl), or by CLBlast if the tuning
 * table says so and its self-test agrees with a double-precision product on the host. */
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

/* A pool for one device, owned by the caller, who frees it before device_close. If CLBlast is chosen and fails its
 * self-test, our own kernels are used and the device's notices say so. */
MUST_USE enum dae_status gemm_pool_new(struct device *device, struct gemm_pool **out, struct error *err);
void gemm_pool_free(struct gemm_pool *pool); /* NULL is fine; frees its products too */

/* Prepares a product, which the pool owns; equal specs give the same product. */
MUST_USE enum dae_status gemm_prepare(struct gemm_pool *pool, const struct gemm_spec *spec, struct gemm **out,
                                      struct error *err);

/* Builds all prepared products in one program, which is much faster than one program for each. gemm_run does it if
 * necessary. */
MUST_USE enum dae_status gemm_pool_build(struct gemm_pool *pool, struct error *err);

/* C (m,n) = op(A) (m,k) op(B) (k,n), or += when `add` (then without bias and fold). bias (n) and other, which has the
 * layout of C, are read only if the spec asks for them. */
struct gemm_product {
    int64_t m, n, k;
    struct gemm_operand a, b, c, bias, other;
    bool add;
    /* Zeros mean one product of dense matrices. */
    int64_t a_row, b_row, c_row;             /* floats from one stored row to the next */
    int64_t batch[2];                        /* products, in two nested loops */
    int64_t a_step[2], b_step[2], c_step[2]; /* floats from a matrix to that of the next product, in each loop */
};

/* Enqueues a product. DAE_BUG if rows overlap or there are no numbers. */
MUST_USE enum dae_status gemm_run(struct gemm *gemm, const struct gemm_product *product, struct error *err);

#endif
