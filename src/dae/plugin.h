/* The plugin contract of dae-cl. A plugin is a shared object that exports one constant table, `dae_plugin_v3`, and
 * links to nothing: layers, corruptions, losses and optimisers all load alike. See plugins/relu.c (a pointwise layer),
 * plugins/maxpool2d.c (a layer of one sample), plugins/dense.c (a layer of a whole batch) and plugins/batchnorm2d.c
 * (one that couples its samples) as examples.
 *
 * The host owns state, kernels and tensors. A plugin is a table, a pure function `plan`, a kernel file
 * kernels/<name>.cl and a double-precision `reference` that shares nothing with the kernel.
 *
 * Layout: channels last. A shape describes ONE sample, without the batch axis: (H,W,C), or (N) for a vector.
 * Weights are (K,N) matrices: dense in x out, convolution (kh*kw*cin) x cout. */
#ifndef DAE_PLUGIN_H
#define DAE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAE_ABI 3
#define DAE_PLUGIN_SYMBOL dae_plugin_v3
#define DAE_PLUGIN_SYMBOL_TEXT "dae_plugin_v3"

enum {
    DAE_MAX_RANK = 4,
    DAE_MAX_INPUTS = 8,
    DAE_MAX_WEIGHTS = 4,
    DAE_MAX_DEFINES = 16,
    DAE_MAX_STATES = 4,
    DAE_MAX_COEFFICIENTS = 4,
};

struct dae_shape {
    int rank;
    int64_t dim[DAE_MAX_RANK];
};

/* ---- Parameters: the rows the host reads from YAML, checks, prints as the manual and hands to kernels. ----------- */

enum dae_param_type {
    DAE_INT,      /* int64_t           kernel macro P_<KEY> */
    DAE_INT_PAIR, /* int64_t[2]        one integer for both, or [h, w]; macros P_<KEY>_H, P_<KEY>_W */
    DAE_FLOAT,    /* double            macro P_<KEY> */
    DAE_BOOL,     /* bool              macro P_<KEY>, 0 or 1 */
    DAE_INTERVAL, /* double[2]         [lo, hi]; not given: -inf, inf; macros P_<KEY>_LO, P_<KEY>_HI */
    DAE_CHOICE,   /* int               index into choices "a|b|c"; macro P_<KEY> */
    DAE_SHAPE,    /* struct dae_shape  list of 1 to 4 positive integers; no macro */
    DAE_LEVEL,    /* struct dae_level  a number, or [low, high] to draw from for each sample; corruptions only;
                   *                   P_<KEY> is an expression on the sample `s` */
};

/* How strong a corruption is: the same for all samples when low is high, else each sample draws its own. */
struct dae_level {
    double low, high;
    uint32_t number; /* tells the levels of one plugin apart; the host fills it */
};

struct dae_param {
    const char *key;
    enum dae_param_type type;
    size_t offset; /* of the member in the plugin's state */
    bool required; /* without a default */
    double default_value;
    double min, max;     /* inclusive; of each number in a pair */
    const char *choices; /* DAE_CHOICE only */
    const char *help;    /* one line */
};

/* ---- Planning: pure arithmetic on shapes. ------------------------------------------------------------------------ */

enum dae_init { DAE_INIT_ZERO, DAE_INIT_UNIFORM /* in (-bound, bound) */, DAE_INIT_ONE };

struct dae_weight {
    const char *name; /* "weight", "bias": the tensor's name in model files is NODE.name */
    struct dae_shape shape;
    enum dae_init init;
    double bound;
};

/* What a node needs. The host fills the first part; `plan` fills the second. The host has checked the number of inputs
 * and every parameter row before it calls, and checks all sizes and their product after. */
struct dae_plan {
    int n_inputs;
    struct dae_shape input[DAE_MAX_INPUTS];

    struct dae_shape output;
    int n_weights;
    struct dae_weight weight[DAE_MAX_WEIGHTS];
    /* Bit i: weight i is not trained but kept, a statistic: the layer's own `forward` writes it in training, it has no
     * gradient, and no optimiser touches it. It is saved and loaded with the others. DAE_COUPLES only. */
    uint32_t statistics;
    int64_t scratch_len; /* floats that forward or backward of one sample may scribble on; not kept between the two */
    int64_t kept_len;    /* batch-wide layers: floats that forward leaves for backward in training, for a whole batch */
    int64_t least_batch; /* DAE_COUPLES: samples that a batch of training must hold at least; 0 is 1 */
    int64_t flops;       /* of forward, for one sample; a multiply-add counts two */
    bool reads_mask;     /* losses: there shall be a third input, the mask: 1 where a corruption has replaced a number
                          * (DAE_MASKS), 0 elsewhere; it has the shape of the clean target */
    int64_t window[2];   /* h, w when y is `window_y` over windows of that size, side by side from (0, 0) on; else 0 */
    int n_defines;       /* integer macros for the kernel file beside those of the parameter rows */
    struct dae_define {
        const char *name;
        int64_t value;
    } define[DAE_MAX_DEFINES];
    char problem[256]; /* why the shapes do not fit, when plan returns non-zero */
    /* Layers that work alike at every pixel of images (H,W,C). Per axis, each `up` pixels of the output lie over `down`
     * pixels of every input, from (0, 0) on, and as many follow for any size that is a multiple of `down`: that is 1
     * and 1 where H and W are kept, down the stride where they shrink, up the factor where they grow; never both. An
     * output reads those pixels of its inputs and `reach` more on either side, zeros beyond the edges. The host fills
     * in a reach of -1, which says that this is not such a layer, and down = up = 1; it takes pointwise layers for such
     * by itself. */
    int64_t reach[2];
    int64_t down[2], up[2];
};

/* ---- The double-precision reference. ----------------------------------------------------------------------------- */

/* A named random draw, for references of plugins whose kernels draw (see kernels/dae.clh for the numbering). */
struct dae_draw {
    const void *key;
    bool training; /* dropout acts only then */
    /* x and w are absolute values, and y shall be the sum of the sizes of its terms, from which the host derives how
     * far a kernel may be off. Of use only to a reference that subtracts. */
    bool sizes;
    uint32_t (*word)(const void *key, uint32_t element); /* 32 random bits */
    float (*unit)(const void *key, uint32_t element);    /* the same in (0, 1], rounded as the device rounds it */
    double (*normal)(const void *key, uint32_t element); /* standard normal */
    float (*level)(const void *key, const struct dae_level *level); /* this sample's, as the device has it */
    /* DAE_READS_DATA: this sample's number in the data set, and any clean sample of it. */
    uint32_t id, n_samples;
    float (*data)(const void *key, uint32_t id, int64_t element);
};

/* ---- Batch-wide layers: the host's services. --------------------------------------------------------------------- */

/* Numbers on the device: floats [offset, ...) of an opaque buffer. Owns nothing. */
struct dae_tensor {
    void *buffer;
    int64_t offset;
};

/* C (m,n) = op(A) (m,k) op(B) (k,n) [+ C], row-major and dense: A is stored (m,k), or (k,m) when transposed.
 * Exactly one of the two may be transposed. `bias` (n) is added to each row; then the host applies the pointwise
 * layer that it folded into this product's store, when `fold` names one. */
struct dae_gemm {
    bool transpose_a, transpose_b;
    bool has_bias;
    enum dae_fold { DAE_FOLD_NONE, DAE_FOLD_FORWARD, DAE_FOLD_BACKWARD } fold;
};

/* One argument of a plugin's own kernel. */
struct dae_arg {
    enum { DAE_ARG_TENSOR, DAE_ARG_INT, DAE_ARG_FLOAT } kind;
    struct dae_tensor tensor; /* two kernel arguments: __global float *, int offset */
    int64_t integer;          /* int */
    double real;              /* float */
};

struct dae_layer_call {
    int64_t n;     /* samples in this batch; never above the bound batch */
    bool training; /* else statistics are read and not written, in backward too */
    const void *state;
    const struct dae_plan *plan;
    const struct dae_tensor *x; /* per input (n, input) */
    const struct dae_tensor *w; /* per weight */
    struct dae_tensor y;        /* (n, output) */
    struct dae_tensor kept;     /* (kept_len); buffer NULL where no backward will follow */
    /* Backward only. dx[i].buffer is NULL where no gradient is wanted. add_dx[i]: add to dx[i] instead of writing it.
     * dw is always written, but for statistics, which have none. */
    struct dae_tensor dy;
    const struct dae_tensor *dx, *dw;
    const bool *add_dx;
    const struct dae_host *host;
    void *context; /* the host's */
};

/* Services for bind, forward and backward. Each returns 0, or non-zero after the host has recorded why: pass it on. */
struct dae_host {
    uint32_t size; /* sizeof(struct dae_host) */
    /* bind: builds entry `name` of the plugin's kernel file; the number in *kernel names it in `launch`. */
    int (*kernel)(void *context, const char *name, int *kernel);
    /* bind: prepares a product; the number in *gemm names it in `multiply`. */
    int (*gemm)(void *context, const struct dae_gemm *gemm, int *number);
    /* forward, backward: enqueues `items` work-items (the kernel must guard: the host may round up). */
    int (*launch)(void *context, int kernel, int64_t items, const struct dae_arg *args, int n_args);
    /* forward, backward: enqueues a product. bias is ignored unless the gemm has one. */
    int (*multiply)(void *context, int number, int64_t m, int64_t n, int64_t k, struct dae_tensor a,
                    struct dae_tensor b, struct dae_tensor c, bool add, struct dae_tensor bias);
};

/* ---- The table. -------------------------------------------------------------------------------------------------- */

enum dae_kind { DAE_LAYER, DAE_CORRUPTION, DAE_LOSS, DAE_OPTIMIZER };

enum dae_flags {
    DAE_VIEW = 1,    /* the output is the input under another shape: no kernel, no memory */
    DAE_READS_X = 2, /* backward reads the inputs */
    DAE_READS_Y = 4, /* backward reads the output */
    DAE_DRAWS = 8,   /* the kernel draws random numbers */
    /* The last store takes a pointwise layer in: a batch-wide layer's by `fold` of its gemms, that of a layer of one
     * sample by FOLDED (kernels/dae.clh); and with DAE_POOLS the windows of a pooling layer behind as well. */
    DAE_FOLDS = 16,
    DAE_POOLS = 32,
    /* So does its backward's store of dx, by `fold` of its gemms or by FOLDED_DX. */
    DAE_FOLDS_DX = 64,
    /* A corruption that replaces some numbers and leaves the others as they are, where its draws choose and not the
     * numbers. The host finds the mask by running it once more, on numbers that no data hold. */
    DAE_MASKS = 128,
    DAE_READS_DATA = 256, /* a corruption whose kernel reads other samples, by data_number */
    /* A pointwise layer whose y never falls as x rises: then the y of the largest x is the largest y, and a maximum
     * folded in behind it may go first. */
    DAE_RISES = 512,
    /* A batch-wide layer whose y of a sample depends, in training, on the other samples of its batch: it brings
     * `reference_batch`, and does not draw. */
    DAE_COUPLES = 1024,
    /* y is linear in its first weight, whose last axis is that of y, plus its second weight, one number for each
     * channel: what is `affine` behind it can be multiplied into the two. */
    DAE_LINEAR = 2048,
    DAE_UNIT_RANGE = 4096, /* a loss: output and target must lie in [0, 1] */
};

/* How a layer computes is exactly one of: DAE_VIEW; `pointwise_y` and `pointwise_dx`; `forward` and `backward`; or none
 * of them, and then kernel_source defines FN(forward) and FN(backward) for one sample (kernels/dae.clh shows their
 * arguments). A corruption is a layer of one input without backward, whose output has the input's shape. A loss is a
 * layer of two inputs, the network's output and the clean target (and the mask, where its plan wants it), whose output
 * is one number per sample: the sum over its elements, of which the host takes the mean. */
struct dae_plugin {
    uint32_t abi;  /* DAE_ABI */
    uint32_t size; /* sizeof(struct dae_plugin) */
    enum dae_kind kind;
    const char *name; /* as in YAML, and in kernels/<name>.cl */
    const char *help; /* one line for the manual */
    uint32_t flags;

    size_t state_bytes;             /* the host allocates it zeroed and fills it from the rows */
    const struct dae_param *params; /* ends with key NULL; NULL when there are none */
    int min_inputs, max_inputs;     /* layers */

    /* Returns 0, or non-zero with plan->problem set. Layers, corruptions and losses. */
    int (*plan)(const void *state, struct dae_plan *plan);

    const char *kernel_source; /* the text of kernels/<name>.cl */

    /* OpenCL C expressions on vectors of type V: y from x; dx from y and dy. */
    const char *pointwise_y, *pointwise_dx;
    /* A pooling layer may add how two values a and b of a window become one, so that its forward can be folded into the
     * layer before it. */
    const char *window_y;

    /* Batch-wide layers. `bind` may build kernels and keep their numbers in the state; nothing else may. */
    int (*bind)(void *state, const struct dae_plan *plan, const struct dae_host *host, void *context);
    int (*forward)(const struct dae_layer_call *call);
    int (*backward)(const struct dae_layer_call *call);

    /* One sample in plain double precision: y (output) from x (inputs) and w (weights). The independent answer. */
    void (*reference)(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                      const double *const *x, const double *const *w, double *y);

    /* DAE_COUPLES: the same for n samples of a batch in training: y (n, output) from x[j] (n, input) and w. What
     * becomes of weight i, a statistic, goes to statistic[i]; of the others that is NULL. `sizes` as in struct
     * dae_draw: also of the statistics. */
    void (*reference_batch)(const void *state, const struct dae_plan *plan, int64_t n, bool sizes,
                            const double *const *x, const double *const *w, double *y, double *const *statistic);
    /* A layer of one input that outside of training multiplies each channel (the last axis) by a number and adds one:
     * these, (channels) each, from its weights. Then the host may do so in the weights of the layer before
     * (DAE_LINEAR). */
    void (*affine)(const void *state, const struct dae_plan *plan, const float *const *w, double *factor,
                   double *offset);

    /* Optimisers: state vectors per parameter (zero at the start), the scalars of step t = 1, 2, ... in double, and the
     * update of one parameter. The kernel's FN(update) does the same on 16-wide vectors. */
    int n_states;
    void (*coefficients)(const void *state, int64_t t, double out[DAE_MAX_COEFFICIENTS]);
    void (*update)(const void *state, const double coefficient[DAE_MAX_COEFFICIENTS], double gradient,
                   double *parameter, double *states);
};

#if defined(__GNUC__)
#define DAE_EXPORT __attribute__((visibility("default")))
#else
#define DAE_EXPORT
#endif

/* Declares and opens the table: DAE_PLUGIN_TABLE = { ... }; */
#define DAE_PLUGIN_TABLE                                                                                               \
    DAE_EXPORT extern const struct dae_plugin DAE_PLUGIN_SYMBOL;                                                       \
    const struct dae_plugin DAE_PLUGIN_SYMBOL

/* Adds an integer macro to the plan. */
static inline void dae_plan_define(struct dae_plan *plan, const char *name, int64_t value)
{
    if (plan->n_defines < DAE_MAX_DEFINES)
        plan->define[plan->n_defines++] = (struct dae_define){name, value};
}

/* Whether weight i of a plan is a statistic. */
static inline bool dae_is_statistic(const struct dae_plan *plan, int i)
{
    return plan->statistics >> i & 1;
}

/* The row of a corruption that treats each number by itself or, with `per_pixel`, the channels of an image's pixel
 * alike; `at` is the offset of that bool in its state. */
#define DAE_PER_PIXEL(at)                                                                                              \
    {                                                                                                                  \
        .key = "per_pixel", .type = DAE_BOOL, .offset = (at),                                                          \
        .help = "whether the channels of a pixel are chosen together, and not each by itself"                          \
    }

/* Its plan: y has the shape of x, and the macro SHARE says how many neighbours are treated alike. */
static inline int dae_plan_per_pixel(struct dae_plan *plan, bool per_pixel)
{
    const struct dae_shape *input = &plan->input[0];
    if (per_pixel && input->rank != 3) {
        static const char problem[] = "per_pixel wants an image (H,W,C)";
        for (size_t i = 0; i < sizeof problem && i < sizeof plan->problem; ++i)
            plan->problem[i] = problem[i];
        return 1;
    }
    plan->output = *input;
    dae_plan_define(plan, "SHARE", per_pixel ? input->dim[2] : 1);
    return 0;
}

/* A number held within an interval; NaN stays NaN. */
static inline double dae_hold(double number, const double interval[2])
{
    number = number > interval[1] ? interval[1] : number;
    return number < interval[0] ? interval[0] : number;
}

/* Elements of a shape. */
static inline int64_t dae_shape_len(const struct dae_shape *shape)
{
    int64_t len = 1;
    for (int i = 0; i < shape->rank; ++i)
        len *= shape->dim[i];
    return len;
}

#endif
