#include "data/signal_windows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_names.h"
#include "base/shape.h"
#include "base/text.h"
#include "data/signal_csv.h"
#include "format/npy.h"
#include "format/wav.h"

/* The windows until now. */
struct windows {
    const struct signal_windows_options *options;
    struct dataset *set; /* its shape is unknown as long as rank is 0 */
    struct signal_windows_found *found;
    int64_t capacity; /* windows */
};

/* All signals have as many channels as the first. */
static enum dae_status agree(struct windows *w, const char *path, int64_t channels, int64_t rate, struct error *err)
{
    struct dae_shape *shape = &w->set->shape;
    const int64_t wanted = w->found->rate ? w->found->rate : w->options->rate;
    if (shape->rank == 0)
        *shape = (struct dae_shape){2, {w->options->window, channels}};
    if (shape->dim[1] != channels)
        return error_set(err, DAE_BAD_DATA, "%s: its signals have %lld channel%s, those before it have %lld", path,
                         (long long)channels, channels == 1 ? "" : "s", (long long)shape->dim[1]);
    if (rate > 0 && wanted > 0 && rate != wanted)
        return error_set(err, DAE_BAD_DATA, "%s: %lld points per second, but %s %lld; resample it, for example by sox",
                         path, (long long)rate, w->found->rate ? "the files before it have" : "data.rate is",
                         (long long)wanted);
    w->found->rate = rate > 0 ? rate : w->found->rate;
    return DAE_OK;
}

/* Windows of a signal of n points that the limit admits; counts the signal. */
static int64_t count(struct windows *w, int64_t n)
{
    ++w->found->n_signals;
    if (n < w->options->window) {
        ++w->found->n_short;
        return 0;
    }
    return shape_min(1 + (n - w->options->window) / w->options->hop, w->options->limit - w->set->n);
}

/* Makes room for so many more windows. */
static enum dae_status reserve(struct windows *w, int64_t more, struct error *err)
{
    const int64_t needed = w->set->n + more;
    size_t bytes;
    if (needed <= w->capacity)
        return DAE_OK;
    const int64_t capacity = shape_max(needed, w->capacity + w->capacity / 2);
    if (__builtin_mul_overflow((size_t)capacity, dataset_sample_bytes(w->set), &bytes))
        return error_no_memory(err, "windows of signals", SIZE_MAX);
    void *values = realloc(w->set->values, bytes);
    if (!values)
        return error_no_memory(err, "windows of signals", bytes);
    w->set->values = values;
    w->capacity = capacity;
    return DAE_OK;
}

static float *window_at(const struct windows *w, int64_t number)
{
    return (float *)w->set->values + number * dae_shape_len(&w->set->shape);
}

/* ---- Files. ------------------------------------------------------------------------------------------------------ */

static enum dae_status add_wav(struct windows *w, const char *path, struct error *err)
{
    struct wav wav = {.fd = -1};
    TRY(wav_open(path, &wav, err));
    enum dae_status status = agree(w, path, wav.form.channels, wav.form.rate, err);
    const int64_t n = status == DAE_OK ? count(w, wav.form.n) : 0;
    if (status == DAE_OK)
        status = reserve(w, n, err);
    for (int64_t i = 0; i < n && status == DAE_OK; ++i) {
        status = wav_read(&wav, i * w->options->hop, w->options->window, window_at(w, w->set->n), err);
        w->set->n += status == DAE_OK;
    }
    wav_close(&wav);
    return status;
}

static enum dae_status check_finite(const char *path, const float *values, int64_t n, int64_t len, struct error *err)
{
    for (int64_t i = 0; i < n * len; ++i)
        if (!isfinite(values[i]))
            return error_set(err, DAE_BAD_DATA, "%s: signal %lld, element %lld: not a finite number; replace it", path,
                             (long long)(i / len), (long long)(i % len));
    return DAE_OK;
}

/* Adds n signals (len, channels). */
static enum dae_status add_signals(struct windows *w, const char *path, const float *values, int64_t n, int64_t len,
                                   int64_t channels, struct error *err)
{
    TRY(agree(w, path, channels, 0, err));
    for (int64_t s = 0; s < n; ++s) {
        const int64_t windows = count(w, len);
        TRY(reserve(w, windows, err));
        for (int64_t i = 0; i < windows; ++i)
            memcpy(window_at(w, w->set->n++), values + (s * len + i * w->options->hop) * channels,
                   dataset_sample_bytes(w->set));
    }
    return DAE_OK;
}

static enum dae_status add_array(struct windows *w, const char *path, const struct npy *array, struct error *err)
{
    const int64_t n = array->rank > 1 ? array->dim[0] : 1, len = array->rank > 1 ? array->dim[1] : array->dim[0];
    const int64_t channels = array->rank == 3 ? array->dim[2] : 1;
    TRY(check_finite(path, array->values, n, len * channels, err));
    return add_signals(w, path, array->values, n, len, channels, err);
}

static enum dae_status add_npy(struct windows *w, const char *path, struct error *err)
{
    struct npy array;
    enum dae_status status = DAE_OK;
    TRY(npy_load(path, &array, err));
    if (!array.is_float || array.rank < 1 || array.rank > 3)
        status = error_set(err, DAE_BAD_DATA,
                           "%s: an array of %s and rank %d; signals are floats of the shape (T), (N,T) or (N,T,C)",
                           path, array.is_float ? "floats" : "integers", array.rank);
    for (int i = 0; i < array.rank && status == DAE_OK; ++i)
        if (array.dim[i] == 0)
            status = error_set(err, DAE_BAD_DATA, "%s: it contains no samples: dimension %d is 0", path, i);
    if (status == DAE_OK)
        status = add_array(w, path, &array, err);
    npy_release(&array);
    return status;
}

static enum dae_status add_csv(struct windows *w, const char *path, struct error *err)
{
    struct signal_csv signal CLEANUP(signal_csv_release) = {0};
    TRY(signal_csv_load(path, w->options->columns, &signal, err));
    return add_signals(w, path, signal.values, 1, signal.n, signal.channels, err);
}

static bool ends_with(const char *path, const char *ending)
{
    const size_t len = strlen(path), n = strlen(ending);
    return len > n && strcasecmp(path + len - n, ending) == 0;
}

/* The function that reads a file of this name, or NULL. */
typedef enum dae_status (*add_file)(struct windows *w, const char *path, struct error *err);
static add_file reader_of(const char *path)
{
    return ends_with(path, ".wav")                                 ? add_wav
           : ends_with(path, ".npy")                               ? add_npy
           : ends_with(path, ".csv") || ends_with(path, ".csv.gz") ? add_csv
                                                                   : NULL;
}

static enum dae_status add_folder(struct windows *w, const char *folder, struct error *err)
{
    struct file_names names CLEANUP(file_names_release) = {0};
    TRY(file_names_list(folder, &names, err));
    for (size_t i = 0; i < names.n && w->set->n < w->options->limit; ++i) {
        struct text path CLEANUP(text_release) = {0};
        const add_file add = reader_of(names.name[i]);
        if (!add)
            continue;
        text_printf(&path, "%s/%s", folder, names.name[i]);
        if (path.failed)
            return error_no_memory(err, "file name", path.len);
        TRY(add(w, path.data, err));
    }
    if (w->found->n_signals == 0)
        return error_set(err, DAE_BAD_DATA, "%s: it contains no file whose name ends in .wav, .npy or .csv", folder);
    return DAE_OK;
}

enum dae_status signal_windows_load(const char *path, const struct signal_windows_options *options, struct dataset *set,
                                    struct signal_windows_found *found, struct error *err)
{
    struct windows w = {.options = options, .set = set, .found = found};
    const add_file add = reader_of(path);
    struct stat info;
    *found = (struct signal_windows_found){0};
    set->kind = DATASET_FLOAT;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        TRY(add_folder(&w, path, err));
    else
        TRY((add ? add : add_wav)(&w, path, err)); /* which says that it is none */
    if (set->n == 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s: none of its %lld signal%s is as long as a window of %lld points; set data.window lower",
                         path, (long long)found->n_signals, found->n_signals == 1 ? "" : "s",
                         (long long)options->window);
    return DAE_OK;
}
