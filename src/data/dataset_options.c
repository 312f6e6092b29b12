#include "data/dataset_options.h"

#include <stdint.h>
#include <string.h>

#include "data/panel/factor_panel.h"
#include "data/panel/panel.h"
#include "data/validation_set.h"
#include "format/date.h"

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

#define SOURCES "mnist|idx|digits|npy|csv|factor_panel|mixture|spiral|images|image_pairs|dead_leaves"
static const char *const source_names[] = {"mnist",   "idx",    "digits", "npy",         "csv",        "factor_panel",
                                           "mixture", "spiral", "images", "image_pairs", "dead_leaves"};

#define AT(member) offsetof(struct dataset_options, member)
/* All sources of images cut patches. */
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
    {"image_pairs",
     {"train", FIELD_VALUE, AT(train_pairs), true, 0, 0, NULL},
     "{noisy: folder, clean: folder}",
     "",
     "training pairs: two folders of PNG, JPEG, PGM and PPM of any size, 16 bits rounded to 8; files belong together "
     "that have the same name but for its extension; looked for as they are, then in the data folders"},
    {"image_pairs",
     {"test", FIELD_VALUE, AT(test_pairs), true, 0, 0, NULL},
     "{noisy: folder, clean: folder}",
     "",
     "test pairs"},
    {"image_pairs",
     {"fallback", FIELD_CHOICE, AT(fallback), false, 0, 0, "dead_leaves"},
     "dead_leaves",
     "",
     "what to train on when one of the folders is not there: pairs of generated images, one with Gaussian noise of "
     "25/255; without it that is an error"},
    PATCH_FIELDS("image_pairs"),
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

enum dae_status dataset_options_date(const struct value *value, int64_t *date, struct error *err)
{
    const char *text = NULL;
    if (!value)
        return DAE_OK;
    TRY(field_text(value, &text, err));
    return date_parse(text, date) ? DAE_OK : field_refuse(value, "a date like 2024-12-31", err);
}

static enum dae_status check_dates(const struct dataset_options *options, struct error *err)
{
    int64_t from = INT64_MIN, until = INT64_MAX, test = INT64_MAX;
    TRY(dataset_options_date(options->from, &from, err));
    TRY(dataset_options_date(options->train_until, &until, err));
    TRY(dataset_options_date(options->test_from, &test, err));
    if (options->from && from > until)
        return field_refuse(options->from, "a date before train_until", err);
    if (options->test_from && test <= until)
        return field_refuse(options->test_from, "a date after train_until", err);
    return DAE_OK;
}

static enum dae_status read_folders(const struct value *map, const char *what, struct dataset_folders *folders,
                                    struct error *err)
{
    static const struct field rows[] = {
        {"noisy", FIELD_TEXT, offsetof(struct dataset_folders, noisy), true, 0, 0, NULL},
        {"clean", FIELD_TEXT, offsetof(struct dataset_folders, clean), true, 0, 0, NULL},
    };
    return map ? fields_read(map, rows, 2, what, folders, err) : DAE_OK;
}

enum dae_status dataset_options_read(const struct value *section, struct dataset_options *options, struct error *err)
{
    *options = (struct dataset_options){.fallback = -1,
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
    } else if (options->source == SOURCE_IMAGES || options->source == SOURCE_IMAGE_PAIRS ||
               options->source == SOURCE_DEAD_LEAVES) {
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
    TRY(read_folders(options->train_pairs, "data.train", &options->of_train, err));
    TRY(read_folders(options->test_pairs, "data.test", &options->of_test, err));
    if (options->source == SOURCE_FACTOR_PANEL && options->factors > options->assets)
        return error_at(err, DAE_CONFIG, options->mark, "data.factors: %lld factors of %lld assets; wants no more",
                        options->factors, options->assets);
    return check_dates(options, err);
}
