/* What the parts of a verification share: its state, its data on the device, its rows and its bounds. For the files of
 * the verification only. */
#ifndef CHECK_VERIFIER_H
#define CHECK_VERIFIER_H

#include "check/verify.h"
#include "graph/executor.h"
#include "graph/reference.h"

enum { BEFORE = 2, BEHIND = 1 }; /* samples of the order before the batch, and of the data behind it */

/* Set the first six, zero the rest. */
struct verifier {
    struct device *device;
    const struct network *network;
    const struct verify_options *options;
    struct arena *arena;
    struct verify_report *report;
    struct error *err;
    bool no_memory;
    bool diverges; /* the reference itself leaves what float can hold: see verifier_forward */
    int64_t input_len, n_data;
    float *data;  /* (n_data, input) as the device takes it */
    int32_t *ids; /* (n_data) the order; sample s of the batch is number ids[BEFORE + s] */
    float *parameters;
    double *parameters64;
    struct buffer *on_data, *on_order, *losses;
};

/* Makes up data and parameters, those of a training's start where that draws them, and puts the data on the device;
 * with options->guards every buffer made from here to the end lies between guard zones. verifier_close frees what is on
 * the device, whatever verifier_open said. */
MUST_USE enum dae_status verifier_open(struct verifier *v);
void verifier_close(struct verifier *v);

/* An executor with those parameters, owned by the caller. The form: which of joining, folding and keeping all
 * values are on; whether it evaluates too. */
struct verifier_form {
    bool join, fold, keep_all, evaluate;
    int64_t batch;                  /* samples at most */
    const struct network *training; /* as in executor_options */
};
MUST_USE enum dae_status verifier_executor(struct verifier *v, const struct verifier_form *form, struct executor **e);

/* Samples that an executor of the whole batch is made for. */
int64_t verifier_capacity(const struct verifier *v);

/* Adds the row of the guard zones of everything that is on the device now. */
MUST_USE enum dae_status verifier_guards(struct verifier *v, const char *form);

/* Zeroed memory from the arena; a failure is remembered until verifier_memory asks. */
void *verifier_take(struct verifier *v, int64_t count, size_t size);
MUST_USE enum dae_status verifier_memory(const struct verifier *v);

/* The batch in double, samples in groups where a layer couples them: the mean loss per number of the output. Where a
 * value is not finite, or so large that its square leaves the range of float, the config diverges by itself, and from
 * then on a row that fails is void: see verifier_row. */
MUST_USE enum dae_status verifier_forward(struct verifier *v, double *loss);

/* Adds a row about a node, or about all with node -1; `name` is a weight's, or "". A NaN fails: it is not at most the
 * bound. Where the config diverges, a row that fails proves nothing about the device, and is void. */
void verifier_row(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                  const char *note);
/* The same of what does not depend on the config's numbers, so that it is never void. */
void verifier_fact(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                   const char *note);

/* Samples first .. first + n of the made-up batch. */
struct batch verifier_batch(const struct verifier *v, int64_t first, int64_t n);
/* Sample s of it, for the references. */
struct reference_sample verifier_sample(const struct verifier *v, int64_t s, bool training);

/* How many roundings of 2^-24 a result of `terms` operations may be off, in units of the sum of the terms' sizes. A sum
 * of n terms errs by less than lambda sqrt(n) of them but with probability 2 exp(-lambda^2 / 2) (Higham and Mary 2019,
 * theorem 2.4), here lambda = 8; 16 more allow a built-in function the 8 ulp of the standard. */
double verifier_roundings(double terms);
/* The same for one number of a node's output, 0 for what only moves numbers; and of all nodes together, by which two
 * forms of a network may differ. */
double verifier_node_roundings(const struct node *node);
double verifier_network_roundings(const struct network *network);

/* Whether what a plugin makes of random words is exact: what it drops, keeps and replaces. A formula of a corruption
 * that does not replace rounds, as other layers do; a kernel's reference repeats its arithmetic. */
bool verifier_is_exact(const struct plugin *plugin);

/* The largest absolute value, or a NaN if there is one. */
double verifier_largest(const float *x, int64_t n);

/* The number nearest to its bound, or furthest above it; n were compared, n_void could not be. */
struct worst {
    double error, bound, share;
    int64_t n, n_void;
};
/* Compares a device's number with the reference's. A reference or bound that float cannot hold is no measure: the
 * number counts as void, and says nothing about the device. */
void worst_add(struct worst *worst, double have, double want, double bound);
/* Compares two numbers of devices: a NaN on either side is a difference. */
void worst_add_peer(struct worst *worst, double have, double other, double bound);
/* Whether float can hold a reference and what it may be off. */
bool worst_is_measure(double want, double bound);
/* Adds the row of what was collected: it fails with one number that is off, and else is void with one that is void. */
void verifier_worst(struct verifier *v, int node, const char *name, const char *what, const struct worst *worst,
                    const char *note);

#endif
