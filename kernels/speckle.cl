/* Multiplicative Gaussian noise: y = x (1 + P_SIGMA * normal), held within [P_CLAMP_LO, P_CLAMP_HI]. OUT_LEN numbers. */
#ifndef FN
#define FN(pass) speckle_##pass
#define STREAM 16u
#define OUT_LEN 70
#define P_SIGMA 0.3f
#define P_CLAMP_LO (-INFINITY)
#define P_CLAMP_HI INFINITY
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float sigma = P_SIGMA;
    FOR_LANES(block, (OUT_LEN + 63) / 64) {
        V normal[4];
        normal64(s, STREAM, block, normal);
        for (int j = 0; j < 4; ++j) {
            const int at = 64 * block + 16 * j;
            if (at < OUT_LEN) {
                const V v = load16(x[0] + at, OUT_LEN - at);
                store16(hold16(fma(v * sigma, normal[j], v), P_CLAMP_LO, P_CLAMP_HI), y + at, OUT_LEN - at);
            }
        }
    }
}
