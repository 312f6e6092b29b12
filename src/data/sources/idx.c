/* Arrays in IDX format, as MNIST is distributed. */
#include "data/array_samples.h"
#include "data/source.h"

struct options {
    struct source_common common;
    const char *path;
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, path, ROW_TEXT, NULL, "folder",
           "folder with train-images* and t10k-images* or test-images* in IDX format, plain or .gz; train-labels* and "
           "the like are optional"),
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    (void)notice;
    return array_samples_idx_folder(o->path, o->common.limit, o->common.test_limit, train, test, err);
}

const struct source source_idx = {
    .name = "idx",
    .help = "arrays in the IDX format, in which MNIST is distributed",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .flags = SOURCE_BYTES,
    .load = load,
};
