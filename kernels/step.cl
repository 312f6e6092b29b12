/* The end of a training step, over all trained parameters; kept statistics come after them.
 *
 *   step_reduce   gradients (len) = sum over shards of their slabs, in the order of the shards
 *   step_add      gradients (len) += those of twins, (len) after them
 *   step_loss     losses[step] = scale * sum over n samples of their losses and n_penalties penalties, (n_penalties, batch),
 *                 in a fixed order
 *   step_squares  norm[1 + i] = sum of the squares of piece i of the gradients, NORM_VECTORS vectors long
 *   step_scale    norm[0] = the factor of the gradients that limits their norm over all pieces to `most`
 *   step_update   the optimiser: parameters (len) and its STATES vectors of state (STATES, len) from gradients (len)
 *   step_average  average (len) += share * (parameters - average): a running mean of the parameters
 *
 * The host guarantees that each len is a multiple of 16 and that padding holds zeros, which every optimiser keeps.
 * NORM_VECTORS: 0 without clipping; step_squares and step_scale are then not called. VECTORS_EACH: vectors of 16 that
 * one work-item updates. STATES and UPDATE: of the optimiser plugin. SPARED: the coefficient that is 0 for the vectors which
 * is_bias (len / 16) marks; -1: all have the same, and is_bias is not read. */
#ifndef STATES
#define STATES 1
#define UPDATE(w, g, state, lr, c) (w - lr * g)
#endif
#ifndef VECTORS_EACH
#define VECTORS_EACH 16
#endif
#ifndef SPARED
#define SPARED 0
#endif
#ifndef NORM_VECTORS
#define NORM_VECTORS 16
#endif

__kernel void step_reduce(G const float *work, const int slab_offset, const int slab_len, const int shards,
                          G float *gradients, const int gradient_offset, const int len)
{
    const int at = (int)get_global_id(0) * 16;
    if (at >= len)
        return;
    V sum = 0.0f;
    for (int shard = 0; shard < shards; ++shard)
        sum += vload16(0, work + slab_offset + (size_t)shard * slab_len + at);
    vstore16(sum, 0, gradients + gradient_offset + at);
}

__kernel void step_add(G float *gradients, const int len)
{
    const int at = (int)get_global_id(0) * 16;
    if (at < len)
        vstore16(vload16(0, gradients + at) + vload16(0, gradients + len + at), 0, gradients + at);
}

__kernel void step_loss(G const float *work, const int offset, const int penalties, const int n_penalties,
                        const int batch, const int n, const float scale, G float *losses, const int step)
{
    if (get_global_id(0) > 0)
        return;
    V sum = 0.0f;
    for (int i = 0; i < n; i += 16)
        sum += load16(work + offset + i, n - i);
    for (int p = 0; p < n_penalties; ++p)
        for (int i = 0; i < n; i += 16)
            sum += load16(work + penalties + (size_t)p * batch + i, n - i);
    losses[step] = scale * sum16(sum);
}

#if NORM_VECTORS
__kernel void step_squares(G const float *gradients, const int len, G float *norm, const int pieces)
{
    const int piece = (int)get_global_id(0), first = piece * NORM_VECTORS * 16;
    if (piece >= pieces)
        return;
    V sum = 0.0f;
    for (int at = first; at < min(first + NORM_VECTORS * 16, len); at += 16) {
        const V g = vload16(0, gradients + at);
        sum += g * g;
    }
    norm[1 + piece] = sum16(sum);
}

/* A norm that is not finite is passed on to the parameters, so that divergence is detected. */
__kernel void step_scale(G float *norm, const int pieces, const float most)
{
    if (get_global_id(0) > 0)
        return;
    float sum = 0.0f;
    for (int i = 0; i < pieces; ++i)
        sum += norm[1 + i];
    const float length = sqrt(sum);
    norm[0] = length <= most ? 1.0f : length < INFINITY ? most / length : length;
}
#define CLIPPED(g) ((g) * norm[0])
#else
#define CLIPPED(g) (g)
#endif

__kernel void step_update(G float *parameters, G const float *gradients, G float *states, const int len,
                          const float lr, const float c0, const float c1, const float c2, const float c3,
                          G const float *norm, G const uchar *is_bias)
{
    const float4 all = (float4)(c0, c1, c2, c3);
    const int first = (int)get_global_id(0) * VECTORS_EACH * 16;
    for (int at = first; at < min(first + VECTORS_EACH * 16, len); at += 16) {
        const int4 spared = (int4)(0, 1, 2, 3) == (int4)(SPARED >= 0 && is_bias[at / 16] ? SPARED : -1);
        const float4 c = spared ? (float4)(0.0f) : all;
        V state[STATES + 1];
        for (int i = 0; i < STATES; ++i)
            state[i] = vload16(0, states + (size_t)i * len + at);
        vstore16(UPDATE(vload16(0, parameters + at), CLIPPED(vload16(0, gradients + at)), state, lr, c), 0,
                 parameters + at);
        for (int i = 0; i < STATES; ++i)
            vstore16(state[i], 0, states + (size_t)i * len + at);
    }
}

__kernel void step_average(G const float *parameters, G float *average, const int len, const float share)
{
    const int first = (int)get_global_id(0) * VECTORS_EACH * 16, end = min(len, first + VECTORS_EACH * 16);
    for (int at = first; at < end; at += 16) {
        const V mean = vload16(0, average + at);
        vstore16(fma((V)(share), vload16(0, parameters + at) - mean, mean), 0, average + at);
    }
}
