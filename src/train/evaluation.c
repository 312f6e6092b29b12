#include "train/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "stats/affine.h"
#include "stats/median.h"
#include "stats/metrics.h"
#include "stats/pca.h"

/* A millionth of the mean variance: pixels that never change stay solvable, nothing else notices. */
static const double ridge = 1e-6;

struct evaluator {
    const struct evaluation_options *options;
    struct evaluation *evaluation;
    struct executor *executor;
    int64_t len, batch;
    int64_t shown[EVALUATION_SHOWN];      /* test samples that are shown */
    float *clean, *noisy, *output, *loss; /* (batch, len), (batch) */
    struct affine affine;
    struct pca pca;
    struct metrics metrics[RIVAL_N];
    double loss_sum[RIVAL_N];
};

const char *evaluation_key(enum evaluation_rival rival)
{
    static const char *const keys[RIVAL_N] = {"noisy", "model", "standard_ae", "affine", "pca", "median"};
    return keys[rival];
}

const char *evaluation_label(enum evaluation_rival rival)
{
    static const char *const labels[RIVAL_N] = {"noisy input",     "denoising AE", "standard AE",
                                                "best affine map", "PCA",          "median filter 3x3"};
    return labels[rival];
}

enum dae_status evaluation_check(const struct settings *settings, const struct network *network,
                                 const struct value *config, struct error *err)
{
    const struct value *compare = value_map_get(config, "compare");
    if (!compare || (!settings->compare_pca && !settings->compare_affine))
        return DAE_OK;
    if (settings->compare_pca && network->code < 0)
        return error_at(err, DAE_CONFIG, compare->mark,
                        "compare: pca takes as many components as the code has numbers; name the code's layer in "
                        "model.code");
    if (dae_shape_len(&network->node[0].plan.output) > MOMENTS_MAX_ELEMENTS)
        return error_at(err, DAE_CONFIG, compare->mark, "compare: affine and pca take samples of at most %d numbers",
                        MOMENTS_MAX_ELEMENTS);
    return DAE_OK;
}

enum dae_status evaluation_check_data(const struct settings *settings, const struct value *config,
                                      const struct dataset *train, const struct dataset *test, struct error *err)
{
    const char *hole = train->hole ? train->hole : test->hole;
    if (!hole || (!settings->compare_affine && !settings->compare_pca))
        return DAE_OK;
    return error_at(
        err, DAE_CONFIG, value_map_get(config, "compare")->mark,
        "%s; affine and pca take whole samples: leave them out (the study finance_impute has rivals that fill "
        "holes)",
        hole);
}

/* One test or training batch through the network: fills clean, noisy, output and loss. */
static enum dae_status run_batch(struct evaluator *c, const struct batch *batch, struct error *err)
{
    const struct network *network = c->options->network;
    if (c->options->stop && *c->options->stop)
        return error_stopped(err, *c->options->stop, "stopped while comparing");
    TRY(executor_forward(c->executor, SCHEDULE_EVALUATE, batch, err));
    TRY(executor_read(c->executor, SCHEDULE_EVALUATE, 0, batch->n, c->clean, err));
    TRY(executor_read(c->executor, SCHEDULE_EVALUATE, network->noisy, batch->n, c->noisy, err));
    TRY(executor_read(c->executor, SCHEDULE_EVALUATE, network->output, batch->n, c->output, err));
    return executor_read(c->executor, SCHEDULE_EVALUATE, network->loss, batch->n, c->loss, err);
}

static enum dae_status fit_rivals(struct evaluator *c, struct error *err)
{
    const struct settings *settings = c->options->settings;
    const int64_t n = loader_samples(c->options->train);
    if (!settings->compare_affine && !settings->compare_pca)
        return DAE_OK;
    if (settings->compare_affine)
        TRY(affine_init(&c->affine, (size_t)c->len, (size_t)c->len, err));
    if (settings->compare_pca)
        TRY(pca_init(&c->pca, (size_t)c->len, err));
    TRY(loader_unshuffle(c->options->train, err));
    for (int64_t first = 0; first < n; first += c->batch) {
        struct batch batch;
        TRY(loader_batch(c->options->train, first, 0, 0, &batch, err));
        TRY(run_batch(c, &batch, err));
        if (settings->compare_affine)
            affine_add(&c->affine, c->noisy, c->clean, (size_t)batch.n);
        if (settings->compare_pca)
            pca_add(&c->pca, c->clean, (size_t)batch.n);
    }
    if (settings->compare_affine)
        TRY(affine_solve(&c->affine, ridge, err));
    if (settings->compare_pca) {
        const int64_t code = dae_shape_len(&c->options->network->node[c->options->network->code].plan.output);
        c->evaluation->pca_components = (int)(code < c->len ? code : c->len);
        TRY(pca_solve(&c->pca, (size_t)code, err));
        c->evaluation->pca_is_identity = c->pca.identity;
    }
    return DAE_OK;
}

/* The samples of [first, first + n) that are shown go to their places among the shown of one rival. */
static void keep_shown(struct evaluator *c, float *shown, const float *values, int64_t first, int64_t n)
{
    for (int i = 0; i < c->evaluation->n_shown; ++i)
        if (c->shown[i] >= first && c->shown[i] < first + n)
            memcpy(shown + i * c->len, values + (c->shown[i] - first) * c->len, (size_t)c->len * sizeof(float));
}

static void measure(struct evaluator *c, enum evaluation_rival rival, const float *output, int64_t first, int64_t n)
{
    struct evaluation_row *row = &c->evaluation->row[rival];
    row->present = true;
    metrics_add(&c->metrics[rival], output, c->clean, (size_t)n, (size_t)c->len);
    keep_shown(c, c->evaluation->memory + (1 + (int64_t)rival) * EVALUATION_SHOWN * c->len, output, first, n);
}

/* A closed-form rival's output; what it is compared with lies in [0, 1], so its output may not leave that either. */
static void measure_rival(struct evaluator *c, enum evaluation_rival rival, int64_t first, int64_t n)
{
    if (c->options->bytes)
        metrics_clamp(c->output, (size_t)(n * c->len), 0, 1);
    measure(c, rival, c->output, first, n);
}

static enum dae_status test_network(struct evaluator *c, enum evaluation_rival rival, const float *parameters,
                                    struct error *err)
{
    const struct settings *settings = c->options->settings;
    const int64_t n = loader_samples(c->options->test);
    const bool first_pass = rival == RIVAL_MODEL;
    TRY(executor_set_parameters(c->executor, parameters, err));
    for (int64_t first = 0; first < n; first += c->batch) {
        struct batch batch;
        TRY(loader_batch(c->options->test, first, 0, PHILOX_HELD_OUT, &batch, err));
        TRY(run_batch(c, &batch, err));
        measure(c, rival, c->output, first, batch.n);
        for (int64_t i = 0; i < batch.n; ++i)
            c->loss_sum[rival] += (double)c->loss[i];
        if (!first_pass)
            continue;
        keep_shown(c, c->evaluation->shown_clean, c->clean, first, batch.n);
        measure(c, RIVAL_NOISY, c->noisy, first, batch.n);
        if (settings->compare_affine) {
            affine_apply(&c->affine, c->noisy, c->output, (size_t)batch.n);
            measure_rival(c, RIVAL_AFFINE, first, batch.n);
        }
        if (settings->compare_pca) {
            pca_project(&c->pca, c->noisy, c->output, (size_t)batch.n);
            measure_rival(c, RIVAL_PCA, first, batch.n);
        }
        if (c->options->median) {
            const int64_t *dim = c->options->network->node[0].plan.output.dim;
            median_filter(c->noisy, c->output, (size_t)batch.n, (size_t)dim[0], (size_t)dim[1], (size_t)dim[2]);
            measure(c, RIVAL_MEDIAN, c->output, first, batch.n);
        }
    }
    return DAE_OK;
}

static void choose_shown(struct evaluator *c)
{
    const struct dataset *set = c->options->test_set;
    int n = 0;
    for (int label = 0; set->labels && label < EVALUATION_SHOWN; ++label)
        for (int64_t i = 0; i < set->n; ++i)
            if (set->labels[i] == label) {
                c->shown[n++] = i;
                break;
            }
    for (int64_t i = 0; n == 0 && i < set->n && i < EVALUATION_SHOWN; ++i)
        c->shown[n++] = i;
    c->evaluation->n_shown = n;
}

static void summarise(struct evaluator *c)
{
    const double elements = (double)loader_samples(c->options->test) * (double)c->len;
    const double standard = c->evaluation->row[RIVAL_STANDARD].present ? metrics_mse(&c->metrics[RIVAL_STANDARD]) : NAN;
    for (int i = 0; i < RIVAL_N; ++i) {
        struct evaluation_row *row = &c->evaluation->row[i];
        if (!row->present)
            continue;
        row->mse = metrics_mse(&c->metrics[i]);
        row->psnr = metrics_psnr_mean(&c->metrics[i]);
        row->loss = i == RIVAL_MODEL || i == RIVAL_STANDARD ? c->loss_sum[i] / elements : NAN;
        row->improvement = standard / row->mse;
        row->shown = c->evaluation->memory + (1 + i) * EVALUATION_SHOWN * c->len;
    }
}

static enum dae_status prepare(struct evaluator *c, struct error *err)
{
    const struct evaluation_options *o = c->options;
    const size_t numbers = (size_t)(c->batch * c->len);
    const struct executor_options options = {.batch = c->batch,
                                             .bytes = o->bytes,
                                             .patches = loader_cuts_patches(o->test),
                                             .evaluate = true,
                                             .corrupt = true,
                                             .join = true,
                                             .fold = true};
    c->clean = calloc(numbers, sizeof(float));
    c->noisy = calloc(numbers, sizeof(float));
    c->output = calloc(numbers, sizeof(float));
    c->loss = calloc((size_t)c->batch, sizeof(float));
    c->evaluation->memory = calloc((size_t)((1 + RIVAL_N) * EVALUATION_SHOWN * c->len), sizeof(float));
    if (!c->clean || !c->noisy || !c->output || !c->loss || !c->evaluation->memory)
        return error_no_memory(err, "comparison", numbers * sizeof(float));
    c->evaluation->shown_clean = c->evaluation->memory;
    c->evaluation->n_samples = loader_samples(o->test);
    choose_shown(c);
    return executor_new(o->device, o->network, &options, &c->executor, err);
}

enum dae_status evaluation_run(const struct evaluation_options *options, struct evaluation *evaluation,
                               struct error *err)
{
    *evaluation = (struct evaluation){0};
    struct evaluator c = {
        .options = options,
        .evaluation = evaluation,
        .len = dae_shape_len(&options->network->node[0].plan.output),
        .batch = options->settings->batch,
    };
    enum dae_status status = prepare(&c, err);
    if (status == DAE_OK)
        status = fit_rivals(&c, err);
    if (status == DAE_OK)
        status = test_network(&c, RIVAL_MODEL, options->model, err);
    if (status == DAE_OK && options->standard)
        status = test_network(&c, RIVAL_STANDARD, options->standard, err);
    if (status == DAE_OK)
        summarise(&c);
    affine_release(&c.affine);
    pca_release(&c.pca);
    executor_free(c.executor);
    free(c.clean);
    free(c.noisy);
    free(c.output);
    free(c.loss);
    if (status != DAE_OK)
        evaluation_release(evaluation);
    return status;
}

void evaluation_release(struct evaluation *evaluation)
{
    free(evaluation->memory);
    *evaluation = (struct evaluation){0};
}
