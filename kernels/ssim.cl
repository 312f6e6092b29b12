/* y[0] = P_SHARE (1 - SSIM) + (1 - P_SHARE) |x - t|, both as means over the image times the numbers of the image, of x[0]
 * and the target t = x[1], (IN_H,IN_W,IN_C); Wang et al. 2004, equation 13. A window of 11x11 with Gaussian weights g gives
 *
 *   S = (2 mx mt + C1) (2 vxt + C2) / ((mx^2 + mt^2 + C1) (vx + vt + C2)) = a1 a2 / (b1 b2)
 *   dS/dx_i = g_i (p + q t_i + r x_i), q = 2 a1 / (b1 b2), r = -2 S / b2,
 *   p = 2 mt a2 / (b1 b2) - 2 mx S / b1 - q mt - r mx
 *
 * Variances are of differences from the means: sums of squares would lose those of smooth places. tmp: SUM_LEN numbers for
 * lanes_sum, then p, q and r of each window (3,ROWS,COLUMNS,IN_C), from which backward collects the windows that cover a
 * pixel. */
#ifndef FN
#define FN(pass) ssim_##pass
#define IN_H 13
#define IN_W 12
#define IN_C 3
#define IN_LEN 468
#define SUM_LEN 256
#define P_SHARE 0.84f
#endif

#define WINDOW 11
#define ROWS (IN_H - WINDOW + 1)
#define COLUMNS (IN_W - WINDOW + 1)
#define N_WINDOWS (ROWS * COLUMNS * IN_C)
#define C1 0.0001f
#define C2 0.0009f
#define EACH ((float)IN_LEN / (float)N_WINDOWS) /* what a window counts */

/* exp(-(k - 5)^2 / (2 1.5^2)) over their sum. */
__constant float FN(weight)[WINDOW] = {0.00102838f, 0.00759876f, 0.03600077f, 0.10936069f, 0.21300554f, 0.26601172f,
                                       0.21300554f, 0.10936069f, 0.03600077f, 0.00759876f, 0.00102838f};

/* A window's sums, of WIDTH channels. The simulator oclgrind knows no function that returns a struct. */
struct FN(moments) {
    V mx, mt, vx, vt, vxt;
};

INLINE void FN(measure)(G const float *x, G const float *t, const int n, struct FN(moments) *to)
{
    struct FN(moments) m = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    for (int r = 0; r < WINDOW; ++r)
        for (int c = 0; c < WINDOW; ++c) {
            const float g = FN(weight)[r] * FN(weight)[c];
            m.mx += g * load(x + (r * IN_W + c) * IN_C, n);
            m.mt += g * load(t + (r * IN_W + c) * IN_C, n);
        }
    for (int r = 0; r < WINDOW; ++r)
        for (int c = 0; c < WINDOW; ++c) {
            const float g = FN(weight)[r] * FN(weight)[c];
            const V a = load(x + (r * IN_W + c) * IN_C, n) - m.mx, b = load(t + (r * IN_W + c) * IN_C, n) - m.mt;
            m.vx += g * a * a;
            m.vt += g * b * b;
            m.vxt += g * a * b;
        }
    *to = m;
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, ROWS * COLUMNS * VECTORS(IN_C)) {
        const int c = WIDTH * (i % VECTORS(IN_C)), n = IN_C - c, place = i / VECTORS(IN_C);
        const int at = (place / COLUMNS * IN_W + place % COLUMNS) * IN_C + c;
        struct FN(moments) m;
        FN(measure)(x[0] + at, x[1] + at, n, &m);
        const V s = (2.0f * m.mx * m.mt + C1) * (2.0f * m.vxt + C2) /
                    ((m.mx * m.mx + m.mt * m.mt + C1) * (m.vx + m.vt + C2));
        /* Channels that do not exist have S = 1 and add nothing. */
        sum += P_SHARE * EACH * (1.0f - s);
    }
    FOR_LANES(i, VECTORS(IN_LEN))
        sum += (1.0f - P_SHARE) * fabs(load(x[0] + WIDTH * i, IN_LEN - WIDTH * i) - load(x[1] + WIDTH * i, IN_LEN - WIDTH * i));
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    G float *part = tmp + SUM_LEN;
    FOR_LANES(i, ROWS * COLUMNS * VECTORS(IN_C)) {
        const int c = WIDTH * (i % VECTORS(IN_C)), n = IN_C - c, place = i / VECTORS(IN_C);
        const int at = (place / COLUMNS * IN_W + place % COLUMNS) * IN_C + c, to = place * IN_C + c;
        struct FN(moments) m;
        FN(measure)(x[0] + at, x[1] + at, n, &m);
        const V a1 = 2.0f * m.mx * m.mt + C1, a2 = 2.0f * m.vxt + C2;
        const V b1 = m.mx * m.mx + m.mt * m.mt + C1, b2 = m.vx + m.vt + C2, s = a1 * a2 / (b1 * b2);
        const V q = 2.0f * a1 / (b1 * b2), r = -2.0f * s / b2;
        store(2.0f * m.mt * a2 / (b1 * b2) - 2.0f * m.mx * s / b1 - q * m.mt - r * m.mx, part + to, n);
        store(q, part + N_WINDOWS + to, n);
        store(r, part + 2 * N_WINDOWS + to, n);
    }
    SYNC();
    FOR_LANES(i, IN_H * IN_W * VECTORS(IN_C)) {
        const int c = WIDTH * (i % VECTORS(IN_C)), n = IN_C - c, row = i / VECTORS(IN_C) / IN_W;
        const int column = i / VECTORS(IN_C) % IN_W, at = (row * IN_W + column) * IN_C + c;
        const V own = load(x[0] + at, n), t = load(x[1] + at, n);
        V sum = 0.0f;
        for (int r = max(0, row - WINDOW + 1); r < min(row + 1, ROWS); ++r)
            for (int k = max(0, column - WINDOW + 1); k < min(column + 1, COLUMNS); ++k) {
                G const float *from = part + (r * COLUMNS + k) * IN_C + c;
                const float g = FN(weight)[row - r] * FN(weight)[column - k];
                sum += g * (load(from, n) + load(from + N_WINDOWS, n) * t + load(from + 2 * N_WINDOWS, n) * own);
            }
        const V side = own > t ? (V)(1.0f) : own < t ? (V)(-1.0f) : own - t; /* 0, or NaN */
        put(s.scale * ((1.0f - P_SHARE) * side - P_SHARE * EACH * sum), dx[0] + at, n, add_dx[0]);
    }
}

#undef WINDOW
#undef ROWS
#undef COLUMNS
#undef N_WINDOWS
#undef C1
#undef C2
#undef EACH
