#include "check/rates.h"

#include <math.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "check/bench.h"
#include "device/program.h"
#include "device/sources.h"

enum {
    PRODUCT_SIDE = 1008, /* as in bench */
    WINDOWS = 3,
    N_ROUNDS = 5, /* of launches; the first also warms up */
    N_QUEUED = 500,
    N_WAITED = 100,
};
static const double window_seconds = 0.1;

static enum dae_status launch(struct kernel *kernel, struct buffer *in, struct buffer *out, struct error *err)
{
    const size_t one[2] = {1, 1};
    const struct kernel_arg args[] = {ARG_FLOAT(1), ARG_BUFFER(in), ARG_BUFFER(out)};
    return kernel_launch(kernel, one, one, args, 3, err);
}

/* Seconds of one launch of a trivial kernel, in the fastest round: either many are enqueued before waiting, or each is
 * waited for. */
static enum dae_status time_launches(struct device *device, struct kernel *kernel, struct buffer *in,
                                     struct buffer *out, int n, bool wait_each, double *seconds, struct error *err)
{
    *seconds = INFINITY;
    for (int round = 0; round < N_ROUNDS; ++round) {
        const double begin = clock_seconds();
        for (int i = 0; i < n; ++i) {
            TRY(launch(kernel, in, out, err));
            if (wait_each)
                TRY(device_finish(device, err));
        }
        TRY(device_finish(device, err));
        *seconds = fmin(*seconds, (clock_seconds() - begin) / n);
    }
    return DAE_OK;
}

static enum dae_status measure_launches(struct device *device, cJSON *rates, struct error *err)
{
    struct text source = {0};
    struct program *program = NULL;
    struct kernel *kernel = NULL;
    struct buffer *in = NULL, *out = NULL;
    double queued = 0, waited = 0;
    enum dae_status status = sources_add(&source, "probe.cl", err);
    if (status == DAE_OK)
        status = program_build(device, "launches", source.data, "-cl-std=CL1.2", &program, err);
    if (status == DAE_OK)
        status = kernel_new(program, "probe_run", &kernel, err);
    if (status == DAE_OK)
        status = buffer_new(device, sizeof(float), "launches", &in, err);
    if (status == DAE_OK)
        status = buffer_new(device, sizeof(float), "launches", &out, err);
    if (status == DAE_OK)
        status = time_launches(device, kernel, in, out, N_QUEUED, false, &queued, err);
    if (status == DAE_OK)
        status = time_launches(device, kernel, in, out, N_WAITED, true, &waited, err);
    if (status == DAE_OK) {
        json_number(rates, "launch_queued_us", 1e6 * queued);
        json_number(rates, "launch_waited_us", 1e6 * waited);
    }
    buffer_free(in);
    buffer_free(out);
    kernel_free(kernel);
    program_free(program);
    text_release(&source);
    return status;
}

enum dae_status rates_measure(const struct platform_device *listed, cJSON *rates, struct error *err)
{
    struct device *device = NULL;
    struct bench_rate gemm;
    double copy;
    const struct bench_product product = {false, false, PRODUCT_SIDE, PRODUCT_SIDE, PRODUCT_SIDE};
    sandbox_step("opening device '%s'", listed->name);
    TRY(device_open(listed, &(struct tuning_request){0}, &device, err));
    sandbox_step("timing launches on device '%s'", listed->name);
    enum dae_status status = measure_launches(device, rates, err);
    sandbox_step("timing matrix products on device '%s'", listed->name);
    if (status == DAE_OK)
        status = bench_gemm(device, &product, WINDOWS, window_seconds, &gemm, err);
    if (status == DAE_OK)
        json_number(rates, "gemm_gflops", gemm.highest);
    sandbox_step("timing copies on device '%s'", listed->name);
    if (status == DAE_OK)
        status = bench_copy(device, &copy, err);
    if (status == DAE_OK)
        json_number(rates, "copy_gb_per_second", copy);
    sandbox_step("closing device '%s'", listed->name);
    device_close(device);
    return status;
}
