/* The options of all sources of images, whose samples are patches. */
#ifndef DATA_SOURCES_PATCHES_H
#define DATA_SOURCES_PATCHES_H

#include "data/image_files.h"
#include "data/image_numbers.h"
#include "data/source.h"

/* The first member of their options. */
struct patches {
    struct source_common common;
    int64_t patch[2];
    int channels; /* 0: grey, 1: colour */
    int64_t patches, test_patches;
    /* Of images in files. */
    int orient, depth, transfer; /* 0: apply, 1: keep; 0: auto, 1 to 3: bits / 8 of 8, 16, 32; enum transfer_kind */
    double range[2], gain, read_noise, black;
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
               "whether images are turned as their EXIF says (apply) or taken as they are stored"),                    \
        DAE_CHOICE(                                                                                                    \
            struct patches, depth, auto, "auto|8|16|float",                                                            \
            "bit depth to train in: that of the deepest image (auto), or a fixed one to which other images are "       \
            "converted"),                                                                                              \
        DAE_INTERVAL(struct patches, range, -1e30, 1e30,                                                               \
                     "the smallest and the largest stored number, which become 0 and 1; if not given, 0 and the "      \
                     "largest integer of a file's kind, or 0 and 1 for floats"),                                       \
        DAE_CHOICE(struct patches, transfer, linear, "linear|log|anscombe",                                            \
                   "from stored numbers to those of the network: linear; log for a high dynamic range; anscombe for "  \
                   "counts, whose noise gets one deviation"),                                                          \
        DAE_FLOAT(struct patches, gain, 1, 1e-30, 1e30, "of anscombe: stored numbers per count"),                      \
        DAE_FLOAT(struct patches, read_noise, 0, 0, 1e30,                                                              \
                  "of anscombe: deviation of the stored numbers without light"),                                       \
        DAE_FLOAT(struct patches, black, 0, -1e30, 1e30, "of anscombe: mean of the stored numbers without light")

/* Dead leaves have none of these keys, and no transfer. */
static inline struct transfer patches_transfer(const void *options)
{
    const struct patches *keys = options;
    return transfer_complete((struct transfer){.kind = (enum transfer_kind)keys->transfer,
                                               .range = {keys->range[0], keys->range[1]},
                                               .gain = keys->gain,
                                               .read_noise = keys->read_noise,
                                               .black = keys->black});
}

static inline enum dae_status patches_check(const void *options, struct error *err)
{
    const struct patches *keys = options;
    const struct transfer transfer = patches_transfer(keys);
    return transfer_check(&transfer, keys->common.mark, err);
}

/* What to take from the images of a split. Drawn pairs have noise of 25 / 255. */
static inline struct image_files_options patches_of(const struct patches *keys, bool test)
{
    const bool pairs = sources[keys->common.source]->flags & SOURCE_PAIRS;
    return (struct image_files_options){
        .patch = {3, {keys->patch[0], keys->patch[1], keys->channels ? 3 : 1}},
        .patches = test ? keys->test_patches : keys->patches,
        .limit = test ? keys->common.test_limit : keys->common.limit,
        .noise = pairs ? 0.09803921568627451 : 0,
        .memory = test                      ? 0
                  : keys->common.memory > 0 ? (uint64_t)keys->common.memory << 20
                                            : INT32_MAX,
        .as_stored = keys->orient == 1,
        .depth = keys->depth == 3 ? 32 : 8 * keys->depth,
        .transfer = patches_transfer(keys),
    };
}

#endif
