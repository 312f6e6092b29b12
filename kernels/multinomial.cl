/* y[0] = - sum_i t_i log p_i over all rows, where p = softmax of a row's IN_C numbers of x[0] and t = x[1] are counts, in
 * ROWS rows of IN_C numbers; Liang, Krishnan, Hoffman and Jebara 2018, equation 2. With s = log sum_j exp(x_j - max x) of a
 * row it is sum_i t_i (s + max x - x_i), which cannot overflow, and dx_i = p_i sum_j t_j - t_i. Holes count nothing. In
 * ROW_LOOP, n numbers of row r are left from i on. */
#ifndef FN
#define FN(pass) multinomial_##pass
#define ROWS 6
#define IN_C 19
#endif

#define ROW_LOOP(i) for (int i = r * IN_C, n = IN_C; n > 0; i += WIDTH, n -= WIDTH)

INLINE V FN(counts)(G const float *t, const int n)
{
    const V v = load(t, n);
    return known(v, v, (V)(0.0f));
}

/* The largest number of row r. */
INLINE float FN(largest)(G const float *x, const int r)
{
    V most = -INFINITY;
    ROW_LOOP(i)
        most = fmax(most, load_or(x + i, n, -INFINITY));
    return largest_of(most);
}

INLINE float FN(exponentials)(G const float *x, const int r, const float most)
{
    V sum = 0.0f;
    ROW_LOOP(i)
        sum += exp(load_or(x + i, n, -INFINITY) - most);
    return sum_of(sum);
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    V total = 0.0f;
    FOR_LANES(r, ROWS) {
        const float most = FN(largest)(x[0], r), rest = log(FN(exponentials)(x[0], r, most));
        ROW_LOOP(i)
            total += FN(counts)(x[1] + i, n) * (rest - (load_or(x[0] + i, n, most) - most));
    }
    lanes_sum(total, y, tmp);
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(r, ROWS) {
        const float most = FN(largest)(x[0], r), sum = FN(exponentials)(x[0], r, most);
        V counts = 0.0f;
        ROW_LOOP(i)
            counts += FN(counts)(x[1] + i, n);
        const float share = sum_of(counts) / sum;
        ROW_LOOP(i)
            put(s.scale * (share * exp(load(x[0] + i, n) - most) - FN(counts)(x[1] + i, n)), dx[0] + i, n, add_dx[0]);
    }
}

#undef ROW_LOOP
