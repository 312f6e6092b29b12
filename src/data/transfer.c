#include "data/transfer.h"

#include <math.h>

#define LOG_FACTOR 5000.0

static const double least_mean = 1.224744871391589; /* sqrt(3/2): f of no count, without read noise */

static bool has_range(const struct transfer *t)
{
    return t->range[0] < t->range[1] && isfinite(t->range[0]) && isfinite(t->range[1]);
}

/* ---- Anscombe's transform. --------------------------------------------------------------------------------------- */

/* The squared deviation of the read noise, in counts. */
static double read_variance(const struct transfer *t)
{
    return t->read_noise / t->gain * (t->read_noise / t->gain);
}

static double counts(const struct transfer *t, double v)
{
    return (v - t->black) / t->gain;
}

static double anscombe(const struct transfer *t, double v)
{
    return 2 * sqrt(fmax(0, counts(t, v) + 0.375 + read_variance(t)));
}

/* Makitalo and Foi 2011, equation 5: the mean count whose transformed numbers have the mean d. Its slope, too. */
static double unbiased(double d, double *slope)
{
    const double r = sqrt(1.5), q = 1 / d;
    *slope = d / 2 + q * q * (-r / 4 + q * (2.75 - q * 1.875 * r));
    return d * d / 4 + q * (r / 4 + q * (-1.375 + q * 0.625 * r)) - 0.125;
}

/* The mean of the transformed noisy numbers of a clean one: `unbiased` solved by Newton's method, of which 8 steps
 * reach the precision of double from this start for every count. */
static double anscombe_mean(const struct transfer *t, double v)
{
    const double mean = counts(t, v) + read_variance(t);
    double d = 2 * sqrt(fmax(0, mean) + 0.375);
    for (int step = 0; step < 8; ++step) {
        double slope;
        d -= (unbiased(d, &slope) - fmax(0, mean)) / slope;
    }
    return fmax(d, least_mean);
}

static double anscombe_inverse(const struct transfer *t, double d)
{
    double slope;
    const double mean = d > least_mean ? unbiased(d, &slope) : 0;
    return t->black + t->gain * fmax(0, mean - read_variance(t));
}

/* ---- One number. ------------------------------------------------------------------------------------------------- */

static double to_unit(const struct transfer *t, double v)
{
    return (v - t->range[0]) / (t->range[1] - t->range[0]);
}

static double forward(const struct transfer *t, bool noisy, double v)
{
    switch (t->kind) {
    case TRANSFER_LINEAR:
        break;
    case TRANSFER_LOG:
        return log1p(LOG_FACTOR * to_unit(t, v)) / log1p(LOG_FACTOR);
    case TRANSFER_ANSCOMBE:
        return ((noisy ? anscombe(t, v) : anscombe_mean(t, v)) - t->low) / t->span;
    }
    return to_unit(t, v);
}

static double back(const struct transfer *t, double y)
{
    double unit = y;
    switch (t->kind) {
    case TRANSFER_LINEAR:
        break;
    case TRANSFER_LOG:
        unit = expm1(y * log1p(LOG_FACTOR)) / LOG_FACTOR;
        break;
    case TRANSFER_ANSCOMBE:
        return isnan(y) ? y : anscombe_inverse(t, t->low + y * t->span);
    }
    return t->range[0] + unit * (t->range[1] - t->range[0]);
}

/* Whether the formula has a value there. Numbers far below black are to be expected of read noise, and only of it. */
static bool is_defined(const struct transfer *t, double v)
{
    return t->kind == TRANSFER_LOG        ? LOG_FACTOR * to_unit(t, v) > -1
           : t->kind == TRANSFER_ANSCOMBE ? t->read_noise > 0 || counts(t, v) >= -0.375
                                          : true;
}

double transfer_stored(float pixel, unsigned largest)
{
    return largest ? nearbyint((double)pixel * largest) : (double)pixel;
}

/* ---- The functions on arrays. ------------------------------------------------------------------------------------ */

bool transfer_is_none(const struct transfer *t)
{
    return !has_range(t);
}

void transfer_apply(const struct transfer *t, bool noisy, unsigned largest, float *x, int64_t n)
{
    for (int64_t i = 0; i < n && has_range(t); ++i)
        x[i] = (float)forward(t, noisy, transfer_stored(x[i], largest));
}

void transfer_restore(const struct transfer *t, unsigned largest, float *y, int64_t n)
{
    for (int64_t i = 0; i < n && has_range(t); ++i)
        y[i] = (float)(back(t, (double)y[i]) / (largest ? largest : 1));
}

void transfer_to_unit(const struct transfer *t, unsigned largest, float *x, int64_t n)
{
    for (int64_t i = 0; i < n && has_range(t); ++i)
        x[i] = (float)to_unit(t, transfer_stored(x[i], largest));
}

int64_t transfer_first_bad(const struct transfer *t, bool within, unsigned largest, const float *x, int64_t n)
{
    const double low = has_range(t) ? t->range[0] : 0, high = has_range(t) ? t->range[1] : 1;
    for (int64_t i = 0; i < n; ++i) {
        const double v = transfer_stored(x[i], largest);
        const bool checked = within && (has_range(t) || largest == 0);
        if (!isfinite(v) || (has_range(t) && !is_defined(t, v)) || (checked && (v < low || v > high)))
            return i;
    }
    return -1;
}

void transfer_describe(const struct transfer *t, struct text *text)
{
    static const char *const name[] = {"linear", "log", "anscombe"};
    text_printf(text, "%s, range %.9g %.9g", name[t->kind], t->range[0], t->range[1]);
    if (t->kind == TRANSFER_ANSCOMBE)
        text_printf(text, ", gain %.9g, read_noise %.9g, black %.9g", t->gain, t->read_noise, t->black);
}

struct transfer transfer_complete(struct transfer t)
{
    if (t.kind != TRANSFER_ANSCOMBE)
        return t;
    t.low = fmin(anscombe_mean(&t, t.range[0]), anscombe(&t, t.range[0]));
    t.span = anscombe(&t, t.range[1]) - t.low;
    return t;
}

enum dae_status transfer_check(const struct transfer *t, struct mark mark, struct error *err)
{
    if (t->range[0] == t->range[1])
        return error_at(err, DAE_CONFIG, mark, "data.range is empty: both ends are %g", t->range[0]);
    if (t->kind != TRANSFER_LINEAR && !has_range(t))
        return error_at(err, DAE_CONFIG, mark,
                        "data.transfer: %s requires data.range, the smallest and the largest stored number",
                        t->kind == TRANSFER_LOG ? "log" : "anscombe");
    if (t->kind != TRANSFER_ANSCOMBE && (t->gain != 1 || t->read_noise != 0 || t->black != 0))
        return error_at(err, DAE_CONFIG, mark,
                        "data.gain, data.read_noise and data.black belong to data.transfer: anscombe, which is not "
                        "chosen");
    if (has_range(t) && !is_defined(t, t->range[0]))
        return error_at(err, DAE_CONFIG, mark,
                        "data.range begins at %g, but without read noise anscombe has no value below %g, three eighths "
                        "of a count below black",
                        t->range[0], t->black - 0.375 * t->gain);
    return DAE_OK;
}
