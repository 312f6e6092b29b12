/* The samples of one shard, in the order of the archive. */
#ifndef DATA_SHARD_READER_H
#define DATA_SHARD_READER_H

#include "data/shard_set.h"
#include "format/archive_reader.h"
#include "format/image.h"

enum { SHARD_NAME_BYTES = 1024 }; /* of a file in a shard, with NUL */

/* A file of a sample, as it is in the archive. */
struct shard_file {
    char name[SHARD_NAME_BYTES];
    unsigned char *bytes; /* owned; NULL: there is none */
    size_t len;
};

struct shard_sample {
    struct shard_file clean, noisy;
};

/* Zero-initialise; close in any case. It stays where it was opened. */
struct shard_reader {
    const struct shard_set *set;
    const struct shard *shard;
    struct archive_reader archive;
    bool has_file; /* its current file is the first of the next sample */
    bool ended;    /* it has no more files */
    int64_t samples;
    uint32_t crc; /* of the files of the samples so far */
};

/* A file whose size is not that of the index: DAE_BAD_DATA; DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status shard_reader_open(struct shard_reader *reader, const struct shard_set *set,
                                           const struct shard *shard, struct error *err);
/* Reads the next sample, which the caller releases, also after a failure. A sample without one of its files, or with
 * two that could be it; a damaged archive: DAE_BAD_DATA. */
MUST_USE enum dae_status shard_reader_next(struct shard_reader *reader, struct shard_sample *sample, bool *found,
                                           struct error *err);
/* DAE_BAD_DATA unless what was read, all of the shard, is what the index says. */
MUST_USE enum dae_status shard_reader_compare(const struct shard_reader *reader, struct error *err);
void shard_reader_close(struct shard_reader *reader);

void shard_sample_release(struct shard_sample *sample);

/* What a sample's file holds, decoded and without .gz. */
struct shard_values {
    struct dae_shape shape; /* (H,W,C), or (N) */
    enum dataset_kind kind;
    void *values; /* (shape) numbers of that kind; malloc'ed */
};

size_t shard_values_bytes(const struct shard_values *values);

/* Decodes a file of a sample; `path` is the shard's, for messages. The numbers of an image, also those of an array from
 * which patches are cut, get so many bits; 0: those that options->depth says, or as many as it has. The caller frees
 * the values. Not an image or an array, damaged, too large, NaN or infinity, an image of floats beyond [0,1], one of
 * more bits unless options->depth says so: DAE_BAD_DATA; DAE_NO_MEMORY. */
MUST_USE enum dae_status shard_file_decode(const struct shard_options *options, int bits, const char *path,
                                           const struct shard_file *file, struct shard_values *out, struct error *err);

/* Both files of a sample. */
struct shard_sample_values {
    struct shard_values clean, noisy; /* noisy.values NULL: not a pair */
};

/* The same for all files of a sample. DAE_BAD_DATA also for a shape or a kind that the set does not have, an image
 * smaller than a patch, partners of different shapes. The caller releases the values, also after a failure. */
MUST_USE enum dae_status shard_sample_decode(const struct shard_set *set, const char *path,
                                             const struct shard_sample *sample, struct shard_sample_values *out,
                                             struct error *err);
void shard_sample_values_release(struct shard_sample_values *values);

#endif
