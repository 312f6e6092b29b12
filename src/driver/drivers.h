/* The OpenCL drivers of this machine. Each is probed separately before any of them is loaded into this process; only
 * good ones are ever loaded. */
#ifndef DRIVER_DRIVERS_H
#define DRIVER_DRIVERS_H

#include <stdbool.h>

#include "base/error.h"
#include "driver/icd.h"
#include "driver/probe.h"

struct driver_list {
    struct icd_list icds;
    struct probe *probe; /* (icds.n), owned */
    int n_good;
};

/* The first call reads the list and probes each driver; later calls return the same list, because nothing can change
 * what is loaded. The list lives as long as the process. Must come before the process's first OpenCL call, and chooses
 * the kernel cache. */
MUST_USE enum dae_status drivers_find(enum probe_memory memory, const struct driver_list **out, struct error *err);
/* Before anything is loaded: probes once more each driver that the list refuses because of an earlier probe. */
MUST_USE enum dae_status drivers_retry(struct error *err);

/* Makes the loader load only the good drivers: call drivers_limit before the process's first OpenCL call and
 * drivers_unlimit after it. */
struct driver_limit {
    char folder[ICD_PATH]; /* "" if every driver is good, so that nothing is done */
    char *vendors;         /* what the environment named before, or NULL */
};
MUST_USE enum dae_status drivers_limit(const struct driver_list *drivers, struct driver_limit *limit,
                                       struct error *err);
void drivers_unlimit(struct driver_limit *limit);

#endif
