/* dae-cl denoise on WAV files: they are read and written in pieces, so their length does not matter. */
#ifndef CLI_DENOISE_WAV_H
#define CLI_DENOISE_WAV_H

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

#endif
