/* Convolution of one sample (the cross-correlation of deep learning): x (IN_H,IN_W,IN_C), w[0] (KH*KW*GROUP_IN, OUT_C),
 * w[1] bias (OUT_C), y (OUT_H,OUT_W,OUT_C). GROUP_IN = IN_C / P_GROUPS channels are what an output channel reads.
 *
 * P_KERNEL_*, P_STRIDE_*, P_PAD_*, P_PADDING_MODE, P_DILATION_*, P_GROUPS: the layer's parameters. TAP_PHASES_*: stride /
 * gcd(stride, dilation). DY_LOW_*, DY_HIGH_*: the zeros around dy that the gradient with respect to x reads. X_LEN, DY_LEN:
 * floats of the padded x and dy; the scratch holds them, then W_LEN transposed weights, and then what groups spread.
 * WINOGRAD_FITS: whether winograd.clh computes the layer if the device's table says so (WINOGRAD); the scratch then holds the
 * padded x, the padded dy or the transposed weights, and from WINOGRAD_AT on what winograd.clh needs for strips of WINOGRAD_STRIP. */
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
#define P_PADDING_MODE 0
#define P_GROUPS 1
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
#define W_LEN 459
#define WINOGRAD_FITS 0
#define WINOGRAD_STRIP 16
#define WINOGRAD_AT 0
#endif

#define TAP_STEP_H P_DILATION_H
#define TAP_STEP_W P_DILATION_W
#define PADDED_H (IN_H + 2 * P_PAD_H)
#define PADDED_W (IN_W + 2 * P_PAD_W)
#define PADDED_DY_H (DY_LOW_H + OUT_H + DY_HIGH_H)
#define PADDED_DY_W (DY_LOW_W + OUT_W + DY_HIGH_W)
#define BY_WINOGRAD (WINOGRAD && WINOGRAD_FITS)
#define WEIGHTS_BY_WINOGRAD (BY_WINOGRAD && IN_C >= 32 && OUT_C >= 32) /* with fewer, transforms cost what they save */
#define FORWARD_BY_WINOGRAD (BY_WINOGRAD && FOLDED_H == FOLDED_W && FOLDED_H <= 2)

#define GROUP_IN (IN_C / P_GROUPS)
#define GROUP_OUT (OUT_C / P_GROUPS)

/* The axes DX_H and DX_W of the gradient with respect to x. If the margins show x itself, they have a gradient as well. */
#define EXTENDS (P_PADDING_MODE > 0 && P_PAD_H + P_PAD_W > 0)
#if EXTENDS
#define LEN_DX_H PADDED_H
#define LEN_DX_W PADDED_W
#define P_PAD_DX_H 0
#define P_PAD_DX_W 0
#else
#define LEN_DX_H IN_H
#define LEN_DX_W IN_W
#define P_PAD_DX_H P_PAD_H
#define P_PAD_DX_W P_PAD_W
#endif
#define P_KERNEL_DX_H P_KERNEL_H
#define P_KERNEL_DX_W P_KERNEL_W
#define P_STRIDE_DX_H P_STRIDE_H
#define P_STRIDE_DX_W P_STRIDE_W
#define TAP_STEP_DX_H TAP_STEP_H
#define TAP_STEP_DX_W TAP_STEP_W
#define TAP_PHASES_DX_H TAP_PHASES_H
#define TAP_PHASES_DX_W TAP_PHASES_W

INLINE G const float *FN(padded)(G const float *x, G float *tmp)
{
    if (P_PAD_H + P_PAD_W == 0)
        return x;
    if (EXTENDS)
        extend_image(P_PADDING_MODE, x, IN_H, IN_W, IN_C, P_PAD_H, P_PAD_W, tmp);
    else
        pad_image(x, IN_H, IN_W, IN_C, P_PAD_H, P_PAD_W, P_PAD_H, P_PAD_W, tmp);
    return tmp;
}

#if P_GROUPS > 1
/* Of x's channels for y, and of y's for x: the gradient goes the other way. */
#define GROUPS_Y ((struct grouping){P_GROUPS, GROUP_IN, GROUP_OUT})
#define GROUPS_X ((struct grouping){P_GROUPS, GROUP_OUT, GROUP_IN})

/* Spread, if the groups are small: see kernels/grouped.clh. */
INLINE G const float *FN(spread)(G const float *x, const int pixels, const struct grouping g, G float *tmp)
{
    if (!NEEDS_SPREAD(g.k, g.n))
        return x;
    spread_channels(x, pixels, g, tmp + X_LEN + DY_LEN + W_LEN);
    return tmp + X_LEN + DY_LEN + W_LEN;
}
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    G const float *padded = FN(padded)(x[0], tmp);
#if FORWARD_BY_WINOGRAD
    const struct winograd sums = {OUT_H, OUT_W, IN_C, OUT_C, WINOGRAD_STRIP};
    winograd_weights(sums, w[0], 0, tmp + WINOGRAD_AT);
    winograd_correlate(FOLDED, FOLDED_H, sums, padded, PADDED_W, w[1], y, tmp + WINOGRAD_AT, 0);
#elif P_GROUPS > 1
    padded = FN(spread)(padded, PADDED_H * PADDED_W, GROUPS_Y, tmp);
    grouped_correlate(FOLDED, FOLDED_H, FOLDED_W, GROUPED_TILE(OUT_W / FOLDED_W, FOLDED_W), STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W), padded, PADDED_W, GROUPS_Y, w[0], P_KERNEL_W, w[1], y, OUT_W / FOLDED_W, 0);
#else
    correlate(FOLDED, FOLDED_H, FOLDED_W, COLUMN_TILE(OUT_W / FOLDED_W, OUT_C, FOLDED_W), 1, STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W), padded, PADDED_W, IN_C, w[0], P_KERNEL_W, w[1], y, OUT_W / FOLDED_W,
              OUT_C, 0);
#endif
}

/* The gradient with respect to x, or to its padded form if that EXTENDS it: dx (LEN_DX_H,LEN_DX_W,IN_C). */
INLINE void FN(dx)(G const float *w, G const float *dy, G float *dx, const int add, G float *tmp)
{
    G float *padded = tmp + X_LEN, *transposed = padded + DY_LEN;
    G const float *from = padded, *right = transposed;
    pad_image(dy, OUT_H, OUT_W, OUT_C, DY_LOW_H, DY_LOW_W, DY_HIGH_H, DY_HIGH_W, padded);
#if P_GROUPS > 1
    from = FN(spread)(padded, PADDED_DY_H * PADDED_DY_W, GROUPS_X, tmp);
    if (GROUP_IN * GROUP_OUT == 1)
        right = w;
    else
        transpose_groups(w, P_KERNEL_H * P_KERNEL_W, GROUPS_Y, transposed);
#else
    transpose_taps(w, P_KERNEL_H * P_KERNEL_W, IN_C, OUT_C, transposed, 0);
#endif
    for (int fy = 0; fy < P_STRIDE_H; ++fy)
        for (int fx = 0; fx < P_STRIDE_W; ++fx) {
            const int row = PHASE_MEETS(DX_H, LEN_DX_H, DY_LOW_H, fy), column = PHASE_MEETS(DX_W, LEN_DX_W, DY_LOW_W, fx);
            G float *to = dx + (PHASE_START(DX_H, LEN_DX_H, fy) * LEN_DX_W + PHASE_START(DX_W, LEN_DX_W, fx)) * IN_C;
#if P_GROUPS > 1
            grouped_correlate(0, 1, 1, GROUPED_TILE((LEN_DX_W + P_STRIDE_W - 1) / P_STRIDE_W, 1), PHASE_AXIS(DX_H, LEN_DX_H, fy), PHASE_AXIS(DX_W, LEN_DX_W, fx),
                              from + (row * PADDED_DY_W + column) * OUT_C * (NEEDS_SPREAD(GROUP_OUT, GROUP_IN) ? GROUP_IN : 1), PADDED_DY_W,
                              GROUPS_X, right, P_KERNEL_W, (G const float *)0, to, LEN_DX_W, add);
#else
            correlate(0, 1, 1, COLUMN_TILE((LEN_DX_W + P_STRIDE_W - 1) / P_STRIDE_W, IN_C, 1), 1, PHASE_AXIS(DX_H, LEN_DX_H, fy), PHASE_AXIS(DX_W, LEN_DX_W, fx),
                      from + (row * PADDED_DY_W + column) * OUT_C, PADDED_DY_W, OUT_C,
                      right, P_KERNEL_W, (G const float *)0, to, LEN_DX_W, IN_C, add);
#endif
        }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    G const float *padded = FN(padded)(x[0], tmp);
#if WEIGHTS_BY_WINOGRAD
    const struct winograd sums = {OUT_H, OUT_W, IN_C, OUT_C, WINOGRAD_STRIP};
    winograd_gradient(sums, padded, PADDED_W, dy, dw[0], tmp + WINOGRAD_AT, add_dw);
#elif P_GROUPS > 1
    padded = FN(spread)(padded, PADDED_H * PADDED_W, GROUPS_Y, tmp);
    grouped_products(GROUPED_ROWS(P_KERNEL_H * P_KERNEL_W * GROUP_IN), STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W), padded, PADDED_W, GROUPS_Y, dy, dw[0], add_dw);
#else
    outer_products(EVEN_ROWS(P_KERNEL_H * P_KERNEL_W * IN_C), STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W), padded, PADDED_W, IN_C, dy, OUT_C, dw[0], add_dw);
#endif
    channel_sums(dy, OUT_H * OUT_W, OUT_C, dw[1], add_dw);
    if (!dx[0])
        return;
#if BY_WINOGRAD && !EXTENDS
    const struct winograd turned = {IN_H, IN_W, OUT_C, IN_C, WINOGRAD_STRIP};
    transpose_taps(w[0], 9, IN_C, OUT_C, tmp, 0);
    winograd_weights(turned, tmp, 1, tmp + WINOGRAD_AT);
    pad_image(dy, OUT_H, OUT_W, OUT_C, DY_LOW_H, DY_LOW_W, DY_HIGH_H, DY_HIGH_W, tmp);
    winograd_correlate(0, 1, turned, tmp + (P_PAD_H * PADDED_DY_W + P_PAD_W) * OUT_C, PADDED_DY_W,
                       (G const float *)0, dx[0], tmp + WINOGRAD_AT, add_dx[0]);
#elif EXTENDS
    FN(dx)(w[0], dy, tmp, 0, tmp); /* the padded x is no longer needed */
    extend_gradient(P_PADDING_MODE, tmp, IN_H, IN_W, IN_C, P_PAD_H, P_PAD_W, dx[0], add_dx[0]);
#else
    FN(dx)(w[0], dy, dx[0], add_dx[0], tmp);
#endif
}

#undef TAP_STEP_H
#undef TAP_STEP_W
#undef PADDED_H
#undef PADDED_W
#undef PADDED_DY_H
#undef PADDED_DY_W
#undef GROUP_IN
#undef GROUP_OUT
#undef GROUPS_Y
#undef GROUPS_X
#undef EXTENDS
#undef LEN_DX_H
#undef LEN_DX_W
#undef P_PAD_DX_H
#undef P_PAD_DX_W
#undef P_KERNEL_DX_H
#undef P_KERNEL_DX_W
#undef P_STRIDE_DX_H
#undef P_STRIDE_DX_W
#undef TAP_STEP_DX_H
#undef TAP_STEP_DX_W
#undef TAP_PHASES_DX_H
#undef TAP_PHASES_DX_W
#undef BY_WINOGRAD
#undef WEIGHTS_BY_WINOGRAD
#undef FORWARD_BY_WINOGRAD
