/* x[0]: OUT_LEN means, then OUT_LEN log variances. tmp: a number for each lane. */

INLINE void FN(forward)(FORWARD_ARGS)
{
    V divergence = 0.0f;
    FOR_LANES(i, DRAWS(OUT_LEN)) {
        V normal[4];
        draw_normals(s, STREAM, i, normal);
        FOR_DRAWN(j) {
            const int at = DRAWN_AT(i, j), n = OUT_LEN - at;
            if (n <= 0)
                break;
            const V mean = load(x[0] + at, n), variance = load(x[0] + OUT_LEN + at, n);
            store(TRAINING ? fma(exp(0.5f * variance), normal[j], mean) : mean, y + at, n);
            divergence += 0.5f * (exp(variance) + mean * mean - 1.0f - variance); /* 0 where nothing is loaded */
        }
    }
    if (penalty)
        lanes_sum(P_BETA * divergence, penalty, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, dx[0] ? DRAWS(OUT_LEN) : 0) {
        V normal[4];
        draw_normals(s, STREAM, i, normal);
        FOR_DRAWN(j) {
            const int at = DRAWN_AT(i, j), n = OUT_LEN - at;
            if (n <= 0)
                break;
            const V mean = load(x[0] + at, n), variance = load(x[0] + OUT_LEN + at, n), d = load(dy + at, n);
            put(d + penalty_scale * P_BETA * mean, dx[0] + at, n, add_dx[0]);
            put(0.5f * (d * exp(0.5f * variance) * normal[j] + penalty_scale * P_BETA * (exp(variance) - 1.0f)),
                  dx[0] + OUT_LEN + at, n, add_dx[0]);
        }
    }
}
