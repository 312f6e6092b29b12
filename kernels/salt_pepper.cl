/* Salt and pepper: a number is set to 0 with probability P_P / 2 and to 1 with P_P / 2. OUT_LEN numbers, of which each
 * SHARE neighbours have one draw. */
#ifndef FN
#define FN(pass) salt_pepper_##pass
#define STREAM 16u
#define OUT_LEN 70
#define SHARE 1
#define P_P 0.2f
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
                const V u = shared16(unit, j, SHARE), v = load16(x[0] + at, OUT_LEN - at);
                const V extreme = u <= (V)(0.5f * p) ? (V)(0.0f) : (V)(1.0f);
                store16(u <= (V)(p) ? extreme : v, y + at, OUT_LEN - at);
            }
        }
    }
}
