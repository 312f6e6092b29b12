/* Batch normalisation of images (N,H,W,C) per channel (Ioffe and Szegedy, ICML 2015, algorithms 1 and 2; the gradient
 * is that of their section 3). A pixel is a row of `channels` numbers, and a batch is `pixels` = N * H * W of them.
 *
 *   batchnorm2d_sums       part 0 of each piece: the sum of x
 *   batchnorm2d_mean       mean = the sum of these / pixels
 *   batchnorm2d_squares    part 0: the sum of (x - mean)^2
 *   batchnorm2d_variance   variance = the sum of these / pixels; and the statistics come a step nearer to both
 *   batchnorm2d_apply      y = (x - mean) / sqrt(variance + epsilon) * scale + shift
 *   batchnorm2d_products   part 0: the sum of dy; part 1: the sum of dy (x - mean)
 *   batchnorm2d_weights    dshift and dscale of these
 *   batchnorm2d_gradient   dx, which takes the way through mean and variance where share is 1 / pixels, and not where it is 0
 *
 * kept (2 + 2 * pieces, channels): mean, variance, part 0 and part 1 of the pieces. A piece is a fixed share of the
 * pixels and `pieces` a constant of the plugin, so that sums have the same bits for any number of compute units. Two
 * passes are used instead of sums of x and x^2, whose difference loses a variance that is small compared with the mean;
 * and each sum uses Kahan's compensation (CACM 8(1), 1965), so that its error does not grow with the number of pixels.
 *
 * Work-items own the channels of a V in a piece, or in `each` pixels. The host guarantees that all numbers of an array
 * fit an int. */

#define FOR_PIXELS(i, begin, end) for (int i = (begin); i < (end); ++i)

/* A work-item owns WIDTH channels from `c` on, of which `tail` exist, of piece or run number `part`. */
#define OWN(channels)                                                                                             \
    const int item = (int)get_global_id(0), blocks = VECTORS(channels), part = item / blocks,                     \
              c = WIDTH * (item % blocks), tail = (channels) - c

/* sum + lost is the exact sum so far. */
INLINE void add_term(V *sum, V *lost, const V term)
{
    const V next = term - *lost, total = *sum + next;
    *lost = (total - *sum) - next;
    *sum = total;
}

/* The sum over the pieces of part `which`, channels from c on. */
INLINE V sum_pieces(G const float *kept, const int which, const int pieces, const int channels, const int c)
{
    G const float *from = kept + (size_t)(2 + which * pieces) * channels + c;
    V sum = 0.0f, lost = 0.0f;
    for (int i = 0; i < pieces; ++i)
        add_term(&sum, &lost, load(from + (size_t)i * channels, channels - c));
    return sum;
}

INLINE void put_piece(const V sum, G float *kept, const int which, const int pieces, const int channels, const int piece,
                      const int c)
{
    store(sum, kept + (size_t)(2 + which * pieces + piece) * channels + c, channels - c);
}

INLINE int piece_begin(const int pixels, const int pieces, const int piece)
{
    return (int)((long)pixels * piece / pieces);
}

__kernel void batchnorm2d_sums(G const float *x, const int x_offset, G float *kept, const int kept_offset, const int pixels,
                               const int channels, const int pieces)
{
    OWN(channels);
    if (part >= pieces)
        return;
    V sum = 0.0f, lost = 0.0f;
    FOR_PIXELS(i, piece_begin(pixels, pieces, part), piece_begin(pixels, pieces, part + 1))
        add_term(&sum, &lost, load(x + x_offset + (size_t)i * channels + c, tail));
    put_piece(sum, kept + kept_offset, 0, pieces, channels, part, c);
}

__kernel void batchnorm2d_mean(G float *kept, const int kept_offset, const int pixels, const int channels,
                               const int pieces)
{
    OWN(channels);
    if (part > 0)
        return;
    const V sum = sum_pieces(kept + kept_offset, 0, pieces, channels, c);
    store(sum / (float)pixels, kept + kept_offset + c, tail);
}

__kernel void batchnorm2d_squares(G const float *x, const int x_offset, G float *kept, const int kept_offset,
                                  const int pixels, const int channels, const int pieces)
{
    OWN(channels);
    if (part >= pieces)
        return;
    const V mean = load(kept + kept_offset + c, tail);
    V sum = 0.0f, lost = 0.0f;
    FOR_PIXELS(i, piece_begin(pixels, pieces, part), piece_begin(pixels, pieces, part + 1)) {
        const V d = load(x + x_offset + (size_t)i * channels + c, tail) - mean;
        add_term(&sum, &lost, d * d);
    }
    put_piece(sum, kept + kept_offset, 0, pieces, channels, part, c);
}

/* bessel: pixels / (pixels - 1), which makes the running variance unbiased. */
__kernel void batchnorm2d_variance(G float *kept, const int kept_offset, G float *mean, const int mean_offset,
                                   G float *variance, const int variance_offset, const int pixels, const int channels,
                                   const int pieces, const float bessel, const float momentum)
{
    OWN(channels);
    if (part > 0)
        return;
    const V biased = sum_pieces(kept + kept_offset, 0, pieces, channels, c) / (float)pixels;
    store(biased, kept + kept_offset + channels + c, tail);
    const V new_mean = load(kept + kept_offset + c, tail), old_mean = load(mean + mean_offset + c, tail);
    const V new_variance = biased * bessel, old_variance = load(variance + variance_offset + c, tail);
    store((1.0f - momentum) * old_mean + momentum * new_mean, mean + mean_offset + c, tail);
    store((1.0f - momentum) * old_variance + momentum * new_variance, variance + variance_offset + c, tail);
}

__kernel void batchnorm2d_apply(G const float *x, const int x_offset, G const float *mean, const int mean_offset,
                                G const float *variance, const int variance_offset, G const float *scale,
                                const int scale_offset, G const float *shift, const int shift_offset, G float *y,
                                const int y_offset, const int pixels, const int channels, const int each,
                                const float epsilon)
{
    OWN(channels);
    const V m = load(mean + mean_offset + c, tail), b = load(shift + shift_offset + c, tail);
    const V factor =
        load(scale + scale_offset + c, tail) / sqrt(load(variance + variance_offset + c, tail) + epsilon);
    FOR_PIXELS(i, part * each, min((part + 1) * each, pixels)) {
        const size_t at = (size_t)i * channels + c;
        store((load(x + x_offset + at, tail) - m) * factor + b, y + y_offset + at, tail);
    }
}

__kernel void batchnorm2d_products(G const float *dy, const int dy_offset, G const float *x, const int x_offset,
                                   G const float *mean, const int mean_offset, G float *kept, const int kept_offset,
                                   const int pixels, const int channels, const int pieces)
{
    OWN(channels);
    if (part >= pieces)
        return;
    const V m = load(mean + mean_offset + c, tail);
    V sum = 0.0f, lost = 0.0f, product = 0.0f, product_lost = 0.0f;
    FOR_PIXELS(i, piece_begin(pixels, pieces, part), piece_begin(pixels, pieces, part + 1)) {
        const size_t at = (size_t)i * channels + c;
        const V g = load(dy + dy_offset + at, tail);
        add_term(&sum, &lost, g);
        add_term(&product, &product_lost, g * (load(x + x_offset + at, tail) - m));
    }
    put_piece(sum, kept + kept_offset, 0, pieces, channels, part, c);
    put_piece(product, kept + kept_offset, 1, pieces, channels, part, c);
}

__kernel void batchnorm2d_weights(G const float *kept, const int kept_offset, G const float *variance,
                                  const int variance_offset, G float *dscale, const int dscale_offset, G float *dshift,
                                  const int dshift_offset, const int channels, const int pieces, const float epsilon)
{
    OWN(channels);
    if (part > 0)
        return;
    const V deviation = sqrt(load(variance + variance_offset + c, tail) + epsilon);
    store(sum_pieces(kept + kept_offset, 1, pieces, channels, c) / deviation, dscale + dscale_offset + c, tail);
    store(sum_pieces(kept + kept_offset, 0, pieces, channels, c), dshift + dshift_offset + c, tail);
}

/* With z = (x - mean) / sqrt(variance + epsilon): dx = scale / sqrt(...) * (dy - share * (dshift + z dscale)). */
__kernel void batchnorm2d_gradient(G const float *dy, const int dy_offset, G const float *x, const int x_offset,
                                   G const float *mean, const int mean_offset, G const float *variance,
                                   const int variance_offset, G const float *scale, const int scale_offset,
                                   G const float *dscale, const int dscale_offset, G const float *dshift,
                                   const int dshift_offset, G float *dx, const int dx_offset, const int pixels,
                                   const int channels, const int each, const float epsilon, const float share,
                                   const int add)
{
    OWN(channels);
    const V deviation = sqrt(load(variance + variance_offset + c, tail) + epsilon);
    const V m = load(mean + mean_offset + c, tail), factor = load(scale + scale_offset + c, tail) / deviation;
    const V both = share * load(dshift + dshift_offset + c, tail);
    const V along = share * load(dscale + dscale_offset + c, tail) / deviation;
    FOR_PIXELS(i, part * each, min((part + 1) * each, pixels)) {
        const size_t at = (size_t)i * channels + c;
        const V centred = load(x + x_offset + at, tail) - m;
        put(factor * (load(dy + dy_offset + at, tail) - both - centred * along), dx + dx_offset + at, tail, add);
    }
}
