/* Binary cross-entropy of one sample: y = -sum of t log p + (1 - t) log (1 - p) over IN_LEN numbers, with p = x[0] in
 * [0, 1] and the clean target t = x[1]. Logarithms are held at -100 and the gradient's denominator at 1e-12 or more,
 * so that a saturated p costs much but not infinitely much (the convention of PyTorch's BCELoss). With a third input, the
 * mask, the numbers where it is 0 have the weight P_UNMASKED_WEIGHT; all have weight 1 when nothing is corrupted. */
#ifndef FN
#define FN(pass) bce_##pass
#define IN_LEN 33
#define N_INPUTS 3
#define P_UNMASKED_WEIGHT 0.5f
#endif

/* v, what 16 numbers from 16 i on cost, times their weights; nothing where the target is a hole. */
INLINE V FN(weighted)(const V cost, G const float *const *x, const int i)
{
#if HOLES
    const V v = known16(load16(x[1] + 16 * i, IN_LEN - 16 * i), cost, (V)(0.0f));
#else
    const V v = cost;
#endif
#if N_INPUTS > 2 && CORRUPTED
    return load16(x[2] + 16 * i, IN_LEN - 16 * i) > 0.0f ? v : v * P_UNMASKED_WEIGHT;
#else
    return v;
#endif
}

INLINE V FN(log)(const V p)
{
    const V l = log(p);
    return l < -100.0f ? (V)(-100.0f) : l;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const int n = IN_LEN - 16 * i;
        const V p = load16(x[0] + 16 * i, n), t = load16(x[1] + 16 * i, n);
        /* Numbers behind the end are p = 0, t = 0: they add 0 log 0 + log 1, which is 0 with logarithms held. */
        sum -= FN(weighted)(t * FN(log)(p) + (1.0f - t) * FN(log)(1.0f - p), x, i);
    }
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const int n = IN_LEN - 16 * i;
        const V p = load16(x[0] + 16 * i, n), t = load16(x[1] + 16 * i, n), variance = p * (1.0f - p);
        const V gradient = s.scale * (p - t) / (variance < 1e-12f ? (V)(1e-12f) : variance);
        put16(FN(weighted)(gradient, x, i), dx[0] + 16 * i, n, add_dx[0]);
    }
}
