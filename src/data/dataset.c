#include "data/dataset.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "data/data_folder.h"
#include "data/date.h"
#include "data/digits.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/panel_samples.h"
#include "data/panel_source.h"
#include "data/plane.h"
#include "graph/network.h"

enum {
    DIGITS_TRAIN = 60000,
    DIGITS_TEST = 10000,
    DIGITS_SEED = 1,
    DIGITS_MOST = 10 * 1000 * 1000,
    FACTOR_TRAIN = 2000,
    FACTOR_TEST = 500,
    POINTS_TRAIN = 10000,
    POINTS_TEST = 2000,
    FACTOR_ROWS_MOST = 10 * 1000 * 1000,
    N_FIELDS_MAX = 16, /* of one source */
};

/* Held-out draws are far from those trained on, however many either split takes. */
static const uint32_t first_test = UINT32_C(1) << 31;

#define SOURCES "mnist|idx|digits|npy|csv|factor_panel|mixture|spiral"
enum source {
    SOURCE_MNIST,
    SOURCE_IDX,
    SOURCE_DIGITS,
    SOURCE_NPY,
    SOURCE_CSV,
    SOURCE_FACTOR_PANEL,
    SOURCE_MIXTURE,
    SOURCE_SPIRAL,
};
static const char *const source_names[] = {"mnist", "idx", "digits", "npy", "csv", "factor_panel", "mixture", "spiral"};

/* The `data` map, read. Texts are borrowed from the tree. */
struct options {
    struct mark mark; /* of the source's name */
    int source;
    int fallback; /* 0: digits; -1: none */
    const char *path, *train, *test;
    long long n_train, n_test, seed;
    long long limit, test_limit;                        /* INT32_MAX: none */
    long long memory;                                   /* MiB; 0: no limit */
    int returns;                                        /* enum panel_returns */
    const struct value *from, *train_until, *test_from; /* dates; NULL: not given */
    long long window, assets, factors;
    double clip, noise, missing, scale;
};

#define AT(member) offsetof(struct options, member)
/* Both sources of panels have windows. */
#define WINDOW_FIELD                                                                                                   \
    {                                                                                                                  \
        "window", FIELD_INT, AT(window), false, 1, INT32_MAX, NULL                                                     \
    }
#define WINDOW_HELP "consecutive rows of a sample, flattened oldest first: its shape is [window * assets]"
const struct dataset_key dataset_keys[] = {
    {"*", {"source", FIELD_CHOICE, AT(source), true, 0, 0, SOURCES}, SOURCES, "", "where the samples come from"},
    {"*",
     {"limit", FIELD_INT, AT(limit), false, 1, INT32_MAX, NULL},
     "integer",
     "",
     "use the first N training samples"},
    {"*",
     {"test_limit", FIELD_INT, AT(test_limit), false, 1, INT32_MAX, NULL},
     "integer",
     "",
     "use the first N test samples"},
    {"*",
     {"memory", FIELD_INT, AT(memory), false, 0, 1 << 24, NULL},
     "integer",
     "0",
     "MiB of the device's memory that each split may take; a larger one is streamed; 0: as much as there is"},
    {"mnist",
     {"fallback", FIELD_CHOICE, AT(fallback), false, 0, 0, "digits"},
     "digits",
     "",
     "what to train on when no data folder holds MNIST; without it that is an error"},
    {"idx",
     {"path", FIELD_TEXT, AT(path), true, 0, 0, NULL},
     "folder",
     "",
     "holds train-images* and t10k-images* or test-images* in IDX format, plain or .gz; train-labels* and the like "
     "are optional"},
    {"digits",
     {"train", FIELD_INT, AT(n_train), false, 1, DIGITS_MOST, NULL},
     "integer",
     "60000",
     "training samples to draw"},
    {"digits",
     {"test", FIELD_INT, AT(n_test), false, 1, DIGITS_MOST, NULL},
     "integer",
     "10000",
     "test samples to draw"},
    {"digits", {"seed", FIELD_INT, AT(seed), false, 0, INT32_MAX, NULL}, "integer", "1", "names the set that is drawn"},
    {"npy",
     {"train", FIELD_TEXT, AT(train), true, 0, 0, NULL},
     "file",
     "",
     "training samples: an NPY array of |u1, <f4 or <f8, samples first"},
    {"npy", {"test", FIELD_TEXT, AT(test), true, 0, 0, NULL}, "file", "", "test samples, of the same shape"},
    {"csv",
     {"path", FIELD_TEXT, AT(path), true, 0, 0, NULL},
     "file",
     "",
     "a panel, plain or .gz: a row of names, then a date and one number per asset in each row; looked for as it is, "
     "then in the data folders"},
    {"csv",
     {"returns", FIELD_CHOICE, AT(returns), true, 0, 0, PANEL_RETURNS},
     PANEL_RETURNS,
     "",
     "what is made of the numbers: log or simple returns of prices, or nothing"},
    {"csv", {"train_until", FIELD_VALUE, AT(train_until), true, 0, 0, NULL}, "date", "", "last day of training"},
    {"csv", {"from", FIELD_VALUE, AT(from), false, 0, 0, NULL}, "date", "", "first day of training; the file's first"},
    {"csv",
     {"test_from", FIELD_VALUE, AT(test_from), false, 0, 0, NULL},
     "date",
     "",
     "first day of testing; the row after train_until"},
    {"csv", WINDOW_FIELD, "integer", "1", WINDOW_HELP},
    {"csv",
     {"clip", FIELD_FLOAT, AT(clip), false, 0, 1e6, NULL},
     "number",
     "0",
     "standardised numbers are held in [-clip, clip]; 0: no limit"},
    {"factor_panel",
     {"train", FIELD_INT, AT(n_train), false, 2, FACTOR_ROWS_MOST, NULL},
     "integer",
     "2000",
     "training rows to draw"},
    {"factor_panel",
     {"test", FIELD_INT, AT(n_test), false, 1, FACTOR_ROWS_MOST, NULL},
     "integer",
     "500",
     "test rows to draw"},
    {"factor_panel",
     {"assets", FIELD_INT, AT(assets), false, 1, PANEL_MAX_ASSETS, NULL},
     "integer",
     "30",
     "numbers in a row"},
    {"factor_panel",
     {"factors", FIELD_INT, AT(factors), false, 1, PANEL_MAX_ASSETS, NULL},
     "integer",
     "5",
     "common factors, at most as many as assets"},
    {"factor_panel",
     {"noise", FIELD_FLOAT, AT(noise), false, 0, 1, NULL},
     "number",
     "0.5",
     "share of each asset's variance that is its own"},
    {"factor_panel",
     {"missing", FIELD_FLOAT, AT(missing), false, 0, 0.99, NULL},
     "number",
     "0",
     "probability that a cell is missing"},
    {"factor_panel",
     {"seed", FIELD_INT, AT(seed), false, 0, INT32_MAX, NULL},
     "integer",
     "1",
     "names the market that is drawn"},
    {"factor_panel", WINDOW_FIELD, "integer", "1", WINDOW_HELP},
    {"mixture", {"train", FIELD_INT, AT(n_train), false, 1, DIGITS_MOST, NULL}, "integer", "10000", "training points"},
    {"mixture", {"test", FIELD_INT, AT(n_test), false, 1, DIGITS_MOST, NULL}, "integer", "2000", "test points"},
    {"mixture",
     {"seed", FIELD_INT, AT(seed), false, 0, INT32_MAX, NULL},
     "integer",
     "1",
     "names the set that is drawn"},
    {"spiral", {"train", FIELD_INT, AT(n_train), false, 1, DIGITS_MOST, NULL}, "integer", "10000", "training points"},
    {"spiral", {"test", FIELD_INT, AT(n_test), false, 1, DIGITS_MOST, NULL}, "integer", "2000", "test points"},
    {"spiral", {"seed", FIELD_INT, AT(seed), false, 0, INT32_MAX, NULL}, "integer", "1", "names the set that is drawn"},
    {"spiral", {"scale", FIELD_FLOAT, AT(scale), false, 0.001, 1000, NULL}, "number", "1", "of both coordinates"},
};
#undef WINDOW_HELP
#undef WINDOW_FIELD
#undef AT
const size_t n_dataset_keys = sizeof dataset_keys / sizeof *dataset_keys;

/* Leaves *date as it is when there is no value. */
static enum dae_status read_date(const struct value *value, int64_t *date, struct error *err)
{
    const char *text = NULL;
    if (!value)
        return DAE_OK;
    TRY(field_text(value, &text, err));
    return date_parse(text, date) ? DAE_OK : field_refuse(value, "a date like 2024-12-31", err);
}

static enum dae_status check_dates(const struct options *options, struct error *err)
{
    int64_t from = INT64_MIN, until = INT64_MAX, test = INT64_MAX;
    TRY(read_date(options->from, &from, err));
    TRY(read_date(options->train_until, &until, err));
    TRY(read_date(options->test_from, &test, err));
    if (options->from && from > until)
        return field_refuse(options->from, "a date before train_until", err);
    if (options->test_from && test <= until)
        return field_refuse(options->test_from, "a date after train_until", err);
    return DAE_OK;
}

static enum dae_status read_options(const struct value *section, struct options *options, struct error *err)
{
    *options = (struct options){.fallback = -1,
                                .n_train = DIGITS_TRAIN,
                                .n_test = DIGITS_TEST,
                                .seed = DIGITS_SEED,
                                .limit = INT32_MAX,
                                .test_limit = INT32_MAX,
                                .window = 1,
                                .assets = 30,
                                .factors = 5,
                                .noise = 0.5,
                                .scale = 1};
    const struct value *source = NULL;
    TRY(field_map(section, err));
    TRY(fields_need(section, "source", "data", &source, err));
    TRY(field_choice(source, SOURCES, &options->source, err));
    options->mark = source->mark;
    if (options->source == SOURCE_FACTOR_PANEL) {
        options->n_train = FACTOR_TRAIN;
        options->n_test = FACTOR_TEST;
    } else if (options->source == SOURCE_MIXTURE || options->source == SOURCE_SPIRAL) {
        options->n_train = POINTS_TRAIN;
        options->n_test = POINTS_TEST;
    }

    /* The keys depend on the source, and so does the meaning of `train`. */
    struct field rows[N_FIELDS_MAX];
    int n = 0;
    const char *name = source_names[options->source];
    for (size_t i = 0; i < n_dataset_keys && n < N_FIELDS_MAX; ++i)
        if (strcmp(dataset_keys[i].source, "*") == 0 || strcmp(dataset_keys[i].source, name) == 0)
            rows[n++] = dataset_keys[i].field;
    TRY(fields_read(section, rows, n, "data", options, err));
    if (options->source == SOURCE_FACTOR_PANEL && options->factors > options->assets)
        return error_at(err, DAE_CONFIG, options->mark, "data.factors: %lld factors of %lld assets; wants no more",
                        options->factors, options->assets);
    return check_dates(options, err);
}

enum dae_status dataset_check(const struct value *data_section, struct error *err)
{
    struct options options;
    return read_options(data_section, &options, err);
}

enum dae_status dataset_plane(const struct value *data_section, enum dataset_plane *plane, double *scale,
                              struct error *err)
{
    struct options options;
    TRY(read_options(data_section, &options, err));
    *plane = options.source == SOURCE_MIXTURE  ? DATASET_MIXTURE
             : options.source == SOURCE_SPIRAL ? DATASET_SPIRAL
                                               : DATASET_NO_PLANE;
    *scale = options.scale;
    return DAE_OK;
}

/* ---- From an array to a split. ----------------------------------------------------------------------------------- */

static enum dae_status check_finite(const struct dataset *set, const char *path, struct error *err)
{
    if (set->kind != DATASET_FLOAT)
        return DAE_OK;
    int64_t sample_len = dae_shape_len(&set->shape);
    const float *values = set->values;
    for (int64_t i = 0; i < set->n * sample_len; ++i)
        if (!isfinite(values[i]))
            return error_set(err, DAE_BAD_DATA, "%s: sample %lld, element %lld: %s; remove or replace it", path,
                             (long long)(i / sample_len), (long long)(i % sample_len),
                             isnan(values[i]) ? "not a number (NaN)" : "infinity, or beyond the range of float");
    return DAE_OK;
}

/* Takes over an array's values, cut to the limit, and sets *values to NULL. */
static enum dae_status adopt(struct dataset *set, const char *path, bool is_float, int rank, const int64_t *dim,
                             void **values, int64_t limit, struct error *err)
{
    if (rank < 1 || rank > DAE_MAX_RANK + 1)
        return error_set(err, DAE_BAD_DATA, "%s: an array of rank %d; wants 1 to %d, samples first", path, rank,
                         DAE_MAX_RANK + 1);
    for (int i = 0; i < rank; ++i)
        if (dim[i] == 0)
            return error_set(err, DAE_BAD_DATA, "%s: the set is empty: dimension %d is 0", path, i);
    set->n = dim[0];
    set->kind = is_float ? DATASET_FLOAT : DATASET_UINT8;
    set->shape = (struct dae_shape){.rank = rank - 1};
    for (int i = 1; i < rank; ++i)
        set->shape.dim[i - 1] = dim[i];
    if (rank == 1 || rank == 3) /* a number per sample; grey images without their channel axis */
        set->shape.dim[set->shape.rank++] = 1;
    set->values = *values;
    *values = NULL;
    if (set->n > limit) {
        set->n = limit;
        size_t bytes = (size_t)(limit * dae_shape_len(&set->shape)) * (is_float ? sizeof(float) : 1);
        void *cut = realloc(set->values, bytes);
        set->values = cut ? cut : set->values;
    }
    return check_finite(set, path, err);
}

static enum dae_status load_idx_images(const char *path, int64_t limit, struct dataset *set, int64_t *n_images,
                                       struct error *err)
{
    struct idx array;
    TRY(idx_load(path, &array, err));
    *n_images = array.dim[0];
    enum dae_status status = adopt(set, path, array.is_float, array.rank, array.dim, &array.values, limit, err);
    idx_release(&array);
    return status;
}

static enum dae_status load_idx_labels(const char *path, const char *images_path, int64_t n_images, struct dataset *set,
                                       struct error *err)
{
    struct idx array;
    TRY(idx_load(path, &array, err));
    enum dae_status status = DAE_OK;
    if (array.is_float || array.rank != 1)
        status = error_set(err, DAE_BAD_DATA, "%s: byte 0: labels must be one byte each, in one dimension", path);
    else if (array.dim[0] != n_images)
        status =
            error_set(err, DAE_BAD_DATA, "%s: %lld labels, but %s holds %lld images; the files do not belong together",
                      path, (long long)array.dim[0], images_path, (long long)n_images);
    if (status == DAE_OK) {
        set->labels = array.values;
        array.values = NULL;
    }
    idx_release(&array);
    return status;
}

/* labels_path may be NULL. */
static enum dae_status load_idx_split(const char *images_path, const char *labels_path, int64_t limit,
                                      struct dataset *set, struct error *err)
{
    int64_t n_images = 0;
    TRY(load_idx_images(images_path, limit, set, &n_images, err));
    return labels_path ? load_idx_labels(labels_path, images_path, n_images, set, err) : DAE_OK;
}

/* ---- MNIST. ------------------------------------------------------------------------------------------------------ */

static enum dae_status load_digits(const struct options *options, struct dataset *train, struct dataset *test,
                                   struct error *err);

static enum dae_status load_mnist_found(const struct options *options, const char *const paths[MNIST_FILES],
                                        struct dataset *train, struct dataset *test, struct error *err)
{
    TRY(load_idx_split(paths[MNIST_TRAIN_IMAGES], paths[MNIST_TRAIN_LABELS], options->limit, train, err));
    return load_idx_split(paths[MNIST_TEST_IMAGES], paths[MNIST_TEST_LABELS], options->test_limit, test, err);
}

static enum dae_status load_mnist(const struct options *options, const char *data_root, struct dataset *train,
                                  struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    struct arena arena = {0};
    struct text searched = {0};
    const char *paths[MNIST_FILES] = {NULL};
    enum dae_status status = data_folder_mnist(data_root, &arena, paths, &searched, err);
    if (status == DAE_OK && paths[0]) {
        status = load_mnist_found(options, paths, train, test, err);
        if (status == DAE_BAD_DATA)
            error_note(err, "MNIST that is there but damaged is not replaced by the fallback; run make mnist");
    } else if (status == DAE_OK && options->fallback < 0) {
        status = error_at(err, DAE_BAD_DATA, options->mark,
                          "no MNIST in %s; run make mnist, or add fallback: digits to the data section", searched.data);
    } else if (status == DAE_OK) {
        snprintf(notice->text, sizeof notice->text,
                 "no MNIST in %s; training on generated digits instead (fallback: digits)", searched.data);
        status = load_digits(options, train, test, err);
    }
    text_release(&searched);
    arena_release(&arena);
    return status;
}

/* ---- The other sources. ------------------------------------------------------------------------------------------ */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum dae_status load_digits(const struct options *options, struct dataset *train, struct dataset *test,
                                   struct error *err)
{
    uint64_t seed = (uint64_t)options->seed;
    TRY(digits_draw(seed, 0, smaller(options->n_train, options->limit), train, err));
    return digits_draw(seed, first_test, smaller(options->n_test, options->test_limit), test, err);
}

static enum dae_status load_idx_folder(const struct options *options, struct arena *arena, struct dataset *train,
                                       struct dataset *test, struct error *err)
{
    static const char *const prefixes[MNIST_FILES][2] = {
        {"train-images", NULL}, {"train-labels", NULL}, {"t10k-images", "test-images"}, {"t10k-labels", "test-labels"}};
    const char *paths[MNIST_FILES];
    for (int i = 0; i < MNIST_FILES; ++i) {
        TRY(data_folder_first(options->path, prefixes[i][0], arena, &paths[i], err));
        if (!paths[i] && prefixes[i][1])
            TRY(data_folder_first(options->path, prefixes[i][1], arena, &paths[i], err));
    }
    if (!paths[MNIST_TRAIN_IMAGES])
        return error_set(err, DAE_BAD_DATA, "%s: no file train-images*", options->path);
    if (!paths[MNIST_TEST_IMAGES])
        return error_set(err, DAE_BAD_DATA, "%s: no file t10k-images* or test-images*", options->path);
    TRY(load_idx_split(paths[MNIST_TRAIN_IMAGES], paths[MNIST_TRAIN_LABELS], options->limit, train, err));
    return load_idx_split(paths[MNIST_TEST_IMAGES], paths[MNIST_TEST_LABELS], options->test_limit, test, err);
}

static enum dae_status load_npy_split(const char *path, int64_t limit, struct dataset *set, struct error *err)
{
    struct npy array;
    TRY(npy_load(path, &array, err));
    enum dae_status status = adopt(set, path, array.is_float, array.rank, array.dim, &array.values, limit, err);
    npy_release(&array);
    return status;
}

static enum dae_status load_points(const struct options *options, struct dataset *train, struct dataset *test,
                                   struct error *err)
{
    const uint64_t seed = (uint64_t)options->seed;
    const double scale = options->source == SOURCE_SPIRAL ? options->scale : 0;
    TRY(plane_draw(seed, 0, smaller(options->n_train, options->limit), scale, train, err));
    return plane_draw(seed, first_test, smaller(options->n_test, options->test_limit), scale, test, err);
}

/* ---- Panels. ----------------------------------------------------------------------------------------------------- */

static enum dae_status panel_source(const struct options *options, const char *path, struct panel_source *source,
                                    struct error *err)
{
    *source = (struct panel_source){.mark = options->mark,
                                    .path = path,
                                    .returns = path ? (enum panel_returns)options->returns : PANEL_NONE,
                                    .from = INT64_MIN,
                                    .test_from = INT64_MIN,
                                    .n_train = options->n_train,
                                    .n_test = options->n_test,
                                    .drawn = {.assets = (int)options->assets,
                                              .factors = (int)options->factors,
                                              .noise = options->noise,
                                              .missing = options->missing,
                                              .seed = (uint64_t)options->seed}};
    if (!path)
        return DAE_OK;
    source->until_mark = options->train_until->mark;
    TRY(read_date(options->from, &source->from, err));
    TRY(read_date(options->train_until, &source->train_until, err));
    return read_date(options->test_from, &source->test_from, err);
}

/* path: of a CSV file; NULL: the panel is drawn. */
static enum dae_status load_panel(const struct options *options, const char *path, struct dataset *train,
                                  struct dataset *test, struct error *err)
{
    struct panel_source source;
    struct panel_data data;
    TRY(panel_source(options, path, &source, err));
    TRY(panel_source_open(&source, &data, err));
    const struct panel_samples_options samples = {.mark = options->mark,
                                                  .split = data.split,
                                                  .window = options->window,
                                                  .clip = options->clip,
                                                  .returns = source.returns,
                                                  .limit = options->limit,
                                                  .test_limit = options->test_limit};
    enum dae_status status = panel_samples(&data.panel, &samples, train, test, err);
    panel_data_release(&data);
    return status;
}

enum dae_status dataset_panel(const struct value *data_section, const char *data_root, struct panel_data *data,
                              double *clip, struct error *err)
{
    struct options options;
    struct panel_source source;
    struct arena arena = {0};
    const char *path = NULL;
    *data = (struct panel_data){0};
    TRY(read_options(data_section, &options, err));
    if ((options.source != SOURCE_CSV && options.source != SOURCE_FACTOR_PANEL) || options.window != 1)
        return error_at(err, DAE_CONFIG, options.mark, "wants a panel, source csv or factor_panel, with window 1");
    enum dae_status status = DAE_OK;
    if (options.source == SOURCE_CSV)
        status = data_folder_find(options.path, data_root, &arena, &path, err);
    if (status == DAE_OK)
        status = panel_source(&options, path, &source, err);
    if (status == DAE_OK)
        status = panel_source_open(&source, data, err);
    arena_release(&arena);
    *clip = options.clip;
    return status;
}

static enum dae_status load_source(const struct options *options, const char *data_root, struct dataset *train,
                                   struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    struct arena arena = {0};
    enum dae_status status = DAE_OK;
    switch ((enum source)options->source) {
    case SOURCE_MNIST:
        return load_mnist(options, data_root, train, test, notice, err);
    case SOURCE_IDX:
        status = load_idx_folder(options, &arena, train, test, err);
        arena_release(&arena);
        return status;
    case SOURCE_DIGITS:
        return load_digits(options, train, test, err);
    case SOURCE_NPY:
        TRY(load_npy_split(options->train, options->limit, train, err));
        return load_npy_split(options->test, options->test_limit, test, err);
    case SOURCE_CSV: {
        const char *path = NULL;
        status = data_folder_find(options->path, data_root, &arena, &path, err);
        if (status == DAE_OK)
            status = load_panel(options, path, train, test, err);
        arena_release(&arena);
        return status;
    }
    case SOURCE_FACTOR_PANEL:
        return load_panel(options, NULL, train, test, err);
    case SOURCE_MIXTURE:
    case SOURCE_SPIRAL:
        return load_points(options, train, test, err);
    }
    return error_set(err, DAE_BUG, "data source %d", options->source);
}

static enum dae_status check_shapes(const struct dataset *train, const struct dataset *test, struct mark mark,
                                    struct error *err)
{
    bool same = train->shape.rank == test->shape.rank;
    for (int i = 0; same && i < train->shape.rank; ++i)
        same = train->shape.dim[i] == test->shape.dim[i];
    if (same)
        return DAE_OK;
    char train_text[96], test_text[96];
    return error_at(err, DAE_BAD_DATA, mark, "training samples are %s, but test samples are %s",
                    shape_text(&train->shape, train_text), shape_text(&test->shape, test_text));
}

enum dae_status dataset_load(const struct value *data_section, const char *data_root, struct dataset *train,
                             struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    *train = *test = (struct dataset){0};
    notice->text[0] = '\0';
    struct options options;
    TRY(read_options(data_section, &options, err));
    enum dae_status status = load_source(&options, data_root, train, test, notice, err);
    if (status == DAE_OK)
        status = check_shapes(train, test, options.mark, err);
    train->memory_bytes = test->memory_bytes = (int64_t)options.memory << 20;
    if (status != DAE_OK) {
        dataset_release(train);
        dataset_release(test);
    }
    return status;
}

void dataset_release(struct dataset *set)
{
    free(set->values);
    free(set->labels);
    free(set->hole);
    panel_columns_free(set->columns);
    *set = (struct dataset){0};
}

void dataset_value(const struct dataset *set, int64_t i, float *x)
{
    int64_t len = dae_shape_len(&set->shape);
    if (set->kind == DATASET_FLOAT) {
        memcpy(x, (const float *)set->values + i * len, (size_t)len * sizeof *x);
        return;
    }
    const uint8_t *bytes = (const uint8_t *)set->values + i * len;
    for (int64_t k = 0; k < len; ++k)
        x[k] = (float)bytes[k] / 255.0f;
}
