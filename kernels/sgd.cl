/* Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch writes it): v = P_MOMENTUM v + g; w -= c.x v,
 * c.x the learning rate. 16 parameters at a time; state[0] is v. */
#ifndef FN
#define FN(pass) sgd_##pass
#define P_MOMENTUM 0.9f
#endif

INLINE V FN(update)(const V w, const V g, V *state, const float4 c)
{
    state[0] = fma((V)(P_MOMENTUM), state[0], g);
    return w - c.x * state[0];
}
