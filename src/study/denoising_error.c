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

static void keep(const struct visitor *v, float *kept, const float *values, const struct model_batch *batch)
{
    for (int i = 0; kept && i < v->shown->n; ++i) {
        const int64_t at = v->shown->number[i] - batch->first;
        if (at >= 0 && at < batch->n)
            memcpy(kept + i * v->len, values + at * v->len, (size_t)v->len * sizeof *kept);
    }
}

static enum dae_status visit(void *context, const struct model_batch *batch, struct error *err)
{
    struct visitor *v = context;
    (void)err;
    metrics_add(&v->noisy, batch->noisy, batch->clean, (size_t)batch->n, (size_t)v->len);
    metrics_add(&v->output, batch->output, batch->clean, (size_t)batch->n, (size_t)v->len);
    if (v->shown) {
        keep(v, v->shown->noisy, batch->noisy, batch);
        keep(v, v->shown->output, batch->output, batch);
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

void test_shown_choose(const struct dataset *set, int most, struct test_shown *shown)
{
    int n = 0;
    for (int label = 0; set->labels && label < most; ++label)
        for (int64_t i = 0; i < set->n; ++i)
            if (set->labels[i] == label) {
                shown->number[n++] = i;
                break;
            }
    for (int64_t i = 0; n == 0 && i < set->n && i < most; ++i)
        shown->number[i] = i, shown->n = (int)i + 1;
    if (n > 0)
        shown->n = n;
}

bool test_shown_are_images(const struct network *network)
{
    const struct dae_shape *shape = &network->node[0].plan.output;
    return shape->rank == 3 && (shape->dim[2] == 1 || shape->dim[2] == 3);
}
