/* Images of any size through a network that was trained on patches. An image that is too large for the memory allowed
 * goes through in tiles, which overlap by as much as an output reads of its input: each pixel has the bits that the
 * whole image at once would have given it.
 *
 * A network with poolings or strides requires sides that are multiples of them (receptive_field.stride). Other images
 * are mirrored beyond their last row and column, without repeating these, as far as that takes; what was added is cut
 * off again. Tiles lie at such multiples. */
#ifndef MODEL_TILER_H
#define MODEL_TILER_H

#include "base/cleanup.h"
#include "config/value.h"
#include "device/device.h"
#include "graph/network.h"
#include "graph/registry.h"

struct tiler;

struct tiler_options {
    struct device *device;
    const struct registry *registry;
    const struct value *config; /* of the network, as resolved */
    const struct network *network;
    const float *parameters; /* (parameters_len) */
    uint64_t memory_bytes;   /* of the device that tiles may take; 0: TILER_MEMORY */
    /* Or NULL. Told how many of an image's tiles are done, first none; what it returns, if not DAE_OK, ends tiler_run.
     */
    enum dae_status (*on_tiles)(void *context, int64_t done, int64_t n, struct error *err);
    void *context;
};

enum { TILER_MEMORY = 256 << 20 };

/* A network that does not work alike at every pixel (receptive_field_find): DAE_CONFIG. What is given outlives the
 * tiler; owned by the caller. */
MUST_USE enum dae_status tiler_new(const struct tiler_options *options, struct tiler **out, struct error *err);
void tiler_free(struct tiler *tiler); /* NULL is fine */
CLEANUP_POINTER(tiler_free, struct tiler)

/* y (H,W,C) from x (H,W,C), C that of the network; they may not be the same array. Memory too small for any tile:
 * DAE_NO_MEMORY. Consecutive images of like sizes use the same kernels. */
MUST_USE enum dae_status tiler_run(struct tiler *tiler, const float *x, int64_t height, int64_t width, float *y,
                                   struct error *err);

/* The network of a config for images of another size, a multiple of its stride. All memory is the arena's. */
MUST_USE enum dae_status tiler_network(const struct registry *registry, const struct value *config, int64_t height,
                                       int64_t width, int64_t channels, struct arena *arena, struct network *network,
                                       struct error *err);

/* The same of its corruptions alone, which take any size (network_build_noise). */
MUST_USE enum dae_status tiler_noise(const struct registry *registry, const struct value *config, int64_t height,
                                     int64_t width, int64_t channels, struct arena *arena, struct network *network,
                                     struct error *err);

#endif
