/* The dot product of a network's output with a chosen vector v, as a loss: y = v . x[0], whose gradient is v, so that
 * the backward pass gives J'v. Batches of epoch e < IN_LEN use the unit vector e; later ones use random signs, which
 * differ for each epoch and sample. x[1], the target, is not read. IN_LEN numbers. */
#ifndef FN
#define FN(pass) projection_##pass
#define STREAM 16u
#define IN_LEN 70
#endif

/* v[j]: elements 64 * block + 16 * j and on. */
INLINE void FN(vector64)(const struct sample s, const int block, V *v)
{
    uint16 word[4];
    if (s.epoch < IN_LEN) {
        for (int j = 0; j < 4; ++j)
            v[j] = (uint16)(64 * block + 16 * j) + LANE_NUMBERS == (uint16)(s.epoch) ? (V)(1.0f) : (V)(0.0f);
        return;
    }
    draw64(s, STREAM, block, word);
    for (int j = 0; j < 4; ++j)
        v[j] = word[j] >= 0x80000000u ? (V)(-1.0f) : (V)(1.0f);
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(block, (IN_LEN + 63) / 64) {
        V v[4];
        FN(vector64)(s, block, v);
        for (int j = 0; j < 4; ++j) {
            const int at = 64 * block + 16 * j;
            if (at < IN_LEN)
                sum = MULTIPLY_ADD(v[j], load16(x[0] + at, IN_LEN - at), sum);
        }
    }
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(block, (IN_LEN + 63) / 64) {
        V v[4];
        FN(vector64)(s, block, v);
        for (int j = 0; j < 4; ++j) {
            const int at = 64 * block + 16 * j;
            if (at < IN_LEN)
                put16(s.scale * v[j], dx[0] + at, IN_LEN - at, add_dx[0]);
        }
    }
}
