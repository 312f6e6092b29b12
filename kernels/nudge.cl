/* A small step in a random direction: y = x + P_STEP * (random signs). OUT_LEN numbers. */
#ifndef FN
#define FN(pass) nudge_##pass
#define STREAM 16u
#define OUT_LEN 70
#define P_STEP 0.01f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(block, (OUT_LEN + 63) / 64) {
        uint16 word[4];
        draw64(s, STREAM, block, word);
        for (int j = 0; j < 4; ++j) {
            const int at = 64 * block + 16 * j;
            if (at < OUT_LEN)
                store16(load16(x[0] + at, OUT_LEN - at) + (word[j] >= 0x80000000u ? (V)(-P_STEP) : (V)(P_STEP)), y + at,
                        OUT_LEN - at);
        }
    }
}
