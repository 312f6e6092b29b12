/* Are a denoising autoencoder's features better? Compares the codes of the test samples with those of the same network
 * trained without noise, with PCA and with the pixels: how well neighbours and planes separate the classes, on clean
 * and on noisy images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/knn.h"
#include "stats/pca.h"
#include "study/codes.h"

enum { MAP_POINTS = 500 }; /* more would hide each other, and each is 100 bytes of the report */

enum row { ROW_PIXELS, ROW_PCA, ROW_STANDARD, ROW_DENOISING, ROWS };
static const char *const row_names[ROWS] = {"pixels", "PCA", "standard AE", "denoising AE"};

enum column {
    COLUMN_KNN,
    COLUMN_PROBE = CODES_VIEWS,
    COLUMN_MOVED = 2 * CODES_VIEWS,
    COLUMN_LEN,
    COLUMN_DEAD,
    COLUMNS
};
static const char *const column_names[COLUMNS] = {"kNN clean",      "kNN noisy",   "kNN clean, asked noisy",
                                                  "probe clean",    "probe noisy", "probe clean, asked noisy",
                                                  "moved by noise", "features",    "dead units"};

struct options {
    int64_t k;
};

static const struct dae_row keys[] = {
    DAE_INT(struct options, k, 5, 1, KNN_MAX_K, "neighbours that vote on the class"),
    {.key = NULL},
};

static enum dae_status plan(const struct study_task *task, const struct value *options, void *filled, struct error *err)
{
    const struct network *network = task->network;
    const struct value *model = value_map_get(task->config, "model");
    (void)filled;
    if (network->code < 0)
        return error_at(err, DAE_CONFIG, model->mark,
                        "a study of features requires a code; name a layer, and set model.code to its name");
    if (network->noisy == 0)
        return error_at(err, DAE_CONFIG, options->mark,
                        "a study of features requires a corruption, but the config has none");
    if (dae_shape_len(&network->node[0].plan.output) > MOMENTS_MAX_ELEMENTS ||
        dae_shape_len(&network->node[network->code].plan.output) > MOMENTS_MAX_ELEMENTS)
        return error_at(err, DAE_CONFIG, model->mark,
                        "a study of features accepts samples and codes of at most %d numbers",
                        (int)MOMENTS_MAX_ELEMENTS);
    return DAE_OK;
}

struct features {
    struct study_task *task;
    const struct options *options;
    const struct study_variant *variant;
    struct study_result *result;
    double value[ROWS][COLUMNS]; /* all NaN in a row that was not measured */
    int64_t n;                   /* test samples that were tried */
};

/* ---- Measuring. -------------------------------------------------------------------------------------------------- */

/* Units with the same value for every sample. */
static int64_t count_dead(const struct codes *codes)
{
    int64_t n_dead = 0;
    for (int64_t j = 0; j < codes->d; ++j) {
        int64_t i = 1;
        while (i < codes->n && codes->clean[i * codes->d + j] == codes->clean[j])
            ++i;
        n_dead += i == codes->n;
    }
    return n_dead;
}

/* How far noise moves a sample relative to the others: the root mean squared distance between its two codes, divided by
 * that of clean codes from their mean. */
static double moved_by_noise(const struct codes *codes)
{
    double moved = 0, spread = 0;
    for (int64_t j = 0; j < codes->d; ++j) {
        double mean = 0;
        for (int64_t i = 0; i < codes->n; ++i)
            mean += (double)codes->clean[i * codes->d + j] / (double)codes->n;
        for (int64_t i = 0; i < codes->n; ++i) {
            const double clean = (double)codes->clean[i * codes->d + j];
            moved += pow((double)codes->noisy[i * codes->d + j] - clean, 2);
            spread += pow(clean - mean, 2);
        }
    }
    return sqrt(moved / spread);
}

static enum dae_status measure(struct features *f, enum row row, const struct codes *codes, struct error *err)
{
    struct codes_score score;
    TRY(codes_score(f->task, codes, (int)f->options->k, &score, err));
    for (int view = 0; view < CODES_VIEWS; ++view) {
        f->value[row][COLUMN_KNN + view] = score.knn[view];
        f->value[row][COLUMN_PROBE + view] = score.probe[view];
    }
    f->value[row][COLUMN_MOVED] = moved_by_noise(codes);
    f->value[row][COLUMN_LEN] = (double)codes->d;
    f->n = codes->n;
    return DAE_OK;
}

static enum dae_status add_to_pca(void *context, const struct model_batch *batch, struct error *err)
{
    (void)err;
    pca_add(context, batch->clean, (size_t)batch->n);
    return DAE_OK;
}

/* Codes of `from` on the components of `pca`, k of them. The caller releases, whatever the outcome. */
static enum dae_status encode(struct pca *pca, const struct codes *from, struct codes *to, struct error *err)
{
    *to = (struct codes){.n = from->n, .d = pca->k};
    const size_t numbers = (size_t)to->n * (size_t)to->d;
    to->clean = calloc(numbers, sizeof *to->clean);
    to->noisy = calloc(numbers, sizeof *to->noisy);
    if (!to->clean || !to->noisy)
        return error_no_memory(err, "codes", 2 * numbers * sizeof *to->clean);
    pca_encode(pca, from->clean, to->clean, (size_t)from->n);
    pca_encode(pca, from->noisy, to->noisy, (size_t)from->n);
    return DAE_OK;
}

/* Takes as many components of the clean training samples as the code has numbers. */
static enum dae_status measure_pca(struct features *f, const float *parameters, const struct codes *pixels,
                                   struct error *err)
{
    struct codes codes CLEANUP(codes_release) = {0};
    struct pca pca CLEANUP(pca_release) = {0};
    const int64_t k = dae_shape_len(&f->variant->network.node[f->variant->network.code].plan.output);
    if (k >= pixels->d)
        return DAE_OK; /* it would change nothing */
    TRY(pca_init(&pca, (size_t)pixels->d, err));
    TRY(study_pass(f->task, f->variant, parameters, f->task->train, false, add_to_pca, &pca, err));
    TRY(pca_solve(&pca, (size_t)k, err));
    TRY(encode(&pca, pixels, &codes, err));
    return measure(f, ROW_PCA, &codes, err);
}

static enum dae_status measure_samples(struct features *f, const float *parameters, struct error *err)
{
    struct codes pixels CLEANUP(codes_release) = {0};
    TRY(codes_take(f->task, f->variant, parameters, true, true, &pixels, err));
    TRY(measure(f, ROW_PIXELS, &pixels, err));
    return measure_pca(f, parameters, &pixels, err);
}

/* ---- Maps. ------------------------------------------------------------------------------------------------------- */

static int64_t map_points(const struct features *f)
{
    return f->n < MAP_POINTS ? f->n : MAP_POINTS;
}

/* The map of clean codes and that of noisy ones have the same axes: `frame` has the points of both. */
static enum dae_status add_map(struct features *f, enum row row, bool noisy, float *frame /* (2,n,2) */, double kept,
                               struct error *err)
{
    struct arena *arena = f->task->arena;
    const char *net = row == ROW_STANDARD ? "standard" : "denoising", *view = noisy ? "noisy" : "clean";
    const int64_t n = map_points(f);
    struct study_figure *figure = arena_alloc(arena, sizeof *figure);
    if (!figure)
        return error_no_memory(err, "map of codes", 0);
    *figure = (struct study_figure){
        .name = arena_printf(arena, "codes_%s_%s", net, view),
        .title = arena_printf(arena, "Codes of the %s autoencoder, %s images", net, view),
        .caption = arena_printf(arena,
                                "The codes of %lld %s test images, coloured by class, on the first two principal "
                                "components of the %s autoencoder's codes of clean images, which explain %.0f %% of "
                                "their variance: classes that overlap here may be separate in other directions.",
                                (long long)n, view, net, 100 * kept),
        .alt = arena_printf(arena, "points in the plane, coloured by class: codes of the %s autoencoder for %s images",
                            net, view),
        .kind = STUDY_SCATTER,
        .x_label = "first principal component of the codes",
        .y_label = "second principal component",
        .n_points = (int)n,
        .point = frame + (noisy ? 2 * n : 0),
        .label = f->task->test_set->labels,
        .n_frame = (int)(2 * n),
        .frame = frame,
    };
    if (!figure->name || !figure->title || !figure->caption || !figure->alt)
        return error_no_memory(err, "map of codes", 0);
    f->result->figure[f->result->n_figures++] = figure;
    return DAE_OK;
}

static enum dae_status add_maps(struct features *f, enum row row, const struct codes *codes, struct error *err)
{
    struct pca pca CLEANUP(pca_release) = {0};
    struct codes flat CLEANUP(codes_release) = {0};
    if (codes->d < 2)
        return DAE_OK;
    TRY(pca_init(&pca, (size_t)codes->d, err));
    pca_add(&pca, codes->clean, (size_t)codes->n);
    TRY(pca_solve(&pca, 2, err));
    TRY(encode(&pca, codes, &flat, err));
    const double kept = pca.ratio[0] + pca.ratio[1];
    const size_t len = (size_t)map_points(f) * 2;
    float *frame = arena_array(f->task->arena, len, 2 * sizeof *frame);
    if (!frame)
        return error_no_memory(err, "map of codes", len * 2 * sizeof *frame);
    memcpy(frame, flat.clean, len * sizeof *frame);
    memcpy(frame + len, flat.noisy, len * sizeof *frame);
    TRY(add_map(f, row, false, frame, kept, err));
    return add_map(f, row, true, frame, kept, err);
}

static enum dae_status measure_network(struct features *f, enum row row, const float *parameters, struct error *err)
{
    struct codes codes CLEANUP(codes_release) = {0};
    TRY(codes_take(f->task, f->variant, parameters, false, true, &codes, err));
    TRY(measure(f, row, &codes, err));
    f->value[row][COLUMN_DEAD] = (double)count_dead(&codes);
    return add_maps(f, row, &codes, err);
}

/* ---- What the numbers say. --------------------------------------------------------------------------------------- */

static enum dae_status add_finding(struct features *f, const char *finding, struct error *err)
{
    if (!finding)
        return error_no_memory(err, "finding", 0);
    f->result->finding[f->result->n_findings++] = finding;
    return DAE_OK;
}

/* The standard error of the difference between two shares of the same n samples, computed as if they were independent,
 * which is rather too large. */
static double standard_error(double p, double q, int64_t n)
{
    return sqrt((p * (1 - p) + q * (1 - q)) / (double)n);
}

static enum dae_status compare_view(struct features *f, int view, const char *where, struct error *err)
{
    const double ours = f->value[ROW_DENOISING][COLUMN_KNN + view], theirs = f->value[ROW_STANDARD][COLUMN_KNN + view];
    const double error = standard_error(ours, theirs, f->n), gain = ours - theirs;
    const char *verdict = gain > 2 * error    ? "holds here"
                          : gain < -2 * error ? "does not hold here: they are worse"
                                              : "is not confirmed here: the difference is within two standard errors";
    return add_finding(
        f,
        arena_printf(f->task->arena,
                     "%s: %lld nearest neighbours classify %.2f %% correctly by the denoising autoencoder's codes and "
                     "%.2f %% by the standard autoencoder's, %+.2f points (standard error %.2f). The claim that "
                     "denoising gives better features %s. The linear probe reaches %.2f %% and %.2f %%.",
                     where, (long long)f->options->k, 100 * ours, 100 * theirs, 100 * gain, 100 * error, verdict,
                     100 * f->value[ROW_DENOISING][COLUMN_PROBE + view],
                     100 * f->value[ROW_STANDARD][COLUMN_PROBE + view]),
        err);
}

/* The row of the highest number in a column. */
static enum row best_of(const struct features *f, int column)
{
    enum row best = ROW_PIXELS;
    for (enum row row = ROW_PIXELS; row < ROWS; ++row)
        if (f->value[row][column] > f->value[best][column])
            best = row;
    return best;
}

static enum dae_status add_rivals(struct features *f, struct error *err)
{
    const double(*v)[COLUMNS] = f->value;
    const enum row clean = best_of(f, COLUMN_KNN + CODES_CLEAN), noisy = best_of(f, COLUMN_KNN + CODES_NOISY),
                   asked = best_of(f, COLUMN_KNN + CODES_CLEAN_NOISY);
    const char *pca = isnan(v[ROW_PCA][COLUMN_KNN])
                          ? ""
                          : arena_printf(f->task->arena, " and PCA's %.0f components %.2f %%, %.2f %% and %.2f %%",
                                         v[ROW_PCA][COLUMN_LEN], 100 * v[ROW_PCA][COLUMN_KNN + CODES_CLEAN],
                                         100 * v[ROW_PCA][COLUMN_KNN + CODES_NOISY],
                                         100 * v[ROW_PCA][COLUMN_KNN + CODES_CLEAN_NOISY]);
    return add_finding(
        f,
        pca ? arena_printf(f->task->arena,
                           "Without any training the pixels reach %.2f %% clean, %.2f %% noisy and %.2f %% with noisy "
                           "queries among clean neighbours%s. The best features for neighbours are %s on clean images, "
                           "%s on noisy ones, and %s for noisy queries among clean neighbours.",
                           100 * v[ROW_PIXELS][COLUMN_KNN + CODES_CLEAN], 100 * v[ROW_PIXELS][COLUMN_KNN + CODES_NOISY],
                           100 * v[ROW_PIXELS][COLUMN_KNN + CODES_CLEAN_NOISY], pca, row_names[clean], row_names[noisy],
                           row_names[asked])
            : NULL,
        err);
}

static enum dae_status add_findings(struct features *f, struct error *err)
{
    TRY(compare_view(f, CODES_CLEAN, "Clean images", err));
    TRY(compare_view(f, CODES_NOISY, "Noisy images among noisy ones", err));
    TRY(compare_view(f, CODES_CLEAN_NOISY, "Noisy images among clean ones", err));
    TRY(add_rivals(f, err));
    TRY(add_finding(f,
                    arena_printf(f->task->arena,
                                 "Noise moves a code of the denoising autoencoder by %.2f of the spread of its clean "
                                 "codes, and a code of the standard autoencoder by %.2f.",
                                 f->value[ROW_DENOISING][COLUMN_MOVED], f->value[ROW_STANDARD][COLUMN_MOVED]),
                    err));
    return add_finding(f,
                       arena_printf(f->task->arena,
                                    "Of %.0f code units, %.0f of the denoising and %.0f of the standard autoencoder "
                                    "are dead: they have the same value for every test image.",
                                    f->value[ROW_DENOISING][COLUMN_LEN], f->value[ROW_DENOISING][COLUMN_DEAD],
                                    f->value[ROW_STANDARD][COLUMN_DEAD]),
                       err);
}

static enum dae_status add_table(struct features *f, struct error *err)
{
    struct arena *arena = f->task->arena;
    struct study_table *table = arena_alloc(arena, sizeof *table);
    double *value = arena_array(arena, (size_t)ROWS * COLUMNS, sizeof *value);
    const char **name = arena_array(arena, ROWS, sizeof *name);
    if (!table || !value || !name)
        return error_no_memory(err, "table", sizeof f->value);
    *table = (struct study_table){
        .name = "features",
        .caption = arena_printf(
            arena,
            "Share of test images that are classified correctly from the features, in five folds: by %lld nearest "
            "neighbours (kNN) and by a linear classifier (probe); on clean images, on noisy images, and fitted to "
            "clean but tested on noisy images. Moved by noise: the distance between a sample's noisy and clean "
            "features, divided by the distance of clean features from their mean (roots of mean squares).",
            (long long)f->options->k),
        .row_title = "features",
        .n_columns = COLUMNS,
        .column_name = column_names,
        .row_name = name,
        .value = value,
        .n_digits = 4,
    };
    for (enum row row = ROW_PIXELS; row < ROWS; ++row) {
        if (isnan(f->value[row][COLUMN_KNN]))
            continue;
        if (row == ROW_DENOISING) {
            table->mark = "ours";
            table->marked_row = table->n_rows;
        }
        memcpy(value + table->n_rows * COLUMNS, f->value[row], sizeof f->value[row]);
        name[table->n_rows++] = row_names[row];
    }
    f->result->table[f->result->n_tables++] = table;
    return table->caption ? DAE_OK : error_no_memory(err, "table", 0);
}

/* ---- The study. -------------------------------------------------------------------------------------------------- */

static enum dae_status measure_all(struct features *f, struct error *err)
{
    struct study_task *task = f->task;
    const float *denoising = task->model, *standard;
    struct study_variant *variant;
    TRY(study_variant(task, NULL, &variant, err));
    f->variant = variant;
    task->share = denoising ? 0.7 : 0.35;
    if (!denoising)
        TRY(study_train(task, variant, true, "model", &denoising, err));
    TRY(study_train(task, variant, false, "standard", &standard, err));
    study_progress(task, 0, "searching for neighbours of pixels");
    TRY(measure_samples(f, denoising, err));
    study_progress(task, 0.2, "searching for neighbours of codes");
    TRY(measure_network(f, ROW_STANDARD, standard, err));
    study_progress(task, 0.05, "searching for neighbours of codes");
    return measure_network(f, ROW_DENOISING, denoising, err);
}

static enum dae_status check_data(const struct study_task *task, struct error *err)
{
    return task->test_set->labels ? DAE_OK
                                  : error_at(err, DAE_CONFIG, task->settings->data->mark,
                                             "a study of features requires labels, but these test samples have none");
}

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    struct features f = {.task = task, .options = options, .result = result};
    for (int i = 0; i < ROWS * COLUMNS; ++i)
        f.value[i / COLUMNS][i % COLUMNS] = NAN;
    TRY(measure_all(&f, err));
    result->title = "Features: what the code says about the class";
    result->about = arena_printf(
        task->arena,
        "Are a denoising autoencoder's features better? Two classifiers use the codes of %lld test images: %lld "
        "nearest neighbours, and ridge regression on the classes in closed form (a linear probe). Both see four fifths "
        "of the images and classify the rest, in five turns (stratified folds in the order of the file). The study "
        "compares the denoising autoencoder with the same network trained without noise, with as many principal "
        "components as the code has numbers, and with the pixels. Networks were trained for %lld epochs, once: "
        "differences of a few tenths of a point change with the seed.",
        (long long)f.n, (long long)f.options->k, (long long)task->settings->epochs);
    if (!result->about)
        return error_no_memory(err, "study", 0);
    TRY(add_table(&f, err));
    return add_findings(&f, err);
}

const struct study study_features = {
    .name = "features",
    .help = "are the codes of a denoising autoencoder better features? asks neighbours and a linear probe",
    .rows = keys,
    .options_bytes = sizeof(struct options),
    .plan = plan,
    .check_data = check_data,
    .run = run,
};
