/* The product of two halves of the channels: y (PIXELS,OUT_C) of x (PIXELS,2 OUT_C). */
#ifndef FN
#define FN(pass) gate_##pass
#define PIXELS 15
#define OUT_C 17
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, PIXELS * VECTORS(OUT_C)) {
        const int c = WIDTH * (i % VECTORS(OUT_C)), pixel = i / VECTORS(OUT_C);
        G const float *first = x[0] + pixel * 2 * OUT_C + c;
        store(load(first, OUT_C - c) * load(first + OUT_C, OUT_C - c), y + pixel * OUT_C + c, OUT_C - c);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? PIXELS * VECTORS(OUT_C) : 0) {
        const int c = WIDTH * (i % VECTORS(OUT_C)), at = i / VECTORS(OUT_C) * 2 * OUT_C + c, n = OUT_C - c;
        const V d = load(dy + i / VECTORS(OUT_C) * OUT_C + c, n);
        put(d * load(x[0] + at + OUT_C, n), dx[0] + at, n, add_dx[0]);
        put(d * load(x[0] + at, n), dx[0] + at + OUT_C, n, add_dx[0]);
    }
}
