/* What the host chooses for a device, all of it here: register tiles, shards, samples in flight. Properties decide,
 * never a vendor's name. */
#ifndef DEVICE_TUNING_H
#define DEVICE_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "device/platform.h"
#include "device/properties.h"

struct tuning {
    bool join, fold;  /* segments joined, layers folded into the one before: what an executor may do */
    bool wide;        /* one work-item a sample and vectors of 16 (CPU), or work-groups (GPU) */
    int lanes;        /* work-items that share a sample: 1 when wide */
    int group;        /* work-items of a group where each works alone: 1 when wide */
    int units;        /* samples in flight at once: work-items (wide) or work-groups (grid) */
    int shards;       /* partial sums of each weight gradient: fixed per shape, so that bits do not depend on units */
    bool clblast;     /* CLBlast multiplies; our own gemm.cl otherwise */
    bool fused;       /* sums of products by fma, which is one instruction */
    int gemm_rows;    /* wide: of a product, what a work-item holds in registers: this many rows */
    int gemm_columns; /* of this many vectors of 16 columns */
    int gemm_dots;  /* wide: rows of A, and of a transposed B, whose dot products a work-item sums side by side: 2 or 4
                     */
    int gemm_piece; /* wide: terms of a piece of a transposed B, a multiple of 16 */
    int gemm_tile;  /* grid: a work-group of this many by as many work-items owns as many numbers of a product */
    int conv_tile;  /* vectors of 16 channels that a work-item of a convolution sums side by side */
    int conv_block; /* of these, vectors of the same pixel, where there are as many */
    int conv_rows;  /* rows of a convolution's weights, of conv_block vectors, whose gradient is summed side by side */
    int update_vectors; /* vectors of 16 parameters that a work-item updates */
    bool mul_hi;        /* random numbers multiply by mul_hi; by a wide product otherwise: the same bits either way */
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

/* Whether the numbers that can be tuned (gemm_rows, gemm_columns, units, conv_tile, conv_block, conv_rows) are ones
 * that the kernels take. */
bool tuning_is_sound(const struct tuning *tuning);

/* Whether sums in `rows` x `columns` vectors of 16, a row of as many vectors, and one number more find room in the
 * registers of the device. */
bool tuning_has_room(const struct properties *properties, int rows, int columns);

/* Appends the macros by which kernels/dae.clh and kernels/convolution.clh know of it. */
void tuning_define(const struct tuning *tuning, struct text *text);

/* Puts what was remembered of this device (properties_identity) into what can be tuned and mul_hi; nothing remembered:
 * leaves them. A table that is damaged or not sound counts as nothing, and `problem`
 * (len bytes) then says so in one line; else it is "". */
void tuning_recall(const struct platform_device *device, struct tuning *tuning, char *problem, size_t len);

/* Remembers those numbers (base/cache.h). */
MUST_USE enum dae_status tuning_remember(const struct platform_device *device, const struct tuning *tuning,
                                         struct error *err);

#endif
