/* Transposed convolution of one sample, a volume: x (IN_D,IN_H,IN_W,IN_C), w[0] (KD*KH*KW*IN_C, OUT_C), w[1] bias (OUT_C),
 * y (OUT_D,OUT_H,OUT_W,OUT_C) with y[i * stride + t - pad] += x[i] w[t]. A slice of y is a sum over the taps in depth that
 * meet a slice of x of transposed convolutions of images.
 *
 * P_KERNEL_*, P_STRIDE_*, P_PAD_*: the layer's parameters. X_LOW_*, X_HIGH_*: the zeros around a slice of x that forward
 * reads. SCRATCH_1, SCRATCH_2: offsets into the scratch of backward's second and third array. */
#ifndef FN
#define FN(pass) conv3d_transpose_##pass
#define IN_D 2
#define IN_H 3
#define IN_W 3
#define IN_C 17
#define OUT_D 4
#define OUT_H 6
#define OUT_W 6
#define OUT_C 2
#define P_KERNEL_D 2
#define P_KERNEL_H 2
#define P_KERNEL_W 2
#define P_STRIDE_D 2
#define P_STRIDE_H 2
#define P_STRIDE_W 2
#define P_PAD_D 0
#define P_PAD_H 0
#define P_PAD_W 0
#define X_LOW_H 0
#define X_LOW_W 0
#define X_HIGH_H 0
#define X_HIGH_W 0
#define SCRATCH_1 288
#define SCRATCH_2 560
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
#define PADDED_X_SLICE ((X_LOW_H + IN_H + X_HIGH_H) * PADDED_X_W * IN_C)
#define PADDED_DY_SLICE ((OUT_H + 2 * P_PAD_H) * PADDED_DY_W * OUT_C)
#define X_SLICE (IN_H * IN_W * IN_C)
#define Y_SLICE (OUT_H * OUT_W * OUT_C)
#define W_SLICE (P_KERNEL_H * P_KERNEL_W * IN_C * OUT_C)

/* Adds to a slice of y, or writes it. */
INLINE void FN(slice)(G const float *from, G const float *w, G const float *bias, G float *y, const int add)
{
    for (int fy = 0; fy < P_STRIDE_H; ++fy)
        for (int fx = 0; fx < P_STRIDE_W / PHASES; ++fx)
            correlate_lanes(0, 1, 1, COLUMN_TILE((OUT_W + P_STRIDE_W - 1) / P_STRIDE_W, OUT_C, PHASES), PHASES,
                            PHASE_AXIS(H, OUT_H, fy), PHASE_AXIS(W, OUT_W, fx),
                            from + (PHASE_MEETS(H, OUT_H, X_LOW_H, fy) * PADDED_X_W + PHASE_MEETS(W, OUT_W, X_LOW_W, fx)) * IN_C,
                            PADDED_X_W, IN_C, w, P_KERNEL_W, bias,
                            y + (PHASE_START(H, OUT_H, fy) * OUT_W + PHASE_START(W, OUT_W, fx)) * OUT_C, OUT_W, OUT_C, add);
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    G const float *from = x[0];
    if (X_LOW_H + X_LOW_W + X_HIGH_H + X_HIGH_W > 0) {
        for (int d = 0; d < IN_D; ++d)
            pad_image(x[0] + d * X_SLICE, IN_H, IN_W, IN_C, X_LOW_H, X_LOW_W, X_HIGH_H, X_HIGH_W, tmp + d * PADDED_X_SLICE);
        from = tmp;
    }
    UNROLL_ONE
    for (int od = 0; od < OUT_D; ++od) {
        int met = 0;
        UNROLL_ONE
        for (int td = 0; td < P_KERNEL_D; ++td) {
            const int at = od + P_PAD_D - td, d = at / P_STRIDE_D;
            if (at < 0 || at % P_STRIDE_D != 0 || d >= IN_D)
                continue;
            FN(slice)(from + d * PADDED_X_SLICE, w[0] + td * W_SLICE, met ? (G const float *)0 : w[1], y + od * Y_SLICE, met);
            met = 1;
        }
        if (!met)
            FOR_LANES(i, Y_SLICE)
                y[od * Y_SLICE + i] = w[1][i % OUT_C];
    }
    SYNC();
}

/* The gradient of the weights of a tap in depth: dy moves with the tap, x does not, so the product comes out as (tap,
 * OUT_C, IN_C). It is summed in `tmp`, unless that is its transpose. */
INLINE void FN(dw)(G const float *x, G const float *padded_dy, const int td, G float *dw, const int add_dw, G float *tmp)
{
    G float *to = OUT_C == 1 ? dw : tmp;
    int add = OUT_C == 1 ? add_dw : 0;
    UNROLL_ONE
    for (int d = 0; d < IN_D; ++d) {
        const int od = d * P_STRIDE_D + td - P_PAD_D;
        if (od < 0 || od >= OUT_D)
            continue;
        outer_lanes(EVEN_ROWS(P_KERNEL_H * P_KERNEL_W * OUT_C), STRIDED_AXIS(H, IN_H), STRIDED_AXIS(W, IN_W),
                    padded_dy + od * PADDED_DY_SLICE, PADDED_DY_W, OUT_C, x + d * X_SLICE, IN_C, to, add);
        add = 1;
    }
    if (!add)
        FOR_LANES(i, W_SLICE)
            to[i] = 0.0f;
    SYNC();
    if (OUT_C > 1)
        transpose_taps(tmp, P_KERNEL_H * P_KERNEL_W, OUT_C, IN_C, dw, add_dw);
}

INLINE void FN(dx)(G const float *transposed, G const float *padded_dy, G float *dx, const int add_dx)
{
    UNROLL_ONE
    for (int d = 0; d < IN_D; ++d) {
        int add = add_dx;
        UNROLL_ONE
        for (int td = 0; td < P_KERNEL_D; ++td) {
            const int od = d * P_STRIDE_D + td - P_PAD_D;
            if (od < 0 || od >= OUT_D)
                continue;
            correlate_lanes(0, 1, 1, COLUMN_TILE(IN_W, IN_C, 1), 1, STRIDED_AXIS(H, IN_H), STRIDED_AXIS(W, IN_W),
                            padded_dy + od * PADDED_DY_SLICE, PADDED_DY_W, OUT_C, transposed + td * W_SLICE, P_KERNEL_W,
                            (G const float *)0, dx + d * X_SLICE, IN_W, IN_C, add);
            add = 1;
        }
        if (!add)
            FOR_LANES(i, X_SLICE)
                dx[d * X_SLICE + i] = 0.0f;
    }
    SYNC();
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    G const float *padded_dy = dy;
    if (P_PAD_H + P_PAD_W > 0) {
        for (int d = 0; d < OUT_D; ++d)
            pad_image(dy + d * Y_SLICE, OUT_H, OUT_W, OUT_C, P_PAD_H, P_PAD_W, P_PAD_H, P_PAD_W, tmp + d * PADDED_DY_SLICE);
        padded_dy = tmp;
    }
    UNROLL_ONE
    for (int td = 0; td < P_KERNEL_D; ++td)
        FN(dw)(x[0], padded_dy, td, dw[0] + td * W_SLICE, add_dw, tmp + SCRATCH_1);
    channel_sums(dy, OUT_D * OUT_H * OUT_W, OUT_C, dw[1], add_dw);
    if (!dx[0])
        return;
    G const float *transposed = w[0];
    if (OUT_C > 1) {
        transpose_taps(w[0], P_KERNEL_D * P_KERNEL_H * P_KERNEL_W, IN_C, OUT_C, tmp + SCRATCH_2, 0);
        transposed = tmp + SCRATCH_2;
    }
    FN(dx)(transposed, padded_dy, dx[0], add_dx[0]);
}

#undef PHASES
#undef TAP_STEP_H
#undef TAP_STEP_W
#undef TAP_PHASES_H
#undef TAP_PHASES_W
#undef PADDED_X_W
#undef PADDED_DY_W
#undef PADDED_X_SLICE
#undef PADDED_DY_SLICE
#undef X_SLICE
#undef Y_SLICE
#undef W_SLICE
