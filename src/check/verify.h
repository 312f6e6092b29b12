/* Compares a network on a device with the double-precision references of its plugins: matrix products, values,
 * gradients, two training steps, the same bits twice, batches of odd sizes, joined segments and folded layers, guard
 * zones. It returns a table and prints nothing. */
#ifndef CHECK_VERIFY_H
#define CHECK_VERIFY_H

#include "base/arena.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"

/* Forms in which a network's kernels may be built, in addition to the one that is compared with the references. */
enum verify_form {
    VERIFY_JOINED_FOLDED = 1, /* what training runs */
    VERIFY_JOINED = 2,
    VERIFY_FOLDED = 4,
};

struct verify_options {
    int64_t n;             /* samples of the batch, at least 1 */
    int64_t capacity;      /* samples that kernels are built for, at least n; 0: n */
    int64_t n_differences; /* number of them, the first ones, over which gradients are compared with differences; 0:
                            * none */
    int n_elements;        /* of each weight tensor, and of each sample of the input, that are compared in this way */
    double kinks;   /* the share of these elements that may be at a kink of the loss, where nothing is compared */
    uint32_t epoch; /* keys the draws */
    uint64_t seed;  /* of the synthetic data */
    bool bytes;     /* the data set contains bytes, else floats */
    bool joined;    /* the form that is compared with the references joins layers into one kernel; else it has one
                     * per layer */
    unsigned forms; /* enum verify_form: those that must give the same results as the form compared with the
                     * references */
    bool guards;    /* every buffer between guard zones */
    bool once;      /* for slow simulators: the batch is not repeated, as a whole or in parts, to compare results */
    int64_t batch;  /* of training, for the matrix products; */
    double product_work; /* about how many multiplications of each product are repeated; 0: products are not checked */
    const struct plugin *optimizer;
    const void *optimizer_state;
    double contractive; /* weight of the penalty that training adds (graph/jacobian.h); 0: none */
    double average;     /* decay of the parameters' average that training keeps; 0: none */
};

struct verify_row {
    const char *node, *plugin; /* "" for the network as a whole */
    const char *what;          /* "values", "mask", "gradient", "update", ... */
    double error, bound;       /* of the worst number */
    bool passed;               /* a void row, which says nothing about the device, neither passed nor failed */
    bool is_void;
    const char *note; /* "" or more about it */
};

/* Rows and texts are in the caller's arena. */
struct verify_report {
    struct verify_row *row;
    int n_rows, n_failed, n_void;
    int64_t n_numbers;     /* compared with the reference */
    double worst_gradient; /* the largest error of the "gradient" rows */
};

/* Sets how much is compared (n, n_differences, n_elements, kinks, batch, product_work) to what the references compute
 * in a few seconds: a whole batch for networks like those in configs/, a few samples for a large one. */
void verify_size(const struct network *network, int64_t batch, struct verify_options *options);

/* Fills the report. Wrong numbers give DAE_OK with failed rows. A row whose reference is not finite, because the config
 * diverges, is void. Errors are those of the device or of memory. Uses network->arena for its executors. */
MUST_USE enum dae_status verify_network(struct device *device, const struct network *network,
                                        const struct verify_options *options, struct arena *arena,
                                        struct verify_report *report, struct error *err);

#endif
