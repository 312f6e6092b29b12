/* A trained network on a device, opened once and used in one of three ways: as a function from host to host
 * (model_open, model_run), on all samples of a data set (model_open_each, model_each), or for its Jacobian
 * (model_open_jacobian, model_jacobian). */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/cleanup.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"
#include "model/loader.h"

struct model;

/* The caller owns every model that is opened below, and closes it before the device and the network. Parameters
 * (parameters_len) are copied. NULL is fine. */
void model_close(struct model *model);
CLEANUP_POINTER(model_close, struct model)

/* Gives the same network other parameters. */
MUST_USE enum dae_status model_set_parameters(struct model *model, const float *parameters, struct error *err);

/* ---- A function. ------------------------------------------------------------------------------------------------- */

/* Opens the network for use: without corruption and loss, and with its affine layers multiplied into weights. At most
 * `batch` samples are on the device at a time. */
MUST_USE enum dae_status model_open(struct device *device, const struct network *network, const float *parameters,
                                    int64_t batch, struct model **out, struct error *err);

/* Computes y (n, output) from x (n, input), and the code (n, code) unless it is NULL, for any n. NaN in x is a hole. y
 * may be x. */
MUST_USE enum dae_status model_run(struct model *model, const float *x, int64_t n, float *y, float *code,
                                   struct error *err);

/* ---- All samples of a data set. ---------------------------------------------------------------------------------- */

/* Opens the network with its loss, with or without its corruption, for loaders that store samples as `like` does, in
 * batches of the same size. */
MUST_USE enum dae_status model_open_each(struct device *device, const struct network *network, const float *parameters,
                                         const struct loader *like, bool corrupt, struct model **out,
                                         struct error *err);

/* Samples [first, first + n) and what the network computes from them; arrays are (n, shape) and valid until the visit
 * ends. */
struct model_batch {
    int64_t first, n;
    const float *clean, *noisy, *output;
    const float *code;  /* NULL if the network names none */
    const float *loss;  /* (n) */
    float *const *term; /* (losses_terms, n) of a sum of losses: each without its weight */
    const float *mask; /* (n, input) 1 where a corruption has replaced a number or the data have a hole, else 0; NULL if
                        * nothing of the network reads it */
};

/* Copies the values (len each) of the samples with these n numbers, as far as they are in the batch, to their places in
 * kept (n, len).
 */
void model_batch_keep(const struct model_batch *batch, const int64_t *number, int n, const float *values, int64_t len,
                      float *kept);

typedef enum dae_status model_visit(void *context, const struct model_batch *batch, struct error *err);

/* Calls `visit` with all samples of the loader in the order of the file, corrupted by the draws of epoch 0 and of
 * `split`: 0 or PHILOX_HELD_OUT. The first visit that fails ends it. */
MUST_USE enum dae_status model_each(struct model *model, struct loader *loader, uint32_t split, model_visit *visit,
                                    void *context, struct error *err);

/* ---- The Jacobian. ----------------------------------------------------------------------------------------------- */

/* Opens the map from the network's input to `node`, for model_run, whose y is then (n, node), and for model_jacobian.
 * An executor that differentiates is built with an optimiser, which never updates anything here. DAE_CONFIG as in
 * jacobian_projection; model_check_jacobian finds that out without a device. The network's arena owns the memory. */
MUST_USE enum dae_status model_open_jacobian(struct device *device, const struct network *network, int node,
                                             const float *parameters, const struct plugin *optimizer,
                                             const void *optimizer_state, int64_t batch, struct model **out,
                                             struct error *err);
MUST_USE enum dae_status model_check_jacobian(const struct network *network, int node, struct error *err);

/* Computes the squared Frobenius norm of the Jacobian at each point of x (n, input): the sum of the squares of its
 * rows, each of which takes one backward pass. For a map with more than MODEL_JACOBIAN_ROWS numbers it is instead the
 * mean of |J's|^2 over MODEL_JACOBIAN_SIGNS random vectors of signs (Hutchinson 1989), which is unbiased. *exact says
 * which. */
enum { MODEL_JACOBIAN_ROWS = 1024, MODEL_JACOBIAN_SIGNS = 256 };
MUST_USE enum dae_status model_jacobian(struct model *model, const float *x, int64_t n, double *square, bool *exact,
                                        struct error *err);

#endif
