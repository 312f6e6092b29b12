/* Fills P_COUNT rectangles of P_SIZE_H x P_SIZE_W pixels with P_FILL, each at a random place completely inside the
 * image (IN_H, IN_W, IN_C). Element b of the draw is the row of rectangle b, element 32 + b its column; the host
 * guarantees P_COUNT <= 32 and that a rectangle fits. */
#ifndef FN
#define FN(pass) block_##pass
#define STREAM 16u
#define IN_H 9
#define IN_W 8
#define IN_C 3
#define P_SIZE_H 4
#define P_SIZE_W 3
#define P_COUNT 2
#define P_FILL 0.0f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    /* A lane owns whole rows, so that one lane fills overlapping rectangles. */
    FOR_LANES(row, IN_H) {
        const int at = row * IN_W * IN_C;
        for (int i = 0; i < VECTORS(IN_W * IN_C); ++i)
            store(load(x[0] + at + WIDTH * i, IN_W * IN_C - WIDTH * i), y + at + WIDTH * i, IN_W * IN_C - WIDTH * i);
    }
    for (int b = 0; b < P_COUNT; ++b) {
        const uint top = mul_hi(draw_one(s, STREAM, b), (uint)(IN_H - P_SIZE_H + 1));
        const uint left = mul_hi(draw_one(s, STREAM, 32 + b), (uint)(IN_W - P_SIZE_W + 1));
        FOR_LANES(row, IN_H)
            if ((uint)row - top < P_SIZE_H)
                for (int i = 0; i < P_SIZE_W * IN_C; ++i)
                    y[(row * IN_W + (int)left) * IN_C + i] = P_FILL;
    }
}
