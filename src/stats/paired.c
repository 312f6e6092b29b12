#include "stats/paired.h"

#include <math.h>

/* The 97.5 % quantile of Student's t with v degrees of freedom: exact for 1 and 2, else the expansion around the normal
 * quantile (Abramowitz and Stegun 26.7.5), which is off by less than 1 % from 3 on. */
static double quantile(double v)
{
    static const double z = 1.959963984540054;
    const double z2 = z * z;
    if (v < 2)
        return 12.706204736;
    if (v < 3)
        return 4.302652730;
    return z * (1 + (z2 + 1) / (4 * v) + (5 * z2 * z2 + 16 * z2 + 3) / (96 * v * v) +
                (3 * z2 * z2 * z2 + 19 * z2 * z2 + 17 * z2 - 15) / (384 * v * v * v));
}

struct paired paired_compare(const double *a, const double *b, int64_t n)
{
    struct paired result = {.difference = NAN, .error = NAN, .margin = NAN, .verdict = PAIRED_UNKNOWN};
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += a[i] - b[i];
    if (n > 0)
        result.difference = sum / (double)n;
    for (int64_t i = 0; i < n; ++i)
        square += pow(a[i] - b[i] - result.difference, 2);
    if (n < 2 || !isfinite(square))
        return result;
    const double freedom = (double)(n - 1);
    result.error = sqrt(square / freedom / (double)n);
    result.margin = quantile(freedom) * result.error;
    if (result.difference + result.margin < 0)
        result.verdict = PAIRED_LOWER;
    else if (result.difference - result.margin > 0)
        result.verdict = PAIRED_HIGHER;
    else
        result.verdict = PAIRED_NO_DIFFERENCE;
    return result;
}
