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
    for (int i = 0; i < DRAWS(IN_C); ++i) {
        UV word[4];
        draw(s, STREAM, i, word);
        FOR_DRAWN(j) {
            const int c = DRAWN_AT(i, j), n = IN_C - c;
            const V kept = to_unit(word[j]) <= p ? (V)(0.0f) : (V)(1.0f);
            FOR_LANES(pixel, n > 0 ? PIXELS : 0)
                store(kept > 0.0f ? load(x[0] + pixel * IN_C + c, n) : (V)(0.0f), y + pixel * IN_C + c, n);
        }
    }
}
