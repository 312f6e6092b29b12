/* Arrays of IDX and NPY files as data sets: the first axis counts the samples. */
#ifndef DATA_ARRAY_SAMPLES_H
#define DATA_ARRAY_SAMPLES_H

#include "data/dataset.h"

/* Each fills a set with at most `limit` samples, which the caller releases, also after a failure. DAE_BAD_DATA naming
 * the file for an empty array, a rank without samples, counts that differ, NaN or infinity; DAE_IO; DAE_NO_MEMORY. */

/* labels_path may be NULL. */
MUST_USE enum dae_status array_samples_idx(const char *images_path, const char *labels_path, int64_t limit,
                                           struct dataset *set, struct error *err);
/* The files train-images*, t10k-images* or test-images*, and labels with such names if they exist. */
MUST_USE enum dae_status array_samples_idx_folder(const char *folder, int64_t limit, int64_t test_limit,
                                                  struct dataset *train, struct dataset *test, struct error *err);
MUST_USE enum dae_status array_samples_npy(const char *path, int64_t limit, struct dataset *set, struct error *err);

#endif
