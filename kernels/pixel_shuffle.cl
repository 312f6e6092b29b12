/* Channels become pixels (Shi et al. 2016, equation 4): y (OUT_H,OUT_W,OUT_C) of x (IN_H,IN_W,IN_C), IN_C = P_FACTOR^2
 * OUT_C. Pixel (r,c) of y is one run of OUT_C channels of pixel (r,c) / P_FACTOR of x; or, with P_ORDER 1, each
 * P_FACTOR^2-th channel. */
#ifndef FN
#define FN(pass) pixel_shuffle_##pass
#define IN_W 3
#define IN_C 68
#define OUT_H 6
#define OUT_W 6
#define OUT_C 17
#define P_FACTOR 2
#define P_ORDER 0
#endif

/* Channels of a pixel of y that follow each other in x as well, and how far the next is. */
#define STEP (P_ORDER == 1 ? P_FACTOR * P_FACTOR : 1)
#define RUN (P_ORDER == 1 && P_FACTOR > 1 ? 1 : WIDTH)
#define RUNS ((OUT_C + RUN - 1) / RUN)

/* Where x has channel c of a pixel of y. */
INLINE int FN(place)(const int pixel, const int c)
{
    const int row = pixel / OUT_W, column = pixel % OUT_W;
    const int run = row % P_FACTOR * P_FACTOR + column % P_FACTOR;
    return (row / P_FACTOR * IN_W + column / P_FACTOR) * IN_C + (P_ORDER == 1 ? run : run * OUT_C) + c * STEP;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_H * OUT_W * RUNS) {
        const int c = RUN * (i % RUNS), pixel = i / RUNS, n = min(RUN, OUT_C - c);
        store(load(x[0] + FN(place)(pixel, c), n), y + pixel * OUT_C + c, n);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? OUT_H * OUT_W * RUNS : 0) {
        const int c = RUN * (i % RUNS), pixel = i / RUNS, n = min(RUN, OUT_C - c);
        put(load(dy + pixel * OUT_C + c, n), dx[0] + FN(place)(pixel, c), n, add_dx[0]);
    }
}

#undef STEP
#undef RUN
#undef RUNS
