/* The values of each node of a batch on a device, and those that it should have: its reference, fed with the device's
 * own inputs. Only for the files of the verification. */
#ifndef CHECK_CHECK_NODES_H
#define CHECK_CHECK_NODES_H

#include "check/verifier.h"

/* A reference's answer, (numbers) each. */
struct expectation {
    double *want;
    double *size;   /* the size of its largest terms, as far as they are known: see check_nodes.c */
    double *effect; /* the effect of shifts of the input, in units of 2^-24 */
    double *other;  /* scratch */
};

enum { CHECK_NODES_OTHERS = 3 }; /* runs of a reference on altered inputs */

/* Memory is the verifier's arena. */
struct check_nodes {
    float **device;                /* per node (n, output) */
    double **value;                /* per node (output) of one sample: what was read from the device */
    double *have;                  /* (output) of the last requested node and sample: the device's, */
    double *want, *bound;          /* the reference's, and how far they may differ */
    struct expectation one, whole; /* of one sample; of all samples if the node couples them */
    float **penalty;               /* per node (n), what it adds to the loss; NULL: nothing */
    struct expectation added;      /* (1) the same for the last requested sample, and its bound: */
    double added_bound;
    /* The inputs that a reference gets, of one sample or, if a node couples them, of all; and altered ones. */
    double **altered, **whole_value, **whole_altered, *whole_unused;
    double *parameters[CHECK_NODES_OTHERS];
    const struct node *writes_past; /* whose reference has written past its output; NULL: none has */
};
MUST_USE enum dae_status check_nodes_take(struct verifier *v, struct check_nodes *a);

/* Reads device[] of every node from the last run of `e`. */
MUST_USE enum dae_status check_nodes_read(const struct verifier *v, const struct executor *e, enum schedule_kind kind,
                                          struct check_nodes *a);

/* Fills have, want and bound of one node and sample; of a node that couples them in training, ask for sample 0 first.
 * Returns what the node drew (REFERENCE_WORDS, _NORMALS). */
unsigned check_nodes_expect(const struct verifier *v, struct check_nodes *a, int node, int64_t sample, bool training);

/* want and bound (both with the weight's shape) of statistic w of a node after one training step. */
void check_nodes_statistic(const struct verifier *v, struct check_nodes *a, int node, int w, double *want,
                           double *bound);

/* For a node that drew words: how many numbers are not dropped, kept or changed as in `other` (len), bit for bit. x is
 * its input. */
int64_t check_nodes_mask_errors(const double *x, const double *have, const double *other, int64_t len);

#endif
