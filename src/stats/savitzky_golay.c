#include "stats/savitzky_golay.h"

#include <math.h>

enum { MOST_POINTS = 2 * SAVITZKY_GOLAY_HALF + 1 };

/* Quadratic and quartic: an odd order gives the filter of the even one below it. */
static int half_of(int shape)
{
    return 2 << shape / 2;
}

static int order_of(int shape)
{
    return shape % 2 ? 4 : 2;
}

/* (2 half + 1) weights: the sum over k <= order of P_k(0) P_k(i) / |P_k|^2, where P_k are the polynomials that are
 * orthogonal on the window, P_k+1(i) = i P_k(i) - |P_k|^2 / |P_k-1|^2 P_k-1(i). */
static void find_weights(int half, int order, double *weight)
{
    double last[MOST_POINTS] = {0}, now[MOST_POINTS], square = 1;
    const int n = 2 * half + 1;
    for (int i = 0; i < n; ++i) {
        now[i] = 1;
        weight[i] = 0;
    }
    for (int k = 0; k <= order; ++k) {
        const double before = square;
        square = 0;
        for (int i = 0; i < n; ++i)
            square += now[i] * now[i];
        for (int i = 0; i < n; ++i)
            weight[i] += now[half] * now[i] / square;
        for (int i = 0; i < n; ++i) {
            const double next = (i - half) * now[i] - (k > 0 ? square / before : 0) * last[i];
            last[i] = now[i];
            now[i] = next;
        }
    }
}

static size_t mirrored(ptrdiff_t at, size_t len)
{
    const ptrdiff_t period = 2 * (ptrdiff_t)len;
    at = (at % period + period) % period;
    return (size_t)(at < (ptrdiff_t)len ? at : period - 1 - at);
}

static double smooth(const struct savitzky_golay *f, int half, const double *weight, const float *signal, size_t t,
                     size_t channel)
{
    double sum = 0;
    for (int i = -half; i <= half; ++i)
        sum += weight[i + half] * (double)signal[mirrored((ptrdiff_t)t + i, f->length) * f->channels + channel];
    return sum;
}

void savitzky_golay_init(struct savitzky_golay *filter, size_t length, size_t channels)
{
    *filter = (struct savitzky_golay){.length = length, .channels = channels};
}

void savitzky_golay_add(struct savitzky_golay *filter, const float *noisy, const float *clean, size_t n)
{
    const size_t len = filter->length * filter->channels;
    for (size_t s = 0; s < n && filter->seen < SAVITZKY_GOLAY_SIGNALS; ++s, ++filter->seen)
        for (int shape = 0; shape < SAVITZKY_GOLAY_SHAPES; ++shape) {
            double weight[MOST_POINTS];
            find_weights(half_of(shape), order_of(shape), weight);
            for (size_t i = 0; i < len; ++i)
                filter->error[shape] += pow(smooth(filter, half_of(shape), weight, noisy + s * len,
                                                   i / filter->channels, i % filter->channels) -
                                                (double)clean[s * len + i],
                                            2);
        }
}

void savitzky_golay_choose(struct savitzky_golay *filter)
{
    int best = 0;
    for (int shape = 1; shape < SAVITZKY_GOLAY_SHAPES; ++shape)
        if ((size_t)half_of(shape) * 2 < filter->length && filter->error[shape] < filter->error[best])
            best = shape;
    filter->half = half_of(best);
    filter->order = order_of(best);
}

void savitzky_golay_apply(const struct savitzky_golay *filter, const float *noisy, float *out, size_t n)
{
    const size_t len = filter->length * filter->channels;
    double weight[MOST_POINTS];
    find_weights(filter->half, filter->order, weight);
    for (size_t i = 0; i < n * len; ++i)
        out[i] = (float)smooth(filter, filter->half, weight, noisy + i / len * len, i % len / filter->channels,
                               i % filter->channels);
}
