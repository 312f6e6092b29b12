/* Arrays in NPY format. */
#include "data/array_samples.h"
#include "data/source.h"

struct options {
    struct source_common common;
    const char *train, *test;
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, train, ROW_TEXT, NULL, "file",
           "training samples: an NPY array of bytes or of floats with 32 or 64 bits, samples first"),
    ROW_OF(struct options, test, ROW_TEXT, NULL, "file", "test samples, of the same shape"),
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    (void)notice;
    TRY(array_samples_npy(o->train, o->common.limit, train, err));
    return array_samples_npy(o->test, o->common.test_limit, test, err);
}

const struct source source_npy = {
    .name = "npy",
    .help = "arrays of NumPy",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .load = load,
};
