/* Squared error of one sample: y = sum of (x[0] - x[1])^2 over IN_LEN numbers; x[1] is the clean target. With a third
 * input, the mask, the numbers where it is 0 have the weight P_UNMASKED_WEIGHT; all have weight 1 when nothing is
 * corrupted. */
#ifndef FN
#define FN(pass) mse_##pass
#define IN_LEN 33
#define N_INPUTS 3
#define P_UNMASKED_WEIGHT 0.5f
#endif

/* v, what 16 numbers from 16 i on cost, times their weights. */
INLINE V FN(weighted)(const V v, G const float *const *x, const int i)
{
#if N_INPUTS > 2 && CORRUPTED
    return load16(x[2] + 16 * i, IN_LEN - 16 * i) > 0.0f ? v : v * P_UNMASKED_WEIGHT;
#else
    return v;
#endif
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load16(x[0] + 16 * i, IN_LEN - 16 * i) - load16(x[1] + 16 * i, IN_LEN - 16 * i);
        sum = fma(FN(weighted)(d, x, i), d, sum);
    }
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load16(x[0] + 16 * i, IN_LEN - 16 * i) - load16(x[1] + 16 * i, IN_LEN - 16 * i);
        put16(2.0f * s.scale * FN(weighted)(d, x, i), dx[0] + 16 * i, IN_LEN - 16 * i, add_dx[0]);
    }
}
