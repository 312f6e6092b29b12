/* Pairs of a noisy and a clean image in tar archives that are read in each epoch. */
#include "data/sources/shards.h"

static const struct dae_row rows[] = {
    SHARDS_ROWS,
    ROW_OF(struct shards, clean, ROW_TEXT, NULL, "ending",
           "what follows a sample's stem and a dot in the name of its clean image, such as clean.png"),
    ROW_OF(struct shards, noisy, ROW_TEXT, NULL, "ending", "the same of its noisy image, such as noisy.png"),
    DAE_INTS(struct shards, patch, 40, 1, 4096,
             "size of a sample in pixels; it is cut out at a random place and randomly flipped and rotated, "
             "differently in each epoch"),
    {.key = NULL},
};

const struct source source_shard_pairs = {
    .name = "shard_pairs",
    .help = "patches of pairs of images in tar archives (WebDataset), read again in each epoch",
    .rows = rows,
    .options_bytes = sizeof(struct shards),
    .flags = SOURCE_BYTES | SOURCE_PAIRS,
    .load = shards_load,
};
