/* dae-cl denoise on WAV files: they are read and written in pieces, so their length does not matter. */
#ifndef CLI_DENOISE_WAV_H
#define CLI_DENOISE_WAV_H

#include "cli/denoise_compare.h"
#include "cli/saved_model.h"
#include "format/wav.h"
#include "model/denoiser.h"

enum { DENOISE_WAV_MEMORY = 32 << 20 }; /* of the device for tiles, if --memory was not given */

/* Reads the header and checks that the model takes the signal. `notice` gets what the user should know: another rate
 * than the model's, what the result will lack; or it stays empty. DAE_BAD_DATA, DAE_IO. */
MUST_USE enum dae_status denoise_wav_check(const char *path, const struct saved_model *saved,
                                           const struct receptive_field *field, struct wav_form *form,
                                           struct text *notice, struct error *err);

/* Denoises a checked file into `out`, whole or not at all. *concerns_input: whether a failure is one of the input
 * alone: it cannot be read any more, or the model makes no finite numbers of it. */
MUST_USE enum dae_status denoise_wav_run(struct denoiser *denoiser, const char *path, const char *out,
                                         bool *concerns_input, struct error *err);

/* The clean file of --compare: whether it has the length and channels of an input, and then PSNR, with a peak of 1, of
 * the input and its result, which is printed and kept. DAE_BAD_DATA if it has not; DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_wav_check_clean(struct denoise_compare *compare, const struct denoise_input *input,
                                                 struct error *err);
MUST_USE enum dae_status denoise_wav_compare(struct denoise_compare *compare, const struct denoise_input *input,
                                             double seconds, struct error *err);

#endif
