/* The dot product of a network's output with a chosen vector v, as a loss: y = v . x[0], whose gradient is v, so that
 * the backward pass gives J'v. Batches of epoch e < IN_LEN use the unit vector e; later ones use random signs, which
 * differ for each epoch and sample. x[1], the target, is not read. IN_LEN numbers. */
#ifndef FN
#define FN(pass) projection_##pass
#define STREAM 16u
#define IN_LEN 70
#endif

/* v[j]: elements DRAWN_AT(i, j) and on. */
INLINE void FN(drawn)(const struct sample s, const int i, V *v)
{
    UV word[4];
    if (s.epoch < IN_LEN) {
        FOR_DRAWN(j)
            v[j] = (UV)(DRAWN_AT(i, j)) + LANE_NUMBERS == (UV)(s.epoch) ? (V)(1.0f) : (V)(0.0f);
        return;
    }
    draw(s, STREAM, i, word);
    FOR_DRAWN(j)
        v[j] = word[j] >= 0x80000000u ? (V)(-1.0f) : (V)(1.0f);
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, DRAWS(IN_LEN)) {
        V v[4];
        FN(drawn)(s, i, v);
        FOR_DRAWN(j) {
            const int at = DRAWN_AT(i, j);
            if (at < IN_LEN)
                sum = MULTIPLY_ADD(v[j], load(x[0] + at, IN_LEN - at), sum);
        }
    }
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, DRAWS(IN_LEN)) {
        V v[4];
        FN(drawn)(s, i, v);
        FOR_DRAWN(j) {
            const int at = DRAWN_AT(i, j);
            if (at < IN_LEN)
                put(s.scale * v[j], dx[0] + at, IN_LEN - at, add_dx[0]);
        }
    }
}
