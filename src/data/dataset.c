#include "data/dataset.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/arena.h"
#include "base/shape.h"
#include "base/text.h"
#include "data/array_samples.h"
#include "data/data_folder.h"
#include "data/digits.h"
#include "data/image_files.h"
#include "data/image_pairs.h"
#include "data/panel/panel_samples.h"
#include "data/panel/panel_source.h"
#include "data/plane.h"
#include "data/validation_set.h"

/* Held-out draws are far from those trained on, however many either split takes. */
static const uint32_t first_test = UINT32_C(1) << 31;

/* Of generated pairs: 25 of 255. */
static const double pair_noise = 0.09803921568627451;

enum dae_status dataset_check(const struct value *data_section, struct error *err)
{
    struct dataset_options options;
    TRY(dataset_options_read(data_section, &options, err));
    return validation_set_check(data_section, err);
}

enum dae_status dataset_plane(const struct value *data_section, enum dataset_plane *plane, double *scale,
                              struct error *err)
{
    struct dataset_options options;
    TRY(dataset_options_read(data_section, &options, err));
    *plane = options.source == SOURCE_MIXTURE  ? DATASET_MIXTURE
             : options.source == SOURCE_SPIRAL ? DATASET_SPIRAL
                                               : DATASET_NO_PLANE;
    *scale = options.scale;
    return DAE_OK;
}

/* ---- MNIST. ------------------------------------------------------------------------------------------------------ */

static enum dae_status load_digits(const struct dataset_options *options, struct dataset *train, struct dataset *test,
                                   struct error *err);

static enum dae_status load_mnist_found(const struct dataset_options *options, const char *const paths[MNIST_FILES],
                                        struct dataset *train, struct dataset *test, struct error *err)
{
    TRY(array_samples_idx(paths[MNIST_TRAIN_IMAGES], paths[MNIST_TRAIN_LABELS], options->limit, train, err));
    return array_samples_idx(paths[MNIST_TEST_IMAGES], paths[MNIST_TEST_LABELS], options->test_limit, test, err);
}

static enum dae_status load_mnist(const struct dataset_options *options, const char *data_root, struct dataset *train,
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

static enum dae_status load_digits(const struct dataset_options *options, struct dataset *train, struct dataset *test,
                                   struct error *err)
{
    uint64_t seed = (uint64_t)options->seed;
    TRY(digits_draw(seed, 0, shape_min(options->n_train, options->limit), train, err));
    return digits_draw(seed, first_test, shape_min(options->n_test, options->test_limit), test, err);
}

static enum dae_status load_points(const struct dataset_options *options, struct dataset *train, struct dataset *test,
                                   struct error *err)
{
    const uint64_t seed = (uint64_t)options->seed;
    const double scale = options->source == SOURCE_SPIRAL ? options->scale : 0;
    TRY(plane_draw(seed, 0, shape_min(options->n_train, options->limit), scale, train, err));
    return plane_draw(seed, first_test, shape_min(options->n_test, options->test_limit), scale, test, err);
}

/* ---- Panels. ----------------------------------------------------------------------------------------------------- */

static enum dae_status panel_source(const struct dataset_options *options, const char *path,
                                    struct panel_source *source, struct error *err)
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
    TRY(dataset_options_date(options->from, &source->from, err));
    TRY(dataset_options_date(options->train_until, &source->train_until, err));
    return dataset_options_date(options->test_from, &source->test_from, err);
}

static enum dae_status open_panel(const struct dataset_options *options, const char *data_root, struct panel_data *data,
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

static enum dae_status load_panel(const struct dataset_options *options, const char *data_root, struct dataset *train,
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
    struct dataset_options options;
    *data = (struct panel_data){0};
    TRY(dataset_options_read(data_section, &options, err));
    if ((options.source != SOURCE_CSV && options.source != SOURCE_FACTOR_PANEL) || options.window != 1)
        return error_at(err, DAE_CONFIG, options.mark, "wants a panel, source csv or factor_panel, with window 1");
    *clip = options.clip;
    return open_panel(&options, data_root, data, err);
}

/* ---- Images. ----------------------------------------------------------------------------------------------------- */

static struct image_files_options patches_of(const struct dataset_options *options, bool test)
{
    return (struct image_files_options){
        .patch = {3, {options->patch[0], options->patch[1], options->colour ? 3 : 1}},
        .patches = test ? options->n_test_patches : options->n_patches,
        .limit = test ? options->test_limit : options->limit,
        .noise = options->source == SOURCE_IMAGE_PAIRS ? pair_noise : 0,
    };
}

static enum dae_status load_dead_leaves(const struct dataset_options *options, struct dataset *train,
                                        struct dataset *test, struct error *err)
{
    struct image_files_options of_train = patches_of(options, false), of_test = patches_of(options, true);
    of_train.limit = shape_min(options->n_train, of_train.limit);
    of_test.limit = shape_min(options->n_test, of_test.limit);
    TRY(image_files_draw((uint64_t)options->seed, 0, &of_train, train, err));
    return image_files_draw((uint64_t)options->seed, first_test, &of_test, test, err);
}

static enum dae_status load_images(const struct dataset_options *options, const char *data_root, struct dataset *train,
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

/* The folders of pairs, noisy and clean of training, then of testing; *missing is the first that is not there, or NULL.
 */
static enum dae_status find_pairs(const struct dataset_options *options, const char *data_root, struct arena *arena,
                                  const char *path[4], const char **missing, struct error *err)
{
    const char *const given[4] = {options->of_train.noisy, options->of_train.clean, options->of_test.noisy,
                                  options->of_test.clean};
    *missing = NULL;
    for (int i = 0; i < 4; ++i) {
        TRY(data_folder_find(given[i], data_root, arena, &path[i], err));
        if (!*missing && access(path[i], F_OK) != 0)
            *missing = path[i];
    }
    return DAE_OK;
}

static enum dae_status load_pairs(const struct dataset_options *options, const char *data_root, struct dataset *train,
                                  struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    const struct image_files_options of_train = patches_of(options, false), of_test = patches_of(options, true);
    struct arena arena = {0};
    struct text left_out = {0};
    const char *path[4], *missing;
    enum dae_status status = find_pairs(options, data_root, &arena, path, &missing, err);
    if (status == DAE_OK && missing && options->fallback >= 0) {
        snprintf(notice->text, sizeof notice->text,
                 "no %s; training on pairs of generated dead leaves instead (fallback: dead_leaves)", missing);
        status = load_dead_leaves(options, train, test, err);
    } else if (status == DAE_OK) {
        status = image_pairs_load(path[0], path[1], &of_train, train, &left_out, err);
        if (status == DAE_OK)
            status = image_pairs_load(path[2], path[3], &of_test, test, &left_out, err);
        if (left_out.len && !left_out.failed)
            snprintf(notice->text, sizeof notice->text, "pairs of images; %s", left_out.data);
    }
    text_release(&left_out);
    arena_release(&arena);
    return status;
}

static enum dae_status load_source(const struct dataset_options *options, const char *data_root, struct dataset *train,
                                   struct dataset *test, struct dataset_notice *notice, struct error *err)
{
    switch ((enum dataset_source)options->source) {
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
    case SOURCE_IMAGE_PAIRS:
        return load_pairs(options, data_root, train, test, notice, err);
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
    struct dataset_options options;
    TRY(dataset_options_read(data_section, &options, err));
    enum dae_status status = load_source(&options, data_root, train, test, notice, err);
    if (status == DAE_OK)
        status = check_shapes(train, test, options.mark, err);
    train->memory_bytes = test->memory_bytes = (int64_t)options.memory << 20;
    if (status == DAE_OK)
        train->checksum = (uint32_t)crc32_z(0, train->values, dataset_bytes(train));
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
    free(set->image_names);
    panel_columns_free(set->columns);
    *set = (struct dataset){0};
}

size_t dataset_sample_bytes(const struct dataset *set)
{
    return (size_t)dae_shape_len(&set->shape) * (set->kind == DATASET_UINT8 ? sizeof(uint8_t) : sizeof(float));
}

size_t dataset_bytes(const struct dataset *set)
{
    return set->block_bytes > 0 ? set->block_bytes : (size_t)set->n * dataset_sample_bytes(set);
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
