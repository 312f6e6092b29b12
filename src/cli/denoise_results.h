/* Compares every file that dae-cl denoise will write with everything that it reads. */
#ifndef CLI_DENOISE_RESULTS_H
#define CLI_DENOISE_RESULTS_H

#include "cli/denoise_inputs.h"
#include "format/samples_file.h"

/* DAE_CONFIG if a result, or a file of scores, would replace the model, an input or a clean file, or two results would
 * be the same file. `clean`: the argument of --compare, or NULL. */
MUST_USE enum dae_status denoise_results_check(const struct invocation *invocation, const struct denoise_inputs *inputs,
                                               const char *clean, struct error *err);

/* DAE_BAD_DATA if the result cannot have the kind that --format asks for. */
MUST_USE enum dae_status denoise_results_check_kind(const struct denoise_input *input, const struct samples_file *file,
                                                    struct error *err);

#endif
