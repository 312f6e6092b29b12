/* From the numbers that image files store to those of the network, from 0 to 1, and back. An integer stored in a file
 * is at hand as a pixel, the number over the largest one; without a range, the pixel is the network's number. With a
 * range [lo, hi] of stored numbers v:
 *
 *   linear     y = (v - lo) / (hi - lo)
 *   log        y = ln(1 + 5000 u) / ln(5001), u = (v - lo) / (hi - lo)
 *   anscombe   y = (f(v) - a) / b, f(v) = 2 sqrt(max(0, z + 3/8 + s^2)), z = (v - black) / gain, s = read_noise / gain
 *
 * The second is the compression of high dynamic range by Kalantari and Ramamoorthi (Deep high dynamic range imaging of
 * dynamic scenes, ACM Transactions on Graphics 36(4), 2017, equation 5). The third gives noise of Poisson counts z, to
 * which Gaussian noise of deviation s was added, the deviation 1 / b (Anscombe, Biometrika 35, 1948; generalised by
 * Murtagh, Starck and Bijaoui, 1995). A clean number is not f(v) but the mean of f over the noise, so that the inverse,
 * from that mean to v, is unbiased: the closed form of Makitalo and Foi (IEEE Transactions on Image Processing 20(9),
 * 2011, and 22(1), 2013). */
#ifndef DATA_TRANSFER_H
#define DATA_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum transfer_kind { TRANSFER_LINEAR, TRANSFER_LOG, TRANSFER_ANSCOMBE };

struct transfer {
    enum transfer_kind kind;
    double range[2];                /* of stored numbers; infinite if there is none, and then the kind is linear */
    double gain, read_noise, black; /* stored numbers per count, their deviation without light, their mean then */
    double low, span;               /* a and b of anscombe */
};

/* Fills the last two members from the others. */
struct transfer transfer_complete(struct transfer transfer);

/* DAE_CONFIG at the mark of `data` if the members do not fit together. */
MUST_USE enum dae_status transfer_check(const struct transfer *transfer, struct mark mark, struct error *err);

/* Whether pixels are the network's numbers. A zeroed transfer is none either. */
bool transfer_is_none(const struct transfer *transfer);

/* Replaces n pixels by the network's numbers. `largest` is the stored number of pixel 1; 0: pixels are stored numbers.
 * noisy: else they are clean. */
void transfer_apply(const struct transfer *transfer, bool noisy, unsigned largest, float *x, int64_t n);
/* From what the network restored to pixels. */
void transfer_restore(const struct transfer *transfer, unsigned largest, float *y, int64_t n);

/* The number of the first of n pixels that is NaN or infinite, or for which there is no transfer; if `within`, also of
 * one outside of the range, which is [0,1] for floats without one. -1: there is none. */
int64_t transfer_first_bad(const struct transfer *transfer, bool within, unsigned largest, const float *x, int64_t n);

/* A pixel as the stored number. */
double transfer_stored(float pixel, unsigned largest);

/* The distance from black to white, for PSNR: replaces n pixels by (v - lo) / (hi - lo). */
void transfer_to_unit(const struct transfer *transfer, unsigned largest, float *x, int64_t n);

/* In words, for metadata: "anscombe, range 0 4095, gain 2, read_noise 3, black 100". */
void transfer_describe(const struct transfer *transfer, struct text *text);

#endif
