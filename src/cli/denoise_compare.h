/* What dae-cl denoise --compare prints: PSNR and SSIM against clean files. */
#ifndef CLI_DENOISE_COMPARE_H
#define CLI_DENOISE_COMPARE_H

#include "cli/denoise_inputs.h"
#include "format/samples_file.h"

struct denoise_compare {
    const char *clean; /* a file, or a folder of files with the inputs' names, whose extensions may differ; NULL: no
                        * comparison */
    const struct denoise_inputs *inputs;
    double psnr_sum[2], ssim_sum[2]; /* of the inputs and of the results */
    int n, n_ssim;                   /* files; files of images that are large enough */
};

/* Means over a file's samples. */
struct denoise_score {
    double psnr, ssim; /* ssim: NaN for samples that are not images or are smaller than SSIM's window */
};

/* Reads the clean file of an input; the caller releases it. DAE_BAD_DATA if its shape is not the input's; DAE_CONFIG,
 * DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_compare_load(const struct denoise_compare *compare, const struct denoise_input *input,
                                              const struct samples_file *file, struct samples_file *clean,
                                              struct error *err);

struct denoise_score denoise_compare_score(const struct samples_file *file, const struct samples_file *clean);

/* Prints a file's line and adds it to the mean, which is printed at the end. */
void denoise_compare_add(struct denoise_compare *compare, const struct denoise_input *input,
                         const struct denoise_score score[2]);
void denoise_compare_print_mean(const struct denoise_compare *compare);

#endif
