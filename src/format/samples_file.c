#include "format/samples_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/idx.h"
#include "format/image_extras.h"
#include "format/image_orient.h"
#include "format/npy.h"
#include "format/wav.h"

enum {
    IMAGE_PIXELS_MAX = 1 << 27,
    ARRAY_RANK_MAX = DAE_MAX_RANK + 1,
};

/* An array of either IDX or NPY. */
struct array {
    bool is_float, is_wide;
    int rank;
    const int64_t *dim;
    void *values;
};

/* ---- Which kind a file is. --------------------------------------------------------------------------------------- */

/* Reads up to IMAGE_START_BYTES. */
static enum dae_status read_start(const char *path, unsigned char start[IMAGE_START_BYTES], size_t *len,
                                  struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not hang us */
    if (fd < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    enum dae_status status = DAE_OK;
    struct stat info;
    ssize_t n = 0;
    if (fstat(fd, &info) < 0)
        status = error_set(err, DAE_IO, "cannot read %s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = error_set(err, DAE_IO, "cannot read %s: it is not a regular file", path);
    else
        do
            n = read(fd, start, IMAGE_START_BYTES);
        while (n < 0 && errno == EINTR);
    if (n < 0)
        status = error_set(err, DAE_IO, "cannot read %s: %s", path, strerror(errno));
    *len = n > 0 ? (size_t)n : 0;
    close(fd);
    return status;
}

static bool has_idx_name(const char *path)
{
    static const char *const endings[] = {".idx", "-ubyte", ".idx.gz", "-ubyte.gz"};
    const size_t len = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        const size_t ending_len = strlen(endings[i]);
        if (len > ending_len && strcasecmp(path + len - ending_len, endings[i]) == 0)
            return true;
    }
    return false;
}

static bool has_ending(const char *path, const char *ending /* 4 characters */)
{
    const size_t len = strlen(path);
    return len > 4 && strcasecmp(path + len - 4, ending) == 0;
}

static enum dae_status form_of(const char *path, bool by_name, struct samples_form *form, struct error *err)
{
    unsigned char start[IMAGE_START_BYTES] = {0};
    size_t len = 0;
    *form = (struct samples_form){SAMPLES_UNKNOWN, NULL};
    TRY(read_start(path, start, &len, err));
    if (memcmp(start, "\x93NUMPY", 6) == 0)
        form->kind = SAMPLES_NPY;
    else if (wav_is_start(start, len))
        form->kind = SAMPLES_WAV;
    else if (start[0] == 0 && start[1] == 0 && (start[2] == 0x08 || start[2] == 0x0D))
        form->kind = SAMPLES_IDX;
    else if ((form->image = by_name ? image_kind_of(path, start, len) : image_kind_of_start(start, len)))
        form->kind = SAMPLES_IMAGE;
    else if (by_name)
        form->kind = has_ending(path, ".npy")   ? SAMPLES_NPY
                     : has_ending(path, ".wav") ? SAMPLES_WAV
                     : has_idx_name(path)       ? SAMPLES_IDX
                                                : SAMPLES_UNKNOWN;
    return DAE_OK;
}

enum dae_status samples_file_form(const char *path, struct samples_form *form, struct error *err)
{
    return form_of(path, true, form, err);
}

enum dae_status samples_file_form_of_content(const char *path, struct samples_form *form, struct error *err)
{
    return form_of(path, false, form, err);
}

bool samples_form_is_read(const struct samples_form *form)
{
    return form->kind != SAMPLES_UNKNOWN && (form->kind != SAMPLES_IMAGE || form->image->decode);
}

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status check_finite(const char *path, const struct samples_file *file, struct error *err)
{
    int64_t sample_len = dae_shape_len(&file->shape);
    for (int64_t i = 0; i < file->n * sample_len; ++i)
        if (!isfinite(file->values[i]))
            return error_set(err, DAE_BAD_DATA, "%s: sample %lld, element %lld: %s; remove or replace it", path,
                             (long long)(i / sample_len), (long long)(i % sample_len),
                             isnan(file->values[i]) ? "not a number (NaN)" : "infinity, or beyond the range of float");
    return DAE_OK;
}

static enum dae_status take_image(const char *path, struct image image, struct samples_file *file, struct error *err)
{
    file->is_float = image.largest == 0;
    file->largest = image.largest;
    file->orientation = image.orientation;
    file->n = image.pages;
    file->shape = (struct dae_shape){3, {image.height, image.width, image.channels}};
    file->values = image.pixels; /* taken over, */
    file->extras = image.extras; /* all three */
    file->notice = image.notice;
    return file->is_float ? check_finite(path, file, err) : DAE_OK;
}

static enum dae_status load_image(const char *path, struct samples_file *file, struct error *err)
{
    struct image image;
    TRY(image_load_whole(path, IMAGE_PIXELS_MAX, &image, err));
    return take_image(path, image, file, err);
}

size_t samples_file_image_bytes_max(void)
{
    return image_bytes_max(IMAGE_PIXELS_MAX);
}

enum dae_status samples_file_decode(const char *name, const unsigned char *bytes, size_t len, struct samples_file *file,
                                    struct error *err)
{
    struct image image;
    *file = (struct samples_file){
        .form = {SAMPLES_IMAGE, image_kind_of(name, bytes, len < IMAGE_START_BYTES ? len : IMAGE_START_BYTES)}};
    enum dae_status status = image_decode_whole(name, bytes, len, IMAGE_PIXELS_MAX, &image, err);
    if (status == DAE_OK)
        status = take_image(name, image, file, err);
    if (status != DAE_OK)
        samples_file_release(file);
    return status;
}

static enum dae_status take_shape(const char *path, const struct array *array, struct samples_file *file,
                                  struct error *err)
{
    if (array->rank < 1 || array->rank > ARRAY_RANK_MAX)
        return error_set(err, DAE_BAD_DATA, "%s: an array of rank %d; expects rank 1 to %d, samples first", path,
                         array->rank, ARRAY_RANK_MAX);
    for (int i = 0; i < array->rank; ++i)
        if (array->dim[i] == 0)
            return error_set(err, DAE_BAD_DATA, "%s: it contains no samples: dimension %d is 0", path, i);
    file->is_float = array->is_float;
    file->largest = array->is_float ? 0 : array->is_wide ? UINT16_MAX : UINT8_MAX;
    file->rank = array->rank;
    file->n = array->dim[0];
    memcpy(file->dim, array->dim, (size_t)array->rank * sizeof *file->dim);
    file->shape.rank = array->rank - 1;
    for (int i = 1; i < array->rank; ++i)
        file->shape.dim[i - 1] = array->dim[i];
    if (array->rank == 1 || array->rank == 3) /* a number per sample; grey images without their channel axis */
        file->shape.dim[file->shape.rank++] = 1;
    return DAE_OK;
}

/* Takes over an array's floats, or decodes its bytes. */
static enum dae_status take_values(const char *path, struct array *array, struct samples_file *file, struct error *err)
{
    if (array->is_float) {
        file->values = array->values;
        array->values = NULL;
        return check_finite(path, file, err);
    }
    size_t len = (size_t)file->n * (size_t)dae_shape_len(&file->shape), n_bytes; /* len bytes are in memory */
    if (__builtin_mul_overflow(len, sizeof *file->values, &n_bytes) || !(file->values = malloc(n_bytes)))
        return error_no_memory(err, path, (unsigned long long)len * sizeof *file->values);
    const uint8_t *bytes = array->values;
    const uint16_t *words = array->values;
    for (size_t i = 0; i < len; ++i)
        file->values[i] = array->is_wide ? (float)words[i] / 65535.0f : (float)bytes[i] / 255.0f;
    return DAE_OK;
}

static enum dae_status take_array(const char *path, struct array *array, struct samples_file *file, struct error *err)
{
    enum dae_status status = take_shape(path, array, file, err);
    if (status == DAE_OK)
        status = take_values(path, array, file, err);
    free(array->values);
    return status;
}

static enum dae_status load_idx(const char *path, struct samples_file *file, struct error *err)
{
    struct idx idx;
    TRY(idx_load(path, &idx, err));
    return take_array(path, &(struct array){idx.is_float, false, idx.rank, idx.dim, idx.values}, file, err);
}

static enum dae_status load_npy(const char *path, struct samples_file *file, struct error *err)
{
    struct npy npy;
    TRY(npy_load(path, &npy, err));
    return take_array(path, &(struct array){npy.is_float, npy.is_wide, npy.rank, npy.dim, npy.values}, file, err);
}

enum dae_status samples_file_load(const char *path, struct samples_file *file, struct error *err)
{
    *file = (struct samples_file){0};
    TRY(samples_file_form(path, &file->form, err));
    enum dae_status status = DAE_OK;
    switch (file->form.kind) {
    case SAMPLES_UNKNOWN:
        status = error_set(err, DAE_BAD_DATA,
                           "%s: byte 0: neither an image of a known kind (dae-cl help formats lists "
                           "them) nor IDX nor NPY",
                           path);
        break;
    case SAMPLES_WAV:
        status = error_set(err, DAE_BAD_DATA, "%s: it is a WAV file, where an image or an array is expected", path);
        break;
    case SAMPLES_IMAGE:
        status = load_image(path, file, err);
        break;
    case SAMPLES_IDX:
        status = load_idx(path, file, err);
        break;
    case SAMPLES_NPY:
        status = load_npy(path, file, err);
        break;
    }
    if (status != DAE_OK)
        samples_file_release(file);
    return status;
}

void samples_file_as_signals(struct samples_file *file, int64_t channels)
{
    const int64_t *dim = file->dim;
    if (file->form.kind == SAMPLES_IMAGE || file->rank < 1 || file->rank > 3)
        return;
    const bool one = file->rank == 1 || (file->rank == 2 && channels > 1 && dim[1] == channels);
    file->n = one ? 1 : dim[0];
    file->shape = (struct dae_shape){2,
                                     {one ? dim[0] : dim[1], file->rank == 3          ? dim[2]
                                                             : one && file->rank == 2 ? dim[1]
                                                                                      : 1}};
}

void samples_file_as_volumes(struct samples_file *file)
{
    const bool stack = file->form.kind == SAMPLES_IMAGE;
    if (stack ? file->shape.dim[2] != 1 : file->rank != 3 && file->rank != 4)
        return;
    const bool one = stack || file->rank == 3;
    if (one)
        file->shape = (struct dae_shape){4, {file->n, file->shape.dim[0], file->shape.dim[1], 1}};
    else
        file->shape = (struct dae_shape){4, {file->dim[1], file->dim[2], file->dim[3], 1}};
    file->n = one ? 1 : file->n;
}

void samples_file_as(struct samples_file *file, const struct dae_shape *wanted)
{
    if (wanted->rank == 2)
        samples_file_as_signals(file, wanted->dim[1]);
    else if (wanted->rank == 4)
        samples_file_as_volumes(file);
}

/* ---- Images. ----------------------------------------------------------------------------------------------------- */

/* The file as an image; what it points to is still the file's. */
static struct image image_of(const struct samples_file *file)
{
    const struct dae_shape *shape = &file->shape;
    const bool volume = shape->rank == 4;
    return (struct image){.pages = volume ? shape->dim[0] : file->n,
                          .height = shape->dim[volume],
                          .width = shape->dim[1 + volume],
                          .channels = (int)shape->dim[2 + volume],
                          .largest = file->largest,
                          .orientation = file->orientation,
                          .pixels = file->values,
                          .extras = file->extras};
}

void samples_file_say_losses(struct samples_file *file, const struct image_kind *kind)
{
    const struct image image = image_of(file);
    if (file->form.image && file->form.image != kind)
        image_kind_losses(kind, &image, &file->notice);
}

enum dae_status samples_file_orient(const char *path, struct samples_file *file, struct error *err)
{
    if (file->form.kind != SAMPLES_IMAGE)
        return DAE_OK;
    struct image image = image_of(file);
    TRY(image_orient_apply(path, &image, err));
    file->shape.dim[0] = image.height;
    file->shape.dim[1] = image.width;
    file->values = image.pixels;
    file->orientation = image.orientation;
    return DAE_OK;
}

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

static enum dae_status save_values(const char *path, const struct samples_file *file, void *values, struct error *err)
{
    struct idx idx = {.is_float = file->is_float, .rank = file->rank, .values = values};
    struct npy npy = {.is_float = file->is_float,
                      .is_wide = !file->is_float && file->largest > UINT8_MAX,
                      .rank = file->rank,
                      .values = values};
    memcpy(idx.dim, file->dim, (size_t)file->rank * sizeof *idx.dim);
    memcpy(npy.dim, file->dim, (size_t)file->rank * sizeof *npy.dim);
    return file->form.kind == SAMPLES_IDX ? idx_save(path, &idx, err) : npy_save(path, &npy, err);
}

static enum dae_status save_array(const char *path, const struct samples_file *file, struct error *err)
{
    if (file->is_float)
        return save_values(path, file, file->values, err);
    size_t len = (size_t)file->n * (size_t)dae_shape_len(&file->shape);
    uint16_t *words = malloc(len * sizeof *words);
    uint8_t *bytes = (uint8_t *)words; /* as many or half as many bytes are needed */
    if (!words)
        return error_no_memory(err, path, len * sizeof *words);
    for (size_t i = 0; i < len; ++i) {
        const unsigned step = image_step(file->values[i], file->largest);
        if (file->largest > UINT8_MAX)
            words[i] = (uint16_t)step;
        else
            bytes[i] = (uint8_t)step;
    }
    enum dae_status status = save_values(path, file, words, err);
    free(words);
    return status;
}

enum dae_status samples_file_save(const char *path, const struct samples_file *file, struct error *err)
{
    if (file->form.kind != SAMPLES_IMAGE)
        return save_array(path, file, err);
    const struct image image = image_of(file);
    return image_save(path, image_kind_of_result(file->form.image), &image, err);
}

void samples_file_release(struct samples_file *file)
{
    free(file->values);
    image_extras_free(file->extras);
    text_release(&file->notice);
    *file = (struct samples_file){0};
}
