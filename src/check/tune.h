/* Finds by trial the numbers of the tuning table with which a device trains a network fastest. It prints nothing. */
#ifndef CHECK_TUNE_H
#define CHECK_TUNE_H

#include "base/arena.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"

struct tune_options {
    struct device *device;
    const struct network *network;
    const struct plugin *optimizer;
    const void *optimizer_state;
    int64_t batch;
    void (*progress)(int done, int of); /* after each trial; may be NULL */
};

/* One trial. */
struct tune_trial {
    const char *what; /* "product of 8 rows x 2 vectors" */
    double rate;      /* images per second: the median of some windows */
    bool chosen;      /* the fastest of its kind, by more than the variation of the windows */
};

/* Trial 0 is the tuning that the search began with. Memory is the arena's. */
struct tune_report {
    struct tune_trial *trial;
    int n_trials;
    double before, after; /* images per second with the initial and the chosen tuning, measured in turns */
    struct tuning tuning; /* what was chosen */
};

/* Starts from the device's tuning and tries one number after the other, each with the best of those before; it then
 * restores the device's tuning. The order of a product's sums may differ between trials, and so may what is rounded
 * with and without Winograd's algorithm; shards and random numbers do not. */
MUST_USE enum dae_status tune_run(const struct tune_options *options, struct arena *arena, struct tune_report *report,
                                  struct error *err);

#endif
