/* x[0]: OUT_LEN means, then OUT_LEN log variances. tmp: a number for each lane. */

INLINE void FN(forward)(FORWARD_ARGS)
{
    V divergence = 0.0f;
    FOR_LANES(block, (OUT_LEN + 63) / 64) {
        V normal[4];
        normal64(s, STREAM, block, normal);
        for (int j = 0; j < 4; ++j) {
            const int i = 64 * block + 16 * j, n = OUT_LEN - i;
            const V mean = load16(x[0] + i, n), variance = load16(x[0] + OUT_LEN + i, n);
            store16(TRAINING ? fma(exp(0.5f * variance), normal[j], mean) : mean, y + i, n);
            divergence += 0.5f * (exp(variance) + mean * mean - 1.0f - variance); /* 0 where nothing is loaded */
        }
    }
    if (penalty)
        lanes_sum(P_BETA * divergence, penalty, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(block, dx[0] ? (OUT_LEN + 63) / 64 : 0) {
        V normal[4];
        normal64(s, STREAM, block, normal);
        for (int j = 0; j < 4; ++j) {
            const int i = 64 * block + 16 * j, n = OUT_LEN - i;
            const V mean = load16(x[0] + i, n), variance = load16(x[0] + OUT_LEN + i, n), d = load16(dy + i, n);
            put16(d + penalty_scale * P_BETA * mean, dx[0] + i, n, add_dx[0]);
            put16(0.5f * (d * exp(0.5f * variance) * normal[j] + penalty_scale * P_BETA * (exp(variance) - 1.0f)),
                  dx[0] + OUT_LEN + i, n, add_dx[0]);
        }
    }
}
