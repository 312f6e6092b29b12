/* A trained network on a device, opened once: a function from host to host, its Jacobian, or all samples of a data set,
 * batch after batch. How it is opened says which: model_run follows model_open, model_each model_open_each. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/cleanup.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"
#include "model/loader.h"

struct model;

/* Whatever is opened below is the caller's, and is closed before the device and the network. Parameters are
 * (parameters_len) and copied. NULL is fine. */
void model_close(struct model *model);
CLEANUP_POINTER(model_close, struct model)

/* Gives the same network other parameters. */
MUST_USE enum dae_status model_set_parameters(struct model *model, const float *parameters, struct error *err);

/* ---- A function. ------------------------------------------------------------------------------------------------- */

/* The network as it is used: without corruption and loss, its affine layers multiplied into weights. At most `batch`
 * samples are on the device at a time. */
MUST_USE enum dae_status model_open(struct device *device, const struct network *network, const float *parameters,
                                    int64_t batch, struct model **out, struct error *err);

/* y (n, output) of x (n, input), and where it is not NULL the code (n, code); any n. NaN in x is a hole. y may be x. */
MUST_USE enum dae_status model_run(struct model *model, const float *x, int64_t n, float *y, float *code,
                                   struct error *err);

/* ---- All samples of a data set. ---------------------------------------------------------------------------------- */

/* The network with its loss, under its corruption or clean, for loaders that store samples as `like` does, in batches
 * of the same size. */
MUST_USE enum dae_status model_open_each(struct device *device, const struct network *network, const float *parameters,
                                         const struct loader *like, bool corrupt, struct model **out,
                                         struct error *err);

/* Samples [first, first + n) on their way through the network; arrays are (n, shape) and live until the visit ends. */
struct model_batch {
    int64_t first, n;
    const float *clean, *noisy, *output;
    const float *code; /* NULL when the network names none */
    const float *loss; /* (n) */
};

/* Of n samples with these numbers, copies the values (len each) of those in the batch to their places in kept (n, len).
 */
void model_batch_keep(const struct model_batch *batch, const int64_t *number, int n, const float *values, int64_t len,
                      float *kept);

typedef enum dae_status model_visit(void *context, const struct model_batch *batch, struct error *err);

/* Shows `visit` all samples of the loader in the order of the file, corrupted by the draws of epoch 0 and of `split`: 0
 * or PHILOX_HELD_OUT. It ends with the first visit that fails. */
MUST_USE enum dae_status model_each(struct model *model, struct loader *loader, uint32_t split, model_visit *visit,
                                    void *context, struct error *err);

/* ---- The Jacobian. ----------------------------------------------------------------------------------------------- */

/* The map from the network's input to `node`, for model_run, whose y is then (n, node), and for model_jacobian. The
 * optimiser never updates anything, but what differentiates is built with one. DAE_CONFIG: see
 * jacobian_projection, which model_check_jacobian asks before any device is there; memory is the network's arena. */
MUST_USE enum dae_status model_open_jacobian(struct device *device, const struct network *network, int node,
                                             const float *parameters, const struct plugin *optimizer,
                                             const void *optimizer_state, int64_t batch, struct model **out,
                                             struct error *err);
MUST_USE enum dae_status model_check_jacobian(const struct network *network, int node, struct error *err);

/* Per point of x (n, input) the squared Frobenius norm of the Jacobian: the sum of the squares of all its rows, each
 * one backward pass; or, of a map with more than MODEL_JACOBIAN_ROWS numbers, the mean of |J's|^2 over
 * MODEL_JACOBIAN_SIGNS random vectors of signs (Hutchinson 1989), unbiased. *exact says which. */
enum { MODEL_JACOBIAN_ROWS = 1024, MODEL_JACOBIAN_SIGNS = 256 };
MUST_USE enum dae_status model_jacobian(struct model *model, const float *x, int64_t n, double *square, bool *exact,
                                        struct error *err);

#endif
