/* Which epoch's network a training keeps, and when it ends before its last epoch: functions of nothing but the epochs'
 * validation losses. So a training that was stopped goes on to the same answers. */
#ifndef TRAIN_EARLY_STOP_H
#define TRAIN_EARLY_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* Ends a training after `patience` epochs in a row none of which has brought the validation loss more than min_delta
 * below the lowest that counted so far: as Keras's EarlyStopping counts (Prechelt, Early Stopping - But When?, 1998,
 * compares such rules). patience 0: never. */
struct early_stop {
    int64_t patience;
    double min_delta;
};

/* The number of the epoch, from 0, with the lowest loss, the first of equals; NaN counts as more than any number. */
int64_t early_stop_best(const double *losses /* (n) */, int64_t n);

/* Whether the training ends after these n epochs. */
bool early_stop_stops(const struct early_stop *stop, const double *losses /* (n) */, int64_t n);

#endif
