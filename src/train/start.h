/* What a training starts from instead of random numbers: the weights of a trained model, by the names of layers and
 * weights. */
#ifndef TRAIN_START_H
#define TRAIN_START_H

#include "base/sha256.h"
#include "base/text.h"
#include "config/value.h"
#include "graph/network.h"

/* Zero-initialise; start_release, whatever the outcome. The arena owns everything but the notes. */
struct start {
    const char *path;              /* of the model file; NULL: there is none, and nothing is taken */
    char sha256[SHA256_TEXT];      /* of that file */
    const struct network *network; /* whose parameters these are */
    float *parameters;             /* (parameters_len) */
    struct text notes;             /* lines about what was taken and what was not, each ended by a newline */
};
void start_release(struct start *start);

/* Reads the weights from a model file or a run's folder. A layer of the network that the model does not have starts
 * from random numbers, unless it is frozen, and is noted, as are tensors of the model that no layer takes. sha256: what
 * the file must have, or NULL.
 *
 * DAE_CHECKPOINT for a file that is not a dae-cl model or has another SHA-256; a weight of another shape, naming both
 * shapes; a layer of which only some weights are there, or that is frozen and not there; a model that has none of the
 * layers. DAE_IO. */
MUST_USE enum dae_status start_read(const char *path, const char *sha256, const struct network *network,
                                    struct arena *arena, struct start *start, struct error *err);

/* Writes the model's SHA-256 to the key train.from_sha256, so that the config says exactly what the run did. */
MUST_USE enum dae_status start_record(const struct start *start, struct value *config, struct arena *arena,
                                      struct error *err);

/* Keeps a start in a run's folder, so that the run can be resumed without the model; `config` has the key
 * train.from_sha256. And reads it again: `path` is that of the model, as it was given, and `sha256` as above. */
MUST_USE enum dae_status start_keep(const struct start *start, const struct value *config, const char *kept,
                                    struct error *err);
MUST_USE enum dae_status start_read_kept(const char *kept, const char *path, const char *sha256,
                                         const struct network *network, struct arena *arena, struct start *start,
                                         struct error *err);

/* The initial parameters (parameters_len) of a network: those of the start for layers of the same name and shapes,
 * others from the network's seed. */
void start_apply(const struct start *start, const struct network *network, float *parameters);

#endif
