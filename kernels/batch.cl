/* The first call of every batch: one sample of the data as clean numbers. DATA_BYTES, DATA and LEN: see dae.clh. */

INLINE void batch_gather(G const void *data, const int row, G float *y)
{
    G const DATA *from = (G const DATA *)data + (size_t)row * LEN;
    FOR_LANES(i, VECTORS(LEN)) {
        const int n = LEN - 16 * i;
#if DATA_BYTES
        uchar16 bytes = 0;
        if (n >= 16) {
            bytes = vload16(i, from);
        } else {
            uchar lane[16];
            for (int j = 0; j < 16; ++j)
                lane[j] = j < n ? from[16 * i + j] : (uchar)0;
            bytes = vload16(0, lane);
        }
        store16(convert_float16(bytes) * (1.0f / 255.0f), y + 16 * i, n);
#else
        store16(load16(from + 16 * i, n), y + 16 * i, n);
#endif
    }
}
