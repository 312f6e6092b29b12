/* Convolution of one sample (the cross-correlation of deep learning): x (IN_H,IN_W,IN_C), w[0] (KH*KW*IN_C, OUT_C),
 * w[1] bias (OUT_C), y (OUT_H,OUT_W,OUT_C).
 *
 * P_KERNEL_*, P_STRIDE_*, P_PAD_*, P_DILATION_*: the layer's parameters. TAP_PHASES_*: stride / gcd(stride, dilation). DY_LOW_*, DY_HIGH_*: the zeros around dy that the gradient with respect to x reads. X_LEN, DY_LEN:
 * floats of the padded x and dy; the scratch holds them and then the transposed weights. WINOGRAD_FITS: whether
 * winograd.clh computes the layer if the device's table says so (WINOGRAD); the scratch then holds the padded x, the
 * padded dy or the transposed weights, and from WINOGRAD_AT on what winograd.clh needs for strips of WINOGRAD_STRIP. */
#ifndef FN
#define FN(pass) conv2d_##pass
#define IN_H 5
#define IN_W 5
#define IN_C 3
#define OUT_H 5
#define OUT_W 5
#define OUT_C 17
#define P_KERNEL_H 3
#define P_KERNEL_W 3
#define P_STRIDE_H 1
#define P_STRIDE_W 1
#define P_PAD_H 1
#define P_PAD_W 1
#define P_DILATION_H 1
#define P_DILATION_W 1
#define TAP_PHASES_H 1
#define TAP_PHASES_W 1
#define FOLDED 0
#define FOLDED_H 1
#define FOLDED_W 1
#define DY_LOW_H 2
#define DY_LOW_W 2
#define DY_HIGH_H 1
#define DY_HIGH_W 1
#define X_LEN 147
#define DY_LEN 1088
#define WINOGRAD_FITS 0
#define WINOGRAD_STRIP 16
#define WINOGRAD_AT 0
#endif

#define TAP_STEP_H P_DILATION_H
#define TAP_STEP_W P_DILATION_W
#define PADDED_W (IN_W + 2 * P_PAD_W)
#define PADDED_DY_W (DY_LOW_W + OUT_W + DY_HIGH_W)
#define BY_WINOGRAD (WINOGRAD && WINOGRAD_FITS)
#define WEIGHTS_BY_WINOGRAD (BY_WINOGRAD && IN_C >= 32 && OUT_C >= 32) /* with fewer, transforms cost what they save */
#define FORWARD_BY_WINOGRAD (BY_WINOGRAD && FOLDED_H == FOLDED_W && FOLDED_H <= 2)

INLINE G const float *FN(padded)(G const float *x, G float *tmp)
{
    if (P_PAD_H + P_PAD_W == 0)
        return x;
    pad_image(x, IN_H, IN_W, IN_C, P_PAD_H, P_PAD_W, P_PAD_H, P_PAD_W, tmp);
    return tmp;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
#if FORWARD_BY_WINOGRAD
    const struct winograd sums = {OUT_H, OUT_W, IN_C, OUT_C, WINOGRAD_STRIP};
    G const float *padded = FN(padded)(x[0], tmp);
    winograd_weights(sums, w[0], 0, tmp + WINOGRAD_AT);
    winograd_correlate(FOLDED, FOLDED_H, sums, padded, PADDED_W, w[1], y, tmp + WINOGRAD_AT, 0);
#else
    correlate(FOLDED, FOLDED_H, FOLDED_W, COLUMN_TILE(OUT_W / FOLDED_W, OUT_C, FOLDED_W), 1, STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W), FN(padded)(x[0], tmp), PADDED_W, IN_C, w[0], P_KERNEL_W, w[1], y, OUT_W / FOLDED_W,
              OUT_C, 0);
#endif
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
#if WEIGHTS_BY_WINOGRAD
    const struct winograd sums = {OUT_H, OUT_W, IN_C, OUT_C, WINOGRAD_STRIP};
    winograd_gradient(sums, FN(padded)(x[0], tmp), PADDED_W, dy, dw[0], tmp + WINOGRAD_AT, add_dw);
#else
    outer_products(EVEN_ROWS(P_KERNEL_H * P_KERNEL_W * IN_C), STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W), FN(padded)(x[0], tmp), PADDED_W, IN_C, dy, OUT_C, dw[0], add_dw);
#endif
    channel_sums(dy, OUT_H * OUT_W, OUT_C, dw[1], add_dw);
    if (!dx[0])
        return;
#if BY_WINOGRAD
    const struct winograd turned = {IN_H, IN_W, OUT_C, IN_C, WINOGRAD_STRIP};
    transpose_taps(w[0], 9, IN_C, OUT_C, tmp, 0);
    winograd_weights(turned, tmp, 1, tmp + WINOGRAD_AT);
    pad_image(dy, OUT_H, OUT_W, OUT_C, DY_LOW_H, DY_LOW_W, DY_HIGH_H, DY_HIGH_W, tmp);
    winograd_correlate(0, 1, turned, tmp + (P_PAD_H * PADDED_DY_W + P_PAD_W) * OUT_C, PADDED_DY_W,
                       (G const float *)0, dx[0], tmp + WINOGRAD_AT, add_dx[0]);
#else
    G float *padded_dy = tmp + X_LEN, *transposed = tmp + X_LEN + DY_LEN;
    pad_image(dy, OUT_H, OUT_W, OUT_C, DY_LOW_H, DY_LOW_W, DY_HIGH_H, DY_HIGH_W, padded_dy);
    transpose_taps(w[0], P_KERNEL_H * P_KERNEL_W, IN_C, OUT_C, transposed, 0);
    for (int fy = 0; fy < P_STRIDE_H; ++fy)
        for (int fx = 0; fx < P_STRIDE_W; ++fx)
            correlate(0, 1, 1, COLUMN_TILE((IN_W + P_STRIDE_W - 1) / P_STRIDE_W, IN_C, 1), 1, PHASE_AXIS(H, IN_H, fy), PHASE_AXIS(W, IN_W, fx),
                      padded_dy + (PHASE_MEETS(H, IN_H, DY_LOW_H, fy) * PADDED_DY_W + PHASE_MEETS(W, IN_W, DY_LOW_W, fx)) * OUT_C, PADDED_DY_W, OUT_C,
                      transposed, P_KERNEL_W, (G const float *)0,
                      dx[0] + (PHASE_START(H, IN_H, fy) * IN_W + PHASE_START(W, IN_W, fx)) * IN_C, IN_W, IN_C, add_dx[0]);
#endif
}

#undef TAP_STEP_H
#undef TAP_STEP_W
#undef PADDED_W
#undef PADDED_DY_W
#undef BY_WINOGRAD
#undef WEIGHTS_BY_WINOGRAD
#undef FORWARD_BY_WINOGRAD
