/* y[0] = the sum of N_INPUTS single numbers x[i][0], times their weights P_WEIGHT_0 ...: the losses of a sample. */
#ifndef FN
#define FN(pass) weighted_sum_##pass
#define N_INPUTS 3
#define P_WEIGHT_0 1.0f
#define P_WEIGHT_1 0.5f
#define P_WEIGHT_2 0.25f
#define P_WEIGHT_3 0.0f
#define P_WEIGHT_4 0.0f
#define P_WEIGHT_5 0.0f
#define P_WEIGHT_6 0.0f
#define P_WEIGHT_7 0.0f
#endif

INLINE void FN(forward)(FORWARD_ARGS)
{
    const float weight[8] = {P_WEIGHT_0, P_WEIGHT_1, P_WEIGHT_2, P_WEIGHT_3,
                             P_WEIGHT_4, P_WEIGHT_5, P_WEIGHT_6, P_WEIGHT_7};
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < N_INPUTS; ++i)
        sum += weight[i] * x[i][0];
    if (LANE == 0)
        y[0] = sum;
}
