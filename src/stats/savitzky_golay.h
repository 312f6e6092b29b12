/* The filter of Savitzky and Golay (Analytical Chemistry 36(8), 1964): each point becomes the value there of the
 * polynomial that fits the window around it best. Window and order are those that restore the first signals best. */
#ifndef STATS_SAVITZKY_GOLAY_H
#define STATS_SAVITZKY_GOLAY_H

#include <stddef.h>

enum {
    SAVITZKY_GOLAY_SHAPES = 12,
    SAVITZKY_GOLAY_HALF = 64,     /* the most points to either side */
    SAVITZKY_GOLAY_SIGNALS = 256, /* by which the shape is chosen */
};

struct savitzky_golay {
    size_t length, channels;
    size_t seen;                         /* signals */
    double error[SAVITZKY_GOLAY_SHAPES]; /* the sum of squared errors of each shape */
    int half, order;                     /* the chosen ones */
};

void savitzky_golay_init(struct savitzky_golay *filter, size_t length, size_t channels);
void savitzky_golay_add(struct savitzky_golay *filter, const float *noisy /* (n,T,C) */,
                        const float *clean /* (n,T,C) */, size_t n);
/* Chooses among windows that fit into a signal; of 5 points if none does. */
void savitzky_golay_choose(struct savitzky_golay *filter);
/* Beyond its ends a signal is mirrored, its last point repeated. */
void savitzky_golay_apply(const struct savitzky_golay *filter, const float *noisy /* (n,T,C) */,
                          float *out /* (n,T,C) */, size_t n);

#endif
