/* The short form of tuning, for the first network with convolutions, and the first with products, that a device trains
 * or runs. */
#ifndef CHECK_FIRST_TUNING_H
#define CHECK_FIRST_TUNING_H

#include <signal.h>

#include "device/device.h"
#include "graph/network.h"
#include "train/settings.h"

/* Trains the network with a few other sizes of tiles, and with or without Winograd's algorithm, in turns with the
 * device's own; keeps what is faster in every turn and passes the quick check (check/quick_check.h); remembers it, sets
 * the device's tuning to it and says so in one line. It takes three seconds: a candidate is not begun if the slowest
 * one so far would not fit into what is left of them, counted from when the device's own kernels run, because those
 * are built for the training in any case.
 *
 * Nothing happens if the device has been measured before, if the user chose not to use what is remembered
 * (tuning.tuned) or set DAE_CL_TUNE=off, or if kernels are being developed. What cannot be remembered is not used,
 * because the next run would have other bits. A measurement that fails is only reported; one
 * that is stopped (stop: a signal's number once one came; may be NULL) is forgotten, and begins again at the next use.
 * Processes wait for each other:
 * the second one uses what the first has found. Ranks must not call it, because they measure at the same time. */
void first_tuning(struct device *device, const struct network *network, const struct settings *settings,
                  const volatile sig_atomic_t *stop, void (*say)(void *context, const char *line), void *context);

#endif
