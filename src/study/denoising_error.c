#include "study/denoising_error.h"

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "stats/metrics.h"

struct visitor {
    int64_t len;
    struct metrics noisy, output;
    struct test_shown *shown;
};

static enum dae_status visit(void *context, const struct model_batch *batch, struct error *err)
{
    struct visitor *v = context;
    (void)err;
    metrics_add(&v->noisy, batch->noisy, batch->clean, (size_t)batch->n, (size_t)v->len);
    metrics_add(&v->output, batch->output, batch->clean, (size_t)batch->n, (size_t)v->len);
    if (v->shown) {
        model_batch_keep(batch, v->shown->number, v->shown->n, batch->noisy, v->len, v->shown->noisy);
        model_batch_keep(batch, v->shown->number, v->shown->n, batch->output, v->len, v->shown->output);
    }
    return DAE_OK;
}

enum dae_status denoising_error_measure(const struct study_task *task, const struct study_variant *variant,
                                        const float *parameters, bool corrupt, struct test_shown *shown,
                                        struct denoising_error *out, struct error *err)
{
    struct visitor v = {.len = dae_shape_len(&variant->network.node[0].plan.output), .shown = shown};
    TRY(study_pass(task, variant, parameters, task->test, corrupt, visit, &v, err));
    *out = (struct denoising_error){
        .noisy_mse = metrics_mse(&v.noisy),
        .noisy_psnr = metrics_mse(&v.noisy) > 0 ? metrics_psnr_mean(&v.noisy) : NAN,
        .mse = metrics_mse(&v.output),
        .psnr = metrics_mse(&v.output) > 0 ? metrics_psnr_mean(&v.output) : NAN,
    };
    return DAE_OK;
}
