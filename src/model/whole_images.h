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

/* On all images of a set that holds a block of them. The noise is that of the references of the corruptions, keyed by
 * the image's number among held-out data; of pairs, what the noisy images have, and the corruptions' on top of it. The
 * caller releases, whatever the outcome. */
MUST_USE enum dae_status whole_images_run(const struct tiler_options *options, const struct dataset *test,
                                          struct whole_images *out, struct error *err);
void whole_images_release(struct whole_images *images);

#endif
