#include "train/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/shape.h"
#include "graph/plugin.h"
#include "stats/band_pass.h"
#include "stats/median.h"
#include "stats/metrics.h"
#include "stats/pca.h"
#include "stats/savitzky_golay.h"
#include "stats/wiener.h"

enum { HELD_OUT = 5 }; /* one in so many training samples, by which the affine map's ridge is chosen */

struct evaluator {
    const struct evaluation_options *options;
    struct evaluation *evaluation;
    struct model *model;
    int64_t len;
    int64_t shown[EVALUATION_SHOWN]; /* test samples that are shown */
    float *output;                   /* (batch, len) of a closed-form rival */
    float *judged;                   /* (batch, len) the clean numbers that are judged, else NaN; NULL: all are */
    struct affine affine, held_out;
    struct pca pca;
    struct wiener wiener;
    struct savitzky_golay savitzky_golay;
    struct band_pass band_pass;
    struct volume_choice volume[VOLUME_FILTERS];
    struct metrics metrics[RIVAL_N];
    double *error[RIVAL_N]; /* (test samples): each one's sum of squared errors; in evaluation->error */
    double loss_sum[RIVAL_N], term_sum[RIVAL_N][LOSSES_MAX];
    double clean_squares; /* the sum over all test samples */
};

const char *evaluation_key(enum evaluation_rival rival)
{
    static const char *const keys[RIVAL_N] = {"noisy",     "model",     "standard_ae", "affine",
                                              "pca",       "wiener",    "median",      "savitzky_golay",
                                              "band_pass", "median_3d", "gaussian_3d"};
    return keys[rival];
}

const char *evaluation_label(enum evaluation_rival rival)
{
    static const char *const labels[RIVAL_N] = {
        "noisy input", "denoising AE",       "standard AE",         "best affine map",
        "PCA",         "Wiener filter",      "median filter 3x3",   "Savitzky-Golay",
        "band-pass",   "median filter, 3-D", "Gaussian filter, 3-D"};
    return labels[rival];
}

const char *evaluation_phrase(enum evaluation_rival rival)
{
    static const char *const phrases[RIVAL_N] = {"the noisy input",
                                                 "the denoising AE",
                                                 "the standard AE",
                                                 "the best affine map",
                                                 "PCA",
                                                 "the Wiener filter",
                                                 "the 3x3 median filter",
                                                 "Savitzky-Golay",
                                                 "the band-pass",
                                                 "the 3-D median filter",
                                                 "the 3-D Gaussian filter"};
    return phrases[rival];
}

enum dae_status evaluation_check(const struct settings *settings, const struct network *network,
                                 const struct value *config, struct error *err)
{
    const struct value *compare = value_map_get(config, "compare");
    const struct dae_shape *sample = &network->node[0].plan.output;
    if (settings->compare_wiener && !shape_is_image(sample) && sample->rank != 2)
        return error_at(err, DAE_CONFIG, compare->mark,
                        "compare: wiener filters images and signals, but samples are neither (height, width, 1 or 3) "
                        "nor (T, C)");
    if (settings->compare_median && !shape_is_image(sample))
        return error_at(err, DAE_CONFIG, compare->mark,
                        "compare: median filters images, but samples are not (height, width, 1 or 3)");
    if ((settings->compare_savitzky_golay || settings->compare_band_pass) && sample->rank != 2)
        return error_at(err, DAE_CONFIG, compare->mark,
                        "compare: savitzky_golay and band_pass filter signals, but samples are not (T, C)");
    if ((settings->compare_volume[VOLUME_MEDIAN] || settings->compare_volume[VOLUME_GAUSSIAN]) && sample->rank != 4)
        return error_at(err, DAE_CONFIG, compare->mark,
                        "compare: median_3d and gaussian_3d filter volumes, but samples are not (D, H, W, C)");
    if (!settings->compare_pca && !settings->compare_affine)
        return DAE_OK;
    if (settings->compare_pca && network->code < 0)
        return error_at(
            err, DAE_CONFIG, compare->mark,
            "compare: pca uses as many components as the code has numbers; name the code's layer in model.code");
    if (dae_shape_len(sample) > MOMENTS_MAX_ELEMENTS)
        return error_at(err, DAE_CONFIG, compare->mark, "compare: affine and pca accept samples of at most %d numbers",
                        MOMENTS_MAX_ELEMENTS);
    return DAE_OK;
}

enum dae_status evaluation_check_data(const struct settings *settings, const struct value *config,
                                      const struct dataset *train, const struct dataset *test, struct error *err)
{
    const char *hole = train->hole ? train->hole : test->hole;
    if (!hole || (!settings->compare_affine && !settings->compare_pca))
        return DAE_OK;
    return error_at(err, DAE_CONFIG, value_map_get(config, "compare")->mark,
                    "%s; affine and pca require samples without holes: leave them out (the study finance_impute has "
                    "rivals that fill holes)",
                    hole);
}

static enum dae_status check_stop(const struct evaluator *c, struct error *err)
{
    const volatile sig_atomic_t *stop = c->options->stop;
    return stop && *stop ? error_stopped(err, *stop, "stopped while comparing") : DAE_OK;
}

/* The last samples of each batch are held out, so many that it is a fifth of all until now. */
static void fit_affine(struct evaluator *c, const struct model_batch *batch)
{
    const size_t seen = c->affine.x.n + c->held_out.x.n + (size_t)batch->n;
    const size_t held = seen / HELD_OUT - c->held_out.x.n, fitted = (size_t)batch->n - held;
    const int64_t from = (int64_t)fitted * c->len;
    affine_add(&c->affine, batch->noisy, batch->clean, fitted);
    affine_add(&c->held_out, batch->noisy + from, batch->clean + from, held);
}

static enum dae_status fit_batch(void *context, const struct model_batch *batch, struct error *err)
{
    struct evaluator *c = context;
    c->evaluation->n_fitted += batch->n;
    if (c->options->settings->compare_affine)
        fit_affine(c, batch);
    if (c->options->settings->compare_pca)
        pca_add(&c->pca, batch->clean, (size_t)batch->n);
    if (c->options->settings->compare_wiener)
        wiener_add(&c->wiener, batch->noisy, batch->clean, (size_t)batch->n);
    if (c->options->settings->compare_savitzky_golay)
        savitzky_golay_add(&c->savitzky_golay, batch->noisy, batch->clean, (size_t)batch->n);
    if (c->options->settings->compare_band_pass)
        band_pass_add(&c->band_pass, batch->noisy, batch->clean, (size_t)batch->n);
    for (int i = 0; i < VOLUME_FILTERS; ++i)
        if (c->options->settings->compare_volume[i])
            TRY(volume_choice_add(&c->volume[i], batch->noisy, batch->clean, batch->n, err));
    return check_stop(c, err);
}

static enum dae_status begin_rivals(struct evaluator *c, struct error *err)
{
    const size_t len = (size_t)c->len;
    const int64_t *dim = c->options->network->node[0].plan.output.dim;
    if (c->options->settings->compare_savitzky_golay)
        savitzky_golay_init(&c->savitzky_golay, (size_t)dim[0], (size_t)dim[1]);
    if (c->options->settings->compare_band_pass)
        TRY(band_pass_init(&c->band_pass, (size_t)dim[0], (size_t)dim[1], err));
    if (c->options->settings->compare_affine) {
        TRY(affine_init(&c->affine, len, len, err));
        TRY(affine_init(&c->held_out, len, len, err));
    }
    if (c->options->settings->compare_pca)
        TRY(pca_init(&c->pca, len, err));
    if (c->options->settings->compare_wiener) {
        const struct dae_shape *sample = &c->options->network->node[0].plan.output;
        const int first = sample->rank - 2; /* of the last two axes; a signal has no third, which counts rows */
        TRY(wiener_init(&c->wiener, (size_t)loader_samples(c->options->train), first ? (size_t)sample->dim[0] : 1,
                        (size_t)sample->dim[first], (size_t)sample->dim[first + 1], err));
    }
    for (int i = 0; i < VOLUME_FILTERS; ++i)
        c->volume[i] = (struct volume_choice){.filter = (enum volume_filter)i,
                                              .dim = c->options->network->node[0].plan.output.dim};
    return DAE_OK;
}

/* The filters of signals, whose parameters are chosen and not solved for. */
static void choose_filters(struct evaluator *c)
{
    const struct settings *settings = c->options->settings;
    if (settings->compare_savitzky_golay) {
        savitzky_golay_choose(&c->savitzky_golay);
        c->evaluation->savitzky_golay[0] = 2 * c->savitzky_golay.half + 1;
        c->evaluation->savitzky_golay[1] = c->savitzky_golay.order;
    }
    if (settings->compare_band_pass) {
        const double periods = 1000 / (2 * (double)c->band_pass.length);
        band_pass_choose(&c->band_pass);
        c->evaluation->band[0] = periods * (double)c->band_pass.low;
        c->evaluation->band[1] = periods * (double)c->band_pass.high;
    }
}

static enum dae_status fit_rivals(struct evaluator *c, struct error *err)
{
    const struct settings *settings = c->options->settings;
    bool any = settings->compare_affine || settings->compare_pca || settings->compare_wiener ||
               settings->compare_savitzky_golay || settings->compare_band_pass;
    for (int i = 0; i < VOLUME_FILTERS; ++i)
        any = any || settings->compare_volume[i];
    if (!any)
        return DAE_OK;
    TRY(begin_rivals(c, err));
    TRY(model_each(c->model, c->options->train, 0, fit_batch, c, err));
    for (int i = 0; i < VOLUME_FILTERS; ++i)
        if (settings->compare_volume[i])
            c->evaluation->volume_size[i] = volume_choice_best(&c->volume[i]);
    if (settings->compare_affine)
        TRY(affine_solve_best(&c->affine, &c->held_out, &c->evaluation->affine_choice, err));
    if (settings->compare_wiener)
        TRY(wiener_solve(&c->wiener, err));
    choose_filters(c);
    if (settings->compare_pca) {
        const int64_t code = dae_shape_len(&c->options->network->node[c->options->network->code].plan.output);
        c->evaluation->pca_components = (int)shape_min(code, c->len);
        TRY(pca_solve(&c->pca, (size_t)code, err));
        c->evaluation->pca_is_identity = c->pca.identity;
    }
    return DAE_OK;
}

/* Keeps the samples of a batch that are shown. */
static void keep_shown(struct evaluator *c, float *shown, const float *values, const struct model_batch *batch)
{
    model_batch_keep(batch, c->shown, c->evaluation->n_shown, values, c->len, shown);
}

static void measure(struct evaluator *c, enum evaluation_rival rival, const float *output,
                    const struct model_batch *batch)
{
    c->evaluation->row[rival].present = true;
    const float *clean = c->judged ? c->judged : batch->clean;
    for (int64_t i = 0; i < batch->n; ++i) {
        struct metrics one = {0};
        metrics_add(&one, output + i * c->len, clean + i * c->len, 1, (size_t)c->len);
        metrics_merge(&c->metrics[rival], &one);
        c->error[rival][batch->first + i] = one.squared_error_sum;
    }
    keep_shown(c, c->evaluation->memory + (1 + (int64_t)rival) * EVALUATION_SHOWN * c->len, output, batch);
}

/* Measures a closed-form rival. The clean data are in [0, 1], so its output is clamped to that, too. */
static void measure_rival(struct evaluator *c, enum evaluation_rival rival, const struct model_batch *batch)
{
    if (loader_is_unit(c->options->test))
        metrics_clamp(c->output, (size_t)(batch->n * c->len), 0, 1);
    measure(c, rival, c->output, batch);
}

static void test_network(struct evaluator *c, enum evaluation_rival rival, const struct model_batch *batch)
{
    measure(c, rival, batch->output, batch);
    for (int64_t i = 0; i < batch->n; ++i)
        c->loss_sum[rival] += (double)batch->loss[i];
    for (int t = 0; t < losses_terms(c->options->network); ++t)
        for (int64_t i = 0; i < batch->n; ++i)
            c->term_sum[rival][t] += (double)batch->term[t][i];
}

/* Chooses the numbers that are judged. */
static void judge(struct evaluator *c, const struct model_batch *batch)
{
    for (int64_t i = 0; c->judged && i < batch->n * c->len; ++i)
        c->judged[i] = batch->mask[i] > 0 ? batch->clean[i] : NAN;
}

static enum dae_status test_standard(void *context, const struct model_batch *batch, struct error *err)
{
    judge(context, batch);
    test_network(context, RIVAL_STANDARD, batch);
    return check_stop(context, err);
}

/* Measures the denoising network, and all rivals that are not networks. */
static enum dae_status test_model(void *context, const struct model_batch *batch, struct error *err)
{
    struct evaluator *c = context;
    const int64_t *dim = c->options->network->node[0].plan.output.dim;
    const size_t n = (size_t)batch->n;
    judge(c, batch);
    test_network(c, RIVAL_MODEL, batch);
    keep_shown(c, c->evaluation->shown_clean, batch->clean, batch);
    measure(c, RIVAL_NOISY, batch->noisy, batch);
    for (int64_t i = 0; i < batch->n * c->len; ++i)
        c->clean_squares += (double)batch->clean[i] * (double)batch->clean[i];
    if (c->options->settings->compare_affine) {
        affine_apply(&c->affine, batch->noisy, c->output, n);
        measure_rival(c, RIVAL_AFFINE, batch);
    }
    if (c->options->settings->compare_pca) {
        pca_project(&c->pca, batch->noisy, c->output, n);
        measure_rival(c, RIVAL_PCA, batch);
    }
    if (c->options->settings->compare_wiener) {
        wiener_apply(&c->wiener, batch->noisy, c->output, n);
        measure_rival(c, RIVAL_WIENER, batch);
    }
    if (c->options->settings->compare_savitzky_golay) {
        savitzky_golay_apply(&c->savitzky_golay, batch->noisy, c->output, n);
        measure_rival(c, RIVAL_SAVITZKY_GOLAY, batch);
    }
    if (c->options->settings->compare_band_pass) {
        band_pass_apply(&c->band_pass, batch->noisy, c->output, n);
        measure_rival(c, RIVAL_BAND_PASS, batch);
    }
    if (c->options->settings->compare_median) {
        median_filter(batch->noisy, c->output, n, (size_t)dim[0], (size_t)dim[1], (size_t)dim[2]);
        measure(c, RIVAL_MEDIAN, c->output, batch);
    }
    for (int i = 0; i < VOLUME_FILTERS; ++i)
        if (c->options->settings->compare_volume[i]) {
            TRY(volume_filter_apply((enum volume_filter)i, c->evaluation->volume_size[i], batch->noisy, batch->n, dim,
                                    c->output, err));
            measure(c, (enum evaluation_rival)(RIVAL_VOLUME_MEDIAN + i), c->output, batch);
        }
    return check_stop(c, err);
}

/* The errors of two methods are compared as means over elements. With holes, samples have different numbers of these;
 * then each difference is divided by the mean number, so that the mean difference is that of the two mean squared
 * errors. */
static struct paired compare_pairwise(const struct evaluator *c, enum evaluation_rival rival)
{
    const double elements = (double)c->metrics[rival].n_elements / (double)c->evaluation->n_samples;
    struct paired paired = paired_compare(c->error[RIVAL_MODEL], c->error[rival], c->evaluation->n_samples);
    paired.difference /= elements;
    paired.error /= elements;
    paired.margin /= elements;
    return paired;
}

static void summarise(struct evaluator *c)
{
    const double elements = (double)loader_samples(c->options->test) * (double)c->len;
    const double standard = c->evaluation->row[RIVAL_STANDARD].present ? metrics_mse(&c->metrics[RIVAL_STANDARD]) : NAN;
    const bool is_signal = c->options->network->node[0].plan.output.rank == 2;
    const struct dae_shape *sample = &c->options->network->node[0].plan.output;
    const bool peak = shape_is_image(sample) || sample->rank == 4 || loader_is_unit(c->options->test);
    for (int i = 0; i < RIVAL_N; ++i) {
        struct evaluation_row *row = &c->evaluation->row[i];
        if (!row->present)
            continue;
        row->mse = metrics_mse(&c->metrics[i]);
        row->psnr = peak ? metrics_psnr_mean(&c->metrics[i]) : NAN;
        row->snr = is_signal && row->mse > 0 ? 10 * log10(c->clean_squares / elements / row->mse) : NAN;
        row->loss = i == RIVAL_MODEL || i == RIVAL_STANDARD ? c->loss_sum[i] / elements : NAN;
        for (int t = 0; t < LOSSES_MAX; ++t)
            row->term[t] = c->term_sum[i][t] / elements;
        row->improvement = standard / row->mse;
        row->model_less_this = compare_pairwise(c, (enum evaluation_rival)i);
        row->shown = c->evaluation->memory + (1 + i) * EVALUATION_SHOWN * c->len;
    }
    for (int i = 0; i < RIVAL_N; ++i)
        for (int64_t k = 0; k < c->evaluation->n_samples && c->metrics[i].n_elements > 0; ++k)
            c->error[i][k] *= (double)c->evaluation->n_samples / (double)c->metrics[i].n_elements;
}

enum evaluation_rival evaluation_strongest(const struct evaluation *evaluation)
{
    enum evaluation_rival strongest = RIVAL_NOISY;
    for (int i = RIVAL_AFFINE; i < RIVAL_N; ++i)
        if (evaluation->row[i].present && evaluation->row[i].mse < evaluation->row[strongest].mse)
            strongest = (enum evaluation_rival)i;
    return strongest;
}

static enum dae_status prepare(struct evaluator *c, struct error *err)
{
    const struct evaluation_options *o = c->options;
    const size_t numbers = (size_t)(loader_batch_size(o->test) * c->len);
    const size_t samples = (size_t)loader_samples(o->test);
    c->output = calloc(numbers, sizeof(float));
    c->error[0] = c->evaluation->error = calloc(RIVAL_N * samples, sizeof(double));
    for (size_t i = 1; c->error[0] && i < RIVAL_N; ++i)
        c->error[i] = c->error[0] + i * samples;
    c->evaluation->memory = calloc((size_t)((1 + RIVAL_N) * EVALUATION_SHOWN * c->len), sizeof(float));
    /* A network never learns to return what has the weight 0 in its loss, and how well it does so says nothing. */
    if (losses_only_hidden(o->network)) {
        c->evaluation->only_hidden = true;
        c->judged = calloc(numbers, sizeof(float));
        if (!c->judged)
            return error_no_memory(err, "comparison", numbers * sizeof(float));
    }
    if (!c->output || !c->error[0] || !c->evaluation->memory)
        return error_no_memory(err, "comparison", numbers * sizeof(float));
    c->evaluation->shown_clean = c->evaluation->memory;
    c->evaluation->n_samples = loader_samples(o->test);
    c->evaluation->n_shown = dataset_examples(o->test_set, EVALUATION_SHOWN, c->shown);
    return model_open_each(o->device, o->network, o->model, o->test, true, &c->model, err);
}

static void evaluator_release(struct evaluator *c)
{
    affine_release(&c->affine);
    affine_release(&c->held_out);
    wiener_release(&c->wiener);
    band_pass_release(&c->band_pass);
    pca_release(&c->pca);
    model_close(c->model);
    free(c->output);
    free(c->judged);
}

enum dae_status evaluation_run(const struct evaluation_options *options, struct evaluation *evaluation,
                               struct error *err)
{
    *evaluation = (struct evaluation){0};
    struct evaluator c CLEANUP(evaluator_release) = {
        .options = options,
        .evaluation = evaluation,
        .len = dae_shape_len(&options->network->node[0].plan.output),
    };
    TRY(prepare(&c, err));
    TRY(fit_rivals(&c, err));
    TRY(model_each(c.model, options->test, PHILOX_HELD_OUT, test_model, &c, err));
    if (options->standard) {
        TRY(model_set_parameters(c.model, options->standard, err));
        TRY(model_each(c.model, options->test, PHILOX_HELD_OUT, test_standard, &c, err));
    }
    summarise(&c);
    return DAE_OK;
}

void evaluation_release(struct evaluation *evaluation)
{
    free(evaluation->memory);
    free(evaluation->error);
    *evaluation = (struct evaluation){0};
}
