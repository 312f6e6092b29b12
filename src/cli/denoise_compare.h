/* What dae-cl denoise --compare prints and writes: PSNR and SSIM against clean files. */
#ifndef CLI_DENOISE_COMPARE_H
#define CLI_DENOISE_COMPARE_H

#include "base/file_names.h"
#include "cli/denoise_inputs.h"
#include "data/transfer.h"

/* Of a file before and after denoising: means over its samples. */
struct denoise_score {
    const struct denoise_input *input;
    double psnr[2];
    double ssim[2]; /* NaN for samples that are not images or are smaller than SSIM's window */
    double seconds; /* of reading, denoising and writing */
};

struct denoise_compare {
    const char *clean; /* a file, or a folder of files with the inputs' names, whose extensions may differ; NULL: no
                        * comparison */
    bool is_folder, apply_orientation;
    const struct transfer *transfer; /* the model's, whose range is the range of PSNR and SSIM */
    const struct denoise_inputs *inputs;
    struct arena arena;
    const char *listed;          /* the folder of the names below */
    struct file_names names;     /* in the order of bytes, so that those with the same stem follow each other */
    struct denoise_score *score; /* (n_scores) */
    int n_scores, capacity;
};

/* Begins; `clean` may be NULL. Release in any case. DAE_IO if it does not exist; DAE_CONFIG for one file and several
 * inputs. */
MUST_USE enum dae_status denoise_compare_open(struct denoise_compare *compare, const char *clean,
                                              const struct denoise_inputs *inputs, struct error *err);
void denoise_compare_release(struct denoise_compare *compare);

/* Reads the clean file of an input; the caller releases it. DAE_BAD_DATA if its shape or orientation is not the
 * input's; DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_compare_load(struct denoise_compare *compare, const struct denoise_input *input,
                                              const struct samples_file *file, struct samples_file *clean,
                                              struct error *err);

/* The name of the clean file of an input: it need not exist. DAE_BAD_DATA if several files could be it; DAE_IO,
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_compare_path(struct denoise_compare *compare, const struct denoise_input *input,
                                              const char **path, struct error *err);

/* Element `which` of the score, 0 before or 1 after denoising. DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_compare_measure(const struct denoise_compare *compare, struct denoise_score *score,
                                                 int which, const struct samples_file *file,
                                                 const struct samples_file *clean, struct error *err);

/* Prints a file's line and keeps it. DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_compare_add(struct denoise_compare *compare, const struct denoise_score *score,
                                             struct error *err);
/* Prints the mean. */
void denoise_compare_print_mean(const struct denoise_compare *compare);

/* Whether a path ends in .csv or .json, DAE_CONFIG if not; and writes all scores there. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_compare_check_path(const char *path, struct error *err);
MUST_USE enum dae_status denoise_compare_save(const struct denoise_compare *compare, const char *path,
                                              struct error *err);

#endif
