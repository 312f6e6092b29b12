/* Everything that the host chooses for a device: register tiles, shards, samples in flight. The device's properties
 * decide, never a vendor's name. */
#ifndef DEVICE_TUNING_H
#define DEVICE_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "device/platform.h"
#include "device/properties.h"

struct tuning {
    bool join, fold;  /* whether executors may join segments and fold layers into others */
    bool wide;        /* one work-item per sample and vectors of 16 (CPU), or work-groups (GPU) */
    int width;        /* floats of a kernel's V: 16 if wide, else 1 */
    int lanes;        /* work-items that share a sample; 1 if wide */
    int group;        /* group size of kernels whose work-items are independent; 1 if wide */
    int units;        /* samples in flight at once: work-items (wide) or work-groups (grid) */
    int shards;       /* partial sums of each weight gradient: fixed per shape, so that bits do not depend on units */
    bool clblast;     /* CLBlast multiplies; otherwise our own gemm.cl */
    bool fused;       /* sums of products by fma, which is one instruction */
    int gemm_rows;    /* wide: the tile of a product in a work-item's registers has this many rows */
    int gemm_columns; /* and this many vectors of 16 columns */
    int gemm_dots;    /* wide: rows of A, and of a transposed B, whose dot products a work-item sums at once: 2 or 4 */
    int gemm_piece;   /* wide: terms of a piece of a transposed B, a multiple of 16 */
    int gemm_tile;    /* grid: side of the square of work-items in a group and of its tile of a product */
    int conv_tile;    /* V of channels that a work-item of a convolution sums at once */
    int conv_block;   /* how many of these belong to the same pixel, if there are as many */
    int conv_rows;    /* rows of a convolution's weights, of conv_block V, whose gradient is summed at once */
    bool winograd;    /* wide: convolutions that fit compute by Winograd's algorithm (kernels/winograd.clh) */
    bool winograd_asked;     /* because the user said so; no measurement changes it */
    bool convolutions_timed; /* their sizes and winograd were measured on this device, and these were the fastest */
    bool products_timed;     /* the same for sizes of products */
    bool tuned;              /* what is remembered of the device is used, and may be added to */
    int update_vectors;      /* V of parameters that a work-item updates */
    bool mul_hi;             /* random numbers multiply by mul_hi, otherwise by a wide product; the bits are the same */
};

/* What the user may override, for tests and measurements: the shape ("auto", "wide" or "grid"), the products ("auto",
 * "own" or "clblast"), Winograd's algorithm ("auto", "on" or "off"), and each optimisation. */
struct tuning_request {
    const char *shape, *gemm, *winograd; /* NULL means "auto" */
    bool no_join, no_fold, no_tuned;     /* no_tuned: ignore what `dae-cl tune` remembered */
};

/* Fills the table for a device. Unknown words are DAE_CONFIG. */
MUST_USE enum dae_status tuning_choose(const struct platform_device *device, const struct tuning_request *request,
                                       struct tuning *tuning, struct error *err);

/* Whether the kernels accept the tunable numbers (gemm_rows, gemm_columns, units, conv_tile, conv_block, conv_rows). */
bool tuning_is_sound(const struct tuning *tuning);

/* Whether the device's registers have room for `rows` x `columns` vectors of 16 sums, another `columns` vectors, and
 * one more number. */
bool tuning_has_room(const struct properties *properties, int rows, int columns);

/* Appends the macros through which kernels/dae.clh and kernels/convolution.clh read the table. */
void tuning_define(const struct tuning *tuning, struct text *text);

/* Appends all of the table in one line: two devices of equal properties and tables compute the same bits. */
void tuning_describe(const struct tuning *tuning, struct text *text);

/* Whether the user left it to dae-cl to use Winograd's algorithm or not is part of the key of what is remembered, as is
 * the device with the instruction sets of its processor (properties_identity). */

/* Sets the tunable numbers, winograd, mul_hi and what was timed to what was remembered of this device, or leaves them
 * if nothing was. A table that is damaged or not sound is ignored, and `problem` (len bytes) then says so in one line;
 * else it is "". */
void tuning_recall(const struct platform_device *device, struct tuning *tuning, char *problem, size_t len);

/* Remembers those (base/cache.h). */
MUST_USE enum dae_status tuning_remember(const struct platform_device *device, const struct tuning *tuning,
                                         struct error *err);

/* Waits until no other process of this user measures such a device, and keeps others waiting until
 * cache_unlock(*lock). */
MUST_USE enum dae_status tuning_lock(const struct platform_device *device, const struct tuning *tuning, int *lock,
                                     struct error *err);

#endif
