/* Nearest-neighbour enlargement of a volume: y (OUT_D,OUT_H,OUT_W,IN_C) repeats each number of x (IN_D,IN_H,IN_W,IN_C)
 * P_FACTOR_D x P_FACTOR_H x P_FACTOR_W times; its gradient is the sum over its repetitions. */
#ifndef FN
#define FN(pass) upsample3d_##pass
#define IN_D 2
#define IN_H 3
#define IN_W 3
#define IN_C 17
#define OUT_D 4
#define OUT_H 6
#define OUT_W 6
#define P_FACTOR_D 2
#define P_FACTOR_H 2
#define P_FACTOR_W 2
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_D * OUT_H * OUT_W * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), voxel = i / VECTORS(IN_C);
        const int d = voxel / (OUT_H * OUT_W) / P_FACTOR_D, row = voxel / OUT_W % OUT_H / P_FACTOR_H;
        const int from = (d * IN_H + row) * IN_W + voxel % OUT_W / P_FACTOR_W;
        store(load(x[0] + from * IN_C + v, IN_C - v), y + voxel * IN_C + v, IN_C - v);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    if (!dx[0])
        return;
    FOR_LANES(i, IN_D * IN_H * IN_W * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), voxel = i / VECTORS(IN_C);
        const int d = voxel / (IN_H * IN_W) * P_FACTOR_D, row = voxel / IN_W % IN_H * P_FACTOR_H;
        const int column = voxel % IN_W * P_FACTOR_W;
        V sum = 0.0f;
        for (int kd = 0; kd < P_FACTOR_D; ++kd)
            for (int ky = 0; ky < P_FACTOR_H; ++ky)
                for (int kx = 0; kx < P_FACTOR_W; ++kx)
                    sum += load(dy + (((d + kd) * OUT_H + row + ky) * OUT_W + column + kx) * IN_C + v, IN_C - v);
        put(sum, dx[0] + voxel * IN_C + v, IN_C - v, add_dx[0]);
    }
}
