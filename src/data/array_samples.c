#include "data/array_samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "data/data_folder.h"
#include "format/idx.h"
#include "format/npy.h"

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

/* Takes ownership of an array's values, truncated to the limit, and sets *values to NULL. */
static enum dae_status adopt(struct dataset *set, const char *path, bool is_float, int rank, const int64_t *dim,
                             void **values, int64_t limit, struct error *err)
{
    if (rank < 1 || rank > DAE_MAX_RANK + 1)
        return error_set(err, DAE_BAD_DATA, "%s: an array of rank %d; expects rank 1 to %d, samples first", path, rank,
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

enum dae_status array_samples_idx(const char *images_path, const char *labels_path, int64_t limit, struct dataset *set,
                                  struct error *err)
{
    int64_t n_images = 0;
    TRY(load_idx_images(images_path, limit, set, &n_images, err));
    return labels_path ? load_idx_labels(labels_path, images_path, n_images, set, err) : DAE_OK;
}

static enum dae_status load_folder(const char *folder, int64_t limit, int64_t test_limit, struct arena *arena,
                                   struct dataset *train, struct dataset *test, struct error *err)
{
    static const char *const prefixes[MNIST_FILES][2] = {
        {"train-images", NULL}, {"train-labels", NULL}, {"t10k-images", "test-images"}, {"t10k-labels", "test-labels"}};
    const char *paths[MNIST_FILES];
    for (int i = 0; i < MNIST_FILES; ++i) {
        TRY(data_folder_first(folder, prefixes[i][0], arena, &paths[i], err));
        if (!paths[i] && prefixes[i][1])
            TRY(data_folder_first(folder, prefixes[i][1], arena, &paths[i], err));
    }
    if (!paths[MNIST_TRAIN_IMAGES])
        return error_set(err, DAE_BAD_DATA, "%s: no file train-images*", folder);
    if (!paths[MNIST_TEST_IMAGES])
        return error_set(err, DAE_BAD_DATA, "%s: no file t10k-images* or test-images*", folder);
    TRY(array_samples_idx(paths[MNIST_TRAIN_IMAGES], paths[MNIST_TRAIN_LABELS], limit, train, err));
    return array_samples_idx(paths[MNIST_TEST_IMAGES], paths[MNIST_TEST_LABELS], test_limit, test, err);
}

enum dae_status array_samples_idx_folder(const char *folder, int64_t limit, int64_t test_limit, struct dataset *train,
                                         struct dataset *test, struct error *err)
{
    struct arena arena = {0};
    enum dae_status status = load_folder(folder, limit, test_limit, &arena, train, test, err);
    arena_release(&arena);
    return status;
}

enum dae_status array_samples_npy(const char *path, int64_t limit, struct dataset *set, struct error *err)
{
    struct npy array;
    TRY(npy_load(path, &array, err));
    enum dae_status status =
        array.is_wide ? error_set(err, DAE_BAD_DATA,
                                  "%s: numbers of 16 bits, which only data.source: volumes reads; save them from NumPy "
                                  "as (array / 65535).astype('<f4')",
                                  path)
                      : DAE_OK;
    if (status == DAE_OK)
        status = adopt(set, path, array.is_float, array.rank, array.dim, &array.values, limit, err);
    npy_release(&array);
    return status;
}
