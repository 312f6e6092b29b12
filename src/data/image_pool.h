/* Images of many sizes in one block of bytes, out of which a device cuts patches: a table, then the pixels. The block
 * is what kernels/batch.cl reads:
 *
 *   uint32 [0]                  images n
 *   uint32 [1]                  places P: all positions that a patch can have in any of them
 *   uint32 [2]                  so many bytes behind a pixel lies that of the noisy partner; 0: there are none
 *   uint32 [3 + 4 i .. +4)      image i: places in the images before it, byte of its first pixel in the block, H, W
 *   bytes                       pixels (H,W,C) of each, to be taken as v / 255; then those of the noisy partners
 *
 * Patch `id` of an epoch lies where Philox says, every place being as likely as any other, and in one of the eight
 * orientations of a square (of the four of a rectangle). */
#ifndef DATA_IMAGE_POOL_H
#define DATA_IMAGE_POOL_H

#include "base/philox.h"
#include "dae/plugin.h"
#include "format/image.h"

struct image_pool {
    struct dae_shape patch; /* (h,w,C): C is 1, and colours become grey, or 3, and grey becomes a colour */
    int64_t n, n_small;     /* images; those that were left out because no patch fits in */
    uint32_t *entry;        /* (n,4) */
    int64_t capacity;
    uint8_t *pixels, *noisy; /* of all images; of their partners, or NULL */
    size_t pixels_len, pixels_room, noisy_room;
};

/* Appends an image. What does not fit into 2^31 bytes or places: DAE_BAD_DATA; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_pool_add(struct image_pool *pool, const struct image *image, struct error *err);

/* Appends an image and its noisy partner, of the same shape. All images of a pool have one, or none has. */
MUST_USE enum dae_status image_pool_add_pair(struct image_pool *pool, const struct image *clean,
                                             const struct image *noisy, struct error *err);

/* The block (len bytes, malloc'ed, the caller's) of at least one image. */
MUST_USE enum dae_status image_pool_block(const struct image_pool *pool, void **block, size_t *len, struct error *err);

void image_pool_release(struct image_pool *pool);

/* ---- Reading a block. -------------------------------------------------------------------------------------------- */

int64_t image_pool_images(const void *block);
/* The size of image i, and its pixels. */
const uint8_t *image_pool_image(const void *block, int64_t i, int64_t *height, int64_t *width);

/* The pixels of its noisy partner, which has the same size; NULL when there are none. */
const uint8_t *image_pool_noisy(const void *block, int64_t i);

/* A block (out_len bytes, malloc'ed, the caller's) of those images of another one, for the same patches (h,w,C), whose
 * `held` is `wanted`: at least one. DAE_NO_MEMORY. */
MUST_USE enum dae_status image_pool_part(const void *block, const struct dae_shape *patch, const bool *held,
                                         bool wanted, void **out, size_t *out_len, struct error *err);

/* The patch (h,w,C) of a key, whose stream is PHILOX_PATCH + split, and the same patch of the noisy partner: the
 * device's twin. */
void image_pool_cut(const void *block, const struct dae_shape *patch, struct philox_key key, float *out);
void image_pool_cut_noisy(const void *block, const struct dae_shape *patch, struct philox_key key, float *out);

#endif
