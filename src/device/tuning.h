/* What the host chooses by the kind of device: properties decide, never a vendor's name. */
#ifndef DEVICE_TUNING_H
#define DEVICE_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "device/platform.h"

struct tuning {
    bool join, fold;  /* segments joined, layers folded into the one before: what an executor may do */
    bool wide;        /* one work-item a sample and vectors of 16 (CPU), or work-groups (GPU) */
    int lanes;        /* work-items that share a sample: 1 when wide */
    int group;        /* work-items of a group where each works alone: 1 when wide */
    int units;        /* samples in flight at once: work-items (wide) or work-groups (grid) */
    int shards;       /* partial sums of each weight gradient: fixed per shape, so that bits do not depend on units */
    bool clblast;     /* CLBlast multiplies; our own gemm.cl otherwise */
    int gemm_rows;    /* wide: of a product, what a work-item holds in registers: so many rows */
    int gemm_columns; /* of so many vectors of 16 columns */
    bool mul_hi;      /* random numbers multiply by mul_hi; by a wide product otherwise: the same bits either way */
};

/* How the user may overrule the table, for tests and measurements: "auto", or "wide" | "grid", "own" | "clblast"; and
 * switch off what makes it fast. */
struct tuning_request {
    const char *shape, *gemm;        /* NULL means "auto" */
    bool no_join, no_fold, no_tuned; /* no_tuned: as if `dae-cl tune` had never been here */
};

/* Fills the table for a device. Unknown words are DAE_CONFIG. */
MUST_USE enum dae_status tuning_choose(const struct platform_device *device, const struct tuning_request *request,
                                       struct tuning *tuning, struct error *err);

/* Whether the numbers that can be tuned (gemm_rows, gemm_columns, units) are ones that the kernels take. */
bool tuning_is_sound(const struct tuning *tuning);

/* Puts what was remembered of this device, its driver and this version of dae-cl into gemm_rows, gemm_columns, units
 * and mul_hi; nothing remembered: leaves them. A table that is damaged or not sound counts as nothing, and `problem`
 * (len bytes) then says so in one line; else it is "". */
void tuning_recall(const struct platform_device *device, struct tuning *tuning, char *problem, size_t len);

/* Remembers those four (base/cache.h). */
MUST_USE enum dae_status tuning_remember(const struct platform_device *device, const struct tuning *tuning,
                                         struct error *err);

#endif
