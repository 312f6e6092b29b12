/* A trained factor w[0] (IN_C) for each channel of x (PIXELS,IN_C). The gradient of a factor is summed over the pixels by
 * the lane that owns the channels. */
#ifndef FN
#define FN(pass) scale_##pass
#define PIXELS 15
#define IN_C 17
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, PIXELS * VECTORS(IN_C)) {
        const int c = WIDTH * (i % VECTORS(IN_C)), at = i / VECTORS(IN_C) * IN_C + c;
        store(load(x[0] + at, IN_C - c) * load(w[0] + c, IN_C - c), y + at, IN_C - c);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_C)) {
        const int c = WIDTH * i;
        V sum = 0.0f;
        for (int p = 0; p < PIXELS; ++p)
            sum += load(x[0] + p * IN_C + c, IN_C - c) * load(dy + p * IN_C + c, IN_C - c);
        put(sum, dw[0] + c, IN_C - c, add_dw);
    }
    SYNC(); /* for PoCL 3.1 only: see layernorm.cl */
    FOR_LANES(i, dx[0] ? PIXELS * VECTORS(IN_C) : 0) {
        const int c = WIDTH * (i % VECTORS(IN_C)), at = i / VECTORS(IN_C) * IN_C + c;
        put(load(dy + at, IN_C - c) * load(w[0] + c, IN_C - c), dx[0] + at, IN_C - c, add_dx[0]);
    }
}
