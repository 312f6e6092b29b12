/* The part of the dense layer that is not a matrix product: the bias gradient, db[j] = sum over samples of dy[i][j]. */

__kernel void dense_bias_gradient(G const float *dy, const int dy_offset, const int n, const int len, G float *db,
                                  const int db_offset)
{
    const int j = (int)get_global_id(0) * WIDTH;
    if (j >= len)
        return;
    V sum = 0.0f;
    for (int i = 0; i < n; ++i)
        sum += load(dy + dy_offset + (size_t)i * len + j, len - j);
    store(sum, db + db_offset + j, len - j);
}
