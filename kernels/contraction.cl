/* The penalty for moving the output when the input is nudged: P_WEIGHT * sum of (x[1] - x[0])^2 over IN_LEN numbers.
 * There is no y. */
#ifndef FN
#define FN(pass) contraction_##pass
#define IN_LEN 33
#define P_WEIGHT 0.5f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    V sum = 0.0f;
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load16(x[1] + 16 * i, IN_LEN - 16 * i) - load16(x[0] + 16 * i, IN_LEN - 16 * i);
        sum = MULTIPLY_ADD(P_WEIGHT * d, d, sum);
    }
    if (penalty)
        lanes_sum(sum, penalty, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load16(x[1] + 16 * i, IN_LEN - 16 * i) - load16(x[0] + 16 * i, IN_LEN - 16 * i);
        const V v = 2.0f * penalty_scale * P_WEIGHT * d;
        put16(-v, dx[0] + 16 * i, IN_LEN - 16 * i, add_dx[0]);
        put16(v, dx[1] + 16 * i, IN_LEN - 16 * i, add_dx[1]);
    }
}
