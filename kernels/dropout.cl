/* Inverted dropout (Srivastava et al. 2014): in training each number is kept with probability 1 - P_P and divided by
 * it; otherwise nothing happens. The mask is drawn again in backward, from the same key. OUT_LEN numbers. */
#ifndef FN
#define FN(pass) dropout_##pass
#define STREAM 16u
#define OUT_LEN 70
#define P_P 0.5f
#endif

/* The factor of the numbers that draw these words: 1 / (1 - p) if its random word reaches p 2^32, else 0. */
INLINE V FN(factor)(const UV word)
{
    return word >= (uint)(P_P * 4294967296.0f) ? (V)(1.0f / (1.0f - P_P)) : (V)(0.0f);
}

INLINE void FN(apply)(const struct sample s, G const float *from, G float *to, const int add)
{
    FOR_LANES(i, DRAWS(OUT_LEN)) {
        UV word[4];
        draw(s, STREAM, i, word);
        FOR_DRAWN(j) {
            const int at = DRAWN_AT(i, j);
            if (at < OUT_LEN)
                put(load(from + at, OUT_LEN - at) * (TRAINING ? FN(factor)(word[j]) : (V)(1.0f)), to + at,
                      OUT_LEN - at, add);
        }
    }
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    FN(apply)(s, x[0], y, 0);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    if (dx[0])
        FN(apply)(s, dy, dx[0], add_dx[0]);
}
