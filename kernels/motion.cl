/* Bursts: y = x plus P_COUNT swings under a Hann window of P_LENGTH points, at random places of a signal (IN_L, IN_C)
 * that they may overhang at both ends, the same in all channels. Burst b has the height P_AMPLITUDE times element b of
 * the draw, its first point from element 64 + b, a phase from element 128 + b, and P_CYCLES times element 192 + b
 * swings. Angles are 32-bit fractions of a turn. */
#ifndef FN
#define FN(pass) motion_##pass
#define STREAM 16u
#define IN_L 23
#define IN_C 3
#define OUT_LEN 69
#define P_AMPLITUDE 1.0f
#define P_COUNT 2
#define P_LENGTH 9
#define P_CYCLES 2.0f
#endif

INLINE float FN(unit)(const struct sample s, const int element)
{
    return (convert_float(draw_one(s, STREAM, element)) + 0.5f) * 0x1p-32f;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float amplitude = P_AMPLITUDE, point = exact_inverse((float)(P_LENGTH));
    copy(x[0], y, OUT_LEN);
    SYNC();
    for (int b = 0; b < P_COUNT; ++b) {
        const float height = amplitude * FN(unit)(s, b);
        const int start = (int)mul_hi(draw_one(s, STREAM, 64 + b), (uint)(IN_L + P_LENGTH - 1)) - (P_LENGTH - 1);
        const uint phase = draw_one(s, STREAM, 128 + b);
        const uint step = convert_uint_sat(P_CYCLES * FN(unit)(s, 192 + b) * point * 0x1p32f);
        const int from = max(start, 0), until = min(start + P_LENGTH, IN_L);
        FOR_LANES(i, until - from) {
            const uint t = (uint)(from + i - start);
            const float rise = sinpi(((float)t + 0.5f) * point);
            const float v = height * rise * rise * sinpi(convert_float(t * step + phase) * 0x1p-31f);
            for (int c = 0; c < IN_C; ++c)
                y[(from + i) * IN_C + c] += v;
        }
        SYNC();
    }
}
