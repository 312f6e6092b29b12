#include "train/early_stop.h"

#include <math.h>

int64_t early_stop_best(const double *losses, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; ++i)
        if (losses[i] < losses[best] || (isnan(losses[best]) && !isnan(losses[i])))
            best = i;
    return best;
}

bool early_stop_stops(const struct early_stop *stop, const double *losses, int64_t n)
{
    double least = INFINITY;
    int64_t waited = 0;
    for (int64_t i = 0; i < n; ++i)
        if (losses[i] < least - stop->min_delta) {
            least = losses[i];
            waited = 0;
        } else {
            ++waited;
        }
    return stop->patience > 0 && waited >= stop->patience;
}
