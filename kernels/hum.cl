/* Hum of the mains: y = x plus P_HARMONICS sinusoids of h * P_FREQUENCY / P_RATE turns per point, of the size P_AMPLITUDE
 * times P_DECAY^(h - 1), the same in all channels of a signal (IN_L, IN_C). Element h - 1 of the draw is the phase of
 * harmonic h. Angles are 32-bit fractions of a turn, which wrap exactly however long the signal is. */
#ifndef FN
#define FN(pass) hum_##pass
#define STREAM 16u
#define IN_L 23
#define IN_C 3
#define OUT_LEN 69
#define P_AMPLITUDE 0.1f
#define P_FREQUENCY 50.0f
#define P_RATE 360.0f
#define P_HARMONICS 3
#define P_DECAY 0.5f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float amplitude = P_AMPLITUDE, frequency = P_FREQUENCY;
    const uint step = convert_uint_sat(frequency * exact_inverse(P_RATE) * 0x1p32f);
    uint phase[P_HARMONICS];
#pragma unroll
    for (int h = 0; h < P_HARMONICS; ++h)
        phase[h] = draw_one(s, STREAM, h);
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const UV t = ((UV)((uint)(WIDTH * i)) + LANE_NUMBERS) / (uint)(IN_C);
        V sum = 0.0f;
        float size = amplitude;
#pragma unroll
        for (int h = 0; h < P_HARMONICS; ++h) {
            const UV turn = t * (step * (uint)(h + 1)) + phase[h];
            sum = fma((V)(size), sinpi(convert_V(turn) * 0x1p-31f), sum);
            size *= P_DECAY;
        }
        const int n = OUT_LEN - WIDTH * i;
        store(load(x[0] + WIDTH * i, n) + sum, y + WIDTH * i, n);
    }
}
