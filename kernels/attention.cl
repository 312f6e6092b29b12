/* Between the products: rows of scores become probabilities, of which some are dropped. A work-group of GROUP work-items
 * shares a row of T; score (batch * P_HEADS, T, T), and a sample's draws are numbered as its scores are. */
#ifndef GROUP
#define GROUP 8
#define STREAM 16u
#define IN_0 5
#define IN_C 6
#define P_HEADS 2
#define P_DROPOUT 0.5f
#endif
#define T IN_0
#define SCALE (1.0f / sqrt((float)(IN_C / P_HEADS)))
#define ROW                                                                                                       \
    __local float part[GROUP];                                                                                    \
    const int lane = (int)get_local_id(0), row = (int)get_group_id(1), heads = row / T;                           \
    const int first = (heads % P_HEADS * T + row % T) * T;

/* part[0] becomes the sum, or the largest, of the numbers of all work-items; a fixed order. */
INLINE float over_group(__local float *part, const int lane, const float mine, const int largest)
{
    barrier(CLK_LOCAL_MEM_FENCE);
    part[lane] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    float all = part[0];
    for (int i = 1; i < GROUP; ++i)
        all = largest ? fmax(all, part[i]) : all + part[i];
    return all;
}

/* 1 / (1 - p) for element e of a sample's scores, or 0 where it is dropped. */
INLINE float kept(const struct sample s, const int e, const int training)
{
    if (!training)
        return 1.0f;
    return draw_one(s, STREAM, e) >= (uint)(P_DROPOUT * 4294967296.0f) ? 1.0f / (1.0f - P_DROPOUT) : 0.0f;
}

/* probability = softmax(score / sqrt(width)) and dropped = that times what is kept of it. */
__kernel void attention_softmax(G const float *score, const int score_offset, G float *probability,
                                const int probability_offset, G float *dropped, const int dropped_offset,
                                const int training, DRAW_ARGS)
{
    ROW
    const struct sample s = DRAW_SAMPLE(heads / P_HEADS);
    G const float *from = score + score_offset + (size_t)row * T;
    G float *p = probability + probability_offset + (size_t)row * T, *to = dropped + dropped_offset + (size_t)row * T;
    float most = -INFINITY, sum = 0.0f;
    for (int i = lane; i < T; i += GROUP)
        most = fmax(most, from[i]);
    most = over_group(part, lane, most, 1);
    for (int i = lane; i < T; i += GROUP)
        sum += p[i] = exp((from[i] - most) * SCALE);
    sum = over_group(part, lane, sum, 0);
    for (int i = lane; i < T; i += GROUP) {
        p[i] /= sum;
        to[i] = p[i] * kept(s, first + i, training);
    }
}

/* d: of dropped; becomes that of score. dropped: written once more. */
__kernel void attention_softmax_back(G const float *probability, const int probability_offset, G float *d,
                                     const int d_offset, G float *dropped, const int dropped_offset, const int training,
                                     DRAW_ARGS)
{
    ROW
    const struct sample s = DRAW_SAMPLE(heads / P_HEADS);
    G const float *p = probability + probability_offset + (size_t)row * T;
    G float *to = d + d_offset + (size_t)row * T, *again = dropped + dropped_offset + (size_t)row * T;
    float sum = 0.0f;
    for (int i = lane; i < T; i += GROUP) {
        const float k = kept(s, first + i, training);
        again[i] = p[i] * k;
        to[i] *= k;
        sum += to[i] * p[i];
    }
    sum = over_group(part, lane, sum, 0);
    for (int i = lane; i < T; i += GROUP)
        to[i] = p[i] * (to[i] - sum) * SCALE;
}

/* db[j] = sum over the rows of d (rows, columns) of column j. */
__kernel void attention_bias(const int rows, const int columns, G const float *d, const int d_offset, G float *db,
                             const int db_offset)
{
    const int j = (int)get_global_id(0);
    if (j >= columns)
        return;
    float sum = 0.0f;
    for (int i = 0; i < rows; ++i)
        sum += d[d_offset + (size_t)i * columns + j];
    db[db_offset + j] = sum;
}
