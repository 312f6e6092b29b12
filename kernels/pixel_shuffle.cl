/* Channels become pixels (Shi et al. 2016, equation 4): y (OUT_H,OUT_W,OUT_C) of x (IN_H,IN_W,IN_C), IN_C = P_FACTOR^2
 * OUT_C. Pixel (r,c) of y is one run of OUT_C channels of pixel (r,c) / P_FACTOR of x. */
#ifndef FN
#define FN(pass) pixel_shuffle_##pass
#define IN_W 3
#define IN_C 68
#define OUT_H 6
#define OUT_W 6
#define OUT_C 17
#define P_FACTOR 2
#endif

/* Where x has channel c of a pixel of y. */
INLINE int FN(place)(const int pixel, const int c)
{
    const int row = pixel / OUT_W, column = pixel % OUT_W;
    const int run = row % P_FACTOR * P_FACTOR + column % P_FACTOR;
    return (row / P_FACTOR * IN_W + column / P_FACTOR) * IN_C + run * OUT_C + c;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_H * OUT_W * VECTORS(OUT_C)) {
        const int c = WIDTH * (i % VECTORS(OUT_C)), pixel = i / VECTORS(OUT_C);
        store(load(x[0] + FN(place)(pixel, c), OUT_C - c), y + pixel * OUT_C + c, OUT_C - c);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? OUT_H * OUT_W * VECTORS(OUT_C) : 0) {
        const int c = WIDTH * (i % VECTORS(OUT_C)), pixel = i / VECTORS(OUT_C);
        put(load(dy + pixel * OUT_C + c, OUT_C - c), dx[0] + FN(place)(pixel, c), OUT_C - c, add_dx[0]);
    }
}
