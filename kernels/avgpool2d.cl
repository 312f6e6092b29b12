/* Mean of each window, per channel: x (IN_H,IN_W,IN_C) -> y (OUT_H,OUT_W,IN_C). P_KERNEL_*, P_STRIDE_*: windows; every
 * window is inside x. A lane of backward owns positions of x and collects the windows that cover each, so windows may
 * overlap; positions that no window covers get 0. */
#ifndef FN
#define FN(pass) avgpool2d_##pass
#define IN_H 6
#define IN_W 6
#define IN_C 17
#define OUT_H 3
#define OUT_W 3
#define P_KERNEL_H 2
#define P_KERNEL_W 2
#define P_STRIDE_H 2
#define P_STRIDE_W 2
#endif

#define SHARE (1.0f / (float)(P_KERNEL_H * P_KERNEL_W))

/* The first window that covers position i, and the end of those that do, of `count`. */
#define FIRST(i, kernel, stride) ((i) < (kernel) ? 0 : ((i) - (kernel)) / (stride) + 1)
#define END(i, stride, count) min((i) / (stride) + 1, count)

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_H * OUT_W * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), column = i / VECTORS(IN_C) % OUT_W, row = i / VECTORS(IN_C) / OUT_W;
        V sum = 0.0f;
        for (int ky = 0; ky < P_KERNEL_H; ++ky)
            for (int kx = 0; kx < P_KERNEL_W; ++kx)
                sum += load(x[0] + ((row * P_STRIDE_H + ky) * IN_W + column * P_STRIDE_W + kx) * IN_C + v, IN_C - v);
        store(SHARE * sum, y + (row * OUT_W + column) * IN_C + v, IN_C - v);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? IN_H * IN_W * VECTORS(IN_C) : 0) {
        const int v = WIDTH * (i % VECTORS(IN_C)), column = i / VECTORS(IN_C) % IN_W, row = i / VECTORS(IN_C) / IN_W;
        V sum = 0.0f;
        for (int r = FIRST(row, P_KERNEL_H, P_STRIDE_H); r < END(row, P_STRIDE_H, OUT_H); ++r)
            for (int c = FIRST(column, P_KERNEL_W, P_STRIDE_W); c < END(column, P_STRIDE_W, OUT_W); ++c)
                sum += load(dy + (r * OUT_W + c) * IN_C + v, IN_C - v);
        put(SHARE * sum, dx[0] + (row * IN_W + column) * IN_C + v, IN_C - v, add_dx[0]);
    }
}

#undef SHARE
#undef FIRST
#undef END
