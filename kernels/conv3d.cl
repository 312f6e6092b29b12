/* Convolution of one sample, a volume: x (IN_D,IN_H,IN_W,IN_C), w[0] (KD*KH*KW*IN_C, OUT_C), w[1] bias (OUT_C), y
 * (OUT_D,OUT_H,OUT_W,OUT_C). A slice of y is a sum over KD of convolutions of images, slices of x; a tap that meets none
 * is left out, as if there were zeros.
 *
 * P_KERNEL_*, P_STRIDE_*, P_PAD_*, P_DILATION_*: the layer's parameters. TAP_PHASES_*: stride / gcd(stride, dilation).
 * DY_LOW_*, DY_HIGH_*: the zeros around a slice of dy that the gradient with respect to x reads. X_LEN, DY_LEN: floats of
 * the padded slices of x and dy; the scratch holds them and then the transposed weights. */
#ifndef FN
#define FN(pass) conv3d_##pass
#define IN_D 4
#define IN_H 5
#define IN_W 5
#define IN_C 3
#define OUT_D 4
#define OUT_H 5
#define OUT_W 5
#define OUT_C 17
#define P_KERNEL_D 3
#define P_KERNEL_H 3
#define P_KERNEL_W 3
#define P_STRIDE_D 1
#define P_STRIDE_H 1
#define P_STRIDE_W 1
#define P_PAD_D 1
#define P_PAD_H 1
#define P_PAD_W 1
#define P_DILATION_D 1
#define P_DILATION_H 1
#define P_DILATION_W 1
#define TAP_PHASES_H 1
#define TAP_PHASES_W 1
#define DY_LOW_H 2
#define DY_LOW_W 2
#define DY_HIGH_H 1
#define DY_HIGH_W 1
#define X_LEN 588
#define DY_LEN 4352
#endif

#define TAP_STEP_H P_DILATION_H
#define TAP_STEP_W P_DILATION_W
#define PADDED_W (IN_W + 2 * P_PAD_W)
#define PADDED_DY_W (DY_LOW_W + OUT_W + DY_HIGH_W)
#define X_SLICE ((IN_H + 2 * P_PAD_H) * PADDED_W * IN_C)
#define DY_SLICE ((DY_LOW_H + OUT_H + DY_HIGH_H) * PADDED_DY_W * OUT_C)
#define Y_SLICE (OUT_H * OUT_W * OUT_C)
#define DX_SLICE (IN_H * IN_W * IN_C)
#define W_SLICE (P_KERNEL_H * P_KERNEL_W * IN_C * OUT_C)

/* The slice of x that slice `od` of y meets at tap `td`. */
#define MEETS(od, td) ((od) * P_STRIDE_D + (td) * P_DILATION_D - P_PAD_D)

INLINE G const float *FN(padded)(G const float *x, G float *tmp)
{
    if (P_PAD_H + P_PAD_W == 0)
        return x;
    for (int d = 0; d < IN_D; ++d)
        pad_image(x + d * DX_SLICE, IN_H, IN_W, IN_C, P_PAD_H, P_PAD_W, P_PAD_H, P_PAD_W, tmp + d * X_SLICE);
    return tmp;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    G const float *padded = FN(padded)(x[0], tmp);
    UNROLL_ONE
    for (int od = 0; od < OUT_D; ++od) {
        int met = 0;
        UNROLL_ONE
        for (int td = 0; td < P_KERNEL_D; ++td) {
            const int d = MEETS(od, td);
            if (d < 0 || d >= IN_D)
                continue;
            correlate_lanes(0, 1, 1, COLUMN_TILE(OUT_W, OUT_C, 1), 1, STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W),
                            padded + d * X_SLICE, PADDED_W, IN_C, w[0] + td * W_SLICE, P_KERNEL_W,
                            met ? (G const float *)0 : w[1], y + od * Y_SLICE, OUT_W, OUT_C, met);
            met = 1;
        }
        if (!met)
            FOR_LANES(i, Y_SLICE)
                y[od * Y_SLICE + i] = w[1][i % OUT_C];
    }
    SYNC();
}

/* A slice of the gradient with respect to x, from one of dy and the transposed weights of one tap in depth. */
INLINE void FN(dx_slice)(G const float *transposed, G const float *padded, G float *dx, const int add)
{
    for (int fy = 0; fy < P_STRIDE_H; ++fy)
        for (int fx = 0; fx < P_STRIDE_W; ++fx) {
            const int row = PHASE_MEETS(H, IN_H, DY_LOW_H, fy), column = PHASE_MEETS(W, IN_W, DY_LOW_W, fx);
            correlate_lanes(0, 1, 1, COLUMN_TILE((IN_W + P_STRIDE_W - 1) / P_STRIDE_W, IN_C, 1), 1, PHASE_AXIS(H, IN_H, fy),
                            PHASE_AXIS(W, IN_W, fx), padded + (row * PADDED_DY_W + column) * OUT_C, PADDED_DY_W, OUT_C,
                            transposed, P_KERNEL_W, (G const float *)0,
                            dx + (PHASE_START(H, IN_H, fy) * IN_W + PHASE_START(W, IN_W, fx)) * IN_C, IN_W, IN_C, add);
        }
}

INLINE void FN(dx)(G const float *w, G const float *dy, G float *dx, const int add_dx, G float *tmp)
{
    G float *padded = tmp + X_LEN, *transposed = padded + DY_LEN;
    for (int d = 0; d < OUT_D; ++d)
        pad_image(dy + d * Y_SLICE, OUT_H, OUT_W, OUT_C, DY_LOW_H, DY_LOW_W, DY_HIGH_H, DY_HIGH_W, padded + d * DY_SLICE);
    transpose_taps(w, P_KERNEL_D * P_KERNEL_H * P_KERNEL_W, IN_C, OUT_C, transposed, 0);
    UNROLL_ONE
    for (int d = 0; d < IN_D; ++d) {
        int add = add_dx;
        UNROLL_ONE
        for (int td = 0; td < P_KERNEL_D; ++td) {
            const int at = d + P_PAD_D - td * P_DILATION_D, od = at / P_STRIDE_D;
            if (at < 0 || at % P_STRIDE_D != 0 || od >= OUT_D)
                continue;
            FN(dx_slice)(transposed + td * W_SLICE, padded + od * DY_SLICE, dx + d * DX_SLICE, add);
            add = 1;
        }
        if (!add)
            FOR_LANES(i, DX_SLICE)
                dx[d * DX_SLICE + i] = 0.0f;
    }
    SYNC();
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    G const float *padded = FN(padded)(x[0], tmp);
    UNROLL_ONE
    for (int td = 0; td < P_KERNEL_D; ++td) {
        int add = add_dw;
        UNROLL_ONE
        for (int od = 0; od < OUT_D; ++od) {
            const int d = MEETS(od, td);
            if (d < 0 || d >= IN_D)
                continue;
            outer_lanes(EVEN_ROWS(P_KERNEL_H * P_KERNEL_W * IN_C), STRIDED_AXIS(H, OUT_H), STRIDED_AXIS(W, OUT_W),
                        padded + d * X_SLICE, PADDED_W, IN_C, dy + od * Y_SLICE, OUT_C, dw[0] + td * W_SLICE, add);
            add = 1;
        }
        if (!add)
            FOR_LANES(i, W_SLICE)
                dw[0][td * W_SLICE + i] = 0.0f;
    }
    SYNC();
    channel_sums(dy, OUT_D * OUT_H * OUT_W, OUT_C, dw[1], add_dw);
    if (dx[0])
        FN(dx)(w[0], dy, dx[0], add_dx[0], tmp);
}

#undef TAP_STEP_H
#undef TAP_STEP_W
#undef PADDED_W
#undef PADDED_DY_W
#undef X_SLICE
#undef DY_SLICE
#undef Y_SLICE
#undef DX_SLICE
#undef W_SLICE
#undef MEETS
