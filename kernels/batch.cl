/* The first call of every batch: one sample of the data as clean numbers. DATA, DATA_BITS and LEN: see dae.clh.
 * DATA_PATCHES: the data are a block of images, from which the sample is cut, or patches that the host has cut, each
 * followed by that of its noisy partner if there are any (DATA_PAIRS). */
#ifndef DATA_PATCHES
#define DATA_PATCHES 1
#define DATA_PAIRS 0
#define PATCH_H 8
#define PATCH_W 8
#define PATCH_C 1
#endif

INLINE void batch_gather(G const void *data, const int row, G float *y)
{
    G const DATA *from = (G const DATA *)data + (size_t)row * LEN;
    FOR_LANES(i, VECTORS(LEN)) {
        const int n = LEN - WIDTH * i;
#if DATA_BITS == 32
        store(load(from + WIDTH * i, n), y + WIDTH * i, n);
#elif WIDTH == 1
        y[i] = (float)from[i] * DATA_SCALE;
#else
        DATA16 numbers = 0;
        if (n >= 16) {
            numbers = vload16(i, from);
        } else {
            DATA lane[16];
            for (int j = 0; j < 16; ++j)
                lane[j] = j < n ? from[16 * i + j] : (DATA)0;
            numbers = vload16(0, lane);
        }
        store(convert_float16(numbers) * DATA_SCALE, y + WIDTH * i, n);
#endif
    }
}

#if DATA_PATCHES
/* Cuts a patch from a block of images (src/data/image_pool.h), or from their noisy partners: PATCH_H x PATCH_W pixels of
 * PATCH_C numbers. */
#define STREAM_PATCH 7u
INLINE void batch_cut(const struct sample s, const int partner, G float *y)
{
    if (s.row >= 0) {
        batch_gather(s.data, s.row * (1 + DATA_PAIRS) + partner, y);
        return;
    }
    G const uint *table = (G const uint *)s.data;
    const uint behind = partner ? table[2] : 0u;
    const uint at = mul_hi(draw_one(s, STREAM_PATCH, 0), table[1]), turn = draw_one(s, STREAM_PATCH, 16) >> 29;
    uint low = 0, high = table[0] & 0x3fffffffu; /* the last image whose places begin at or before `at` is in [low, high) */
    while (high - low > 1) {
        const uint middle = (low + high) / 2;
        if (table[3 + 4 * middle] <= at)
            low = middle;
        else
            high = middle;
    }
    G const uint *entry = table + 3 + 4 * low;
    const int width = (int)entry[3], across = width - PATCH_W + 1, place = (int)(at - entry[0]);
    G const uchar *pixels = (G const uchar *)s.data + entry[1] + behind;
    G const DATA *corner = (G const DATA *)pixels + (size_t)(place / across * width + place % across) * PATCH_C;
    const int swap = PATCH_H == PATCH_W && (turn & 4);
    /* From one pixel to the next on the right, and below. */
    const int across_r = swap ? 1 : 0, across_c = swap ? 0 : 1;
    const int sign_r = turn & 1 ? -1 : 1, sign_c = turn & 2 ? -1 : 1;
    const int right = (sign_r * across_r * width + sign_c * across_c) * PATCH_C;
    const int below = (sign_r * across_c * width + sign_c * across_r) * PATCH_C;
    const int first = ((turn & 1 ? PATCH_H - 1 : 0) * width + (turn & 2 ? PATCH_W - 1 : 0)) * PATCH_C;
    FOR_LANES(i, PATCH_H * PATCH_W) {
        const int r = i / PATCH_W, c = i % PATCH_W;
        for (int k = 0; k < PATCH_C; ++k)
            y[i * PATCH_C + k] = (float)corner[first + r * below + c * right + k] * DATA_SCALE;
    }
}
#endif

/* The noisy partner of a clean sample x, cut at the same place. Synthetic data for measuring and verifying have no
 * partner, so x is copied. */
INLINE void batch_partner(const struct sample s, G const float *x, G float *y)
{
#if DATA_PATCHES
    batch_cut(s, 1, y);
#else
    copy(x, y, LEN);
#endif
}
