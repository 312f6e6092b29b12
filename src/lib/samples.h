/* Samples in the caller's memory (struct dae_image): checks every size, and copies them to and from dense floats. */
#ifndef LIB_SAMPLES_H
#define LIB_SAMPLES_H

#include "base/error.h"
#include "dae/dae.h"
#include "dae/plugin.h"

/* An image that was checked: no product or sum of its sizes overflows, and all its elements are inside of its memory
 * and share no byte. */
struct samples {
    char *data;
    enum dae_element element;
    int64_t n;
    struct dae_shape shape;         /* of one sample */
    int64_t dim[DAE_IMAGE_RANK];    /* padded with ones at the front */
    int64_t stride[DAE_IMAGE_RANK]; /* bytes */
    int64_t len;                    /* of all samples */
};

/* `what` names the image in messages: "in". DAE_CONFIG if a member is wrong. */
MUST_USE enum dae_status samples_check(const struct dae_image *image, const char *what, struct samples *samples,
                                       struct error *err);

/* x (n, shape): integers divided by their largest value, floats as they are. */
void samples_read(const struct samples *samples, float *x);
/* The same for DAE_U8, as it is stored. */
void samples_read_bytes(const struct samples *samples, unsigned char *x);
/* The other way round; integers are clamped to their range, and NaN becomes 0. */
void samples_write(const struct samples *samples, const float *x);

bool samples_are_floats(const struct samples *samples);
/* The element that is read as 1; 0 for floats. */
unsigned samples_largest(const struct samples *samples);

#endif
