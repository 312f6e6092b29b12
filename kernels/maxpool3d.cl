/* Largest value of each window of a volume, per channel: x (IN_D,IN_H,IN_W,IN_C) -> y (OUT_D,OUT_H,OUT_W,IN_C). The gradient
 * goes to the first position of a window with the maximum. P_KERNEL_*, P_STRIDE_*: windows; every window is inside x. */
#ifndef FN
#define FN(pass) maxpool3d_##pass
#define IN_LEN 2448
#define IN_D 4
#define IN_H 6
#define IN_W 6
#define IN_C 17
#define OUT_D 2
#define OUT_H 3
#define OUT_W 3
#define P_KERNEL_D 2
#define P_KERNEL_H 2
#define P_KERNEL_W 2
#define P_STRIDE_D 2
#define P_STRIDE_H 2
#define P_STRIDE_W 2
#define FOLDED_DX(dy, y) (dy)
#endif

#define TAPS (P_KERNEL_D * P_KERNEL_H * P_KERNEL_W)

/* Vector v of tap `tap` of window number `window`. */
INLINE int FN(at)(const int window, const int tap, const int v)
{
    const int d = window / (OUT_H * OUT_W) * P_STRIDE_D + tap / (P_KERNEL_H * P_KERNEL_W);
    const int row = window / OUT_W % OUT_H * P_STRIDE_H + tap / P_KERNEL_W % P_KERNEL_H;
    const int column = window % OUT_W * P_STRIDE_W + tap % P_KERNEL_W;
    return ((d * IN_H + row) * IN_W + column) * IN_C + WIDTH * v;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_D * OUT_H * OUT_W * VECTORS(IN_C)) {
        const int v = i % VECTORS(IN_C), window = i / VECTORS(IN_C), n = IN_C - WIDTH * v;
        V most = load(x[0] + FN(at)(window, 0, v), n);
#pragma unroll 8
        for (int tap = 1; tap < TAPS; ++tap)
            most = larger(most, load(x[0] + FN(at)(window, tap, v), n));
        store(most, y + window * IN_C + WIDTH * v, n);
    }
}

/* Windows that do not overlap are independent; the lane that owns the channels processes overlapping windows in order.
 * Disjoint windows that cover x write each position once, so nothing is cleared. */
#if P_STRIDE_D >= P_KERNEL_D && P_STRIDE_H >= P_KERNEL_H && P_STRIDE_W >= P_KERNEL_W
#define PARTS (OUT_D * OUT_H * OUT_W)
#define WINDOWS_EACH 1
#define COVERED (OUT_D * P_KERNEL_D == IN_D && OUT_H * P_KERNEL_H == IN_H && OUT_W * P_KERNEL_W == IN_W)
#else
#define PARTS 1
#define WINDOWS_EACH (OUT_D * OUT_H * OUT_W)
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
            const V most = load(y + window * IN_C + WIDTH * v, n), d = load(dy + window * IN_C + WIDTH * v, n);
            IV taken = 0;
#pragma unroll 8
            for (int tap = 0; tap < TAPS; ++tap) {
                const int at = FN(at)(window, tap, v);
                const V here = load(x[0] + at, n);
                const IV hit = (here == most) & ~taken;
                taken |= hit;
                put(FOLDED_DX(hit ? d : (V)(0.0f), here), dx[0] + at, n, add);
            }
        }
    }
}

#undef TAPS
#undef PARTS
#undef WINDOWS_EACH
#undef COVERED
