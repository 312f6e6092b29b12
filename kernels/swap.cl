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
    FOR_LANES(i, DRAWS(OUT_LEN)) {
        float unit[4 * WIDTH];
        uint donor[4 * WIDTH];
        V drawn[4];
        UV word[4];
        draw_units(s, STREAM, i, drawn);
        draw(s, STREAM, DRAWS(OUT_LEN) + i, word);
        FOR_DRAWN(j) {
            STORE_LANES(drawn[j], unit + WIDTH * j);
            STORE_LANES(mul_hi(word[j], (UV)(s.rows - 1)), donor + WIDTH * j);
        }
        FOR_DRAWN(j)
            for (int l = 0; l < WIDTH; ++l) {
                const int at = DRAWN_AT(i, j) + l;
                const uint other = donor[WIDTH * j + l];
                if (at < OUT_LEN)
                    y[at] = unit[WIDTH * j + l] <= p ? data_number(s, other + (other >= s.id), at) : x[0][at];
            }
    }
}
