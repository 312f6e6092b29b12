/* A trained network as a function on samples of its own shape, and on images and signals of any other size if it
 * accepts them. What dae-cl denoise and the library run. */
#ifndef MODEL_DENOISER_H
#define MODEL_DENOISER_H

#include "base/cleanup.h"
#include "config/value.h"
#include "device/device.h"
#include "graph/network.h"
#include "graph/registry.h"
#include "model/receptive_field.h"
#include "model/tiler.h"

struct denoiser;

struct denoiser_options {
    struct device *device;
    const struct registry *registry;
    const struct value *config; /* of the network, as resolved */
    const struct network *network;
    const float *parameters; /* (parameters_len) */
    int64_t batch;           /* most samples of the network's own shape on the device at a time */
    uint64_t memory_bytes;   /* of the device that tiles may take; 0: TILER_MEMORY */
    /* Or NULL. Called with how much of the running call is done: samples, or tiles of all images. A status other than
     * DAE_OK ends the call. */
    enum dae_status (*on_part)(void *context, int64_t done, int64_t n, bool tiles, struct error *err);
    void *context;
};

/* The options outlive the denoiser, which the caller owns. Nothing is put on the device before it is used. */
MUST_USE enum dae_status denoiser_new(const struct denoiser_options *options, struct denoiser **out, struct error *err);
void denoiser_free(struct denoiser *denoiser); /* NULL is fine */
CLEANUP_POINTER(denoiser_free, struct denoiser)

/* Whether samples of this shape are accepted: the network's own, or images of any size if `field` was found
 * (receptive_field_find), where a network of one channel processes the channels of an image one by one; likewise
 * signals of any length. */
bool denoiser_accepts(const struct network *network, bool field, const struct dae_shape *shape);

/* Opens the device for n samples of the network's own shape at a time, at most options->batch. denoiser_run also does
 * this; calling it before with the largest n makes kernels only once. */
MUST_USE enum dae_status denoiser_expect(struct denoiser *denoiser, int64_t n, struct error *err);

/* Denoises n samples of an accepted shape in place: values (n, shape). DAE_NO_MEMORY; the failures of a device. */
MUST_USE enum dae_status denoiser_run(struct denoiser *denoiser, float *values, int64_t n,
                                      const struct dae_shape *shape, struct error *err);

/* Denoises a signal that is longer than the memory, of as many channels as the network has or of any number if that is
 * 1; the network accepts signals of any length (denoiser_accepts). */
MUST_USE enum dae_status denoiser_run_signal(struct denoiser *denoiser, const struct tiler_signal *signal,
                                             struct error *err);

/* Computes y (n, output) from x (n, input), and the code (n, code) unless it is NULL, in the network's own shape. NaN
 * in x is a hole. y may be x. */
MUST_USE enum dae_status denoiser_compute(struct denoiser *denoiser, const float *x, int64_t n, float *y, float *code,
                                          struct error *err);

/* The number of the first sample whose values (n, len) are not all finite; -1: all are. */
int64_t denoiser_first_bad(const float *values, int64_t n, int64_t len);

#endif
