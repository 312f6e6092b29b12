/* The options of all sources of images, whose samples are patches. */
#ifndef DATA_SOURCES_PATCHES_H
#define DATA_SOURCES_PATCHES_H

#include "data/image_files.h"
#include "data/source.h"

/* The first member of their options. */
struct patches {
    struct source_common common;
    int64_t patch[2];
    int channels; /* 0: grey, 1: colour */
    int64_t patches, test_patches;
    int orient; /* 0: apply, 1: keep; of images in files */
};
#define PATCHES_ROWS                                                                                                   \
    DAE_INTS(struct patches, patch, 40, 1, 4096,                                                                       \
             "size of a sample in pixels; it is cut out at a random place and randomly flipped and rotated, "          \
             "differently in each epoch"),                                                                             \
        DAE_CHOICE(struct patches, channels, grey, "grey|colour", "one channel or three; other images are converted"), \
        DAE_INT(struct patches, patches, 16384, 1, INT32_MAX, "training samples per epoch"),                           \
        DAE_INT(struct patches, test_patches, 512, 1, INT32_MAX,                                                       \
                "test samples: patches of the test images, the same in each epoch")
/* Of sources that read files. */
#define PATCHES_FILE_ROWS                                                                                              \
    DAE_CHOICE(struct patches, orient, apply, "apply|keep",                                                            \
               "whether images are turned as their EXIF says (apply) or taken as they are stored")

/* What to take from the images of a split. Drawn pairs have noise of 25 / 255. */
static inline struct image_files_options patches_of(const struct patches *keys, bool test)
{
    const bool pairs = sources[keys->common.source]->flags & SOURCE_PAIRS;
    return (struct image_files_options){
        .patch = {3, {keys->patch[0], keys->patch[1], keys->channels ? 3 : 1}},
        .patches = test ? keys->test_patches : keys->patches,
        .limit = test ? keys->common.test_limit : keys->common.limit,
        .noise = pairs ? 0.09803921568627451 : 0,
        .memory = test ? 0 : keys->common.memory > 0 ? (uint64_t)keys->common.memory << 20 : INT32_MAX,
        .as_stored = keys->orient == 1,
    };
}

#endif
