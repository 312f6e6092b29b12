/* Which epoch's network a training keeps, and when it ends before its last epoch: functions of only the epochs'
 * validation losses, so that a resumed training makes the same decisions. */
#ifndef TRAIN_EARLY_STOP_H
#define TRAIN_EARLY_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* Ends a training after `patience` epochs in a row in which the validation loss was never more than min_delta below the
 * lowest that counted so far, as Keras's EarlyStopping counts (Prechelt, Early Stopping - But When?, 1998, compares
 * such rules). patience 0: never. */
struct early_stop {
    int64_t patience;
    double min_delta;
};

/* The number of the epoch, from 0, with the lowest loss, the first among equals; NaN counts as larger than any
 * number. */
int64_t early_stop_best(const double *losses /* (n) */, int64_t n);

/* Whether the training ends after these n epochs. */
bool early_stop_stops(const struct early_stop *stop, const double *losses /* (n) */, int64_t n);

#endif
