/* Matrix products: C (m,n) = op(A) (m,k) op(B) (k,n), row-major, dense; with the layers that are folded into the store.
 *
 *   gemm_wide     work-items with tiles of C in registers: ROWS x (16 * COLUMNS) numbers of sums over k; or, where B is
 *                 transposed, DOTS x DOTS dot products of rows of A and B, 16 terms at a time
 *   gemm_turned   for many rows and a transposed B: a work-item turns a piece of B, and takes the same tiles with it
 *   gemm_grid     one work-group of TILE x TILE owns as many numbers of C and shares pieces of A and B
 *   gemm_finish   only the fold, over a C that another library wrote
 *
 * The host includes this file in one program once for each way to store A and B. Macros: GEMM(name): names the
 * functions. TRANSPOSE_A, TRANSPOSE_B: how A and B are stored, (k,m) and (n,k) when 1. FOLD_SUM(T, fold, sum, other):
 * the stored value of 1 (T float) or 16 sums (float16), after the pointwise layer that the host has folded in as number
 * `fold`, 0 for none; `other` (m,n) is what a backward pass also reads. ROWS, COLUMNS, DOTS (2 or 4), TILE: the sizes
 * above, which the host fits to the device. PIECE: terms of a piece of B, a multiple of 16. WIDE, GRID, FINISH: which
 * of the three are compiled. bias (n) is added to each row where has_bias. *_row are the floats from one stored row to
 * the next. There are `count` products, `inner` in the inner one of two loops; A, B and C of a product are *_outer and
 * *_inner floats after those of the previous product in each loop. The host guarantees m, n, k >= 1 and pads no buffer:
 * tails are handled here. The order of each sum depends only on the shape, so the bits do not depend on the number of
 * compute units. `add` 1 adds to C, only without bias and fold. */

#ifndef GEMM
#define GEMM(name) gemm_##name
#define TRANSPOSE_A 0
#define TRANSPOSE_B 0
#define FOLD_SUM(T, fold, sum, other) (sum)
#endif
#ifndef ROWS
#define WIDE 1
#define GRID 1
#define FINISH 1
#define ROWS 8
#define COLUMNS 2
#define DOTS 4
#define PIECE 256
#define TILE 8
#endif

#if TRANSPOSE_A
#define A_AT(i, p) ((size_t)(p) * a_row + (i))
#else
#define A_AT(i, p) ((size_t)(i) * a_row + (p))
#endif

#define GEMM_ARGS                                                                                                 \
    const int m, const int n, const int k, G const float *A, const int a_offset, G const float *B, const int b_offset, \
        G float *C, const int c_offset, const int add, const int has_bias, G const float *bias,                  \
        const int bias_offset, const int fold, G const float *other, const int other_offset, const int a_row,    \
        const int b_row, const int c_row, const int count, const int inner, const int a_outer, const int a_inner, \
        const int b_outer, const int b_inner, const int c_outer, const int c_inner
#define STEP(matrix, product)                                                                                     \
    ((size_t)((product) / inner) * matrix##_outer + (size_t)((product) % inner) * matrix##_inner)
#define TILE_ARGS                                                                                                 \
    const int i, const int j, const int m, const int n, const int k, G const float *A, G const float *B, G float *C, \
        const int a_row, const int b_row, const int c_row, const int add, const int has_bias,                    \
        G const float *bias, const int fold, G const float *other
#define TILE_REST m, n, k, A, B, C, a_row, b_row, c_row, add, has_bias, bias, fold, other
/* The same for one product of the batch. */
#define TILE_OF_PRODUCT(z)                                                                                        \
    m, n, k, A + STEP(a, z), B + STEP(b, z), C + STEP(c, z), a_row, b_row, c_row, add, has_bias, bias, fold,     \
        other + STEP(c, z)

#if WIDE
/* Tells the compiler not to look for vectors across work-items, because the kernel has its own. */
#define WIDE_KERNEL __kernel __attribute__((vec_type_hint(float16)))

/* Stores 16 neighbouring sums, of which `tail` exist, in C at (i, j); `whole` unless more terms follow. */
INLINE void GEMM(put)(V v, const int tail, const int whole, TILE_ARGS)
{
    const size_t at = (size_t)i * c_row + j;
    if (add)
        v += load(C + at, tail);
    if (whole) {
        if (has_bias)
            v += load(bias + j, tail);
        v = FOLD_SUM(float16, fold, v, load(other + at, tail));
    }
    put(v, C + at, tail, 0);
}

#if TRANSPOSE_B
/* One more term for each of the 16 lanes of `sum`; of the last vector of a row only `tail` numbers exist. */
INLINE V GEMM(load_terms)(G const float *row, const int p, const int tail)
{
    if (tail == 16)
        return load(row + p, 16);
    if (p == 0)
        return load(row, tail);
    /* The last 16 numbers of the row, of which those already used count as 0. */
    return LANE_NUMBERS >= (uint)(16 - tail) ? load(row + p + tail - 16, 16) : (V)(0.0f);
}

INLINE void GEMM(add_terms)(const int rows, const int columns, V *sum, G const float *a, G const float *b,
                            const int a_row, const int b_row, const int p, const int tail)
{
    V left[DOTS];
#pragma unroll
    for (int r = 0; r < rows; ++r)
        left[r] = GEMM(load_terms)(a + (size_t)r * a_row, p, tail);
#pragma unroll
    for (int c = 0; c < columns; ++c) {
        const V right = GEMM(load_terms)(b + (size_t)c * b_row, p, tail);
#pragma unroll
        for (int r = 0; r < rows; ++r)
            sum[r * columns + c] = MULTIPLY_ADD(left[r], right, sum[r * columns + c]);
    }
}

/* sum[r * columns + c]: 16 partial sums of row i + r of A times row j + c of B. */
INLINE void GEMM(dots)(const int rows, const int columns, V *sum, TILE_ARGS)
{
    G const float *a = A + (size_t)i * a_row, *b = B + (size_t)j * b_row;
#pragma unroll
    for (int t = 0; t < rows * columns; ++t)
        sum[t] = 0.0f;
    const int whole = k / 16 * 16;
    for (int p = 0; p < whole; p += 16)
        GEMM(add_terms)(rows, columns, sum, a, b, a_row, b_row, p, 16);
    if (whole < k)
        GEMM(add_terms)(rows, columns, sum, a, b, a_row, b_row, whole, k - whole);
}

/* Rows i .. i + rows, columns j .. j + 16, or fewer at the border. */
INLINE void GEMM(dots_tile)(const int rows, TILE_ARGS)
{
    const int columns = n - j;
    V sum[16];
    if (rows == DOTS && columns >= 16) {
        V part[16 / DOTS]; /* DOTS columns each, of DOTS rows */
#pragma unroll 1 /* compiling several of them would take a second */
        for (int c = 0; c < 16 / DOTS; ++c) {
            GEMM(dots)(DOTS, DOTS, sum, i, j + DOTS * c, TILE_REST);
            part[c] = sums16(sum, DOTS * DOTS);
        }
#if DOTS == 4
        GEMM(put)((V)(part[0].s0123, part[1].s0123, part[2].s0123, part[3].s0123), 16, 1, i, j, TILE_REST);
        GEMM(put)((V)(part[0].s4567, part[1].s4567, part[2].s4567, part[3].s4567), 16, 1, i + 1, j, TILE_REST);
        GEMM(put)((V)(part[0].s89ab, part[1].s89ab, part[2].s89ab, part[3].s89ab), 16, 1, i + 2, j, TILE_REST);
        GEMM(put)((V)(part[0].scdef, part[1].scdef, part[2].scdef, part[3].scdef), 16, 1, i + 3, j, TILE_REST);
#else
        GEMM(put)((V)(part[0].s01, part[1].s01, part[2].s01, part[3].s01, part[4].s01, part[5].s01, part[6].s01,
                      part[7].s01), 16, 1, i, j, TILE_REST);
        GEMM(put)((V)(part[0].s23, part[1].s23, part[2].s23, part[3].s23, part[4].s23, part[5].s23, part[6].s23,
                      part[7].s23), 16, 1, i + 1, j, TILE_REST);
#endif
        return;
    }
    for (int r = i; r < i + rows; ++r) {
        if (columns >= 16) {
            V part[8 / DOTS]; /* 2 * DOTS columns each */
#pragma unroll 1
            for (int c = 0; c < 8 / DOTS; ++c) {
                GEMM(dots)(1, 2 * DOTS, sum, r, j + 2 * DOTS * c, TILE_REST);
                part[c] = sums16(sum, 2 * DOTS);
            }
#if DOTS == 4
            GEMM(put)((V)(part[0].lo, part[1].lo), 16, 1, r, j, TILE_REST);
#else
            GEMM(put)((V)(part[0].s0123, part[1].s0123, part[2].s0123, part[3].s0123), 16, 1, r, j, TILE_REST);
#endif
        } else {
            for (int c = j; c < n; ++c) {
                GEMM(dots)(1, 1, sum, r, c, TILE_REST);
                GEMM(put)(sums16(sum, 1), 1, 1, r, c, TILE_REST);
            }
        }
    }
}
#endif

/* Terms p0 .. p0 + terms of the sums; if B is transposed, `piece` has them in the order of C's columns. */
#if TRANSPOSE_B
#define PIECE_ARGS const V *piece, const int p0, const int terms
#define RIGHT(p, c) piece[(p)*COLUMNS + (c)]
#else
#define PIECE_ARGS const int p0, const int terms
#define RIGHT(p, c) load(B + (size_t)(p)*b_row + j + 16 * (c), GEMM(part)(columns, exist, c))
#endif
#define FEW_PARTS (ROWS < COLUMNS ? 1 : ROWS / COLUMNS)
#define TAIL_PARTS (ROWS < 2 ? ROWS : 2) /* code that takes a part of a vector is long, and takes long to compile */

/* How many numbers of vector c exist; a literal if all `columns` do. */
INLINE int GEMM(part)(const int columns, const int exist, const int c)
{
    return exist == 16 * columns ? 16 : min(exist - 16 * c, 16);
}

/* rows x (16 * columns) of C, of which the rows from `from` on are stored and `exist` columns exist. Few rows would
 * wait for their own sums, so they take `parts` terms at a time. The counts are literals at each call, so that the sums
 * live in registers. */
INLINE void GEMM(sums)(const int rows, const int columns, const int parts, const int from, const int exist, PIECE_ARGS,
                       TILE_ARGS)
{
    V sum[ROWS][COLUMNS];
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
        for (int c = 0; c < COLUMNS; ++c)
            sum[r][c] = 0.0f;
    for (int p = 0; p < terms; p += parts) {
#pragma unroll
        for (int q = 0; q < parts; ++q) {
            if (p + q >= terms)
                break;
            V right[COLUMNS];
#pragma unroll
            for (int c = 0; c < columns; ++c)
                right[c] = RIGHT(p + q, c);
#pragma unroll
            for (int r = 0; r < rows; ++r) {
                const V left = A[A_AT(i + r, p0 + p + q)];
#pragma unroll
                for (int c = 0; c < columns; ++c)
                    sum[r + q][c] = MULTIPLY_ADD(left, right[c], sum[r + q][c]);
            }
        }
    }
    V done[ROWS * COLUMNS];
#pragma unroll
    for (int r = 0; r < rows; ++r)
#pragma unroll
        for (int c = 0; c < columns; ++c) {
            done[r * columns + c] = sum[r][c];
#pragma unroll
            for (int q = 1; q < parts; ++q)
                done[r * columns + c] += sum[q][c];
        }
#pragma unroll 1 /* a fold may be long; so many copies of it would take long to compile */
    for (int t = 0; t < rows * columns; ++t)
        if (t / columns >= from && 16 * (t % columns) < exist)
            GEMM(put)(done[t], GEMM(part)(columns, exist, t % columns), p0 + terms == k, i + t / columns,
                      j + 16 * (t % columns), TILE_REST);
}

#if TRANSPOSE_B
/* piece (terms, 16 * COLUMNS): rows j .. of B, from term p0 on, transposed; numbers that do not exist are 0. */
INLINE void GEMM(turn)(V *piece, const int terms, const int rows, const int b_row, G const float *b)
{
    for (int c = 0; c < COLUMNS; ++c)
        for (int p = 0; p < terms; p += 16) {
            V v[16];
            if (16 * c + 16 <= rows && p + 16 <= terms) {
#pragma unroll
                for (int r = 0; r < 16; ++r)
                    v[r] = load(b + (size_t)(16 * c + r) * b_row + p, 16);
            } else {
#pragma unroll 1
                for (int r = 0; r < 16; ++r)
                    v[r] = 16 * c + r < rows ? load(b + (size_t)(16 * c + r) * b_row + p, min(terms - p, 16)) : (V)(0.0f);
            }
            transpose16(v);
#pragma unroll
            for (int q = 0; q < 16; ++q)
                piece[(p + q) * COLUMNS + c] = v[q];
        }
}

/* Each work-item takes `each` tiles of one column, or fewer at its end. The host guarantees m >= ROWS: the last tile
 * begins early enough to be whole, and stores only the rows that are not stored yet; columns that do not exist are
 * zeros of the piece. One form of the sums therefore suffices, which compiles in two thirds of the time and runs a
 * tenth faster than four. */
WIDE_KERNEL void GEMM(turned)(GEMM_ARGS, const int each)
{
    A += a_offset;
    B += b_offset;
    C += c_offset;
    bias += bias_offset;
    other += other_offset;
    V piece[PIECE * COLUMNS];
    const int down = (m + ROWS - 1) / ROWS, items = (down + each - 1) / each;
    const int across = (n + 16 * COLUMNS - 1) / (16 * COLUMNS), z = (int)get_global_id(0) / (items * across);
    const int item = (int)get_global_id(0) % (items * across);
    const int j = item / items * 16 * COLUMNS, first = item % items * each * ROWS, end = min(first + each * ROWS, m);
    A += STEP(a, z);
    B += STEP(b, z);
    C += STEP(c, z);
    other += STEP(c, z);
    for (int p0 = 0; p0 < k; p0 += PIECE) {
        const int terms = min(k - p0, PIECE);
        GEMM(turn)(piece, terms, n - j, b_row, B + (size_t)j * b_row + p0);
        for (int i = first; i < end; i += ROWS)
            GEMM(sums)(ROWS, COLUMNS, 1, max(i + ROWS - m, 0), min(16 * COLUMNS, n - j), piece, p0, terms,
                       min(i, m - ROWS), j, m, n, k, A, B, C, a_row, b_row, c_row, add || p0 > 0, has_bias, bias, fold,
                       other);
    }
}
#define TILE_ROWS DOTS
#define TILE_COLUMNS 16
#define TILE_OF(rows, z) GEMM(dots_tile)(rows, i, j, TILE_OF_PRODUCT(z))
#else
/* Rows i .. i + rows, columns j .. j + 16 * COLUMNS, or fewer at the border. */
INLINE void GEMM(tile)(const int rows, TILE_ARGS)
{
    if (j + 16 * COLUMNS <= n) {
        if (rows == ROWS)
            GEMM(sums)(ROWS, COLUMNS, 1, 0, 16 * COLUMNS, 0, k, i, j, TILE_REST);
        else
            for (int r = i; r < i + rows; ++r)
                GEMM(sums)(1, COLUMNS, FEW_PARTS, 0, 16 * COLUMNS, 0, k, r, j, TILE_REST);
        return;
    }
    for (int c = j; c < n; c += 16) {
        if (rows == ROWS && c + 16 <= n)
            GEMM(sums)(ROWS, 1, 1, 0, 16, 0, k, i, c, TILE_REST);
        else
            for (int r = i; r < i + rows; ++r)
                GEMM(sums)(1, 1, TAIL_PARTS, 0, min(n - c, 16), 0, k, r, c, TILE_REST);
    }
}
#define TILE_ROWS ROWS
#define TILE_COLUMNS (16 * COLUMNS)
#define TILE_OF(rows, z) GEMM(tile)(rows, i, j, TILE_OF_PRODUCT(z))
#endif

/* Each work-item takes `each` tiles down a column, which share a piece of B. */
WIDE_KERNEL void GEMM(wide)(GEMM_ARGS, const int each)
{
    A += a_offset;
    B += b_offset;
    C += c_offset;
    bias += bias_offset;
    other += other_offset;
    const int down = (m + TILE_ROWS - 1) / TILE_ROWS, tiles = down * ((n + TILE_COLUMNS - 1) / TILE_COLUMNS);
    const int first = (int)get_global_id(0) * each, end = min(first + each, tiles * count);
    for (int t = first; t < end; ++t) {
        const int i = t % down * TILE_ROWS, j = t % tiles / down * TILE_COLUMNS;
        TILE_OF(min(TILE_ROWS, m - i), t / tiles);
    }
}

#endif

#if GRID
__kernel void GEMM(grid)(GEMM_ARGS)
{
    __local float a_tile[TILE][TILE + 1], b_tile[TILE][TILE + 1]; /* + 1: neighbours in different banks */
    const int column = get_local_id(0), row = get_local_id(1);
    const int down = (m + TILE - 1) / TILE, z = (int)get_group_id(1) / down;
    const int j = (int)get_group_id(0) * TILE + column, i = (int)get_group_id(1) % down * TILE + row;
    A += a_offset + STEP(a, z);
    B += b_offset + STEP(b, z);
    float sum = 0.0f;
    for (int p0 = 0; p0 < k; p0 += TILE) {
        const int pa = p0 + column, pb = p0 + row;
        a_tile[row][column] = i < m && pa < k ? A[A_AT(i, pa)] : 0.0f;
#if TRANSPOSE_B
        b_tile[row][column] = pb < k && j < n ? B[(size_t)j * b_row + pb] : 0.0f;
#else
        b_tile[row][column] = pb < k && j < n ? B[(size_t)pb * b_row + j] : 0.0f;
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int p = 0; p < TILE; ++p)
            sum = MULTIPLY_ADD(a_tile[row][p], b_tile[p][column], sum);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (i >= m || j >= n)
        return;
    const size_t at = STEP(c, z) + (size_t)i * c_row + j;
    if (has_bias)
        sum += bias[bias_offset + j];
    sum = FOLD_SUM(float, fold, sum, other[other_offset + at]);
    C[c_offset + at] = add ? C[c_offset + at] + sum : sum;
}

#endif

#if FINISH
__kernel void GEMM(finish)(const int m, const int n, G float *C, const int c_offset, const int has_bias,
                          G const float *bias, const int bias_offset, const int fold, G const float *other,
                          const int other_offset, const int c_row)
{
    const size_t item = get_global_id(0), at = item / n * c_row + item % n;
    if (item >= (size_t)m * n)
        return;
    float v = C[c_offset + at];
    if (has_bias)
        v += bias[bias_offset + item % n];
    C[c_offset + at] = FOLD_SUM(float, fold, v, other[other_offset + at]);
}
#endif

#undef GEMM
#undef TRANSPOSE_A
#undef TRANSPOSE_B
#undef FOLD_SUM
#undef A_AT
#undef GEMM_ARGS
#undef TILE_ARGS
#undef TILE_REST
#undef TILE_OF_PRODUCT
#undef STEP
#undef TILE_ROWS
#undef TILE_COLUMNS
#undef TILE_OF
#undef PIECE_ARGS
#undef RIGHT
#undef FEW_PARTS
#undef TAIL_PARTS
#undef WIDE_KERNEL
