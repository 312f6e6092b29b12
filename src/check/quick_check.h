/* The short form of a verification, for a device's first use, which takes a fraction of a second. */
#ifndef CHECK_QUICK_CHECK_H
#define CHECK_QUICK_CHECK_H

#include "check/verify.h"

struct quick_check_options {
    int64_t batch; /* of training: training later takes the kernels that are built here from the cache */
    bool bytes;
    const struct plugin *optimizer;
    const void *optimizer_state;
};

/* Fills the report: the matrix products of the network, then the kernels that training runs: the loss of some samples
 * against the reference, the same bits twice, a few elements of each gradient against differences, two updates, guard
 * zones. For a network too large to compute on the host in that time, loss and gradients are left out, and a row's note
 * says so. Wrong numbers give DAE_OK with failed rows. */
MUST_USE enum dae_status quick_check_run(struct device *device, const struct network *network,
                                         const struct quick_check_options *options, struct arena *arena,
                                         struct verify_report *report, struct error *err);

#endif
