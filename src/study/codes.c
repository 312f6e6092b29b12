#include "study/codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/knn.h"
#include "stats/linear_probe.h"

struct taker {
    float *to; /* (n,d) */
    int64_t n, d;
    bool samples, noisy;
};

static enum dae_status take_batch(void *context, const struct model_batch *batch, struct error *err)
{
    const struct taker *taker = context;
    const float *from = !taker->samples ? batch->code : taker->noisy ? batch->noisy : batch->clean;
    (void)err;
    for (int64_t i = 0; i < batch->n && batch->first + i < taker->n; ++i)
        memcpy(taker->to + (batch->first + i) * taker->d, from + i * taker->d, (size_t)taker->d * sizeof *from);
    return DAE_OK;
}

static enum dae_status take_all(const struct study_task *task, const struct study_variant *variant,
                                const float *parameters, bool samples, bool noisy, const struct codes *codes,
                                float **to, struct error *err)
{
    *to = calloc((size_t)codes->n * (size_t)codes->d, sizeof **to);
    if (!*to)
        return error_no_memory(err, "codes", (size_t)codes->n * (size_t)codes->d * sizeof **to);
    struct taker taker = {*to, codes->n, codes->d, samples, noisy};
    return study_pass(task, variant, parameters, task->test, noisy, take_batch, &taker, err);
}

enum dae_status codes_take(const struct study_task *task, const struct study_variant *variant, const float *parameters,
                           bool samples, bool with_noisy, struct codes *codes, struct error *err)
{
    const struct network *network = &variant->network;
    const int64_t n = loader_samples(task->test);
    *codes = (struct codes){
        .n = n < CODES_MAX_SAMPLES ? n : CODES_MAX_SAMPLES,
        .d = dae_shape_len(&network->node[samples ? 0 : network->code].plan.output),
    };
    TRY(take_all(task, variant, parameters, samples, false, codes, &codes->clean, err));
    return with_noisy ? take_all(task, variant, parameters, samples, true, codes, &codes->noisy, err) : DAE_OK;
}

void codes_release(struct codes *codes)
{
    free(codes->clean);
    free(codes->noisy);
    *codes = (struct codes){0};
}

static enum dae_status make_folds(const struct study_task *task, int64_t n, uint8_t **fold, struct error *err)
{
    *fold = calloc((size_t)n, sizeof **fold);
    if (!*fold)
        return error_no_memory(err, "folds", (size_t)n);
    return cross_validation_folds(task->test_set->labels, n, CODES_FOLDS, *fold, err);
}

enum dae_status codes_score(const struct study_task *task, const struct codes *codes, int k, struct codes_score *score,
                            struct error *err)
{
    const float *const given[CODES_VIEWS] = {codes->clean, codes->noisy, codes->clean};
    const float *const asked[CODES_VIEWS] = {codes->clean, codes->noisy, codes->noisy};
    uint8_t *fold CLEANUP(cleanup_free) = NULL;
    TRY(make_folds(task, codes->n, &fold, err));
    for (int view = 0; view < CODES_VIEWS; ++view) {
        const struct cross_validation trial = {codes->n, codes->d,   given[view], asked[view], task->test_set->labels,
                                               fold,     CODES_FOLDS};
        TRY(knn_accuracy(&trial, k, &score->knn[view], err));
        TRY(study_stopped(task, err));
        TRY(linear_probe_accuracy(&trial, &score->probe[view], err));
        TRY(study_stopped(task, err));
    }
    return DAE_OK;
}

enum dae_status codes_knn(const struct study_task *task, const struct study_variant *variant, const float *parameters,
                          double *accuracy, struct error *err)
{
    *accuracy = NAN;
    if (!task->test_set->labels || variant->network.code < 0)
        return DAE_OK;
    struct codes codes CLEANUP(codes_release) = {0};
    uint8_t *fold CLEANUP(cleanup_free) = NULL;
    TRY(codes_take(task, variant, parameters, false, false, &codes, err));
    TRY(make_folds(task, codes.n, &fold, err));
    const struct cross_validation trial = {codes.n, codes.d,    codes.clean, codes.clean, task->test_set->labels,
                                           fold,    CODES_FOLDS};
    return knn_accuracy(&trial, CODES_NEIGHBOURS, accuracy, err);
}
