/* Nearest-neighbour enlargement: y (OUT_H,OUT_W,IN_C) repeats each pixel of x (IN_H,IN_W,IN_C) P_FACTOR_H x P_FACTOR_W
 * times; the gradient of a pixel is the sum over its repetitions. */
#ifndef FN
#define FN(pass) upsample2d_##pass
#define IN_H 3
#define IN_W 3
#define IN_C 17
#define OUT_H 6
#define OUT_W 6
#define P_FACTOR_H 2
#define P_FACTOR_W 2
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_H * OUT_W * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), pixel = i / VECTORS(IN_C);
        const int from = pixel / OUT_W / P_FACTOR_H * IN_W + pixel % OUT_W / P_FACTOR_W;
        store(load(x[0] + from * IN_C + v, IN_C - v), y + pixel * IN_C + v, IN_C - v);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    if (!dx[0])
        return;
    FOR_LANES(i, IN_H * IN_W * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), pixel = i / VECTORS(IN_C);
        const int row = pixel / IN_W * P_FACTOR_H, column = pixel % IN_W * P_FACTOR_W;
        V sum = 0.0f;
        for (int ky = 0; ky < P_FACTOR_H; ++ky)
            for (int kx = 0; kx < P_FACTOR_W; ++kx)
                sum += load(dy + ((row + ky) * OUT_W + column + kx) * IN_C + v, IN_C - v);
        put(sum, dx[0] + pixel * IN_C + v, IN_C - v, add_dx[0]);
    }
}
