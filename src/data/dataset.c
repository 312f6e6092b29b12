#include "data/dataset.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "data/array_samples.h"
#include "data/data_folder.h"
#include "data/date.h"
#include "data/digits.h"
#include "data/image_files.h"
#include "data/panel_samples.h"
#include "data/panel_source.h"
#include "data/plane.h"
#include "data/validation_set.h"
#include "graph/network.h"

enum {
    DIGITS_TRAIN = 60000,
    DIGITS_TEST = 10000,
    DIGITS_SEED = 1,
    DIGITS_MOST = 10 * 1000 * 1000,
    LEAVES_TRAIN = 400,
    LEAVES_TEST = 12,
    LEAVES_MOST = 100000,
    FACTOR_TRAIN = 2000,
    FACTOR_TEST = 500,
    POINTS_TRAIN = 10000,
    POINTS_TEST = 2000,
    FACTOR_ROWS_MOST = 10 * 1000 * 1000,
    N_FIELDS_MAX = 16, /* of one source */
};

/* Held-out draws are far from those trained on, however many either split takes. */
static const uint32_t first_test = UINT32_C(1) << 31;

#define SOURCES "mnist|idx|digits|npy|csv|factor_panel|mixture|spiral|images|dead_leaves"
enum source {
    SOURCE_MNIST,
    SOURCE_IDX,
    SOURCE_DIGITS,
    SOURCE_NPY,
    SOURCE_CSV,
    SOURCE_FACTOR_PANEL,
    SOURCE_MIXTURE,
    SOURCE_SPIRAL,
    SOURCE_IMAGES,
    SOURCE_DEAD_LEAVES,
};
static const char *const source_names[] = {"mnist",        "idx",     "digits", "npy",    "csv",
                                           "factor_panel", "mixture", "spiral", "images", "dead_leaves"};

/* The `data` map, read. Texts are borrowed from the tree. */
struct options {
    struct mark mark; /* of the source's name */
    int source;
    int fallback; /* 0: generated; -1: none */
    const char *path, *train, *test;
    long long n_train, n_test, seed;
    long long limit, test_limit;                                     /* INT32_MAX: none */
    long long memory;                                                /* MiB; 0: no limit */
    int returns;                                                     /* enum panel_returns */
    const struct value *from, *train_until, *test_from, *validation; /* NULL: not given */
    long long window, assets, factors;
    double clip, noise, missing, scale;
    long long patch[2], n_patches, n_test_patches;
    int colour;
};

#define AT(member) offsetof(struct options, member)
/* Both sources of images cut patches. */
#define PATCH_FIELDS(source)                                                                                           \
    {source,                                                                                                           \
     {"patch", FIELD_INT_PAIR, AT(patch), false, 1, 4096, NULL},                                                       \
     "integer or [h, w]",                                                                                              \
     "40",                                                                                                             \
     "a sample: so many pixels, cut out at a random place and flipped and turned at random, anew in each epoch"},      \
        {source,                                                                                                       \
         {"channels", FIELD_CHOICE, AT(colour), false, 0, 0, "grey|colour"},                                           \
         "grey or colour",                                                                                             \
         "grey",                                                                                                       \
         "one channel or three; images of the other kind are converted"},                                              \
        {source,                                                                                                       \
         {"patches", FIELD_INT, AT(n_patches), false, 1, INT32_MAX, NULL},                                             \
         "integer",                                                                                                    \
         "16384",                                                                                                      \
         "training samples an epoch"},                                                                                 \
    {                                                                                                                  \
        source, {"test_patches", FIELD_INT, AT(n_test_patches), false, 1, INT32_MAX, NULL}, "integer", "512",          \
            "test samples: patches of the test images, the same in each epoch"                                         \
    }
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
     "use the first N training samples, or images"},
    {"*",
     {"test_limit", FIELD_INT, AT(test_limit), false, 1, INT32_MAX, NULL},
     "integer",
     "",
     "use the first N test samples, or images"},
    {"*",
     {"memory", FIELD_INT, AT(memory), false, 0, 1 << 24, NULL},
     "integer",
     "0",
     "MiB of the device's memory that each split may take; a larger one is streamed; 0: as much as there is"},
    {"*", {"validation", FIELD_VALUE, AT(validation), false, 0, 0, NULL}, "number", "", VALIDATION_SET_HELP},
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
    {"images",
     {"train", FIELD_TEXT, AT(train), true, 0, 0, NULL},
     "folder or .tar",
     "",
     "training images: PNG, JPEG, PGM and PPM of any size, 16 bits rounded to 8; looked for as it is, then in the data "
     "folders"},
    {"images", {"test", FIELD_TEXT, AT(test), true, 0, 0, NULL}, "folder or .tar", "", "test images"},
    {"images",
     {"fallback", FIELD_CHOICE, AT(fallback), false, 0, 0, "dead_leaves"},
     "dead_leaves",
     "",
     "what to train on when the training or the test images are not there; without it that is an error"},
    PATCH_FIELDS("images"),
    {"dead_leaves",
     {"train", FIELD_INT, AT(n_train), false, 1, LEAVES_MOST, NULL},
     "integer",
     "400",
     "training images to draw, of 180x180 pixels"},
    {"dead_leaves",
     {"test", FIELD_INT, AT(n_test), false, 1, LEAVES_MOST, NULL},
     "integer",
     "12",
     "test images to draw"},
    {"dead_leaves",
     {"seed", FIELD_INT, AT(seed), false, 0, INT32_MAX, NULL},
     "integer",
     "1",
     "names the set that is drawn"},
    PATCH_FIELDS("dead_leaves"),
};
#undef WINDOW_HELP
#undef WINDOW_FIELD
#undef PATCH_FIELDS
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
                                .returns = PANEL_NONE,
                                .window = 1,
                                .assets = 30,
                                .factors = 5,
                                .noise = 0.5,
                                .scale = 1,
                                .patch = {40, 40},
                                .n_patches = 16384,
                                .n_test_patches = 512};
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
    } else if (options->source == SOURCE_IMAGES || options->source == SOURCE_DEAD_LEAVES) {
        options->n_train = LEAVES_TRAIN;
        options->n_test = LEAVES_TEST;
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
    TRY(read_options(data_section, &options, err));
    return validation_set_check(data_section, err);
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

/* ---- MNIST. ------------------------------------------------------------------------------------------------------ */

static enum dae_status load_digits(const struct options *options, struct dataset *train, struct dataset *test,
                                   struct error *err);

static enum dae_status load_mnist_found(const struct options *options, const char *const paths[MNIST_FILES],
                                        struct dataset *train, struct dataset *test, struct error *err)
{
    TRY(array_samples_idx(paths[MNIST_TRAIN_IMAGES], paths[MNIST_TRAIN_LABELS], options->limit, train, err));
    return array_samples_idx(paths[MNIST_TEST_IMAGES], paths[MNIST_TEST_LABELS], options->test_limit, test, err);
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
                                    .returns = (enum panel_returns)options->returns,
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

static enum dae_status open_panel(const struct options *options, const char *data_root, struct panel_data *data,
                                  struct error *err)
{
    struct panel_source source;
    struct arena arena = {0};
    const char *path = NULL; /* the panel is drawn */
    enum dae_status status = DAE_OK;
    if (options->source == SOURCE_CSV)
        status = data_folder_find(options->path, data_root, &arena, &path, err);
    if (status == DAE_OK)
        status = panel_source(options, path, &source, err);
    if (status == DAE_OK)
        status = panel_source_open(&source, data, err);
    arena_release(&arena);
    return status;
}

static enum dae_status load_panel(const struct options *options, const char *data_root, struct dataset *train,
                                  struct dataset *test, struct error *err)
{
    struct panel_data data;
    TRY(open_panel(options, data_root, &data, err));
    const struct panel_samples_options samples = {.mark = options->mark,
                                                  .split = data.split,
                                                  .window = options->window,
                                                  .clip = options->clip,
                                                  .returns = (enum panel_returns)options->returns,
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
    *data = (struct panel_data){0};
    TRY(read_options(data_section, &options, err));
    if ((options.source != SOURCE_CSV && options.source != SOURCE_FACTOR_PANEL) || options.window != 1)
        return error_at(err, DAE_CONFIG, options.mark, "wants a panel, source csv or factor_panel, with window 1");
    *clip = options.clip;
    return open_panel(&options, data_root, data, err);
}

/* ---- Images. ----------------------------------------------------------------------------------------------------- */

static struct image_files_options patches_of(const struct options *options, bool test)
{
    return (struct image_files_options){
        .patch = {3, {options->patch[0], options->patch[1], options->colour ? 3 : 1}},
        .patches = test ? options->n_test_patches : options->n_patches,
        .limit = test ? options->test_limit : options->limit,
    };
}

static enum dae_status load_dead_leaves(const struct options *options, struct dataset *train, struct dataset *test,
                                        struct error *err)
{
    struct image_files_options of_train = patches_of(options, false), of_test = patches_of(options, true);
    of_train.limit = smaller(options->n_train, of_train.limit);
    of_test.limit = smaller(options->n_test, of_test.limit);
    TRY(image_files_draw((uint64_t)options->seed, 0, &of_train, train, err));
    return image_files_draw((uint64_t)options->seed, first_test, &of_test, test, err);
}

static enum dae_status load_images(const struct options *options, const char *data_root, struct dataset *train,
                                   struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    const struct image_files_options of_train = patches_of(options, false), of_test = patches_of(options, true);
    struct arena arena = {0};
    struct text left_out = {0};
    const char *train_path, *test_path;
    enum dae_status status = data_folder_find(options->train, data_root, &arena, &train_path, err);
    if (status == DAE_OK)
        status = data_folder_find(options->test, data_root, &arena, &test_path, err);
    if (status == DAE_OK && options->fallback >= 0 && (access(train_path, F_OK) != 0 || access(test_path, F_OK) != 0)) {
        const char *missing = access(train_path, F_OK) != 0 ? train_path : test_path;
        snprintf(notice->text, sizeof notice->text,
                 "no %s; training on generated dead leaves instead (fallback: dead_leaves)", missing);
        status = load_dead_leaves(options, train, test, err);
    } else if (status == DAE_OK) {
        status = image_files_load(train_path, &of_train, train, &left_out, err);
        if (status == DAE_OK)
            status = image_files_load(test_path, &of_test, test, &left_out, err);
        if (left_out.len && !left_out.failed)
            snprintf(notice->text, sizeof notice->text, "images; %s", left_out.data);
    }
    text_release(&left_out);
    arena_release(&arena);
    return status;
}

static enum dae_status load_source(const struct options *options, const char *data_root, struct dataset *train,
                                   struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    switch ((enum source)options->source) {
    case SOURCE_MNIST:
        return load_mnist(options, data_root, train, test, notice, err);
    case SOURCE_IDX:
        return array_samples_idx_folder(options->path, options->limit, options->test_limit, train, test, err);
    case SOURCE_DIGITS:
        return load_digits(options, train, test, err);
    case SOURCE_NPY:
        TRY(array_samples_npy(options->train, options->limit, train, err));
        return array_samples_npy(options->test, options->test_limit, test, err);
    case SOURCE_CSV:
    case SOURCE_FACTOR_PANEL:
        return load_panel(options, data_root, train, test, err);
    case SOURCE_MIXTURE:
    case SOURCE_SPIRAL:
        return load_points(options, train, test, err);
    case SOURCE_IMAGES:
        return load_images(options, data_root, train, test, notice, err);
    case SOURCE_DEAD_LEAVES:
        return load_dead_leaves(options, train, test, err);
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
