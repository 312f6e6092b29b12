/* Sets each channel of x (PIXELS,IN_C) to zero with probability P_P. Element c of the draw decides about channel c. */
#ifndef FN
#define FN(pass) dropout_channels_##pass
#define STREAM 16u
#define PIXELS 15
#define IN_C 17
#define P_P 0.3f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float p = P_P;
    for (int block = 0; block < (IN_C + 63) / 64; ++block) {
        uint16 word[4];
        draw64(s, STREAM, block, word);
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int c = 64 * block + 16 * j, n = IN_C - c;
            const V kept = unit16(word[j]) <= p ? (V)(0.0f) : (V)(1.0f);
            FOR_LANES(pixel, n > 0 ? PIXELS : 0)
                store16(kept > 0.0f ? load16(x[0] + pixel * IN_C + c, n) : (V)(0.0f), y + pixel * IN_C + c, n);
        }
    }
}
