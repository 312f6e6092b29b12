/* Every P_STRIDE-th number of x (IN_H,IN_W,IN_C) after a blur per channel: y (OUT_H,OUT_W,IN_C), with binomial weights over
 * P_KERNEL x P_KERNEL pixels around each and the image mirrored at its edges; Zhang 2019, section 3.2. A lane of backward
 * owns positions of x and collects the windows that cover each; a mirrored pixel counts where it is seen, too, and these
 * windows cover it as well. */
#ifndef FN
#define FN(pass) blur_pool_##pass
#define IN_H 6
#define IN_W 7
#define IN_C 17
#define OUT_H 3
#define OUT_W 4
#define P_KERNEL 3
#define P_STRIDE 2
#endif

#define SIDE (P_KERNEL / 2)

#if P_KERNEL == 3
__constant float FN(binomial)[P_KERNEL] = {0.25f, 0.5f, 0.25f};
#elif P_KERNEL == 5
__constant float FN(binomial)[P_KERNEL] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};
#else
__constant float FN(binomial)[P_KERNEL] = {0.015625f, 0.09375f, 0.234375f, 0.3125f, 0.234375f, 0.09375f, 0.015625f};
#endif

/* The weight of what is `distance` from the middle of a window. */
INLINE float FN(weight)(const int distance)
{
    return abs(distance) <= SIDE ? FN(binomial)[abs(distance) + SIDE] : 0.0f;
}

/* The weight of pixel i of n in the window around `middle`, with those that mirror it. */
INLINE float FN(share)(const int i, const int middle, const int n)
{
    return FN(weight)(i - middle) + (i > 0 ? FN(weight)(-i - middle) : 0.0f) +
           (i < n - 1 ? FN(weight)(2 * (n - 1) - i - middle) : 0.0f);
}

/* The first window whose middle is at most SIDE from position i, and the end of those, of `count`. */
#define FIRST(i) ((i) <= SIDE ? 0 : ((i) - SIDE + P_STRIDE - 1) / P_STRIDE)
#define END(i, count) min(((i) + SIDE) / P_STRIDE + 1, count)

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_H * OUT_W * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), column = i / VECTORS(IN_C) % OUT_W, row = i / VECTORS(IN_C) / OUT_W;
        V sum = 0.0f;
        for (int ky = 0; ky < P_KERNEL; ++ky)
            for (int kx = 0; kx < P_KERNEL; ++kx) {
                const int r = margin_source(MARGIN_REFLECT, row * P_STRIDE + ky - SIDE, IN_H);
                const int c = margin_source(MARGIN_REFLECT, column * P_STRIDE + kx - SIDE, IN_W);
                sum += FN(binomial)[ky] * FN(binomial)[kx] * load(x[0] + (r * IN_W + c) * IN_C + v, IN_C - v);
            }
        store(sum, y + (row * OUT_W + column) * IN_C + v, IN_C - v);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? IN_H * IN_W * VECTORS(IN_C) : 0) {
        const int v = WIDTH * (i % VECTORS(IN_C)), column = i / VECTORS(IN_C) % IN_W, row = i / VECTORS(IN_C) / IN_W;
        V sum = 0.0f;
        for (int r = FIRST(row); r < END(row, OUT_H); ++r)
            for (int c = FIRST(column); c < END(column, OUT_W); ++c)
                sum += FN(share)(row, r * P_STRIDE, IN_H) * FN(share)(column, c * P_STRIDE, IN_W) *
                       load(dy + (r * OUT_W + c) * IN_C + v, IN_C - v);
        put(sum, dx[0] + (row * IN_W + column) * IN_C + v, IN_C - v, add_dx[0]);
    }
}

#undef SIDE
#undef FIRST
#undef END
