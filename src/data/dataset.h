/* The data of a run, in memory or behind a stream (sample_stream.h), and what a sample is. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dae/plugin.h"
#include "data/panel/panel_columns.h"

enum dataset_kind {
    DATASET_UINT8,  /* to be divided by 255 */
    DATASET_FLOAT,  /* as it is */
    DATASET_UINT16, /* to be divided by 65535; only of images, for patches */
};

/* One split. Zero-initialise; loaded by source_load (data/source.h), freed by dataset_release. */
struct dataset {
    int64_t n;              /* samples, at least 1 */
    struct dae_shape shape; /* of one sample, channels last: (H,W,C), or (N) */
    enum dataset_kind kind;
    void *values;       /* (n, shape) numbers of that kind, finite except for holes, which are NaN; malloc'ed; NULL: the
                         * samples are in `images` or `shards` */
    size_t block_bytes; /* above 0: `values` is a block of images (image_pool.h), or they are in `images` */
    struct image_store *images; /* too many for memory: see image_store.h; owned */
    struct shard_set *shards;   /* read again in each pass: see shard_set.h; owned */
    char *image_names; /* of such a block: (images) texts one after the other; NULL: they have none; malloc'ed */
    char *hole;        /* where the first hole is, in words; NULL: there is none; malloc'ed */
    struct mark mark;  /* of the source in the config, for messages about holes */
    struct panel_columns *columns; /* of a panel's training samples; else NULL; malloc'ed */
    uint8_t *labels;               /* (n), or NULL; malloc'ed */
    int64_t memory_bytes;          /* of the device that the samples may take; 0: no limit but the device's memory */
    uint32_t checksum;             /* of the samples as they were loaded: CRC-32 of `values`, or of what `images` would
                                    * be there, or of the index of `shards`; not of a validation set */
};

void dataset_release(struct dataset *set);

/* Whether samples are patches that are cut out of images of any size. */
bool dataset_cuts_patches(const struct dataset *set);

/* Bits of a number: 8, 16 or 32; in words: "bytes". */
int dataset_kind_bits(enum dataset_kind kind);
enum dataset_kind dataset_kind_of(int bits);
const char *dataset_kind_numbers(enum dataset_kind kind);
/* The same of a set. */
int dataset_bits(const struct dataset *set);
const char *dataset_numbers(const struct dataset *set);

/* Whether all numbers are from 0 to 1 by their kind: those of images are, also as floats. */
bool dataset_is_unit(const struct dataset *set);

/* Bytes of one sample, and of all `values`. */
size_t dataset_sample_bytes(const struct dataset *set);
size_t dataset_bytes(const struct dataset *set);

/* Samples to show: the first of each label from 0 to most - 1, or the first ones where there are no such labels. Writes
 * their numbers (most) and returns how many there are. */
int dataset_examples(const struct dataset *set, int most, int64_t *number);

/* Decodes sample i, 0 <= i < n, into x (shape): bytes over 255, floats as they are. */
void dataset_value(const struct dataset *set, int64_t i, float *x);

#endif
