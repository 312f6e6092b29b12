/* The product of two arrays of one shape, (OUT_LEN) numbers. Both inputs may be the same array; add_dx then adds the
 * second gradient to the first. */
#ifndef FN
#define FN(pass) multiply_##pass
#define OUT_LEN 33
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const int n = OUT_LEN - 16 * i;
        store16(load16(x[0] + 16 * i, n) * load16(x[1] + 16 * i, n), y + 16 * i, n);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(OUT_LEN)) {
        const int n = OUT_LEN - 16 * i;
        const V d = load16(dy + 16 * i, n);
        for (int input = 0; input < 2; ++input)
            if (dx[input])
                put16(d * load16(x[1 - input] + 16 * i, n), dx[input] + 16 * i, n, add_dx[input]);
    }
}
