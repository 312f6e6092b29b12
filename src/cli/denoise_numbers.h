/* The numbers that dae-cl denoise reads and writes: whether the model takes them, and whether they can be written. */
#ifndef CLI_DENOISE_NUMBERS_H
#define CLI_DENOISE_NUMBERS_H

#include "data/transfer.h"
#include "format/samples_file.h"

/* DAE_BAD_DATA for a number that the model's transfer does not take. Appends to the file's notice that it has numbers
 * beyond those of training, or cannot reach them. */
MUST_USE enum dae_status denoise_numbers_check(const struct transfer *transfer, const char *path,
                                               struct samples_file *file, struct error *err);

/* DAE_BAD_DATA if a result is not finite: an image would show NaN as black. */
MUST_USE enum dae_status denoise_numbers_check_output(const char *path, const struct samples_file *file,
                                                      struct error *err);

#endif
