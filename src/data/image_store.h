/* Images of which patches are cut on the host: those of a block in memory (image_pool.h), or those of a set too large
 * for that, whose pixels are in a file without a name that the system removes with the process. Patch `id` of an epoch
 * is the one that a device cuts out of a block of the same images. */
#ifndef DATA_IMAGE_STORE_H
#define DATA_IMAGE_STORE_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/philox.h"
#include "dae/plugin.h"

struct stored_image {
    uint64_t before;       /* places in the images before it */
    uint64_t at, noisy_at; /* of its first pixel, and of that of its partner, in the bytes or the file */
    uint32_t height, width;
};

struct image_store {
    struct dae_shape patch; /* (h,w,C) */
    int bits;               /* of a number: 8, 16 or 32 */
    bool paired;            /* each image has a noisy partner */
    int64_t n, capacity;
    struct stored_image *image; /* (n) */
    uint64_t places, bytes;     /* in all of them; of their pixels */
    const uint8_t *block;       /* borrowed; NULL: in the file */
    int fd;
    uint32_t crc, noisy_crc; /* CRC-32 of all pixels in a file, and of all partners' */
};

/* Each makes a store that the caller owns. An empty one in a file of $TMPDIR, else /var/tmp: DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status image_store_new(const struct dae_shape *patch, int bits, bool paired, struct image_store **out,
                                         struct error *err);
/* Of a block's images, which is borrowed. DAE_NO_MEMORY. */
MUST_USE enum dae_status image_store_of_block(const void *block, const struct dae_shape *patch,
                                              struct image_store **out, struct error *err);
void image_store_free(struct image_store *store); /* NULL is fine */
CLEANUP_POINTER(image_store_free, struct image_store)

/* Appends n images of sizes (n,2), height and width, to a store in a file, with all their pixels and those of their
 * partners (len numbers each; NULL if not paired). DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status image_store_append(struct image_store *store, int64_t n, const uint32_t *size,
                                            const void *pixels, const void *noisy, size_t len, struct error *err);

/* Replaces a store in a file by one of the same images with at least so many bits per number, as image_pool_widen does
 * with a block. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status image_store_widen(struct image_store **store, int bits, struct error *err);

/* Reads the pixels (H,W,C) of image i, and those of its partner unless noisy is NULL. DAE_IO. */
MUST_USE enum dae_status image_store_read(const struct image_store *store, int64_t i, void *pixels, void *noisy,
                                          struct error *err);
/* Leaves out the images whose `held` (n) is set. Their pixels stay in the file. */
void image_store_leave_out(struct image_store *store, const bool *held);

/* The patch (h,w,C) of a key, as image_pool_cut chooses it, and after it the same patch of the noisy partner, if any.
 * `room` has the bytes of a patch. DAE_IO. */
MUST_USE enum dae_status image_store_cut(const struct image_store *store, struct philox_key key, uint8_t *room,
                                         uint8_t *out, struct error *err);

/* CRC-32 of the block that the images in the file would be, as of a data set in memory. */
uint32_t image_store_checksum(const struct image_store *store);

#endif
