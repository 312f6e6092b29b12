/* Which numbers of the tuning table a device trains a network fastest with, found by trying. It prints nothing. */
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
    void (*progress)(int done, int of); /* after each trial; NULL: nobody wants to know */
};

/* One trial. */
struct tune_trial {
    const char *what; /* "product of 8 rows x 2 vectors" */
    double rate;      /* images per second: the median of some windows */
    bool chosen;      /* the fastest of its kind, by more than the windows differ */
};

/* Trial 0 is the tuning that the search began with. Memory is the arena's. */
struct tune_report {
    struct tune_trial *trial;
    int n_trials;
    double before, after; /* images per second with what there was and with what was chosen, measured in turns */
    struct tuning tuning; /* what was chosen */
};

/* Tries one number after the other, each with the best of those before, from the device's tuning on, which it leaves as
 * it was. All trials compute the same sums: only the order of a product's may differ. */
MUST_USE enum dae_status tune_run(const struct tune_options *options, struct arena *arena, struct tune_report *report,
                                  struct error *err);

#endif
