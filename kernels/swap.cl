/* Swap noise: with probability P_P a number is replaced by the clean number of another sample of the data set at the
 * same place; each number has its own donor, any other sample with equal chances. OUT_LEN numbers. Elements 0 ..
 * OUT_LEN - 1 of the draw decide; those from the next multiple of 64 on select the donors. The host guarantees s.rows
 * >= 2. */
#ifndef FN
#define FN(pass) swap_##pass
#define STREAM 16u
#define OUT_LEN 70
#define P_P 0.15f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float p = P_P;
    FOR_LANES(block, (OUT_LEN + 63) / 64) {
        float unit[64];
        uint donor[64];
        uint16 word[4];
        unit64(s, STREAM, block, unit);
        draw64(s, STREAM, (OUT_LEN + 63) / 64 + block, word);
        for (int j = 0; j < 4; ++j)
            vstore16(mul_hi(word[j], (uint16)(s.rows - 1)), j, donor);
        for (int i = 0; i < 64 && 64 * block + i < OUT_LEN; ++i) {
            const int at = 64 * block + i;
            y[at] = unit[i] <= p ? data_number(s, donor[i] + (donor[i] >= s.id), at) : x[0][at];
        }
    }
}
