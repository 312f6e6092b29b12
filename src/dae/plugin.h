/* The plugin contract of dae-cl, number 4. A plugin is a shared object that exports one constant table and links to
 * nothing but the C library. The author writes the mathematics; the host owns state, memory, loops, random draws,
 * folding and launches. docs/plugins.md is the guide; this file is the reference. The files that it names are installed
 * below share/dae-cl. A file defines one plugin, with one of the tables.
 *
 * There are five tables, one for each kind of plugin, and all begin with the same head:
 *
 *   DAE_POINTWISE  a layer that maps each number by a formula        plugins/leaky_relu.c
 *   DAE_LAYER      any other layer, of one sample or of a batch      plugins/maxpool2d.c, plugins/dense.c
 *   DAE_NOISE      a corruption of the input                         plugins/gaussian.c, plugins/block.c
 *   DAE_LOSS       the distance of an output from its target         plugins/mse.c
 *   DAE_OPTIMIZER  the update of one parameter                       plugins/adam.c
 *
 * Formulas are OpenCL C expressions on vectors of type V (16 floats, or one): `x < 0.0f ? P_SLOPE * x : x`. Each comes
 * with a reference in double precision that shares nothing with it: the host compares the two on every device, and
 * checks every gradient against central differences of the reference. A reference is therefore the function and nothing
 * else.
 *
 * Layout: channels last. A shape describes ONE sample, without the batch axis: (H,W,C), or (N) for a vector. Weights
 * are (K,N) matrices: dense in x out, convolution (kh*kw*cin) x cout.
 *
 * A plugin's state is its parameters, as the config gives them. It is constant: no function may write to it. */
#ifndef DAE_PLUGIN_H
#define DAE_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DAE_ABI 4

enum {
    DAE_MAX_RANK = 4,
    DAE_MAX_INPUTS = 8,
    DAE_LANES = 256, /* the most work-items that share a sample */
    DAE_MAX_WEIGHTS = 16,
    DAE_MAX_DEFINES = 32,
    DAE_MAX_PRODUCTS = 16,
    DAE_MAX_KERNELS = 16,
    DAE_MAX_STATES = 4,
    DAE_MAX_COEFFICIENTS = 4,
};

struct dae_shape {
    int rank;
    int64_t dim[DAE_MAX_RANK];
};

/* ---- Rows describe the parameters. The host reads these from YAML, checks them, prints them as the manual and passes
 * them to kernels as macros. --------------------------------------------------------------------------------------- */

enum dae_type {
    DAE_TYPE_INT,      /* int64_t           macro P_<KEY> */
    DAE_TYPE_INTS,     /* int64_t[count]    one integer for all, or a list of `count`; macros P_<KEY>_H, _W for two,
                        *                   P_<KEY>_D, _H, _W for three, else P_<KEY>_0, _1, ... */
    DAE_TYPE_FLOAT,    /* double            P_<KEY> */
    DAE_TYPE_BOOL,     /* bool              P_<KEY>, 0 or 1 */
    DAE_TYPE_INTERVAL, /* double[2]         [lo, hi]; if not given, -inf and inf; P_<KEY>_LO, P_<KEY>_HI */
    DAE_TYPE_CHOICE,   /* int               index into choices "a|b|c"; P_<KEY> */
    DAE_TYPE_SHAPE,    /* struct dae_shape  list of 1 to 4 positive integers; no macro */
    DAE_TYPE_LEVEL,    /* struct dae_level  a number, or [low, high] to draw from for each sample; noises only; P_<KEY>
                        *                   is this sample's */
};

/* The strength of a noise. If low equals high, all samples have it; otherwise each sample draws its own. */
struct dae_level {
    double value; /* in a reference: this sample's, rounded as the device rounds it */
    double low, high;
    uint32_t number; /* distinguishes the levels of one plugin; the host fills it */
};

/* One key of a map in the config. Every table of keys in dae-cl consists of such rows. */
struct dae_row {
    const char *key;
    enum dae_type type;
    size_t offset;            /* of the member in the struct that the map fills */
    int count;                /* DAE_TYPE_INTS: its length */
    const char *default_text; /* as written in a config; NULL: the key is required; "": it may be absent */
    double min, max;          /* inclusive; of each number of a list */
    const char *choices;      /* DAE_TYPE_CHOICE */
    const char *help;         /* one line */
};

/* Rows by macro: DAE_FLOAT(struct huber, delta, 1, 1e-6, 1e6, "distance at which the loss becomes linear"). The key is
 * the member's name. Write the default as a literal, because it becomes the text that a config would contain. */
#define DAE_ROW_(state, member, type_, count_, default_, min_, max_, choices_, help_)                                  \
    {                                                                                                                  \
        .key = #member, .type = type_, .offset = offsetof(state, member), .count = (int)(count_),                      \
        .default_text = default_, .min = min_, .max = max_, .choices = choices_, .help = help_                         \
    }
#define DAE_COUNT_(state, member) (sizeof(((state *)0)->member) / sizeof(int64_t))
#define DAE_INT(state, member, default_, min, max, help)                                                               \
    DAE_ROW_(state, member, DAE_TYPE_INT, 1, #default_, min, max, NULL, help)
#define DAE_REQUIRED_INT(state, member, min, max, help)                                                                \
    DAE_ROW_(state, member, DAE_TYPE_INT, 1, NULL, min, max, NULL, help)
#define DAE_INTS(state, member, default_, min, max, help)                                                              \
    DAE_ROW_(state, member, DAE_TYPE_INTS, DAE_COUNT_(state, member), #default_, min, max, NULL, help)
#define DAE_REQUIRED_INTS(state, member, min, max, help)                                                               \
    DAE_ROW_(state, member, DAE_TYPE_INTS, DAE_COUNT_(state, member), NULL, min, max, NULL, help)
#define DAE_FLOAT(state, member, default_, min, max, help)                                                             \
    DAE_ROW_(state, member, DAE_TYPE_FLOAT, 1, #default_, min, max, NULL, help)
#define DAE_REQUIRED_FLOAT(state, member, min, max, help)                                                              \
    DAE_ROW_(state, member, DAE_TYPE_FLOAT, 1, NULL, min, max, NULL, help)
#define DAE_BOOL(state, member, default_, help) DAE_ROW_(state, member, DAE_TYPE_BOOL, 1, #default_, 0, 1, NULL, help)
#define DAE_INTERVAL(state, member, min, max, help)                                                                    \
    DAE_ROW_(state, member, DAE_TYPE_INTERVAL, 1, "", min, max, NULL, help)
#define DAE_CHOICE(state, member, default_, choices, help)                                                             \
    DAE_ROW_(state, member, DAE_TYPE_CHOICE, 1, #default_, 0, 0, choices, help)
#define DAE_REQUIRED_SHAPE(state, member, max, help)                                                                   \
    DAE_ROW_(state, member, DAE_TYPE_SHAPE, 1, NULL, 1, max, NULL, help)
#define DAE_LEVEL(state, member, default_, min, max, help)                                                             \
    DAE_ROW_(state, member, DAE_TYPE_LEVEL, 1, #default_, min, max, NULL, help)

/* ---- The head of every table. ------------------------------------------------------------------------------------ */

struct dae_head {
    uint32_t abi;               /* DAE_ABI */
    const char *name;           /* as in YAML: a-z, 0-9 and _ */
    const char *help;           /* what it does, in one line; after a newline, when to use it (may be left out) */
    size_t state_bytes;         /* the host allocates the state zeroed and fills it from the rows */
    const struct dae_row *rows; /* ends with key NULL; NULL if there are none */
};
#define DAE_TABLE(name, help, state, rows) .head = {DAE_ABI, name, help, sizeof(state), rows}
#define DAE_TABLE_PLAIN(name, help) .head = {DAE_ABI, name, help, 0, NULL} /* without parameters */

#if defined(__GNUC__)
#define DAE_EXPORT __attribute__((visibility("default")))
#define DAE_PRINTF(text, first) __attribute__((__format__(printf, text, first)))
#else
#define DAE_EXPORT
#define DAE_PRINTF(text, first)
#endif

/* Declares and opens the table: DAE_LOSS = {DAE_TABLE(...), .y = ..., ...}; The symbol gives the kind, and a second one
 * the table's size. Contract 4 grows only at the ends of its tables, by members that may be NULL: the host accepts the
 * size of an earlier header, and refuses one that is larger than its own. */
#define DAE_TABLE_OF_(kind)                                                                                            \
    DAE_EXPORT extern const uint32_t dae_table_bytes_v4;                                                               \
    const uint32_t dae_table_bytes_v4 = sizeof(struct dae_##kind);                                                     \
    DAE_EXPORT extern const struct dae_##kind dae_##kind##_v4;                                                         \
    const struct dae_##kind dae_##kind##_v4
#define DAE_POINTWISE DAE_TABLE_OF_(pointwise)
#define DAE_LAYER DAE_TABLE_OF_(layer)
#define DAE_NOISE DAE_TABLE_OF_(noise)
#define DAE_LOSS DAE_TABLE_OF_(loss)
#define DAE_OPTIMIZER DAE_TABLE_OF_(optimizer)

/* ---- Planning: pure arithmetic on shapes. ------------------------------------------------------------------------ */

enum dae_init {
    DAE_INIT_ZERO,
    DAE_INIT_ONE,
    DAE_INIT_CONSTANT, /* value */
    DAE_INIT_UNIFORM,  /* in (-value, value) */
    DAE_INIT_NORMAL,   /* standard deviation value */
};

struct dae_weight {
    const char *name; /* "weight", "bias": the tensor's name in model files is NODE.name */
    struct dae_shape shape;
    enum dae_init init;
    double value;
};

/* A matrix product that a batch-wide layer runs: C (m,n) = op(A) (m,k) op(B) (k,n) [+ C]. A is stored (m,k), or (k,m)
 * if transposed; B is stored (k,n), or (n,k). At most one may be transposed. `bias` (n) is added to each row. If `fold`
 * allows it, the host then applies the pointwise layer that it folded into this product's store: its y after a forward
 * product, its dx after a backward product. */
struct dae_product {
    bool transpose_a, transpose_b;
    bool has_bias;
    enum dae_fold { DAE_FOLD_NONE, DAE_FOLD_FORWARD, DAE_FOLD_BACKWARD } fold;
};

/* What a node needs. The host fills the first part, `plan` the second. The host has checked the number of inputs and
 * every parameter before it calls, and it checks all sizes and their products afterwards. */
struct dae_plan {
    int n_inputs;
    struct dae_shape input[DAE_MAX_INPUTS];

    struct dae_shape output;
    int n_weights;
    struct dae_weight weight[DAE_MAX_WEIGHTS];
    /* Bit i: weight i is a statistic. It is kept and saved with the others but not trained: `forward` writes it in
     * training, it has no gradient, and no optimiser touches it. Layers that couple samples only. */
    uint32_t statistics;
    int64_t flops;       /* of forward, for one sample; a multiply-add counts two */
    int64_t scratch_len; /* layers of one sample: floats that forward or backward of a sample may overwrite; lanes_sum
                          * overwrites DAE_LANES */
    /* Batch-wide layers: floats of scratch within one call, and floats that forward leaves for backward in training;
     * for each sample of the batch, and once for the batch. */
    int64_t scratch_each, scratch_batch;
    int64_t kept_each, kept_batch;
    int64_t least_batch; /* layers that couple samples: the smallest batch that can be trained on; 0 is 1 */
    int n_products;      /* batch-wide layers: what forward and backward use, by index */
    struct dae_product product[DAE_MAX_PRODUCTS];
    int n_kernels;
    const char *kernel[DAE_MAX_KERNELS]; /* names of __kernel functions in the kernel file */
    bool penalty;                        /* the layer adds a number for each sample to the loss */
    int64_t window[2];                   /* h, w if y is `window_y` over disjoint windows that start at (0, 0) */
    int64_t filter[2]; /* h, w if the first weight is (h*w*channels, n), n filters of images that a report may show */
    int n_defines;     /* integer macros for the kernel file, in addition to those of the rows and shapes */
    struct dae_define {
        const char *name;
        int64_t value;
    } define[DAE_MAX_DEFINES];
    char problem[256]; /* why the shapes do not fit, if plan returns non-zero */
    /* Layers that treat all pixels of an image (H,W,C) the same let networks take images of any size. Per axis, `up`
     * pixels of the output correspond to `down` pixels of every input, starting at (0, 0), for every size that is a
     * multiple of `down`. Both are 1 if H and W are kept; down is the stride if they shrink, up the factor if they
     * grow; one of the two is always 1. An output pixel reads the input pixels that it corresponds to and `reach` more
     * on either side; beyond the edges it has zeros, or pixels that are at most that far from it. The host presets down
     * and up to 1, and reach to -1, which means that the layer is not of this kind. Pointwise layers need not set
     * anything. Of a signal (T,C), the first of each two numbers counts; of a volume see below. */
    int64_t reach[2];
    int64_t down[2], up[2];
    /* Layers that keep H and W, and whose kernel computes blocks of `block` x `block` output pixels together if the
     * macro WINOGRAD is 1 and H and W are block_side or more: the rounding of a pixel then depends on its row and
     * column modulo `block`. Its error is relative to `growth` times the largest input times the sum of the sizes of
     * its channel's weights, the numbers of a column of weight 0. `block` is 0 for all other layers; it must not depend
     * on H and W. */
    int64_t block, block_side;
    double growth;
    /* Of a volume (D,H,W,C), reach, down and up are of H and W, and these are of D, with the same presets. */
    int64_t reach_d, down_d, up_d;
};

/* Adds an integer macro. The host refuses a plan with more than DAE_MAX_DEFINES. */
static inline void dae_plan_define(struct dae_plan *plan, const char *name, int64_t value)
{
    if (plan->n_defines < DAE_MAX_DEFINES)
        plan->define[plan->n_defines] = (struct dae_define){name, value};
    ++plan->n_defines;
}

/* Sets reach, down and up of an axis of a volume: 0 is D, 1 is H, 2 is W. */
static inline void dae_plan_axis(struct dae_plan *plan, int axis, int64_t reach, int64_t down, int64_t up)
{
    *(axis == 0 ? &plan->reach_d : &plan->reach[axis - 1]) = reach;
    *(axis == 0 ? &plan->down_d : &plan->down[axis - 1]) = down;
    *(axis == 0 ? &plan->up_d : &plan->up[axis - 1]) = up;
}

/* Records why the shapes do not fit and returns 1: return dae_plan_fail(plan, "expects an image (H, W, C)"); */
DAE_PRINTF(2, 3) static inline int dae_plan_fail(struct dae_plan *plan, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(plan->problem, sizeof plan->problem, format, arguments);
    va_end(arguments);
    return 1;
}

/* Whether weight i of a plan is a statistic. */
static inline bool dae_is_statistic(const struct dae_plan *plan, int i)
{
    return plan->statistics >> i & 1;
}

/* Elements of a shape. */
static inline int64_t dae_shape_len(const struct dae_shape *shape)
{
    int64_t len = 1;
    for (int i = 0; i < shape->rank; ++i)
        len *= shape->dim[i];
    return len;
}

/* A number clamped to an interval; NaN stays NaN. */
static inline double dae_clamp(double number, const double interval[2])
{
    number = number > interval[1] ? interval[1] : number;
    return number < interval[0] ? interval[0] : number;
}

/* ---- References that are not formulas. --------------------------------------------------------------------------- */

/* One sample's random draws, for references of kernels that draw: the same numbers, by element (kernels/dae.clh). */
struct dae_draw {
    uint32_t (*word)(const struct dae_draw *draw, uint32_t element); /* 32 random bits */
    float (*unit)(const struct dae_draw *draw, uint32_t element);    /* in (0, 1], rounded as the device rounds it */
    double (*normal)(const struct dae_draw *draw, uint32_t element); /* standard normal */
    uint32_t id, n_samples; /* this sample's number in the data set, and how many samples that has */
    float (*data)(const struct dae_draw *draw, uint32_t id, int64_t element); /* any clean sample (reads_data) */
    const void *key;                                                          /* the host's */
};

/* Computes y from x and w, in double precision. n is 1, except for layers that couple samples: in training they get the
 * whole batch. Weights must not be written. */
struct dae_reference {
    const void *state;
    const struct dae_plan *plan;
    int64_t n;
    bool training;               /* dropout acts only then */
    const struct dae_draw *draw; /* (n) */
    const double *const *x;      /* per input (n, input) */
    const double *const *w;      /* per weight */
    double *y;                   /* (n, output) */
    double *const *statistic;    /* per weight: a statistic's new value, (its shape); NULL if it is not needed */
    double *penalty;             /* (n), if the plan has one */
};

/* ---- ONNX: how other programs compute a layer. ------------------------------------------------------------------- */

/* Optional: a network can be exported if each of its layers has `onnx`; a view does not need it. The function describes
 * the layer as it acts outside of training, by nodes of ONNX's own operators, and returns the number of the value that
 * is y. In the graph the channels come first: a node of shape (H,W,C) is a value (N,C,H,W), one of shape (K) is (N,K),
 * and for any shape the last axis follows that of the batch.
 *
 * Values are numbers. After a failure, which the host has recorded, a service returns -1, and so does every service
 * that gets a -1: only the last result must be returned, nothing need be checked in between. */
struct dae_onnx_attribute {
    const char *name;
    enum { DAE_ONNX_KIND_INT, DAE_ONNX_KIND_INTS, DAE_ONNX_KIND_FLOAT, DAE_ONNX_KIND_TEXT } kind;
    int64_t integer;
    const int64_t *integers; /* (n) */
    int n;
    double real;
    const char *text;
};
#define DAE_ONNX_INT(key, i) ((struct dae_onnx_attribute){.name = key, .kind = DAE_ONNX_KIND_INT, .integer = (i)})
#define DAE_ONNX_INTS(key, count, list)                                                                                \
    ((struct dae_onnx_attribute){.name = key, .kind = DAE_ONNX_KIND_INTS, .integers = (list), .n = (count)})
#define DAE_ONNX_FLOAT(key, r) ((struct dae_onnx_attribute){.name = key, .kind = DAE_ONNX_KIND_FLOAT, .real = (r)})
#define DAE_ONNX_TEXT(key, t) ((struct dae_onnx_attribute){.name = key, .kind = DAE_ONNX_KIND_TEXT, .text = (t)})

enum {
    DAE_ONNX_MAX_RANK = 8,
    DAE_ONNX_NONE = -2, /* in place of an optional input that a node does without */
};

struct dae_onnx {
    const void *state;
    const struct dae_plan *plan; /* if reach is set, sides and length may be symbols: no constant may depend on them */
    int opset;                   /* 17 to 20: the version of the operators */
    const int *x;                /* per input, its value */

    /* Weight number `number`, read as `shape` (rank), with its axes in another order: axis i of the value is axis
     * order[i] of `shape`. An order of NULL keeps them. */
    int (*weight)(const struct dae_onnx *onnx, int number, int rank, const int64_t *shape, const int *order);
    /* Constants: floats of that shape, and a vector of n 64-bit integers. Rank 0 is a single number. */
    int (*floats)(const struct dae_onnx *onnx, int rank, const int64_t *shape, const double *numbers);
    int (*integers)(const struct dae_onnx *onnx, int n, const int64_t *numbers);
    /* A node of the operator `op`; its value is the first output. */
    int (*node)(const struct dae_onnx *onnx, const char *op, int n_inputs, const int *inputs, int n_attributes,
                const struct dae_onnx_attribute *attributes);
    /* Records why the layer, with these parameters, cannot be described; always returns -1. */
    int (*fail)(const struct dae_onnx *onnx, const char *format, ...) DAE_PRINTF(2, 3);
    void *context; /* the host's */
};

/* ---- Formulas. --------------------------------------------------------------------------------------------------- */

/* y = f(x), number by number. */
struct dae_pointwise {
    struct dae_head head;
    const char *y;  /* of x (and w) */
    const char *dx; /* of x, y and dy (and w); the host keeps for backward what this names */
    bool monotone;  /* y never falls as x rises, so a max-pooling after it may be done first */
    double (*reference)(const void *state, double x);
    /* A layer with a trained number for each channel (the last axis), called w in the formulas; e.g. PReLU. */
    const char *weight;  /* its name in model files; NULL: there is none */
    double weight_start; /* its initial value */
    const char *dw;      /* of x, y, dy and w; the host sums it over positions and samples */
    double (*weighted_reference)(const void *state, double x, double w); /* instead of `reference` */
    int (*onnx)(const struct dae_onnx *onnx);                            /* may be NULL */
};

/* A corruption is either a formula or kernel functions of one sample. */
struct dae_noise {
    struct dae_head head;
    bool replaces; /* it replaces some numbers, chosen by its draws and not by x, and leaves the others as they are. The
                    * host finds the mask by running it again, with the same draws, on numbers that occur in no data */
    /* A formula of x, unit (uniform in (0, 1]), normal (standard normal, independent of unit) and its rows. The host
     * adds the row `per_pixel` (one draw for all channels of a pixel) if it replaces, else the row `clamp`. */
    const char *y;
    double (*reference)(const void *state, double x, double unit, double normal);
    const char *deviation; /* for additive Gaussian noise, the key of the row that is its standard deviation; else NULL.
                            * Studies of the theory of such noise need it */
    /* Or a kernel file with FN(forward), whose output has the input's shape. */
    const char *kernel;
    bool reads_data;                                       /* the kernel reads other samples, by data_number */
    int (*plan)(const void *state, struct dae_plan *plan); /* may be NULL: any shape */
    void (*sample_reference)(const struct dae_reference *call);
};

/* A loss is either a sum of a formula over the numbers of a sample, or kernel functions of one sample. Either way the
 * host takes the mean, over the samples of a batch and the numbers of the output. */
struct dae_loss {
    struct dae_head head;
    const char *y, *dx; /* of x (output) and t (clean target). The host adds the row `unmasked_weight`, and leaves out
                         * the holes in the data. To every loss it adds the row `weight` */
    double (*reference)(const void *state, double x, double t);
    bool unit_range; /* it is defined only for outputs and targets in [0, 1] */
    /* Or a kernel file with FN(forward) and FN(backward), which read x[0] (output) and x[1] (target) and write one
     * number y. Backward multiplies by s.scale. */
    const char *kernel;
    int (*plan)(const void *state,
                struct dae_plan *plan); /* the host has set output, and DAE_LANES floats of scratch */
    void (*sample_reference)(const struct dae_reference *call);
    bool distribution; /* the channels of a target must sum to 1, as labels and probabilities of classes do */
};

struct dae_optimizer {
    struct dae_head head;
    int n_states;         /* vectors s0 .. s3 for each parameter, zero at the start */
    const char *update;   /* statements that assign w (and s0 ..) from w, g, s0 .., lr and c0 .. c3 */
    size_t learning_rate; /* offsetof of the double that the row of the learning rate fills. It has no macro: schedules
                           * change it, and `lr` is its value at this step */
    /* c0 .. c3 at step t = 1, 2, ..., in double; may be NULL. */
    void (*coefficients)(const void *state, double lr, int64_t t, double c[DAE_MAX_COEFFICIENTS]);
    void (*reference)(const void *state, double lr, const double c[DAE_MAX_COEFFICIENTS], double g, double *w,
                      double *s);
    /* Weight decay: 1 + i if coefficient i is the share of w that a step takes away. The host then adds the row
     * `decay_biases`; if that is false, the coefficient is 0, also in the reference, for parameters with one axis: the
     * biases and the factors of normalisations. 0: there is no decay. */
    int64_t decay;
};

/* ---- Batch-wide layers: the host's services. --------------------------------------------------------------------- */

/* Numbers on the device: floats [offset, ...) of an opaque buffer. Owns nothing. */
struct dae_tensor {
    void *buffer;
    int64_t offset;
};

/* The tensor from element `from` on. */
static inline struct dae_tensor dae_at(struct dae_tensor tensor, int64_t from)
{
    return (struct dae_tensor){tensor.buffer, tensor.offset + from};
}

/* One argument of a plugin's own kernel. */
struct dae_arg {
    enum { DAE_KIND_TENSOR, DAE_KIND_INT, DAE_KIND_FLOAT, DAE_KIND_DRAWS } kind;
    struct dae_tensor tensor; /* two kernel arguments: __global float *, int offset */
    int64_t integer;          /* int */
    double real;              /* float */
};
/* DAE_ARG_DRAWS becomes what the macro DRAW_ARGS declares in the kernel; DRAW_SAMPLE(i) is sample i's struct sample. */
#define DAE_ARG_TENSOR(t) ((struct dae_arg){.kind = DAE_KIND_TENSOR, .tensor = (t)})
#define DAE_ARG_INT(i) ((struct dae_arg){.kind = DAE_KIND_INT, .integer = (i)})
#define DAE_ARG_FLOAT(r) ((struct dae_arg){.kind = DAE_KIND_FLOAT, .real = (r)})
#define DAE_ARG_DRAWS ((struct dae_arg){.kind = DAE_KIND_DRAWS})

struct dae_layer_call {
    int64_t n;     /* samples in this batch */
    bool training; /* else statistics are read and not written, in backward too */
    const void *state;
    const struct dae_plan *plan;
    const struct dae_tensor *x; /* per input (n, input) */
    const struct dae_tensor *w; /* per weight */
    struct dae_tensor y;        /* (n, output) */
    /* (n, kept_each) and (kept_batch): backward finds them as forward left them. (n, scratch_each) and (scratch_batch):
     * their content is lost between two calls. */
    struct dae_tensor kept_each, kept_batch, scratch_each, scratch_batch;
    struct dae_tensor penalty; /* (n) */
    /* Backward only. dx[i].buffer is NULL if no gradient is needed. add_dx[i]: add to dx[i] instead of writing it.
     * dw is always written, except for statistics, which have none. Multiply the gradient of the penalty by `scale`. */
    struct dae_tensor dy;
    const struct dae_tensor *dx, *dw;
    const bool *add_dx;
    double scale;
    const struct dae_host *host;
    void *context; /* the host's */
    int64_t width; /* floats of a V in kernels: 16, or 1 on devices with work-groups */
};

/* The V that cover n numbers, as VECTORS(n) in kernels. */
static inline int64_t dae_vectors(const struct dae_layer_call *call, int64_t n)
{
    return (n + call->width - 1) / call->width;
}

struct dae_multiply {
    int product; /* index into plan->product */
    int64_t m, n, k;
    struct dae_tensor a, b, c, bias;         /* bias is read only if the product has one */
    bool add;                                /* add to C instead of writing it */
    int64_t batch[2];                        /* numbers of products, as two nested loops; 0 is 1 */
    int64_t a_row, b_row, c_row;             /* floats from one stored row to the next; 0: rows are dense */
    int64_t a_step[2], b_step[2], c_step[2]; /* floats from one product of the batch to the next, of each loop */
};

struct dae_launch {
    int kernel;       /* index into plan->kernel */
    int64_t items[2]; /* work-items; 0 is 1. The host may round up, so the kernel must check its index */
    int64_t group[2]; /* work-items per group; 0: the host chooses */
    const struct dae_arg *args;
    int n_args;
};

/* Services for forward and backward. Each returns 0, or non-zero after the host has recorded why; return that value. */
struct dae_host {
    int (*multiply)(const struct dae_layer_call *call, const struct dae_multiply *multiply);
    int (*launch)(const struct dae_layer_call *call, const struct dae_launch *launch);
    /* Records why the layer cannot go on; always returns non-zero. */
    int (*fail)(const struct dae_layer_call *call, const char *format, ...) DAE_PRINTF(2, 3);
};

/* ---- Layers that are not formulas. ------------------------------------------------------------------------------- */

/* A layer is either a `view`; or has `forward` and `backward`, which run on the host for a whole batch; or neither, and
 * then the kernel file defines FN(forward) and FN(backward) for one sample (kernels/dae.clh shows their arguments).
 * A kernel that names STREAM, or DRAW_SAMPLE if it is batch-wide, draws random numbers. */
struct dae_layer {
    struct dae_head head;
    int min_inputs, max_inputs; /* 0 is 1 */
    bool view;                  /* the output is the input with another shape; it has no kernel and no memory */
    bool reads_x, reads_y;      /* backward reads the inputs, the output */
    /* `folds`: the last store applies a pointwise layer that follows, in a batch-wide layer by `fold` of its products,
     * in a layer of one sample by FOLDED (kernels/dae.clh). `pools`: it also applies a pooling layer's windows.
     * `folds_dx`: backward's store of dx applies the backward of a pointwise layer before it. */
    bool folds, pools, folds_dx;
    bool couples; /* batch-wide; in training, y of a sample depends on the other samples of its batch */
    bool linear;  /* y is linear in the first weight, whose last axis is that of y, plus the second weight, one number
                   * per channel: an `affine` layer that follows can be multiplied into the two */
    int (*plan)(const void *state, struct dae_plan *plan); /* returns 0, or dae_plan_fail(...) */
    const char *kernel;                                    /* the text of the kernel file */
    int (*forward)(const struct dae_layer_call *call);
    int (*backward)(const struct dae_layer_call *call);
    void (*reference)(const struct dae_reference *call);
    /* For pooling layers: the formula that combines two values a and b of a window, so that their forward can be folded
     * into the layer before. */
    const char *window_y;
    /* For layers of one input that, outside of training, multiply each channel by a factor and add an offset: computes
     * both, (channels) each, from the weights. */
    void (*affine)(const void *state, const struct dae_plan *plan, const float *const *w, double *factor,
                   double *offset);
    int (*onnx)(const struct dae_onnx *onnx); /* may be NULL */
};

#endif
