/* Additive uniform noise: y = x + P_AMPLITUDE * (a number in (-1, 1]), held within [P_CLAMP_LO, P_CLAMP_HI]. OUT_LEN
 * numbers; the same bits on every device. */
#ifndef FN
#define FN(pass) uniform_##pass
#define STREAM 16u
#define OUT_LEN 70
#define P_AMPLITUDE 0.3f
#define P_CLAMP_LO (-INFINITY)
#define P_CLAMP_HI INFINITY
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float amplitude = P_AMPLITUDE;
    FOR_LANES(block, (OUT_LEN + 63) / 64) {
        uint16 word[4];
        draw64(s, STREAM, block, word);
        for (int j = 0; j < 4; ++j) {
            const int at = 64 * block + 16 * j;
            if (at < OUT_LEN) {
                const V turn = fma((V)(2.0f), unit16(word[j]), (V)(-1.0f));
                const V v = fma((V)(amplitude), turn, load16(x[0] + at, OUT_LEN - at));
                store16(hold16(v, P_CLAMP_LO, P_CLAMP_HI), y + at, OUT_LEN - at);
            }
        }
    }
}
