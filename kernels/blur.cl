/* Gaussian blur of an image (IN_H, IN_W, IN_C), each channel separately, with P_SIZE weights exp(-k^2 / (2 P_SIGMA^2))
 * that sum to one: down the columns into tmp and then along the rows. Wide: the lane owns whole rows, and reads back what
 * it wrote. The image is mirrored at its borders, without repeating the outermost pixel. tmp: (IN_H, IN_W, IN_C). The
 * host guarantees that P_SIZE is odd and P_SIZE / 2 below both sides. */
#ifndef FN
#define FN(pass) blur_##pass
#define STREAM 16u
#define IN_H 9
#define IN_W 8
#define IN_C 3
#define P_SIGMA 1.0f
#define P_SIZE 5
#endif

/* Uses the built-in, because LLVM turns a condition into an intrinsic that the simulator oclgrind 21.10 lacks. */
INLINE int FN(mirror)(const int i, const int n)
{
    const int at = (int)abs(i);
    return at < n ? at : 2 * n - 2 - at;
}

/* Tap k of P_SIZE, before the division by their sum. */
INLINE float FN(tap)(const int k, const float sigma)
{
    const float distance = (float)(k - P_SIZE / 2) / sigma;
    return exp(-0.5f * distance * distance);
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float sigma = fmax(P_SIGMA, 1e-3f); /* which is no blur at all */
    float sum = 0.0f;
#if WIDTH == 1
    /* A tap is computed where it is used, because an array of them would go through memory. */
    for (int k = 0; k < P_SIZE; ++k)
        sum += FN(tap)(k, sigma);
    FOR_LANES(i, IN_H * IN_W * IN_C) {
        const int row = i / (IN_W * IN_C), at = i % (IN_W * IN_C);
        float v = 0.0f;
        for (int k = 0; k < P_SIZE; ++k)
            v = MULTIPLY_ADD(FN(tap)(k, sigma) / sum, x[0][FN(mirror)(row + k - P_SIZE / 2, IN_H) * IN_W * IN_C + at], v);
        tmp[i] = v;
    }
    SYNC();
    FOR_LANES(i, IN_H * IN_W * IN_C) {
        const int row = i / (IN_W * IN_C), column = i / IN_C % IN_W, c = i % IN_C;
        float v = 0.0f;
        for (int k = 0; k < P_SIZE; ++k)
            v = MULTIPLY_ADD(FN(tap)(k, sigma) / sum,
                             tmp[(row * IN_W + FN(mirror)(column + k - P_SIZE / 2, IN_W)) * IN_C + c], v);
        y[i] = v;
    }
#else
    float weight[P_SIZE];
    for (int k = 0; k < P_SIZE; ++k) {
        weight[k] = FN(tap)(k, sigma);
        sum += weight[k];
    }
    for (int k = 0; k < P_SIZE; ++k)
        weight[k] /= sum;
    FOR_LANES(row, IN_H)
        for (int i = 0; i < VECTORS(IN_W * IN_C); ++i) {
            const int n = IN_W * IN_C - 16 * i;
            V v = 0.0f;
            for (int k = 0; k < P_SIZE; ++k)
                v = MULTIPLY_ADD((V)(weight[k]),
                        load(x[0] + FN(mirror)(row + k - P_SIZE / 2, IN_H) * IN_W * IN_C + 16 * i, n), v);
            store(v, tmp + row * IN_W * IN_C + 16 * i, n);
        }
    FOR_LANES(row, IN_H)
        for (int column = 0; column < IN_W; ++column)
            for (int c = 0; c < IN_C; ++c) {
                float v = 0.0f;
                for (int k = 0; k < P_SIZE; ++k)
                    v = MULTIPLY_ADD(weight[k],
                            tmp[(row * IN_W + FN(mirror)(column + k - P_SIZE / 2, IN_W)) * IN_C + c], v);
                y[(row * IN_W + column) * IN_C + c] = v;
            }
#endif
}
