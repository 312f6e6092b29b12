/* Between the products of a step, of the batch: h' = (1 - z) n + z h. Each work-item owns one unit of one sample.
 *
 * gates (batch, IN_0, 4 units): n, r, z and what r multiplies; states (batch, IN_0, units): h, of step t. */
#ifndef P_UNITS
#define P_UNITS 17
#define IN_0 5
#endif
#define UNITS P_UNITS
#define OWN(CONST)                                                                                                     \
    const int item = (int)get_global_id(0), i = item / UNITS, j = item % UNITS;                                   \
    if (i >= batch)                                                                                               \
        return;                                                                                                   \
    G CONST float *at = gates + gates_offset + ((size_t)i * IN_0 + t) * 4 * UNITS + j;                                  \
    G CONST float *state = states + states_offset + ((size_t)i * IN_0 + t) * UNITS + j;

INLINE float logistic(const float x)
{
    return 1.0f / (1.0f + exp(-x));
}

/* gates holds x W + b in n, r, z; recurrent (batch, 3 units) is h U for r, z and n, which counts from t = 1 on. */
__kernel void gru_step(const int batch, const int t, G float *gates, const int gates_offset, G float *states,
                       const int states_offset, G const float *recurrent, const int recurrent_offset,
                       G const float *bias, const int bias_offset, G float *y, const int y_offset)
{
    OWN()
    G float *now = y + y_offset + ((size_t)i * IN_0 + t) * UNITS + j;
    float u[3];
    for (int g = 0; g < 3; ++g)
        u[g] = bias[bias_offset + g * UNITS + j] +
               (t > 0 ? recurrent[recurrent_offset + ((size_t)i * 3 + g) * UNITS + j] : 0.0f);
    const float r = logistic(at[UNITS] + u[0]), z = logistic(at[2 * UNITS] + u[1]), n = tanh(at[0] + r * u[2]);
    at[0] = n;
    at[UNITS] = r;
    at[2 * UNITS] = z;
    at[3 * UNITS] = u[2];
    state[0] = t > 0 ? now[-UNITS] : 0.0f;
    now[0] = (1.0f - z) * n + z * state[0];
}

/* d_gates: the gradients of what n, r and z are functions of, and of what r multiplies. carry (batch, units): the gradient
 * of y that comes from step t + 1; then the part of that of h which does not pass through the recurrent weights. */
__kernel void gru_step_back(const int batch, const int t, G const float *gates, const int gates_offset,
                            G const float *states, const int states_offset, G const float *dy, const int dy_offset,
                            G float *carry, const int carry_offset, G float *d_gates, const int d_gates_offset)
{
    OWN(const)
    G float *later = carry + carry_offset + (size_t)i * UNITS + j;
    G float *d = d_gates + d_gates_offset + ((size_t)i * IN_0 + t) * 4 * UNITS + j;
    const float dh = dy[dy_offset + ((size_t)i * IN_0 + t) * UNITS + j] + (t + 1 < IN_0 ? later[0] : 0.0f);
    const float n = at[0], r = at[UNITS], z = at[2 * UNITS];
    const float dn = dh * (1.0f - z) * (1.0f - n * n);
    d[0] = dn;
    d[UNITS] = dn * at[3 * UNITS] * r * (1.0f - r);
    d[2 * UNITS] = dh * (state[0] - n) * z * (1.0f - z);
    d[3 * UNITS] = dn * r;
    later[0] = dh * z;
}

/* db[j] = sum over the rows of d (rows, 4 units) of column j. */
__kernel void gru_bias(const int rows, G const float *d, const int d_offset, G float *db, const int db_offset)
{
    const int j = (int)get_global_id(0);
    if (j >= 3 * UNITS)
        return;
    float sum = 0.0f;
    for (int i = 0; i < rows; ++i)
        sum += d[d_offset + (size_t)i * 4 * UNITS + j];
    db[db_offset + j] = sum;
}
