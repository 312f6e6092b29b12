/* The sum of N_INPUTS arrays of one shape, (OUT_LEN) numbers. */
#ifndef FN
#define FN(pass) add_##pass
#define OUT_LEN 33
#define N_INPUTS 2
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        V sum = load16(x[0] + 16 * i, OUT_LEN - 16 * i);
        for (int input = 1; input < N_INPUTS; ++input)
            sum += load16(x[input] + 16 * i, OUT_LEN - 16 * i);
        store16(sum, y + 16 * i, OUT_LEN - 16 * i);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const V d = load16(dy + 16 * i, OUT_LEN - 16 * i);
        for (int input = 0; input < N_INPUTS; ++input)
            if (dx[input])
                put16(d, dx[input] + 16 * i, OUT_LEN - 16 * i, add_dx[input]);
    }
}
