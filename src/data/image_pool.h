/* Images of many sizes in one block, from which a device cuts patches: a table, then the pixels. kernels/batch.cl reads
 * this block:
 *
 *   uint32 [0]                  images n, plus 2^30 if numbers have 16 bits, or 2^31 if they are floats, else bytes
 *   uint32 [1]                  places P: all positions that a patch can have in any of them
 *   uint32 [2]                  offset in bytes from a pixel to that of the noisy partner; 0: there are none
 *   uint32 [3 + 4 i .. +4)      image i: places in the images before it, byte of its first pixel in the block, H, W
 *   numbers                     pixels (H,W,C) of each, to be taken as v / 255 or v / 65535, or floats as they are;
 *                               then those of the noisy partners
 *
 * Philox chooses the place of patch `id` of an epoch, with equal chances for all places, and one of the eight
 * orientations of a square (four of a rectangle). */
#ifndef DATA_IMAGE_POOL_H
#define DATA_IMAGE_POOL_H

#include "base/philox.h"
#include "dae/plugin.h"
#include "data/dataset.h"
#include "data/image_store.h"
#include "data/transfer.h"
#include "format/image.h"

struct image_pool {
    struct dae_shape patch;          /* (h,w,C): C is 1 (colours become grey) or 3 (grey becomes a colour) */
    const struct transfer *transfer; /* from stored numbers to those of the block; NULL: pixels as they are */
    int depth;                       /* bits of a number: 8, 16 or 32; 0: as many as the image that needs most */
    int bits;                        /* of those that were added; 0: none was */
    int64_t n, n_small;              /* images in memory; those that were left out because no patch fits */
    uint32_t *entry;                 /* (n,4), with the number of the first pixel instead of its byte */
    int64_t capacity;
    void *pixels, *noisy;      /* of those in memory; of their partners, or NULL */
    size_t len, room;          /* numbers in either; as many fit */
    uint64_t most;             /* bytes of images in memory; more go to a store in a file; 0: no limit */
    struct image_store *store; /* of those that went there before the others; NULL: none has */
};

/* Appends an image, whose pixels the transfer takes to [0,1]. DAE_BAD_DATA if those in memory exceed 2^31 bytes or
 * places; DAE_IO for the store's file; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_pool_add(struct image_pool *pool, const struct image *image, struct error *err);

/* The bits that the numbers of a stored image need: 8, 16 or 32. */
int image_pool_bits_of(const struct image *image);
/* The numbers (H,W,channels), of so many bits, that a pool without a transfer keeps of an image of one page. */
void image_pool_pixels(const struct image *image, int64_t channels, int bits, void *to);
/* n numbers of other bits: the nearest ones. */
void image_pool_convert(const void *from, int from_bits, void *to, int to_bits, size_t n);

/* Appends an image and its noisy partner, of the same shape. Either all images of a pool have a partner, or none
 * has. */
MUST_USE enum dae_status image_pool_add_pair(struct image_pool *pool, const struct image *clean,
                                             const struct image *noisy, struct error *err);

/* Appends an image (H,W,C of the patch) of the pool's `depth`, which is not 0, no smaller than a patch, and its
 * partner, unless that is NULL. As image_pool_add. */
MUST_USE enum dae_status image_pool_add_pixels(struct image_pool *pool, int64_t height, int64_t width,
                                               const void *pixels, const void *noisy, struct error *err);

/* Appends an image of another pool's store, of the pool's `depth`, with its partner. As image_pool_add. */
MUST_USE enum dae_status image_pool_add_stored(struct image_pool *pool, const struct image_store *from, int64_t i,
                                               struct error *err);

/* All images, also those in the store. */
int64_t image_pool_count(const struct image_pool *pool);

/* Hands the images to a set: as a block, or in their store. There must be at least one. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status image_pool_finish(struct image_pool *pool, struct dataset *set, struct error *err);

/* The block of at least one image (len bytes, malloc'ed, owned by the caller). */
MUST_USE enum dae_status image_pool_block(const struct image_pool *pool, void **block, size_t *len, struct error *err);

void image_pool_release(struct image_pool *pool);

/* ---- Reading a block. -------------------------------------------------------------------------------------------- */

uint32_t image_pool_first_word(int64_t n, int bits);
int64_t image_pool_images(const void *block);
int image_pool_bits(const void *block);
/* The size of image i, and its pixels: uint8_t, uint16_t or float. */
const void *image_pool_image(const void *block, int64_t i, int64_t *height, int64_t *width);

/* The pixels of its noisy partner, which has the same size; NULL if there are none. */
const void *image_pool_noisy(const void *block, int64_t i);

/* The n numbers at `pixels` as the network gets them. */
void image_pool_numbers(const void *block, const void *pixels, int64_t n, float *out);

/* A block (out_len bytes, malloc'ed, owned by the caller) of those images of another block, for the same patches
 * (h,w,C), whose `held` equals `wanted`; there must be at least one. DAE_NO_MEMORY. */
MUST_USE enum dae_status image_pool_part(const void *block, const struct dae_shape *patch, const bool *held,
                                         bool wanted, void **out, size_t *out_len, struct error *err);

/* Places of a patch in an image. */
uint64_t image_pool_places(const struct dae_shape *patch, int64_t height, int64_t width);

/* The place of a key's patch, of so many, and which of the eight orientations it has; turns the pixels (h,w), of
 * so many bytes, of such a place. Beyond 2^32 places two words choose. */
uint64_t image_pool_place(uint64_t places, struct philox_key key);
uint32_t image_pool_turn_of(struct philox_key key);
void image_pool_turn(const struct dae_shape *patch, uint32_t turn, size_t pixel_bytes, const uint8_t *pixels,
                     uint8_t *out);

/* Replaces a block (len bytes, malloc'ed) by one of the same images with at least so many bits per number. DAE_BAD_DATA
 * if it exceeds 2^31 bytes; DAE_NO_MEMORY. */
MUST_USE enum dae_status image_pool_widen(void **block, size_t *len, int bits, struct error *err);

/* The patch (h,w,C) of a key, whose stream is PHILOX_PATCH + split, and the same patch of the noisy partner, as the
 * device cuts them. */
void image_pool_cut(const void *block, const struct dae_shape *patch, struct philox_key key, float *out);
void image_pool_cut_noisy(const void *block, const struct dae_shape *patch, struct philox_key key, float *out);

#endif
