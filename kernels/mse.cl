/* Squared error of one sample: y = sum of (x[0] - x[1])^2 over IN_LEN numbers; x[1] is the clean target. */
#ifndef FN
#define FN(pass) mse_##pass
#define IN_LEN 33
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load16(x[0] + 16 * i, IN_LEN - 16 * i) - load16(x[1] + 16 * i, IN_LEN - 16 * i);
        sum = fma(d, d, sum);
    }
    lanes_sum(sum, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load16(x[0] + 16 * i, IN_LEN - 16 * i) - load16(x[1] + 16 * i, IN_LEN - 16 * i);
        put16(2.0f * s.scale * d, dx[0] + 16 * i, IN_LEN - 16 * i, add_dx[0]);
    }
}
