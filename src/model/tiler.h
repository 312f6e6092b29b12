/* Runs images, signals and volumes of any size through a network that was trained on patches. An image that exceeds the
 * allowed memory is cut into tiles, which overlap by as much of the input as an output reads, so each pixel has the
 * same bits as if the whole image had been processed at once.
 *
 * A network with poolings or strides requires sides that are multiples of them (receptive_field.stride). Other images
 * are extended to the next multiple by mirroring, without repeating the last row and column, and the extension is cut
 * off again. Tiles start at such multiples, and where kernels compute blocks of pixels together, at multiples of those.
 */
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
    /* Or NULL. Called with the number of an image's tiles that are done, from 0 on. A status other than DAE_OK ends
     * tiler_run. */
    enum dae_status (*on_tiles)(void *context, int64_t done, int64_t n, struct error *err);
    void *context;
};

enum {
    TILER_MEMORY = 256 << 20,
    TILER_AXES = 3, /* of a size: D, H, W. An image has the depth 1; a signal (T,C) is an image of the width 1 */
};

/* DAE_CONFIG for a network that treats pixels differently (receptive_field_find). The options outlive the tiler, which
 * the caller owns. */
MUST_USE enum dae_status tiler_new(const struct tiler_options *options, struct tiler **out, struct error *err);
void tiler_free(struct tiler *tiler); /* NULL is fine */
CLEANUP_POINTER(tiler_free, struct tiler)

/* Computes y (size,C) from x (size,C), where C is the network's; the arrays must differ. DAE_NO_MEMORY if the memory is
 * too small for any tile. Images of different sizes share kernels as long as that costs less than making others. */
MUST_USE enum dae_status tiler_run(struct tiler *tiler, const float *x, const int64_t size[TILER_AXES], float *y,
                                   struct error *err);

/* A signal of `n` points and `channels` channels, of which it is a multiple of the network's, that is longer than the
 * memory. `read` gets the points [first, first + len) as x (len, channels); `write` gets the result's next `len`
 * points, in order. Both end tiler_run_signal by a status other than DAE_OK. */
struct tiler_signal {
    int64_t n, channels;
    enum dae_status (*read)(void *context, int64_t first, int64_t len, float *x, struct error *err);
    enum dae_status (*write)(void *context, const float *y, int64_t len, struct error *err);
    void *context;
};

/* Denoises a signal, as many channels at a time as the network has, with tiles alone in memory. Every number has the
 * bits of the signal as a whole; a length that is no multiple of the network's stride is extended by mirroring. */
MUST_USE enum dae_status tiler_run_signal(struct tiler *tiler, const struct tiler_signal *signal, struct error *err);

/* How often tiles of another size were built. */
int64_t tiler_n_built(const struct tiler *tiler);

/* Builds the network of a config for images of another size, a multiple of its stride. The arena owns all memory. */
MUST_USE enum dae_status tiler_network(const struct registry *registry, const struct value *config,
                                       const int64_t size[TILER_AXES], int64_t channels, struct arena *arena,
                                       struct network *network, struct error *err);

/* The same for its corruptions only, which accept any size (network_build_noise). */
MUST_USE enum dae_status tiler_noise(const struct registry *registry, const struct value *config,
                                     const int64_t size[TILER_AXES], int64_t channels, struct arena *arena,
                                     struct network *network, struct error *err);

#endif
