/* Adam (Kingma and Ba 2015, algorithm 1): m and v are running means of g and g^2, state[0] and state[1];
 * w -= c.x m / (sqrt(v) c.y + P_EPSILON) with c.x = lr / (1 - beta1^t) and c.y = 1 / sqrt(1 - beta2^t).
 * c.w = 1 - beta2 comes from the host's double: in float the difference would lose five digits. */
#ifndef FN
#define FN(pass) adam_##pass
#define P_BETA1 0.9f
#define P_BETA2 0.999f
#define P_EPSILON 1e-8f
#endif

INLINE V FN(update)(const V w, const V g, V *state, const float4 c)
{
    state[0] = P_BETA1 * state[0] + (1.0f - P_BETA1) * g;
    state[1] = P_BETA2 * state[1] + c.w * g * g;
    return w - c.x * state[0] / (sqrt(state[1]) * c.y + P_EPSILON);
}
