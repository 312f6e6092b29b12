/* What the parts of a verification share: its state, its data on the device, its rows and its bounds. Only for the
 * files of the verification. */
#ifndef CHECK_VERIFIER_H
#define CHECK_VERIFIER_H

#include "check/verify.h"
#include "graph/executor.h"
#include "graph/reference.h"

enum { BEFORE = 2, BEHIND = 1 }; /* samples of the order before the batch, and of the data after it */

/* Set the first six members and zero the rest. */
struct verifier {
    struct device *device;
    const struct network *network;
    const struct verify_options *options;
    struct arena *arena;
    struct verify_report *report;
    struct error *err;
    bool no_memory;
    bool diverges; /* the reference itself exceeds the range of float: see verifier_forward */
    int64_t input_len, n_data;
    float *data;  /* (n_data, input) as the device takes it */
    int32_t *ids; /* (n_data) the order; sample s of the batch is number ids[BEFORE + s] */
    float *parameters;
    double *parameters64;
    struct buffer *on_data, *on_order, *losses;
};

/* Generates data and parameters, the latter as at the start of a training if that draws them, and puts the data on the
 * device. With options->guards, every buffer made until the end is between guard zones. verifier_close must be called
 * even after verifier_open failed. */
MUST_USE enum dae_status verifier_open(struct verifier *v);
void verifier_close(struct verifier *v);

/* An executor with those parameters, owned by the caller. The form says which of joining, folding and keeping all
 * values are on, and whether it also evaluates. */
struct verifier_form {
    bool join, fold, keep_all, evaluate;
    int64_t batch;                  /* largest number of samples */
    const struct network *training; /* as in executor_options */
};
MUST_USE enum dae_status verifier_executor(struct verifier *v, const struct verifier_form *form, struct executor **e);

/* The capacity of an executor for the whole batch. */
int64_t verifier_capacity(const struct verifier *v);

/* Adds the row of the guard zones of all buffers now on the device. */
MUST_USE enum dae_status verifier_guards(struct verifier *v, const char *form);

/* Zeroed memory from the arena; a failure is remembered until verifier_memory asks. */
void *verifier_take(struct verifier *v, int64_t count, size_t size);
MUST_USE enum dae_status verifier_memory(const struct verifier *v);

/* Computes the batch in double, in groups of samples if a layer couples them, and returns the mean loss per number of
 * the output. If a value is not finite, or its square exceeds the range of float, the config itself diverges, and from
 * then on a row that fails is void: see verifier_row. */
MUST_USE enum dae_status verifier_forward(struct verifier *v, double *loss);

/* Adds a row about a node, or about all nodes with node -1; `name` is a weight's, or "". NaN fails, because it is not
 * at most the bound. If the config diverges, a row that fails proves nothing about the device and is void. */
void verifier_row(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                  const char *note);
/* The same for results that do not depend on the config's numbers, so that the row is never void. */
void verifier_fact(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                   const char *note);

/* Samples first .. first + n of the synthetic batch. */
struct batch verifier_batch(const struct verifier *v, int64_t first, int64_t n);
/* Sample s of it, for the references. */
struct reference_sample verifier_sample(const struct verifier *v, int64_t s, bool training);

/* The bound on the error of a result of `terms` operations, in roundings of 2^-24 of the sum of the terms' sizes. The
 * error of a sum of n terms exceeds lambda sqrt(n) roundings with probability at most 2 exp(-lambda^2 / 2) (Higham and
 * Mary 2019, theorem 2.4); here lambda is 8. Another 16 allow a built-in function the 8 ulp of the standard. */
double verifier_roundings(double terms);
/* The same for one number of a node's output, which is 0 if the node only moves numbers; and for all nodes together, by
 * which two forms of a network may differ. */
double verifier_node_roundings(const struct node *node);
double verifier_network_roundings(const struct network *network);

/* Whether a plugin computes exactly from random words: what it drops, keeps and replaces. The formula of a corruption
 * that does not replace rounds, as other layers do; a kernel's reference repeats its arithmetic, unless the kernel uses
 * sines, whose last bits are the device's. */
bool verifier_is_exact(const struct plugin *plugin);

/* The largest absolute value, or a NaN if there is one. */
double verifier_largest(const float *x, int64_t n);

/* The number nearest to its bound, or furthest above it; n were compared, n_void could not be. */
struct worst {
    double error, bound, share;
    int64_t n, n_void;
};
/* Compares a device's number with the reference's. If the reference or bound exceeds the range of float, the number is
 * void and says nothing about the device. */
void worst_add(struct worst *worst, double have, double want, double bound);
/* Compares two numbers of devices: a NaN on either side is a difference. */
void worst_add_peer(struct worst *worst, double have, double other, double bound);
/* Whether a reference and its bound are within the range of float. */
bool worst_is_measure(double want, double bound);
/* Adds the row of the collected numbers: it fails if one number fails, and else is void if one is void. */
void verifier_worst(struct verifier *v, int node, const char *name, const char *what, const struct worst *worst,
                    const char *note);

#endif
