/* Two methods measured on the same samples: the mean difference of their errors and its 95 % confidence interval. The
 * samples' own difficulty cancels in the differences, so that a small advantage is seen that two separate errors of the
 * mean would hide. */
#ifndef STATS_PAIRED_H
#define STATS_PAIRED_H

#include <stdint.h>

enum paired_verdict {
    PAIRED_UNKNOWN, /* fewer than two samples, or an error that is not finite */
    PAIRED_LOWER,   /* the whole interval is below 0: a has the smaller error */
    PAIRED_HIGHER,
    PAIRED_NO_DIFFERENCE, /* the interval contains 0 */
};

struct paired {
    double difference; /* mean of a - b */
    double error;      /* standard error of that mean; NaN if unknown */
    double margin;     /* half of the interval's width: difference - margin to difference + margin; NaN if unknown */
    enum paired_verdict verdict;
};

/* Student's paired t interval for the mean of a[i] - b[i], i < n, samples taken as independent draws. Errors of samples
 * are skewed, but by the central limit theorem the interval holds for the hundreds of samples of a test set. */
struct paired paired_compare(const double *a /* (n) */, const double *b /* (n) */, int64_t n);

#endif
