/* The options of the two sources of shards. */
#ifndef DATA_SOURCES_SHARDS_H
#define DATA_SOURCES_SHARDS_H

#include "data/source.h"

struct shards {
    struct source_common common;
    const char *train, *test, *index, *clean, *noisy;
    int64_t patch[2];
    int channels;      /* 0: grey, 1: colour */
    int orient, depth; /* 0: apply, 1: keep; 0: auto, 1 to 3: 8, 16, 32 bits */
    int64_t crops, window, test_patches;
};

#define SHARDS_ROWS                                                                                                    \
    ROW_OF(struct shards, train, ROW_TEXT, NULL, "shards",                                                             \
           "training shards: .tar or .tar.gz; {000..099} in the name stands for each of these numbers; searched as "   \
           "they are, then in the data folders; or \"pipe: COMMAND\", a shell command that writes such a file"),       \
        ROW_OF(struct shards, test, ROW_TEXT, NULL, "shards",                                                          \
               "test shards, which are read into memory; test_limit counts their samples"),                            \
        ROW_OF(struct shards, index, ROW_TEXT, "", "file",                                                             \
               "how many samples each training shard has, and their checksums; written if it does not exist; if not "  \
               "given, all shards are read at each start"),                                                            \
        DAE_CHOICE(struct shards, channels, grey, "grey|colour",                                                       \
                   "of images: one channel or three; others are "                                                      \
                   "converted"),                                                                                       \
        DAE_CHOICE(struct shards, orient, apply, "apply|keep",                                                         \
                   "whether images are turned as their EXIF says (apply) or taken as they are stored"),                \
        DAE_CHOICE(                                                                                                    \
            struct shards, depth, auto, "auto|8|16|float",                                                             \
            "bit depth of images: that of the first sample (auto), with deeper images refused, or a fixed one to "     \
            "which other images are converted"),                                                                       \
        DAE_INT(struct shards, crops, 1, 1, 65536, "patches of each image in an epoch, at places of their own"),       \
        DAE_INT(struct shards, window, 4096, 1, 1 << 24,                                                               \
                "samples among which the order is random; two windows are in memory"),                                 \
        DAE_INT(struct shards, test_patches, 512, 1, INT32_MAX,                                                        \
                "with patches: test samples, cut out of the test images, the same in each epoch")

MUST_USE enum dae_status shards_load(const void *options, struct dataset *train, struct dataset *test,
                                     struct source_notice *notice, struct error *err);

#endif
