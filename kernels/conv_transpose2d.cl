/* Transposed convolution of one sample: x (IN_H,IN_W,IN_C), w[0] (KH*KW*IN_C, OUT_C), w[1] bias (OUT_C), y
 * (OUT_H,OUT_W,OUT_C) with y[i * stride + t - pad] += x[i] w[t]. This is the gradient of a convolution, used forward.
 *
 * P_KERNEL_*, P_STRIDE_*, P_PAD_*: the layer's parameters. X_LOW_*, X_HIGH_*: the zeros around x that forward reads.
 * SCRATCH_1, SCRATCH_2: offsets into the scratch of backward's second and third array. */
#ifndef FN
#define FN(pass) conv_transpose2d_##pass
#define IN_H 3
#define IN_W 3
#define IN_C 17
#define OUT_H 6
#define OUT_W 6
#define OUT_C 2
#define P_KERNEL_H 2
#define P_KERNEL_W 2
#define P_STRIDE_H 2
#define P_STRIDE_W 2
#define P_PAD_H 0
#define P_PAD_W 0
#define FOLDED 0
#define X_LOW_H 0
#define X_LOW_W 0
#define X_HIGH_H 0
#define X_HIGH_W 0
#define SCRATCH_1 72
#define SCRATCH_2 208
#endif

/* If the kernel is a multiple of the stride, the phases of one output channel are equal and are computed together where
 * the vector unit runs over the input's channels. */
#define PHASES (WIDTH == 16 && OUT_C == 1 && P_PAD_W == 0 && P_KERNEL_W % P_STRIDE_W == 0 && P_STRIDE_W <= TILE_MAX ? P_STRIDE_W : 1)

#define TAP_STEP_H 1
#define TAP_STEP_W 1
#define TAP_PHASES_H P_STRIDE_H
#define TAP_PHASES_W P_STRIDE_W
#define PADDED_X_W (X_LOW_W + IN_W + X_HIGH_W)
#define PADDED_DY_W (OUT_W + 2 * P_PAD_W)

INLINE void FN(forward)(FORWARD_ARGS)
{
    G const float *from = x[0];
    if (X_LOW_H + X_LOW_W + X_HIGH_H + X_HIGH_W > 0) {
        pad_image(x[0], IN_H, IN_W, IN_C, X_LOW_H, X_LOW_W, X_HIGH_H, X_HIGH_W, tmp);
        from = tmp;
    }
    for (int fy = 0; fy < P_STRIDE_H; ++fy)
        for (int fx = 0; fx < P_STRIDE_W / PHASES; ++fx)
            correlate(FOLDED, 1, 1, COLUMN_TILE((OUT_W + P_STRIDE_W - 1) / P_STRIDE_W, OUT_C, PHASES), PHASES, PHASE_AXIS(H, OUT_H, fy), PHASE_AXIS(W, OUT_W, fx),
                      from + (PHASE_MEETS(H, OUT_H, X_LOW_H, fy) * PADDED_X_W + PHASE_MEETS(W, OUT_W, X_LOW_W, fx)) * IN_C, PADDED_X_W, IN_C, w[0],
                      P_KERNEL_W, w[1], y + (PHASE_START(H, OUT_H, fy) * OUT_W + PHASE_START(W, OUT_W, fx)) * OUT_C, OUT_W, OUT_C, 0);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    G const float *padded_dy = dy;
    if (P_PAD_H + P_PAD_W > 0) {
        pad_image(dy, OUT_H, OUT_W, OUT_C, P_PAD_H, P_PAD_W, P_PAD_H, P_PAD_W, tmp);
        padded_dy = tmp;
    }
    /* dy moves with the tap, x does not: the product comes out as (tap, OUT_C, IN_C). */
    if (OUT_C == 1) {
        outer_products(EVEN_ROWS(P_KERNEL_H * P_KERNEL_W * OUT_C), STRIDED_AXIS(H, IN_H), STRIDED_AXIS(W, IN_W), padded_dy, PADDED_DY_W, OUT_C, x[0], IN_C, dw[0], add_dw);
    } else {
        outer_products(EVEN_ROWS(P_KERNEL_H * P_KERNEL_W * OUT_C), STRIDED_AXIS(H, IN_H), STRIDED_AXIS(W, IN_W), padded_dy, PADDED_DY_W, OUT_C, x[0], IN_C, tmp + SCRATCH_1, 0);
        transpose_taps(tmp + SCRATCH_1, P_KERNEL_H * P_KERNEL_W, OUT_C, IN_C, dw[0], add_dw);
    }
    channel_sums(dy, OUT_H * OUT_W, OUT_C, dw[1], add_dw);
    if (!dx[0])
        return;
    G const float *transposed = w[0];
    if (OUT_C > 1) {
        transpose_taps(w[0], P_KERNEL_H * P_KERNEL_W, IN_C, OUT_C, tmp + SCRATCH_2, 0);
        transposed = tmp + SCRATCH_2;
    }
    correlate(0, 1, 1, COLUMN_TILE(IN_W, IN_C, 1), 1, STRIDED_AXIS(H, IN_H), STRIDED_AXIS(W, IN_W), padded_dy, PADDED_DY_W, OUT_C, transposed, P_KERNEL_W, (G const float *)0,
              dx[0], IN_W, IN_C, add_dx[0]);
}

#undef PHASES
#undef TAP_STEP_H
#undef TAP_STEP_W
#undef TAP_PHASES_H
#undef TAP_PHASES_W
#undef PADDED_X_W
#undef PADDED_DY_W
