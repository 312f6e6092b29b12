/* The sum of N_INPUTS arrays of one shape, (OUT_LEN) numbers. */
#ifndef FN
#define FN(pass) add_##pass
#define OUT_LEN 33
#define N_INPUTS 2
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        V sum = load(x[0] + WIDTH * i, OUT_LEN - WIDTH * i);
        for (int input = 1; input < N_INPUTS; ++input)
            sum += load(x[input] + WIDTH * i, OUT_LEN - WIDTH * i);
        store(sum, y + WIDTH * i, OUT_LEN - WIDTH * i);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const V d = load(dy + WIDTH * i, OUT_LEN - WIDTH * i);
        for (int input = 0; input < N_INPUTS; ++input)
            if (dx[input])
                put(d, dx[input] + WIDTH * i, OUT_LEN - WIDTH * i, add_dx[input]);
    }
}
