/* The product of two arrays of one shape, (OUT_LEN) numbers. Both inputs may be the same array; add_dx then adds the
 * second gradient to the first. */
#ifndef FN
#define FN(pass) multiply_##pass
#define OUT_LEN 33
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const int n = OUT_LEN - WIDTH * i;
        store(load(x[0] + WIDTH * i, n) * load(x[1] + WIDTH * i, n), y + WIDTH * i, n);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const int n = OUT_LEN - WIDTH * i;
        const V d = load(dy + WIDTH * i, n);
        for (int input = 0; input < 2; ++input)
            if (dx[input])
                put(d * load(x[1 - input] + WIDTH * i, n), dx[input] + WIDTH * i, n, add_dx[input]);
    }
}
