/* Contraction: how much small changes of the input move the reconstruction, |J_r|_F^2, and how far Alain & Bengio's
 * theorem (2014) holds on a trained network: that training with small noise is training with the penalty sigma^2
 * |J_r|_F^2. The theorem is about the whole reconstruction; the encoder's Jacobian is also measured because courses
 * often use it instead. */
#include <math.h>
#include <string.h>

#include "study/gaussian_levels.h"
#include "study/noise_identity.h"

enum { MAX_NETWORKS = 3, N_JACOBIAN = 5, N_IDENTITY = 6 };

struct options {
    struct field_numbers sigmas;
    int64_t samples, draws;
};

static const struct dae_row keys[] = {
    ROW_LIST(struct options, sigmas, ROW_NUMBERS, "[0.003, 0.01, 0.03]", FIELD_MAX_NUMBERS, 1e-4, 10,
             "standard deviations of the noise in the expansion"),
    DAE_INT(struct options, samples, 256, 1, 100000, "number of test samples to measure at, starting with the first"),
    DAE_INT(struct options, draws, 32, 2, 100000, "draws of noise for each sample and sigma"),
    {.key = NULL},
};

static const struct dae_level *gaussian_sigma(const struct network *network)
{
    return network->noisy == 1 ? plugin_deviation(network->node[1].plugin, network->node[1].state) : NULL;
}

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    (void)options, (void)filled;
    return model_check_jacobian(task->network, task->network->output, err);
}

static enum dae_status check_data(const struct study_task *task, struct error *err)
{
    if (task->test_set->block_bytes == 0)
        return DAE_OK;
    return error_at(err, DAE_CONFIG, task->settings->data->mark,
                    "contraction: requires fixed samples, but patches of images are cut differently each time");
}

/* ---- Measuring. -------------------------------------------------------------------------------------------------- */

struct measured {
    const char *name;
    struct noise_identity identity;
    double encoder; /* |J_enc|_F^2; NaN without a code */
};

/* The first n test samples as floats. */
static enum dae_status take_points(const struct study_task *task, int64_t n, float **x, struct error *err)
{
    const int64_t len = dae_shape_len(&task->test_set->shape);
    *x = arena_array(task->arena, (size_t)(n * len), sizeof **x);
    if (!*x)
        return error_no_memory(err, "samples", (unsigned long long)(n * len) * sizeof **x);
    for (int64_t i = 0; i < n; ++i)
        dataset_value(task->test_set, i, *x + i * len);
    return DAE_OK;
}

static enum dae_status measure_encoder(const struct study_task *task, const struct study_variant *variant,
                                       const float *parameters, const float *x, int64_t n, double *mean,
                                       struct error *err)
{
    struct model *model CLEANUP(model_close_cleanup) = NULL;
    bool exact;
    double *square = arena_array(task->arena, (size_t)n, sizeof *square);
    *mean = NAN;
    if (variant->network.code < 0)
        return DAE_OK;
    if (!square)
        return error_no_memory(err, "samples", (unsigned long long)n * sizeof *square);
    TRY(model_open_jacobian(task->device, &variant->network, variant->network.code, parameters,
                            variant->settings.optimizer, variant->settings.optimizer_state, n, &model, err));
    TRY(model_jacobian(model, x, n, square, &exact, err));
    *mean = 0;
    for (int64_t i = 0; i < n; ++i)
        *mean += square[i] / (double)n;
    return DAE_OK;
}

static enum dae_status measure(const struct study_task *task, const struct study_variant *variant,
                               const float *parameters, const float *x, int64_t n, const struct options *options,
                               struct measured *out, struct error *err)
{
    struct model *model CLEANUP(model_close_cleanup) = NULL;
    const struct noise_identity_options noise = {options->sigmas.n, options->sigmas.number, options->draws,
                                                 task->network->seed};
    TRY(measure_encoder(task, variant, parameters, x, n, &out->encoder, err));
    TRY(model_open_jacobian(task->device, &variant->network, variant->network.output, parameters,
                            variant->settings.optimizer, variant->settings.optimizer_state, n, &model, err));
    return noise_identity_measure(model, x, n, dae_shape_len(&task->test_set->shape), &noise, task->stop, task->arena,
                                  &out->identity, err);
}

/* ---- What is shown. ---------------------------------------------------------------------------------------------- */

/* What the second-order expansion expects of rise / sigma^2. */
static double expected(const struct noise_identity *identity, bool with_laplacian)
{
    return identity->jacobian + (with_laplacian ? identity->laplacian : 0);
}

/* NaN if the expected value is within two standard errors of 0: such a ratio says nothing. */
static double ratio(const struct noise_identity *identity, int sigma, bool with_laplacian)
{
    const double value = expected(identity, with_laplacian);
    const bool certain = fabs(value) > (with_laplacian ? 2 * identity->laplacian_se : 0);
    return certain ? identity->rise[sigma] / value : NAN;
}

/* The standard error of the ratio with the Laplacian, from both measurements' errors. */
static double ratio_se(const struct noise_identity *identity, int sigma)
{
    return fabs(ratio(identity, sigma, true)) *
           hypot(identity->rise_se[sigma] / identity->rise[sigma], identity->laplacian_se / expected(identity, true));
}

static enum dae_status add_jacobians(const struct study_task *task, const struct measured *m, int n,
                                     struct study_result *result, struct error *err)
{
    static const char *const column_name[N_JACOBIAN] = {"|J_r|^2", "|J_enc|^2", "(r - x) . Laplacian r",
                                                        "its std error", "|r - x|^2"};
    const struct study_table head = {
        .name = "jacobians",
        .caption = m[0].identity.exact
                       ? "Means over clean test samples; Jacobians row by row, one backward pass each."
                       : "Means over clean test samples; Jacobians by Hutchinson's estimate, 256 vectors of signs.",
        .row_title = "network",
        .n_rows = n,
        .n_columns = N_JACOBIAN,
        .column_name = column_name,
    };
    struct study_cells to;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int i = 0; i < n; ++i) {
        const struct noise_identity *d = &m[i].identity;
        const double row[N_JACOBIAN] = {d->jacobian, m[i].encoder, d->laplacian, d->laplacian_se, d->error};
        to.row[i] = m[i].name;
        memcpy(to.value + i * N_JACOBIAN, row, sizeof row);
    }
    return DAE_OK;
}

static enum dae_status add_identity(const struct study_task *task, const struct measured *m, int n,
                                    const struct field_numbers *sigmas, struct study_result *result, struct error *err)
{
    static const char *const column_name[N_IDENTITY] = {
        "rise / sigma^2",   "std error of the rise", "|J_r|^2",
        "ratio to |J_r|^2", "ratio with Laplacian",  "std error of that ratio"};
    const struct study_table head = {
        .name = "identity",
        .caption = "rise = E|r(x+e) - x|^2 - |r(x) - x|^2, measured under noise e of variance sigma^2; divided by "
                   "sigma^2 it should approach |J_r|^2 + (r - x) . Laplacian r as sigma goes to 0. A ratio is left out "
                   "where what it divides by is within two standard errors of 0.",
        .row_title = "network and noise",
        .n_rows = n * sigmas->n,
        .n_columns = N_IDENTITY,
        .column_name = column_name,
    };
    struct study_cells to;
    TRY(study_add_table(result, task->arena, &head, &to, err));
    for (int i = 0, at = 0; i < n; ++i)
        for (int s = 0; s < sigmas->n; ++s, ++at) {
            const struct noise_identity *d = &m[i].identity;
            const double row[N_IDENTITY] = {d->rise[s],         d->rise_se[s],     d->jacobian,
                                            ratio(d, s, false), ratio(d, s, true), ratio_se(d, s)};
            memcpy(to.value + at * N_IDENTITY, row, sizeof row);
            if (!(to.row[at] = arena_printf(task->arena, "%s, sigma %g", m[i].name, sigmas->number[s])))
                return error_no_memory(err, "table", 0);
        }
    return DAE_OK;
}

static enum dae_status add_curves(const struct study_task *task, const struct measured *m,
                                  const struct field_numbers *sigmas, struct study_result *result, struct error *err)
{
    static const char *const names[3] = {"measured", "expected: |J_r|^2", "expected, with the Laplacian"};
    const int n = sigmas->n;
    struct study_figure *figure = arena_alloc(task->arena, sizeof *figure);
    struct study_curve *curve = arena_array(task->arena, 3, sizeof *curve);
    double *y = arena_array(task->arena, (size_t)(4 * n), sizeof *y);
    if (!figure || !curve || !y)
        return error_no_memory(err, "figure", 0);
    for (int i = 0; i < n; ++i) {
        y[i] = m->identity.rise[i];
        y[n + i] = expected(&m->identity, false);
        y[2 * n + i] = expected(&m->identity, true);
        y[3 * n + i] = 2 * m->identity.rise_se[i];
    }
    for (int c = 0; c < 3; ++c)
        curve[c] = (struct study_curve){.name = names[c],
                                        .n = n,
                                        .x = sigmas->number,
                                        .y = y + c * n,
                                        .margin = c == 0 ? y + 3 * n : NULL,
                                        .expected = c > 0};
    *figure = (struct study_figure){
        .name = "rise",
        .title = "What small noise adds to the error",
        .caption =
            "The rise of the denoising autoencoder's error over sigma squared, with two standard errors, and what "
            "|J_r|^2 alone and with the Laplacian term lets expect as sigma goes to 0.",
        .alt = "line chart of the measured rise over sigma, with two dashed lines of what is expected",
        .kind = STUDY_LINES,
        .x_label = "sigma",
        .y_label = "rise / sigma^2",
        .n_curves = 3,
        .curve = curve,
    };
    result->figure[result->n_figures++] = figure;
    return DAE_OK;
}

/* Whether the measured rise agrees with the expected one at every sigma, as far as the draws can show. */
struct agreement {
    double off, error; /* the largest difference, and its standard error, over |J_r|^2 */
    const char *verdict;
};

static struct agreement agree(const struct noise_identity *d, int n_sigmas, bool laplacian)
{
    struct agreement a = {0, 0, "holds"};
    bool fails = false, unclear = false;
    for (int s = 0; s < n_sigmas; ++s) {
        const double off = fabs(d->rise[s] - d->jacobian - (laplacian ? d->laplacian : 0)) / d->jacobian;
        const double error = hypot(d->rise_se[s], laplacian ? d->laplacian_se : 0) / d->jacobian;
        fails = fails || (off > 3 * error && off > 0.05);
        unclear = unclear || !(3 * error < 0.1);
        if (!(off <= a.off)) {
            a.off = off;
            a.error = error;
        }
    }
    if (fails)
        a.verdict = "does not hold";
    else if (unclear)
        a.verdict = "can be neither confirmed nor refuted by so few draws";
    return a;
}

static enum dae_status add_findings(const struct study_task *task, const struct measured *m, int n,
                                    const struct field_numbers *sigmas, struct study_result *result, struct error *err)
{
    const struct noise_identity *d = &m[0].identity;
    const struct agreement alone = agree(d, sigmas->n, false), with = agree(d, sigmas->n, true);
    const char **finding = result->finding;
    finding[result->n_findings++] = arena_printf(
        task->arena,
        "Noise of sigma %g to %g raises the error of the denoising autoencoder. The claim that the rise is sigma^2 "
        "|J_r|^2 = %.4g sigma^2 %s (off by up to %.2g of it, standard error %.2g). With the term (r - x) . Laplacian r "
        "= %.3g the second-order expansion %s (off by up to %.2g, standard error %.2g).",
        sigmas->number[0], sigmas->number[sigmas->n - 1], d->jacobian, alone.verdict, alone.off, alone.error,
        d->laplacian, with.verdict, with.off, with.error);
    if (!isnan(m[0].encoder))
        finding[result->n_findings++] = arena_printf(
            task->arena,
            "The theorem is about the whole reconstruction, whose |J_r|^2 is %.4g. The encoder's |J_enc|^2 "
            "is %.4g, %.3g times that: another quantity, which a penalty on the encoder would shrink.",
            d->jacobian, m[0].encoder, m[0].encoder / d->jacobian);
    for (int i = 1; i < n; ++i)
        finding[result->n_findings++] = arena_printf(
            task->arena, "%s: |J_r|^2 = %.4g and error %.4g on clean samples, against %.4g and %.4g of the %s.",
            m[i].name, m[i].identity.jacobian, m[i].identity.error, d->jacobian, d->error, m[0].name);
    for (int i = 0; i < result->n_findings; ++i)
        if (!finding[i])
            return error_no_memory(err, "finding", 0);
    return DAE_OK;
}

/* ---- The study. -------------------------------------------------------------------------------------------------- */

/* No noise, but the penalty that replaces it in the theorem. */
static enum dae_status contractive_variant(const struct study_task *task, double sigma, struct study_variant **out,
                                           struct error *err)
{
    char number[VALUE_NUMBER_BYTES];
    const char *assignments[] = {arena_printf(task->arena, "train.contractive=%s", value_number(sigma * sigma, number)),
                                 NULL};
    if (!assignments[0])
        return error_no_memory(err, "study", 0);
    return gaussian_levels_variant(task, 0, assignments, out, err);
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    const struct options *o = options;
    const struct dae_level *sigma = gaussian_sigma(task->network);
    const bool contractive = sigma && sigma->low == sigma->high && sigma->low > 0;
    const int n = contractive ? 3 : 2;
    const int64_t samples = o->samples < task->test_set->n ? o->samples : task->test_set->n;
    struct measured m[MAX_NETWORKS] = {{.name = "denoising"}, {.name = "standard"}, {.name = "contractive"}};
    static const char *const checkpoints[MAX_NETWORKS] = {"model", "standard", "contractive"};
    float *x;
    TRY(take_points(task, samples, &x, err));
    for (int i = 0; i < n; ++i) {
        const float *parameters = i == 0 ? task->model : NULL;
        struct study_variant *variant;
        if (i < 2)
            TRY(study_variant(task, NULL, &variant, err));
        else
            TRY(contractive_variant(task, sigma->low, &variant, err));
        task->share = 0.6 / n;
        if (!parameters)
            TRY(study_train(task, variant, i != 1, checkpoints[i], &parameters, err));
        TRY(measure(task, variant, parameters, x, samples, o, &m[i], err));
        study_progress(task, 0.4 / n, "measuring");
    }
    result->title = "Contraction";
    result->about = arena_printf(
        task->arena,
        "How far do small changes of the input move the reconstruction? |J_r|^2 is the squared Frobenius norm of the "
        "Jacobian of the whole reconstruction, at each of %lld clean test samples. Alain & Bengio (2014) show that "
        "training with small noise is, to second order, training with sigma^2 |J_r|^2 as a penalty; the expansion has "
        "a second term, (r - x) . Laplacian r, which vanishes only for r = x or a linear r.%s",
        (long long)samples,
        contractive ? " The contractive network is trained without noise but with that penalty; sigma^2 is that of the "
                      "config's noise."
                    : "");
    if (!result->about)
        return error_no_memory(err, "study", 0);
    TRY(add_jacobians(task, m, n, result, err));
    TRY(add_identity(task, m, n, &o->sigmas, result, err));
    TRY(add_curves(task, m, &o->sigmas, result, err));
    return add_findings(task, m, n, &o->sigmas, result, err);
}

const struct study study_contraction = {
    .name = "contraction",
    .help = "the Jacobian of the whole reconstruction, and what small noise adds to the error",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .plan = plan,
    .check_data = check_data,
    .run = run,
};
