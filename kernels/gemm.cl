/* Matrix products: C (m,n) = op(A) (m,k) op(B) (k,n), row-major, dense; and what may be folded into the store.
 *
 *   gemm_wide       one work-item owns ROWS x (16 * COLUMNS) numbers of C in registers; B is not transposed
 *   gemm_grid       one work-group of TILE x TILE owns as many numbers of C and shares pieces of A and B
 *   gemm_finish     the fold alone, over a C that another library wrote
 *   gemm_transpose  T (n,m) = A (m,n), in blocks of 16 x 16
 *
 * Macros: TRANSPOSE_A, TRANSPOSE_B: how A and B are stored, (k,m) and (n,k) when 1. BIAS 1: adds bias (n) to each row.
 * FOLD 1: stores FOLD_EXPRESSION of x, the sum; FOLD 2: of dy, the sum, and y, what `other` (m,n) holds. The expression
 * is the pointwise layer's that the host folded in. ROWS, COLUMNS, TILE: the sizes above.
 * The host guarantees m, n, k >= 1 and pads no buffer: tails are handled here. Sums run over k in order, so the bits do
 * not depend on the number of compute units. `add` 1 adds to C, only without bias and fold. */

#ifndef TRANSPOSE_A
#define TRANSPOSE_A 0
#endif
#ifndef TRANSPOSE_B
#define TRANSPOSE_B 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef FOLD
#define FOLD 0
#endif
#ifndef ROWS
#define ROWS 8
#endif
#ifndef COLUMNS
#define COLUMNS 2
#endif
#ifndef TILE
#define TILE 8
#endif

#if FOLD == 1
#define FOLDED(T, sum, other) fold_##T(sum)
INLINE float16 fold_float16(const float16 x)
{
    return FOLD_EXPRESSION;
}
#undef V
#define V float
INLINE float fold_float(const float x)
{
    return FOLD_EXPRESSION;
}
#undef V
#define V float16
#elif FOLD == 2
#define FOLDED(T, sum, other) fold_##T(sum, other)
INLINE float16 fold_float16(const float16 dy, const float16 y)
{
    return FOLD_EXPRESSION;
}
#undef V
#define V float
INLINE float fold_float(const float dy, const float y)
{
    return FOLD_EXPRESSION;
}
#undef V
#define V float16
#else
#define FOLDED(T, sum, other) (sum)
#endif

#if TRANSPOSE_A
#define A_AT(i, p) ((size_t)(p) * m + (i))
#else
#define A_AT(i, p) ((size_t)(i) * k + (p))
#endif

#define GEMM_ARGS                                                                                                 \
    const int m, const int n, const int k, G const float *A, const int a_offset, G const float *B, const int b_offset, \
        G float *C, const int c_offset, const int add, G const float *bias, const int bias_offset,               \
        G const float *other, const int other_offset

/* rows x (16 * columns) of C at (i, j), of whose last vector `tail` numbers exist. The counts are literals at each call,
 * so that the accumulators live in registers. */
INLINE void gemm_tile(const int rows, const int columns, const int tail, const int i, const int j, const int m,
                      const int n, const int k, G const float *A, G const float *B, G float *C, const int add,
                      G const float *bias, G const float *other)
{
    V sum[ROWS][COLUMNS];
#pragma unroll
    for (int r = 0; r < rows; ++r)
#pragma unroll
        for (int c = 0; c < columns; ++c)
            sum[r][c] = 0.0f;
    G const float *b = B + j;
    for (int p = 0; p < k; ++p, b += n) {
        V right[COLUMNS];
#pragma unroll
        for (int c = 0; c < columns; ++c)
            right[c] = load16(b + 16 * c, tail);
#pragma unroll
        for (int r = 0; r < rows; ++r) {
            const V left = A[A_AT(i + r, p)];
#pragma unroll
            for (int c = 0; c < columns; ++c)
                sum[r][c] = fma(left, right[c], sum[r][c]);
        }
    }
#pragma unroll
    for (int r = 0; r < rows; ++r)
#pragma unroll
        for (int c = 0; c < columns; ++c) {
            const size_t at = (size_t)(i + r) * n + j + 16 * c;
            V v = sum[r][c];
#if BIAS
            v += load16(bias + j + 16 * c, tail);
#endif
            v = FOLDED(float16, v, load16(other + at, tail));
            put16(v, C + at, tail, add);
        }
}

#define GEMM_REST i, j, m, n, k, A, B, C, add, bias, other

__kernel void gemm_wide(GEMM_ARGS)
{
    A += a_offset;
    B += b_offset;
    C += c_offset;
    bias += bias_offset;
    other += other_offset;
    const int i0 = (int)get_global_id(0) * ROWS, j0 = (int)get_global_id(1) * 16 * COLUMNS;
    if (i0 >= m || j0 >= n)
        return;
    const int end = min(i0 + ROWS, m);
    int i = i0, j = j0;
    if (j0 + 16 * COLUMNS <= n) {
        if (end - i0 == ROWS)
            gemm_tile(ROWS, COLUMNS, 16, GEMM_REST);
        else
            for (; i < end; ++i)
                gemm_tile(1, COLUMNS, 16, GEMM_REST);
        return;
    }
    for (; j < n; j += 16) {
        if (j + 16 > n) {
            for (i = i0; i < end; ++i)
                gemm_tile(1, 1, n - j, GEMM_REST);
        } else if (end - i0 == ROWS) {
            i = i0;
            gemm_tile(ROWS, 1, 16, GEMM_REST);
        } else {
            for (i = i0; i < end; ++i)
                gemm_tile(1, 1, 16, GEMM_REST);
        }
    }
}

__kernel void gemm_grid(GEMM_ARGS)
{
    __local float a_tile[TILE][TILE + 1], b_tile[TILE][TILE + 1]; /* + 1: neighbours in different banks */
    const int column = get_local_id(0), row = get_local_id(1);
    const int j = (int)get_group_id(0) * TILE + column, i = (int)get_group_id(1) * TILE + row;
    A += a_offset;
    B += b_offset;
    float sum = 0.0f;
    for (int p0 = 0; p0 < k; p0 += TILE) {
        const int pa = p0 + column, pb = p0 + row;
        a_tile[row][column] = i < m && pa < k ? A[A_AT(i, pa)] : 0.0f;
#if TRANSPOSE_B
        b_tile[row][column] = pb < k && j < n ? B[(size_t)j * k + pb] : 0.0f;
#else
        b_tile[row][column] = pb < k && j < n ? B[(size_t)pb * n + j] : 0.0f;
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int p = 0; p < TILE; ++p)
            sum = fma(a_tile[row][p], b_tile[p][column], sum);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (i >= m || j >= n)
        return;
    const size_t at = (size_t)i * n + j;
#if BIAS
    sum += bias[bias_offset + j];
#endif
    sum = FOLDED(float, sum, other[other_offset + at]);
    C[c_offset + at] = add ? C[c_offset + at] + sum : sum;
}

__kernel void gemm_finish(const int m, const int n, G float *C, const int c_offset, G const float *bias,
                          const int bias_offset, G const float *other, const int other_offset)
{
    const size_t at = get_global_id(0);
    if (at >= (size_t)m * n)
        return;
    float v = C[c_offset + at];
#if BIAS
    v += bias[bias_offset + at % n];
#endif
    C[c_offset + at] = FOLDED(float, v, other[other_offset + at]);
}

__kernel void gemm_transpose(const int m, const int n, G const float *A, const int a_offset, G float *T)
{
    const int i = (int)get_global_id(0) * 16, j = (int)get_global_id(1) * 16;
    if (i >= m || j >= n)
        return;
    A += a_offset;
    const int rows = min(16, m - i), columns = min(16, n - j);
    float block[16][16];
    for (int r = 0; r < rows; ++r) {
        float line[16];
        vstore16(load16(A + (size_t)(i + r) * n + j, columns), 0, line);
        for (int c = 0; c < 16; ++c)
            block[c][r] = line[c];
    }
    for (int c = 0; c < columns; ++c)
        store16(vload16(0, block[c]), T + (size_t)(j + c) * m + i, rows);
}
