/* Softmax over each of the ROWS rows of IN_C numbers: y_i = exp(x_i - max x) / sum_j exp(x_j - max x). The gradient is
 * dx_i = y_i (dy_i - sum_j dy_j y_j). In ROW_LOOP, n numbers of row r are left from i on. */
#ifndef FN
#define FN(pass) softmax_##pass
#define ROWS 6
#define IN_C 19
#endif

#define ROW_LOOP(i) for (int i = r * IN_C, n = IN_C; n > 0; i += WIDTH, n -= WIDTH)

INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(r, ROWS) {
        V most = -INFINITY, sum = 0.0f;
        ROW_LOOP(i)
            most = fmax(most, load_or(x[0] + i, n, -INFINITY));
        const float shift = largest_of(most);
        ROW_LOOP(i) {
            const V e = exp(load_or(x[0] + i, n, -INFINITY) - shift);
            sum += e;
            store(e, y + i, n);
        }
        const float scale = 1.0f / sum_of(sum);
        ROW_LOOP(i)
            store(load(y + i, n) * scale, y + i, n);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(r, dx[0] ? ROWS : 0) {
        V along = 0.0f;
        ROW_LOOP(i)
            along += load(dy + i, n) * load(y + i, n);
        const float sum = sum_of(along);
        ROW_LOOP(i)
            put(load(y + i, n) * (load(dy + i, n) - sum), dx[0] + i, n, add_dx[0]);
    }
}

#undef ROW_LOOP
