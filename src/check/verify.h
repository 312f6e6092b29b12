/* A network on a device against the double-precision references of its plugins: matrix products, values, gradients, two
 * training steps, the same bits twice, batches of odd sizes, segments joined and layers folded, guard zones. It returns
 * a table and prints nothing. */
#ifndef CHECK_VERIFY_H
#define CHECK_VERIFY_H

#include "base/arena.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"

/* Forms in which a network's kernels may be built, beside the one that is compared with the references. */
enum verify_form {
    VERIFY_JOINED_FOLDED = 1, /* what training runs */
    VERIFY_JOINED = 2,
    VERIFY_FOLDED = 4,
};

struct verify_options {
    int64_t n;             /* samples of the batch, at least 1 */
    int64_t capacity;      /* samples that kernels are built for, at least n; 0: n */
    int64_t n_differences; /* the first of them, over which gradients are compared with differences; 0: they are not */
    int n_elements;        /* of each weight tensor that are compared so, and of each sample of the input */
    double kinks;        /* the share of these elements that may lie at a kink of the loss, where nothing is compared */
    uint32_t epoch;      /* keys the draws */
    uint64_t seed;       /* of the made-up data */
    bool bytes;          /* the data set holds bytes, else floats */
    bool joined;         /* what is compared with the references is one kernel where it can be, and else one a layer */
    unsigned forms;      /* enum verify_form: those that must give what the form compared with the references gives */
    bool guards;         /* every buffer between guard zones */
    int64_t batch;       /* of training, for the matrix products; */
    double product_work; /* of each, about so many multiplications are done again; 0: products are not looked at */
    const struct plugin *optimizer;
    const void *optimizer_state;
    double contractive; /* weight of the penalty that training adds (graph/jacobian.h); 0: none */
    double average;     /* decay of the parameters' average that training keeps; 0: none */
};

struct verify_row {
    const char *node, *plugin; /* "" for the network as a whole */
    const char *what;          /* "values", "mask", "gradient", "update", ... */
    double error, bound;       /* of the worst number */
    bool passed;               /* neither when it is void, so that it says nothing about the device */
    bool is_void;
    const char *note; /* "" or more about it */
};

/* Rows and texts live in the arena that was given. */
struct verify_report {
    struct verify_row *row;
    int n_rows, n_failed, n_void;
    int64_t n_numbers;     /* compared with the reference */
    double worst_gradient; /* the largest error of the "gradient" rows */
};

/* Sets how much is compared (n, n_differences, n_elements, kinks, batch, product_work), as much as the references do in
 * some seconds: of a network like those in configs/ a whole batch, of a large one few samples. */
void verify_size(const struct network *network, int64_t batch, struct verify_options *options);

/* Fills the report. A network that computes wrong numbers is DAE_OK with failed rows; a row whose reference is not
 * finite, as of a config that diverges, is void; an error is one of the device or of memory. Needs network->arena for
 * the executors that it makes. */
MUST_USE enum dae_status verify_network(struct device *device, const struct network *network,
                                        const struct verify_options *options, struct arena *arena,
                                        struct verify_report *report, struct error *err);

#endif
