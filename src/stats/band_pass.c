#include "stats/band_pass.h"

#include <math.h>
#include <stdlib.h>

enum dae_status band_pass_init(struct band_pass *filter, size_t length, size_t channels, struct error *err)
{
    *filter = (struct band_pass){.length = length, .channels = channels};
    filter->cosine = malloc(4 * length * sizeof *filter->cosine);
    filter->gain = calloc(length, sizeof *filter->gain);
    filter->spectrum = malloc(2 * length * sizeof *filter->spectrum);
    if (!filter->cosine || !filter->gain || !filter->spectrum)
        return error_no_memory(err, "band-pass", 7 * length * sizeof *filter->cosine);
    for (size_t i = 0; i < 4 * length; ++i)
        filter->cosine[i] = cos(acos(-1) * (double)i / (2 * (double)length));
    return DAE_OK;
}

/* cos(pi (2 t + 1) k / (2 T)) */
static double wave(const struct band_pass *filter, size_t t, size_t k)
{
    return filter->cosine[(2 * t + 1) * k % (4 * filter->length)];
}

/* The factor that makes the transform orthonormal, so that squares add up to the same sum before and after it. */
static double norm(const struct band_pass *filter, size_t k)
{
    return sqrt((k > 0 ? 2.0 : 1.0) / (double)filter->length);
}

/* Frequencies [low, high) of one channel of a signal. */
static void transform(const struct band_pass *filter, const float *signal, size_t low, size_t high, double *spectrum)
{
    for (size_t k = low; k < high; ++k) {
        double sum = 0;
        for (size_t t = 0; t < filter->length; ++t)
            sum += (double)signal[t * filter->channels] * wave(filter, t, k);
        spectrum[k] = norm(filter, k) * sum;
    }
}

void band_pass_add(struct band_pass *filter, const float *noisy, const float *clean, size_t n)
{
    const size_t length = filter->length, len = length * filter->channels;
    double *from = filter->spectrum, *to = filter->spectrum + length;
    for (size_t s = 0; s < n && filter->seen < BAND_PASS_SIGNALS; ++s, ++filter->seen)
        for (size_t c = 0; c < filter->channels; ++c) {
            transform(filter, noisy + s * len + c, 0, length, from);
            transform(filter, clean + s * len + c, 0, length, to);
            for (size_t k = 0; k < length; ++k)
                filter->gain[k] += to[k] * to[k] - (from[k] - to[k]) * (from[k] - to[k]);
        }
}

/* The run of frequencies with the largest sum of gains: each frequency ends a run that either goes on or begins there.
 */
void band_pass_choose(struct band_pass *filter)
{
    double sum = 0, most = 0;
    size_t begin = 0;
    for (size_t k = 0; k < filter->length; ++k) {
        if (sum <= 0) {
            sum = 0;
            begin = k;
        }
        sum += filter->gain[k];
        if (sum > most) {
            most = sum;
            filter->low = begin;
            filter->high = k + 1;
        }
    }
}

void band_pass_apply(struct band_pass *filter, const float *noisy, float *out, size_t n)
{
    const size_t length = filter->length, len = length * filter->channels;
    for (size_t i = 0; i < n * filter->channels; ++i) {
        const size_t at = i / filter->channels * len + i % filter->channels;
        transform(filter, noisy + at, filter->low, filter->high, filter->spectrum);
        for (size_t t = 0; t < length; ++t) {
            double sum = 0;
            for (size_t k = filter->low; k < filter->high; ++k)
                sum += norm(filter, k) * filter->spectrum[k] * wave(filter, t, k);
            out[at + t * filter->channels] = (float)sum;
        }
    }
}

void band_pass_release(struct band_pass *filter)
{
    free(filter->cosine);
    free(filter->gain);
    free(filter->spectrum);
    *filter = (struct band_pass){0};
}
