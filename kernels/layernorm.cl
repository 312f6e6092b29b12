/* Layer normalisation (Ba, Kiros and Hinton 2016): each of the ROWS rows of IN_C numbers of x (IN_LEN) is shifted to mean 0,
 * scaled to deviation 1, and then scaled by w[0] (IN_C) and shifted by w[1] (IN_C).
 *
 * tmp: x normalised (ROWS, IN_C), then 1 / deviation (ROWS). In ROW_LOOP, n channels of row r are left from i on. */
#ifndef FN
#define FN(pass) layernorm_##pass
#define ROWS 6
#define IN_C 19
#define IN_LEN 114
#define P_EPSILON 1e-5f
#endif

#define ROW_LOOP(i) for (int i = r * IN_C, n = IN_C; n > 0; i += WIDTH, n -= WIDTH)

INLINE void FN(normalise)(G const float *x, G float *tmp)
{
    FOR_LANES(r, ROWS) {
        V sum = 0.0f, square = 0.0f;
        ROW_LOOP(i)
            sum += load(x + i, n);
        const float mean = sum_of(sum) / IN_C;
        ROW_LOOP(i)
            square += LANE_NUMBERS < (UV)(n) ? (load(x + i, n) - mean) * (load(x + i, n) - mean) : (V)(0.0f);
        tmp[IN_LEN + r] = 1.0f / sqrt(sum_of(square) / IN_C + P_EPSILON);
        ROW_LOOP(i)
            store((load(x + i, n) - mean) * tmp[IN_LEN + r], tmp + i, n);
    }
    SYNC();
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    FN(normalise)(x[0], tmp);
    FOR_LANES(r, ROWS)
        ROW_LOOP(i)
            store(load(tmp + i, n) * load(w[0] + IN_C - n, n) + load(w[1] + IN_C - n, n), y + i, n);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FN(normalise)(x[0], tmp);
    FOR_LANES(v, VECTORS(IN_C)) {
        V scale = 0.0f, shift = 0.0f;
        for (int i = WIDTH * v, n = IN_C - i; i < IN_LEN; i += IN_C) {
            scale += load(dy + i, n) * load(tmp + i, n);
            shift += load(dy + i, n);
        }
        put(scale, dw[0] + WIDTH * v, IN_C - WIDTH * v, add_dw);
        put(shift, dw[1] + WIDTH * v, IN_C - WIDTH * v, add_dw);
    }
    /* The loops share no data. Without the barrier PoCL 3.1 miscompiles them next to a convolution, and the program crashes. */
    SYNC();
    FOR_LANES(r, dx[0] ? ROWS : 0) {
        V sum = 0.0f, along = 0.0f;
        ROW_LOOP(i) {
            const V g = load(dy + i, n) * load(w[0] + IN_C - n, n);
            sum += g;
            along += g * load(tmp + i, n);
        }
        const float mean = sum_of(sum) / IN_C, mean_along = sum_of(along) / IN_C;
        ROW_LOOP(i) {
            const V g = load(dy + i, n) * load(w[0] + IN_C - n, n);
            put((g - mean - load(tmp + i, n) * mean_along) * tmp[IN_LEN + r], dx[0] + i, n, add_dx[0]);
        }
    }
}

#undef ROW_LOOP
