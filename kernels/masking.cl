/* Masking noise (Vincent et al. 2010): a number is set to zero with probability P_P. OUT_LEN numbers, of which each SHARE
 * neighbours are chosen together. */
#ifndef FN
#define FN(pass) masking_##pass
#define STREAM 16u
#define OUT_LEN 70
#define SHARE 1
#define P_P 0.3f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float p = P_P;
    FOR_LANES(block, (OUT_LEN / SHARE + 63) / 64) {
        float unit[64];
        unit64(s, STREAM, block, unit);
        for (int j = 0; j < 4 * SHARE; ++j) {
            const int at = 64 * SHARE * block + 16 * j;
            if (at < OUT_LEN) {
                const V v = load16(x[0] + at, OUT_LEN - at);
                store16(shared16(unit, j, SHARE) <= (V)(p) ? (V)(0.0f) : v, y + at, OUT_LEN - at);
            }
        }
    }
}
