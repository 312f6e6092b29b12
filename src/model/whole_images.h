/* A denoiser on whole test images, as the literature measures it: noise as the config has it, not clipped unless the
 * config says so; the output clamped to [0, 1]; PSNR and SSIM of each image, then their mean. */
#ifndef MODEL_WHOLE_IMAGES_H
#define MODEL_WHOLE_IMAGES_H

#include "data/dataset.h"
#include "model/tiler.h"
#include "stats/picture_scores.h"

struct whole_images {
    int64_t n;
    struct picture_scores scores;
    const char *names; /* (n) texts one after the other, the data set's; NULL: the images have none */
};

/* Runs on all images of a set that contains a block of them. The noise comes from the references of the corruptions,
 * keyed by the image's number among held-out data; for pairs it is added to the noise of the noisy images. The caller
 * releases, whatever the outcome. */
MUST_USE enum dae_status whole_images_run(const struct tiler_options *options, const struct dataset *test,
                                          struct whole_images *out, struct error *err);
void whole_images_release(struct whole_images *images);

#endif
