#include "format/samples_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/idx.h"
#include "format/image.h"
#include "format/image_extras.h"
#include "format/npy.h"

enum {
    START_BYTES = 8,
    IMAGE_PIXELS_MAX = 1 << 27,
    ARRAY_RANK_MAX = DAE_MAX_RANK + 1,
};

/* An array of either IDX or NPY. */
struct array {
    bool is_float;
    int rank;
    const int64_t *dim;
    void *values;
};

/* ---- Which kind a file is. --------------------------------------------------------------------------------------- */

/* Reads up to START_BYTES into a zeroed `start`. */
static enum dae_status read_start(const char *path, unsigned char start[START_BYTES], struct error *err)
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
            n = read(fd, start, START_BYTES);
        while (n < 0 && errno == EINTR);
    if (n < 0)
        status = error_set(err, DAE_IO, "cannot read %s: %s", path, strerror(errno));
    close(fd);
    return status;
}

static enum samples_kind kind_of_start(const unsigned char start[START_BYTES])
{
    if (memcmp(start, "\x89PNG\r\n\x1a\n", 8) == 0)
        return SAMPLES_PNG;
    if (memcmp(start, "\xFF\xD8\xFF", 3) == 0)
        return SAMPLES_JPEG;
    if (start[0] == 'P' && (start[1] == '5' || start[1] == '6') && start[2] && strchr(" \t\r\n#", start[2]))
        return SAMPLES_PGM;
    if (memcmp(start, "\x93NUMPY", 6) == 0)
        return SAMPLES_NPY;
    if (start[0] == 0 && start[1] == 0 && (start[2] == 0x08 || start[2] == 0x0D))
        return SAMPLES_IDX;
    return SAMPLES_UNKNOWN;
}

enum samples_kind samples_file_kind_of_name(const char *path)
{
    static const struct {
        const char *ending;
        enum samples_kind kind;
    } endings[] = {
        {".png", SAMPLES_PNG},    {".pgm", SAMPLES_PGM},      {".ppm", SAMPLES_PGM}, {".jpg", SAMPLES_JPEG},
        {".jpeg", SAMPLES_JPEG},  {".npy", SAMPLES_NPY},      {".idx", SAMPLES_IDX}, {"-ubyte", SAMPLES_IDX},
        {".idx.gz", SAMPLES_IDX}, {"-ubyte.gz", SAMPLES_IDX},
    };
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        size_t ending_len = strlen(endings[i].ending);
        if (len > ending_len && strcmp(path + len - ending_len, endings[i].ending) == 0)
            return endings[i].kind;
    }
    return SAMPLES_UNKNOWN;
}

enum dae_status samples_file_kind(const char *path, enum samples_kind *kind, struct error *err)
{
    unsigned char start[START_BYTES] = {0};
    *kind = SAMPLES_UNKNOWN;
    TRY(read_start(path, start, err));
    *kind = kind_of_start(start);
    if (*kind == SAMPLES_UNKNOWN)
        *kind = samples_file_kind_of_name(path);
    return DAE_OK;
}

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status load_image(const char *path, struct samples_file *file, struct error *err)
{
    struct image image;
    TRY(image_load_whole(path, IMAGE_PIXELS_MAX, &image, err));
    file->bits = image.bits;
    file->n = 1;
    file->shape = (struct dae_shape){3, {image.height, image.width, image.channels}};
    file->values = image.pixels; /* taken over, */
    file->extras = image.extras; /* both */
    return DAE_OK;
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
    file->rank = array->rank;
    file->n = array->dim[0];
    file->shape.rank = array->rank - 1;
    for (int i = 1; i < array->rank; ++i)
        file->shape.dim[i - 1] = array->dim[i];
    if (array->rank == 1 || array->rank == 3) /* a number per sample; grey images without their channel axis */
        file->shape.dim[file->shape.rank++] = 1;
    return DAE_OK;
}

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
    for (size_t i = 0; i < len; ++i)
        file->values[i] = (float)bytes[i] / 255.0f;
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
    return take_array(path, &(struct array){idx.is_float, idx.rank, idx.dim, idx.values}, file, err);
}

static enum dae_status load_npy(const char *path, struct samples_file *file, struct error *err)
{
    struct npy npy;
    TRY(npy_load(path, &npy, err));
    return take_array(path, &(struct array){npy.is_float, npy.rank, npy.dim, npy.values}, file, err);
}

enum dae_status samples_file_load(const char *path, struct samples_file *file, struct error *err)
{
    *file = (struct samples_file){0};
    TRY(samples_file_kind(path, &file->kind, err));
    enum dae_status status = DAE_OK;
    switch (file->kind) {
    case SAMPLES_UNKNOWN:
        status = error_set(err, DAE_BAD_DATA, "%s: byte 0: neither PNG, JPEG, binary PGM or PPM, IDX nor NPY", path);
        break;
    case SAMPLES_PNG:
    case SAMPLES_PGM:
    case SAMPLES_JPEG:
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

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

/* The stored dimensions: n, and the sample's without an axis that reading added. */
static void stored_dimensions(const struct samples_file *file, int64_t dim[ARRAY_RANK_MAX])
{
    dim[0] = file->n;
    for (int i = 1; i < file->rank; ++i)
        dim[i] = file->shape.dim[i - 1];
}

static enum dae_status save_values(const char *path, const struct samples_file *file, void *values, struct error *err)
{
    struct idx idx = {.is_float = file->is_float, .rank = file->rank, .values = values};
    struct npy npy = {.is_float = file->is_float, .rank = file->rank, .values = values};
    stored_dimensions(file, idx.dim);
    stored_dimensions(file, npy.dim);
    return file->kind == SAMPLES_IDX ? idx_save(path, &idx, err) : npy_save(path, &npy, err);
}

static enum dae_status save_array(const char *path, const struct samples_file *file, struct error *err)
{
    if (file->is_float)
        return save_values(path, file, file->values, err);
    size_t len = (size_t)file->n * (size_t)dae_shape_len(&file->shape);
    uint8_t *bytes = malloc(len);
    if (!bytes)
        return error_no_memory(err, path, len);
    for (size_t i = 0; i < len; ++i) {
        float value = file->values[i] > 0 ? file->values[i] < 1 ? file->values[i] : 1 : 0; /* NaN is not above 0 */
        bytes[i] = (uint8_t)(value * 255.0f + 0.5f);
    }
    enum dae_status status = save_values(path, file, bytes, err);
    free(bytes);
    return status;
}

enum dae_status samples_file_save(const char *path, const struct samples_file *file, struct error *err)
{
    const struct image image = {.height = file->shape.dim[0],
                                .width = file->shape.dim[1],
                                .channels = (int)file->shape.dim[2],
                                .bits = file->bits,
                                .pixels = file->values,
                                .extras = file->extras};
    switch (file->kind) {
    case SAMPLES_PNG:
    case SAMPLES_JPEG:
        return image_save_png(path, &image, err);
    case SAMPLES_PGM:
        return image_save_pgm(path, &image, err);
    case SAMPLES_IDX:
    case SAMPLES_NPY:
        return save_array(path, file, err);
    case SAMPLES_UNKNOWN:
        break;
    }
    return error_set(err, DAE_BUG, "cannot write %s: samples of no kind", path);
}

void samples_file_release(struct samples_file *file)
{
    free(file->values);
    image_extras_free(file->extras);
    *file = (struct samples_file){0};
}
