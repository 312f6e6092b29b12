/* Wander of the baseline: y = x plus P_PARTS sinusoids, one at a random frequency in each of as many equal bands from
 * P_LOW to P_HIGH, per P_RATE points, the same in all channels of a signal (IN_L, IN_C). Their sizes are proportional to
 * 1 / frequency, as in Brownian noise, and the mean of their sum's square over all phases is P_SIGMA^2. Element k of the
 * draw is the place of frequency k in its band, element 64 + k its phase. Angles are 32-bit fractions of a turn. */
#ifndef FN
#define FN(pass) brown_##pass
#define STREAM 16u
#define IN_L 23
#define IN_C 3
#define OUT_LEN 69
#define P_SIGMA 0.2f
#define P_LOW 0.05f
#define P_HIGH 0.5f
#define P_RATE 360.0f
#define P_PARTS 8
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float sigma = P_SIGMA, point = exact_inverse(P_RATE), low = P_LOW * point;
    const float band = (P_HIGH * point - low) * exact_inverse((float)(P_PARTS));
    uint step[P_PARTS], phase[P_PARTS];
    float size[P_PARTS], squares = 0.0f;
#pragma unroll
    for (int k = 0; k < P_PARTS; ++k) {
        const float unit = (convert_float(draw_one(s, STREAM, k)) + 0.5f) * 0x1p-32f;
        const float turns = fma((float)k + unit, band, low);
        step[k] = convert_uint_sat(turns * 0x1p32f);
        phase[k] = draw_one(s, STREAM, 64 + k);
        size[k] = P_LOW * point / turns;
        squares = fma(size[k], size[k], squares);
    }
    const float scale = sigma * sqrt(2.0f / squares);
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const UV t = ((UV)((uint)(WIDTH * i)) + LANE_NUMBERS) / (uint)(IN_C);
        V sum = 0.0f;
#pragma unroll
        for (int k = 0; k < P_PARTS; ++k)
            sum = fma((V)(size[k]), sinpi(convert_V(t * step[k] + phase[k]) * 0x1p-31f), sum);
        const int n = OUT_LEN - WIDTH * i;
        store(fma(sum, (V)(scale), load(x[0] + WIDTH * i, n)), y + WIDTH * i, n);
    }
}
