/* Squared error of one sample: y = sum of (x[0] - x[1])^2 over IN_LEN numbers; x[1] is the clean target. With a third
 * input, the mask, the numbers where it is 0 have the weight P_UNMASKED_WEIGHT; all have weight 1 when nothing is
 * corrupted. A target of NaN is a hole and costs nothing. */
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

/* Output less target; nothing where the target is a hole. */
INLINE V FN(error)(G const float *const *x, const int i)
{
    const int n = IN_LEN - 16 * i;
    const V t = load16(x[1] + 16 * i, n), d = load16(x[0] + 16 * i, n) - t;
#if HOLES
    return known16(t, d, (V)(0.0f));
#else
    return d;
#endif
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = FN(error)(x, i);
        sum = fma(FN(weighted)(d, x, i), d, sum);
    }
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = FN(error)(x, i);
        put16(2.0f * s.scale * FN(weighted)(d, x, i), dx[0] + 16 * i, IN_LEN - 16 * i, add_dx[0]);
    }
}
