/* Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): the update of adam.cl on w (1 - c.z), where
 * c.z = lr * weight_decay. */
#ifndef FN
#define FN(pass) adamw_##pass
#define P_BETA1 0.9f
#define P_BETA2 0.999f
#define P_EPSILON 1e-8f
#endif

INLINE V FN(update)(const V w, const V g, V *state, const float4 c)
{
    state[0] = P_BETA1 * state[0] + (1.0f - P_BETA1) * g;
    state[1] = P_BETA2 * state[1] + c.w * g * g;
    return w * (1.0f - c.z) - c.x * state[0] / (sqrt(state[1]) * c.y + P_EPSILON);
}
