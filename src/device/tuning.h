/* What the host chooses by the kind of device: properties decide, never a vendor's name. */
#ifndef DEVICE_TUNING_H
#define DEVICE_TUNING_H

#include <stdbool.h>

#include "base/error.h"
#include "device/platform.h"

struct tuning {
    bool wide;    /* one work-item a sample and vectors of 16 (CPU), or work-groups (GPU) */
    int lanes;    /* work-items that share a sample: 1 when wide */
    int units;    /* samples in flight at once: work-items (wide) or work-groups (grid) */
    int shards;   /* partial sums of each weight gradient: fixed per shape, so that bits do not depend on units */
    bool clblast; /* CLBlast multiplies; our own gemm.cl otherwise */
};

/* How the user may overrule the table, for tests and measurements: "auto", or "wide" | "grid", "own" | "clblast". */
struct tuning_request {
    const char *shape, *gemm; /* NULL means "auto" */
};

/* Fills the table for a device. Unknown words are DAE_CONFIG. */
MUST_USE enum dae_status tuning_choose(const struct platform_device *device, const struct tuning_request *request,
                                       struct tuning *tuning, struct error *err);

#endif
