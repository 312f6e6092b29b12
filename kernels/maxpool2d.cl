/* Largest value of each window, per channel: x (IN_H,IN_W,IN_C) -> y (OUT_H,OUT_W,IN_C). The gradient goes to the first
 * position of a window with the maximum. P_KERNEL_*, P_STRIDE_*: windows; every window is inside x. */
#ifndef FN
#define FN(pass) maxpool2d_##pass
#define IN_LEN 612
#define IN_H 6
#define IN_W 6
#define IN_C 17
#define OUT_H 3
#define OUT_W 3
#define P_KERNEL_H 2
#define P_KERNEL_W 2
#define P_STRIDE_H 2
#define P_STRIDE_W 2
#define FOLDED_DX(dy, y) (dy)
#endif

#define AT(row, column, vector) (((row) * IN_W + (column)) * IN_C + WIDTH * (vector))

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_H * OUT_W * VECTORS(IN_C)) {
        const int v = i % VECTORS(IN_C), column = i / VECTORS(IN_C) % OUT_W, row = i / VECTORS(IN_C) / OUT_W;
        const int n = IN_C - WIDTH * v;
        V most = load(x[0] + AT(row * P_STRIDE_H, column * P_STRIDE_W, v), n);
#pragma unroll 4
        for (int ky = 0; ky < P_KERNEL_H; ++ky)
#pragma unroll 4
            for (int kx = 0; kx < P_KERNEL_W; ++kx)
                most = larger(most, load(x[0] + AT(row * P_STRIDE_H + ky, column * P_STRIDE_W + kx, v), n));
        store(most, y + (row * OUT_W + column) * IN_C + WIDTH * v, n);
    }
}

/* Windows that do not overlap are independent; the lane that owns the channels processes overlapping windows in order.
 * Disjoint windows that cover x write each position once, so nothing is cleared. */
#if P_STRIDE_H >= P_KERNEL_H && P_STRIDE_W >= P_KERNEL_W
#define PARTS (OUT_H * OUT_W)
#define WINDOWS_EACH 1
#define COVERED (OUT_H * P_KERNEL_H == IN_H && OUT_W * P_KERNEL_W == IN_W)
#else
#define PARTS 1
#define WINDOWS_EACH (OUT_H * OUT_W)
#define COVERED 0
#endif

INLINE void FN(backward)(BACKWARD_ARGS)
{
    const int clear = COVERED ? 0 : !add_dx[0], add = add_dx[0] + clear;
    if (!dx[0])
        return;
    if (clear) {
        FOR_LANES(i, VECTORS(IN_LEN))
            store(0.0f, dx[0] + WIDTH * i, IN_LEN - WIDTH * i);
        SYNC();
    }
    FOR_LANES(i, PARTS * VECTORS(IN_C)) {
        const int v = i % VECTORS(IN_C), n = IN_C - WIDTH * v, first = i / VECTORS(IN_C);
        for (int window = first; window < first + WINDOWS_EACH; ++window) {
            const int row = window / OUT_W * P_STRIDE_H, column = window % OUT_W * P_STRIDE_W;
            const V most = load(y + window * IN_C + WIDTH * v, n), d = load(dy + window * IN_C + WIDTH * v, n);
            IV taken = 0;
#pragma unroll 4
            for (int ky = 0; ky < P_KERNEL_H; ++ky)
#pragma unroll 4
                for (int kx = 0; kx < P_KERNEL_W; ++kx) {
                    const int at = AT(row + ky, column + kx, v);
                    const V here = load(x[0] + at, n);
                    const IV hit = (here == most) & ~taken;
                    taken |= hit;
                    put(FOLDED_DX(hit ? d : (V)(0.0f), here), dx[0] + at, n, add);
                }
        }
    }
}

#undef AT
#undef PARTS
#undef WINDOWS_EACH
#undef COVERED
