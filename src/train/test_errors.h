/* The error of each test sample of a run, kept so that runs can be compared in pairs later, on the same samples. The
 * file is a safetensors file with one tensor (n) for each method, "model" or "noisy": shares of the MSE, which is their
 * mean. */
#ifndef TRAIN_TEST_ERRORS_H
#define TRAIN_TEST_ERRORS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "data/dataset.h"
#include "format/safetensors.h"
#include "train/evaluation.h"

/* DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status test_errors_save(const char *path, const struct evaluation *evaluation,
                                          const struct dataset *test_set, struct error *err);

struct test_errors {
    int64_t n;
    const double *model; /* (n) */
    const double *noisy; /* (n) of the noisy input, which tells whether two runs had the same noise */
    const char *samples; /* identifies the test samples and what of them is judged */
    struct safetensors file;
};

/* The caller closes them on success. DAE_IO if the file cannot be read, DAE_CHECKPOINT if it is none of these. */
MUST_USE enum dae_status test_errors_open(const char *path, struct test_errors *errors, struct error *err);
void test_errors_close(struct test_errors *errors);

#endif
