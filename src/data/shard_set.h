/* Samples in tar archives, called shards, in the layout of WebDataset: consecutive files of one stem (the path up to
 * the first dot of the name) are one sample. They are read again in each pass, so that a set may be larger than memory;
 * an index says how many samples each shard has, and what they are. */
#ifndef DATA_SHARD_SET_H
#define DATA_SHARD_SET_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "data/dataset.h"

enum { SHARDS_MAX = 1 << 20 };

struct shard {
    const char *path;    /* a file, or "pipe: COMMAND" */
    const char *command; /* whose output it is; NULL: a file */
    int64_t file_bytes;  /* of a file; -1: of a command */
    int64_t samples;     /* in it */
    int64_t first, used; /* number of its first sample in the set, and how many are taken */
    uint32_t crc;        /* CRC-32 of the contents of its samples' files, in their order */
};

/* What to take from shards. */
struct shard_options {
    const char *clean, *noisy; /* what follows the stem and a dot in the name of a sample's file; clean NULL: a sample
                                * has one image or array; noisy NULL: samples are not pairs */
    struct dae_shape patch;    /* (H,W,C) to cut out; rank 0: a whole sample, image or array */
    int channels;              /* of an image, 1 or 3 */
    int64_t crops;             /* patches of a sample in a pass; 1 for whole samples */
    int64_t limit;             /* samples, in the order of the shards */
    bool as_stored;            /* see image_files_options */
    int depth;                 /* bits of an image's numbers: 8, 16 or 32; 0: those of the first sample */
};

struct shard_set {
    struct arena arena; /* of the paths */
    struct shard *shard;
    int64_t n, samples; /* shards; samples that are taken of all */
    struct shard_options options;
    bool patches, paired;
    int64_t window;         /* samples of the pass among which the order is random */
    struct dae_shape shape; /* of a sample, or a patch */
    enum dataset_kind kind;
};

/* Lists the shards that a text names: paths, or "pipe:COMMAND"; {000..099} in it stands for each of these numbers.
 * data_root: see data_folder.h. Options are copied, but not their texts. DAE_CONFIG at `mark` for a wrong range;
 * DAE_NO_MEMORY. The caller owns the set: shard_set_free. */
MUST_USE enum dae_status shard_set_new(const char *text, const char *data_root, struct mark mark,
                                       const struct shard_options *options, struct shard_set **out, struct error *err);
void shard_set_free(struct shard_set *set); /* NULL is fine */
CLEANUP_POINTER(shard_set_free, struct shard_set)

/* Fills in what each shard has: from the file `index` if it exists, else by reading all shards, after which it is
 * written; NULL: no file. DAE_BAD_DATA naming the file for an index of other shards or of other files in them, a shard
 * that has changed, is damaged or has no sample, a sample without one of its files; DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status shard_set_index(struct shard_set *set, const char *index, struct error *err);

/* Decodes the first sample to learn the shape and the kind of all. DAE_BAD_DATA as for a pass. Images of more bits than
 * the first are refused there, unless options.depth says so. */
MUST_USE enum dae_status shard_set_look(struct shard_set *set, struct error *err);

/* CRC-32 of the index. */
uint32_t shard_set_checksum(const struct shard_set *set);

/* Reads all samples into memory: arrays or whole images as (n, shape), or a block of images to cut `patches` out of.
 * The same statuses. */
MUST_USE enum dae_status shard_set_load(const struct shard_set *set, int64_t patches, struct dataset *out,
                                        struct error *err);

#endif
