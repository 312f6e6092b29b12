/* Mean over the pixels, per channel: x (PIXELS,IN_C) -> y (IN_C). The sum of each of PARTS parts of the pixels goes to tmp
 * (PARTS,IN_C), so that a group of lanes shares the work; the order of the additions is fixed. */
#ifndef FN
#define FN(pass) global_avgpool2d_##pass
#define PIXELS 35
#define PARTS 35
#define IN_C 17
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, PARTS * VECTORS(IN_C)) {
        const int v = WIDTH * (i % VECTORS(IN_C)), part = i / VECTORS(IN_C);
        V sum = 0.0f;
        for (int p = (int)((long)PIXELS * part / PARTS); p < (int)((long)PIXELS * (part + 1) / PARTS); ++p)
            sum += load(x[0] + p * IN_C + v, IN_C - v);
        store(sum, tmp + part * IN_C + v, IN_C - v);
    }
    SYNC();
    FOR_LANES(i, VECTORS(IN_C)) {
        V sum = 0.0f;
        for (int part = 0; part < PARTS; ++part)
            sum += load(tmp + part * IN_C + WIDTH * i, IN_C - WIDTH * i);
        store(sum * (1.0f / (float)PIXELS), y + WIDTH * i, IN_C - WIDTH * i);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? PIXELS * VECTORS(IN_C) : 0) {
        const int v = WIDTH * (i % VECTORS(IN_C)), at = i / VECTORS(IN_C) * IN_C + v;
        put(load(dy + v, IN_C - v) * (1.0f / (float)PIXELS), dx[0] + at, IN_C - v, add_dx[0]);
    }
}
