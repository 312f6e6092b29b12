/* A plugin as the host uses it: one of the five tables of dae/plugin.h, what the host knows about it, and its rows
 * together with those that the host adds. */
#ifndef GRAPH_PLUGIN_H
#define GRAPH_PLUGIN_H

#include "base/arena.h"
#include "base/error.h"
#include "dae/plugin.h"

/* What it is in a config. */
enum plugin_kind { PLUGIN_LAYER, PLUGIN_CORRUPTION, PLUGIN_LOSS, PLUGIN_OPTIMIZER };

struct plugin {
    /* Exactly one of these is not NULL. */
    const struct dae_pointwise *pointwise;
    const struct dae_layer *layer;
    const struct dae_noise *noise;
    const struct dae_loss *loss;
    const struct dae_optimizer *optimizer;

    /* The rest is plugin_complete's. */
    enum plugin_kind kind;
    const struct dae_head *head;
    const char *name, *help;
    /* The state: the plugin's own state_bytes, then, from host_offset on, a struct noise_options or loss_options. */
    size_t state_bytes, host_offset;
    const struct dae_row *rows; /* the plugin's and the host's; ends with key NULL */

    const char *kernel;    /* its kernel file, or NULL */
    bool batch_wide;       /* its forward and backward run on the host */
    bool view;             /* see struct dae_layer, as for all of these */
    bool reads_x, reads_y; /* backward reads the inputs; the output */
    bool draws;
    bool folds, pools, folds_dx, couples, linear;
    bool monotone;
    bool masks, reads_data;
    bool unit_range;
    int min_inputs, max_inputs;
    int (*onnx)(const struct dae_onnx *onnx); /* how ONNX describes the layer; NULL if the plugin does not say */
    const char *stranger;                     /* the file of a plugin that is not part of dae-cl; else NULL */
};

/* What the host's own rows fill for a corruption with a formula. */
struct noise_options {
    double clamp[2]; /* if it does not replace */
    bool per_pixel;  /* if it replaces */
};
/* The same for a loss. */
struct loss_options {
    double unmasked_weight; /* of the numbers that no corruption has replaced; if it has a formula */
    double weight;          /* of the loss in a sum of several */
};
/* The same for an optimiser with weight decay. */
struct optimizer_options {
    bool decay_biases; /* else parameters with one axis are spared */
};
const struct noise_options *plugin_noise_options(const struct plugin *plugin, const void *state);
const struct loss_options *plugin_loss_options(const struct plugin *plugin, const void *state);

/* Whether a compiler's message names a place in the plugin's formulas or kernel file; `member` becomes "y", "dx", ...,
 * or "kernel". */
bool plugin_is_named(const struct plugin *plugin, const char *message, const char **member);

/* A zeroed state in which nothing is clamped, owned by the arena. NULL when out of memory. */
void *plugin_state_new(const struct plugin *plugin, struct arena *arena);

/* The standard deviation of additive Gaussian noise, a member of the state; NULL for any other plugin. */
const struct dae_level *plugin_deviation(const struct plugin *plugin, const void *state);

/* Whether a loss is a multiple of the squared error with equal weights, so that its minimum is the mean. */
bool plugin_is_squared_error(const struct plugin *plugin, const void *state);

/* Checks the table that is set and fills in the rest; the arena owns the memory. `from` is its origin, for the message.
 * DAE_PLUGIN with the member that is missing or wrong. */
MUST_USE enum dae_status plugin_complete(struct plugin *plugin, const char *from, struct arena *arena,
                                         struct error *err);

/* The key of the row whose member differs between two states; "" if no row fills the difference, NULL if there is
 * none. */
const char *plugin_state_change(const struct plugin *plugin, const void *before, const void *after);

/* The plan of a node, as struct dae_plan describes it: the plugin's own, or the host's for formulas. Returns 0, or
 * non-zero with plan->problem set. */
int plugin_plan(const struct plugin *plugin, const void *state, struct dae_plan *plan);

/* The function in double, for any table but an optimiser's. */
void plugin_reference(const struct plugin *plugin, const struct dae_reference *call);

/* The number of neighbouring numbers that share a draw (per_pixel). */
int64_t plugin_share(const struct plugin *plugin, const void *state, const struct dae_plan *plan);

/* An optimiser's learning rate in its state; and the coefficients c0 .. c3 of step t = 1, 2, ... at the rate `lr`. */
double optimizer_rate(const struct plugin *plugin, const void *state);
void optimizer_coefficients(const struct plugin *plugin, const void *state, double lr, int64_t t,
                            double c[DAE_MAX_COEFFICIENTS]);

/* The number of the coefficient that is 0 for parameters with one axis; -1: all have the same coefficients. */
int optimizer_spares(const struct plugin *plugin, const void *state);

/* Whether a loss reads the mask, as its third input. */
bool plugin_reads_mask(const struct plugin *plugin, const void *state);

/* "layer", "corruption", "loss", "optimizer". */
const char *plugin_kind_text(enum plugin_kind kind);

#endif
