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
 * NORM_VECTORS: 0 without clipping; step_squares and step_scale are then not called. VECTORS_EACH: V that one
 * work-item updates. STATES and UPDATE: of the optimiser plugin. SPARED: the coefficient that is 0 for the vectors which
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
    const int at = (int)get_global_id(0) * WIDTH;
    if (at >= len)
        return;
    V sum = 0.0f;
    for (int shard = 0; shard < shards; ++shard)
        sum += load(work + slab_offset + (size_t)shard * slab_len + at, WIDTH);
    store(sum, gradients + gradient_offset + at, WIDTH);
}

__kernel void step_add(G float *gradients, const int len)
{
    const int at = (int)get_global_id(0) * WIDTH;
    if (at < len)
        store(load(gradients + at, WIDTH) + load(gradients + len + at, WIDTH), gradients + at, WIDTH);
}

/* Adds n numbers to `sum`: TERMS vectors at a time, because a single float would wait for each load. */
#if WIDTH == 16
#define TERMS 1
#else
#define TERMS 16
#endif
INLINE void add_terms(G const float *from, const int n, V *sum)
{
    for (int i = 0; i < n; i += TERMS * WIDTH)
#pragma unroll
        for (int t = 0; t < TERMS; ++t)
            if (i + t * WIDTH < n)
                sum[t] += load(from + i + t * WIDTH, n - i - t * WIDTH);
}

__kernel void step_loss(G const float *work, const int offset, const int penalties, const int n_penalties,
                        const int batch, const int n, const float scale, G float *losses, const int step)
{
    if (get_global_id(0) > 0)
        return;
    V sum[TERMS];
#pragma unroll
    for (int t = 0; t < TERMS; ++t)
        sum[t] = 0.0f;
    add_terms(work + offset, n, sum);
    for (int p = 0; p < n_penalties; ++p)
        add_terms(work + penalties + (size_t)p * batch, n, sum);
#pragma unroll
    for (int t = 1; t < TERMS; ++t)
        sum[0] += sum[t];
    losses[step] = scale * sum_of(sum[0]);
}

#if NORM_VECTORS
__kernel void step_squares(G const float *gradients, const int len, G float *norm, const int pieces)
{
    const int piece = (int)get_global_id(0), first = piece * NORM_VECTORS * WIDTH;
    if (piece >= pieces)
        return;
    V sum = 0.0f;
    for (int at = first; at < min(first + NORM_VECTORS * WIDTH, len); at += WIDTH) {
        const V g = load(gradients + at, WIDTH);
        sum += g * g;
    }
    norm[1 + piece] = sum_of(sum);
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
    const int first = (int)get_global_id(0) * VECTORS_EACH * WIDTH;
    for (int at = first; at < min(first + VECTORS_EACH * WIDTH, len); at += WIDTH) {
        const int4 spared = (int4)(0, 1, 2, 3) == (int4)(SPARED >= 0 && is_bias[at / 16] ? SPARED : -1);
        const float4 c = spared ? (float4)(0.0f) : all;
        V state[STATES + 1];
        for (int i = 0; i < STATES; ++i)
            state[i] = load(states + (size_t)i * len + at, WIDTH);
        store(UPDATE(load(parameters + at, WIDTH), CLIPPED(load(gradients + at, WIDTH)), state, lr, c), parameters + at,
              WIDTH);
        for (int i = 0; i < STATES; ++i)
            store(state[i], states + (size_t)i * len + at, WIDTH);
    }
}

__kernel void step_average(G const float *parameters, G float *average, const int len, const float share)
{
    const int first = (int)get_global_id(0) * VECTORS_EACH * WIDTH, end = min(len, first + VECTORS_EACH * WIDTH);
    for (int at = first; at < end; at += WIDTH) {
        const V mean = load(average + at, WIDTH);
        store(fma((V)(share), load(parameters + at, WIDTH) - mean, mean), average + at, WIDTH);
    }
}
