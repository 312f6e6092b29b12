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
        const V d = load(x[1] + WIDTH * i, IN_LEN - WIDTH * i) - load(x[0] + WIDTH * i, IN_LEN - WIDTH * i);
        sum = MULTIPLY_ADD(P_WEIGHT * d, d, sum);
    }
    if (penalty)
        lanes_sum(sum, penalty, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, VECTORS(IN_LEN)) {
        const V d = load(x[1] + WIDTH * i, IN_LEN - WIDTH * i) - load(x[0] + WIDTH * i, IN_LEN - WIDTH * i);
        const V v = 2.0f * penalty_scale * P_WEIGHT * d;
        put(-v, dx[0] + WIDTH * i, IN_LEN - WIDTH * i, add_dx[0]);
        put(v, dx[1] + WIDTH * i, IN_LEN - WIDTH * i, add_dx[1]);
    }
}
