/* Poisson noise: y = count / P_PEAK, the count being Poisson distributed with the mean P_PEAK * x, x clamped to [0, 1];
 * then y is clamped to [P_CLAMP_LO, P_CLAMP_HI]. OUT_LEN numbers. A count is the sum of PARTS counts of a mean of at
 * most 32, each the smallest k whose distribution function reaches a uniform number (inverse transform; Devroye 1986,
 * chapter X.3). Element OUT_LEN, rounded up to 64, times the part, plus i, of the draw. All arithmetic is sums,
 * products and fma in a fixed order, so the bits are the same on every device. */
#ifndef FN
#define FN(pass) poisson_##pass
#define STREAM 16u
#define OUT_LEN 70
#define PARTS 1
#define P_PEAK 30.0f
#define P_CLAMP_LO (-INFINITY)
#define P_CLAMP_HI INFINITY
#endif

/* exp(-mean) for a mean from 0 to 32: the Taylor polynomial at mean / 32, to the power of 32. */
INLINE V FN(exp)(const V mean)
{
    const V t = mean * -0x1p-5f;
    V e = 1.0f / 3628800.0f;
    e = fma(e, t, (V)(1.0f / 362880.0f));
    e = fma(e, t, (V)(1.0f / 40320.0f));
    e = fma(e, t, (V)(1.0f / 5040.0f));
    e = fma(e, t, (V)(1.0f / 720.0f));
    e = fma(e, t, (V)(1.0f / 120.0f));
    e = fma(e, t, (V)(1.0f / 24.0f));
    e = fma(e, t, (V)(1.0f / 6.0f));
    e = fma(e, t, (V)(0.5f));
    e = fma(e, t, (V)(1.0f));
    e = fma(e, t, (V)(1.0f));
    for (int i = 0; i < 5; ++i)
        e *= e;
    return e;
}

/* Beyond the mean the search ends when a term no longer changes a sum near 1, which may stay below the largest
 * uniforms. */
INLINE V FN(count)(const V unit, const V mean)
{
    V term = FN(exp)(mean), sum = term, count = 0.0f;
    for (int k = 1;; ++k) {
        const IV more = (unit > sum) & (((V)((float)k) <= mean) | (term > 0x1p-26f));
        if (!ANY(more))
            return count;
        const V ratio = mean * exact_inverse((float)k);
        count = more ? (V)((float)k) : count;
        sum = fma(term, ratio, sum);
        term *= ratio;
    }
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float peak = P_PEAK, inverse = exact_inverse(peak), share = peak * exact_inverse((float)PARTS);
    FOR_LANES(i, DRAWS(OUT_LEN)) {
        V count[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        for (int part = 0; part < PARTS; ++part) {
            V unit[4];
            draw_units(s, STREAM, part * DRAWS(OUT_LEN) + i, unit);
            FOR_DRAWN(j) {
                const int at = DRAWN_AT(i, j);
                if (at < OUT_LEN)
                    count[j] +=
                        FN(count)(unit[j], clamped(load(x[0] + at, OUT_LEN - at), 0.0f, 1.0f) * share);
            }
        }
        FOR_DRAWN(j) {
            const int at = DRAWN_AT(i, j);
            if (at < OUT_LEN)
                store(clamped(count[j] * inverse, P_CLAMP_LO, P_CLAMP_HI), y + at, OUT_LEN - at);
        }
    }
}
