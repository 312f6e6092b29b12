/* Measures how fast a network trains and runs on a device, where the time goes, and what the device could do at best,
 * on synthetic data. It returns numbers and prints nothing. */
#ifndef CHECK_BENCH_H
#define CHECK_BENCH_H

#include "base/arena.h"
#include "base/error.h"
#include "device/device.h"
#include "graph/network.h"

struct bench_options {
    struct device *device;
    const struct network *network;
    const struct plugin *optimizer;
    const void *optimizer_state;
    int64_t batch;
    int64_t memory_bytes;  /* device memory for the data, beyond which they are streamed; 0: as a run decides */
    int n_windows;         /* at least 1; the median counts */
    double window_seconds; /* the minimum length of each */
    bool train_only;       /* measures only training and the start */
    bool floats;           /* the data are floats; else bytes */
    int64_t samples;       /* synthetic ones, at most, but for a few batches; 0: many */
    double seconds_before; /* spent by the caller: config, plugins, device; counted into start.total */
};

/* Of some windows, per second. */
struct bench_rate {
    double median, lowest, highest;
};

/* Launches of one kind within a training step. */
struct bench_kernel {
    const char *name;    /* "gather .. conv2d_1 backward", "gemm 128x256x784 backward" (m, n, k) */
    double calls;        /* per step */
    double milliseconds; /* per step, on the device */
    double share;        /* of the time that all kernels of a step take */
    double gflops;       /* 10^9 operations a second; NaN if the plan does not say how many there are */
};

struct bench {
    const char *data;               /* the synthetic data: "16384 samples of generated digits, as bytes" */
    bool streamed;                  /* else all of it is on the device */
    struct bench_rate train, infer; /* images per second */
    double launches_per_step, waits_per_step;
    struct {
        double build, load, first_step; /* seconds */
        double total;                   /* with seconds_before, without generating the data */
    } start;
    uint64_t peak_rss_bytes;     /* of this process, after training was measured and before anything else */
    double gemm_gflops_peak;     /* a product of 1008 x 1008 x 1008 by what trains, the fastest window */
    double copy_gb_per_second;   /* 64 MiB within the device, read and written, the fastest window; 10^9 bytes */
    struct bench_kernel *kernel; /* n_kernels of them, the slowest first */
    int n_kernels;
};

/* Measures everything. Training does what a run does: the corruption, forward, loss, backward, reductions and the
 * update, a new order of the samples for each pass, and reading the loss every 50 ms. Inference is the forward pass
 * over inputs on the device; its outputs stay there. Texts and rows are in the arena; the executor plans into the
 * network's own. DAE_DIVERGED if the loss is not finite. */
MUST_USE enum dae_status bench_run(const struct bench_options *options, struct arena *arena, struct bench *bench,
                                   struct error *err);

/* One of several ways to train a network that are measured in turns, with a tuning of its own. */
struct bench_trainer;

/* Builds it with the device's present tuning, trains until the speed has settled, and checks the loss. Options as for
 * bench_run, which live longer; the windows' length and number do not matter. The caller owns *out: bench_trainer_free.
 */
MUST_USE enum dae_status bench_trainer_new(const struct bench_options *options, struct bench_trainer **out,
                                           struct error *err);
/* Trains for at least these seconds: images per second. */
MUST_USE enum dae_status bench_trainer_window(struct bench_trainer *trainer, double seconds, double *rate,
                                              struct error *err);
void bench_trainer_free(struct bench_trainer *trainer); /* NULL is fine */

/* One product C (m,n) = op(A) (m,k) op(B) (k,n), at most one of the two transposed: 10^9 operations a second. */
struct bench_product {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
};
MUST_USE enum dae_status bench_gemm(struct device *device, const struct bench_product *product, int n_windows,
                                    double window_seconds, struct bench_rate *rate, struct error *err);

/* Copies of 64 MiB within the device: 10^9 bytes a second, read and written, the fastest window. */
MUST_USE enum dae_status bench_copy(struct device *device, double *gb_per_second, struct error *err);

#endif
