#include "data/shard_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "data/image_files.h"
#include "data/image_pool.h"
#include "format/image_kind.h"
#include "format/image_orient.h"
#include "format/npy.h"

/* ---- Names. ------------------------------------------------------------------------------------------------------ */

/* The length of the stem: up to the first dot after the last slash. */
static size_t stem_len(const char *name)
{
    const char *slash = strrchr(name, '/'), *dot = strchr(slash ? slash : name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

/* Whether what follows the stem is `ending`, or that and .gz. */
static bool ends_as(const char *name, const char *ending)
{
    const char *rest = name + stem_len(name);
    const size_t len = strlen(ending);
    return *rest == '.' && strncmp(rest + 1, ending, len) == 0 &&
           (rest[1 + len] == '\0' || strcmp(rest + 1 + len, ".gz") == 0);
}

/* The last part of a name without .gz. */
static bool has_extension(const char *name, const char *extension)
{
    size_t len = strlen(name);
    const size_t wanted = strlen(extension);
    if (len > 3 && strcmp(name + len - 3, ".gz") == 0)
        len -= 3;
    return len > wanted && strncmp(name + len - wanted, extension, wanted) == 0;
}

/* Whether the file is an image or an array by its name. */
static bool is_sample(const char *name)
{
    char plain[TAR_NAME_BYTES];
    snprintf(plain, sizeof plain, "%s", name);
    const size_t len = strlen(plain);
    if (has_extension(name, ".npy"))
        return true;
    if (len > 3 && strcmp(plain + len - 3, ".gz") == 0)
        plain[len - 3] = '\0';
    return image_kind_of_name(plain) != NULL;
}

/* ---- Samples. ---------------------------------------------------------------------------------------------------- */

enum dae_status shard_reader_open(struct shard_reader *reader, const struct shard_set *set, const struct shard *shard,
                                  struct error *err)
{
    *reader = (struct shard_reader){.set = set, .shard = shard};
    TRY(shard->command ? tar_open_command(&reader->tar, shard->path, shard->command, err)
                       : tar_open(&reader->tar, shard->path, err));
    if (shard->file_bytes >= 0 && reader->tar.file->file_bytes != shard->file_bytes)
        return error_set(err, DAE_BAD_DATA,
                         "%s: it has %lld bytes, but had %lld when it was indexed; remove the index to read it again",
                         shard->path, (long long)reader->tar.file->file_bytes, (long long)shard->file_bytes);
    return DAE_OK;
}

void shard_reader_close(struct shard_reader *reader)
{
    tar_close(&reader->tar);
}

void shard_sample_release(struct shard_sample *sample)
{
    free(sample->clean.bytes);
    free(sample->noisy.bytes);
    *sample = (struct shard_sample){0};
}

/* Takes over the archive's current file. */
static enum dae_status take_file(struct shard_reader *reader, struct shard_file *file, struct error *err)
{
    struct tar *tar = &reader->tar;
    if (file->bytes)
        return error_set(err, DAE_BAD_DATA,
                         "%s: %s and %s are of one sample; name the ending of the file that is meant with data.clean",
                         reader->shard->path, file->name, tar->name);
    memcpy(file->name, tar->name, sizeof file->name);
    file->bytes = tar->bytes;
    file->len = tar->len;
    tar->bytes = NULL;
    return file->bytes ? DAE_OK : error_set(err, DAE_BAD_DATA, "%s: %s is empty", reader->shard->path, tar->name);
}

/* Takes the archive's current file if the sample needs it. */
static enum dae_status sort_file(struct shard_reader *reader, struct shard_sample *sample, struct error *err)
{
    const struct shard_options *o = &reader->set->options;
    const struct tar *tar = &reader->tar;
    if (o->noisy && ends_as(tar->name, o->noisy))
        return take_file(reader, &sample->noisy, err);
    if (o->clean ? ends_as(tar->name, o->clean) : is_sample(tar->name))
        return take_file(reader, &sample->clean, err);
    return DAE_OK;
}

/* Goes to the next file. Hidden ones, as macOS adds them, are no samples. */
static enum dae_status next_file(struct shard_reader *reader, struct error *err)
{
    struct tar *tar = &reader->tar;
    do {
        TRY(tar_next(tar, image_bytes_max(IMAGE_FILES_PIXELS), &reader->has_file, err));
        const char *slash = strrchr(tar->name, '/');
        if (!reader->has_file || (slash ? slash[1] : tar->name[0]) != '.')
            return DAE_OK;
    } while (true);
}

static enum dae_status missing(const struct shard_reader *reader, const char *stem, const char *ending,
                               struct error *err)
{
    return error_set(err, DAE_BAD_DATA, "%s: sample %lld, %s, has no file %s.%s", reader->shard->path,
                     (long long)reader->samples, stem, stem, ending ? ending : "{an image's ending, or npy}");
}

enum dae_status shard_reader_next(struct shard_reader *reader, struct shard_sample *sample, bool *found,
                                  struct error *err)
{
    const struct shard_options *o = &reader->set->options;
    char stem[TAR_NAME_BYTES];
    *sample = (struct shard_sample){0};
    if (!reader->has_file)
        TRY(next_file(reader, err));
    *found = reader->has_file;
    if (!*found)
        return DAE_OK;
    const size_t len = stem_len(reader->tar.name);
    snprintf(stem, sizeof stem, "%.*s", (int)len, reader->tar.name);
    while (reader->has_file && stem_len(reader->tar.name) == len && strncmp(stem, reader->tar.name, len) == 0) {
        TRY(sort_file(reader, sample, err));
        TRY(next_file(reader, err));
    }
    if (!sample->clean.bytes)
        return missing(reader, stem, o->clean, err);
    if (o->noisy && !sample->noisy.bytes)
        return missing(reader, stem, o->noisy, err);
    reader->crc = (uint32_t)crc32_z(reader->crc, sample->clean.bytes, sample->clean.len);
    if (o->noisy)
        reader->crc = (uint32_t)crc32_z(reader->crc, sample->noisy.bytes, sample->noisy.len);
    ++reader->samples;
    return DAE_OK;
}

enum dae_status shard_reader_compare(const struct shard_reader *reader, struct error *err)
{
    const struct shard *shard = reader->shard;
    if (reader->samples == shard->samples && reader->crc == shard->crc && !reader->has_file)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA,
                     "%s: it has changed since it was indexed: %lld samples with CRC-32 %08x, not %lld with %08x; "
                     "remove the index to read it again",
                     shard->path, (long long)reader->samples, (unsigned)reader->crc, (long long)shard->samples,
                     (unsigned)shard->crc);
}

/* ---- Decoding. --------------------------------------------------------------------------------------------------- */

/* Unpacks a file that ends in .gz. */
static enum dae_status unpack(const char *name, const struct shard_file *file, struct text *out, struct error *err)
{
    const size_t most = image_bytes_max(IMAGE_FILES_PIXELS);
    unsigned char piece[1 << 15];
    z_stream z = {.next_in = file->bytes, .avail_in = (uInt)file->len};
    if (file->len > UINT32_MAX || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return error_no_memory(err, "unpacking", file->len);
    int result = Z_OK;
    while (result == Z_OK && out->len <= most) {
        z.next_out = piece;
        z.avail_out = sizeof piece;
        result = inflate(&z, Z_NO_FLUSH);
        text_add_bytes(out, piece, sizeof piece - z.avail_out);
    }
    inflateEnd(&z);
    if (out->failed)
        return error_no_memory(err, name, out->len);
    if (out->len > most)
        return error_set(err, DAE_BAD_DATA, "%s: it unpacks to more than %zu bytes", name, most);
    return result == Z_STREAM_END
               ? DAE_OK
               : error_set(err, DAE_BAD_DATA, "%s: the compressed data are damaged or truncated", name);
}

/* Bytes (H,W,channels), 16 bits rounded to 8. */
static enum dae_status take_image(const struct shard_options *options, const char *name, struct image *image,
                                  struct shard_values *out, struct error *err)
{
    if (image->pages != 1)
        return error_set(err, DAE_BAD_DATA, "%s: it has %lld pages; a sample has one", name, (long long)image->pages);
    TRY(image_files_prepare(name, options->as_stored, image, err));
    const int64_t pixels = image->height * image->width;
    out->shape = (struct dae_shape){3, {image->height, image->width, options->channels}};
    out->kind = DATASET_UINT8;
    out->values = malloc((size_t)(pixels * options->channels));
    if (!out->values)
        return error_no_memory(err, name, (unsigned long long)(pixels * options->channels));
    image_pool_bytes(image, options->channels, out->values);
    return DAE_OK;
}

static enum dae_status take_array(const char *name, struct npy *array, struct shard_values *out, struct error *err)
{
    if (array->is_wide)
        return error_set(err, DAE_BAD_DATA, "%s: an array of 16-bit numbers; shards hold bytes or floats", name);
    if (array->rank < 1 || array->rank > 3)
        return error_set(err, DAE_BAD_DATA, "%s: an array of %d dimensions; a sample has one to three", name,
                         array->rank);
    out->shape = (struct dae_shape){array->rank == 1 ? 1 : 3, {array->dim[0], 1, 1}};
    for (int i = 1; i < array->rank; ++i)
        out->shape.dim[i] = array->dim[i];
    const int64_t len = dae_shape_len(&out->shape);
    const float *value = array->values;
    if (len < 1)
        return error_set(err, DAE_BAD_DATA, "%s: an array without elements", name);
    for (int64_t i = 0; array->is_float && i < len; ++i)
        if (!(value[i] >= -3.4028235e38f && value[i] <= 3.4028235e38f))
            return error_set(err, DAE_BAD_DATA, "%s: element %lld is not finite", name, (long long)i);
    out->kind = array->is_float ? DATASET_FLOAT : DATASET_UINT8;
    out->values = array->values;
    array->values = NULL;
    return DAE_OK;
}

enum dae_status shard_file_decode(const struct shard_options *options, const char *path, const struct shard_file *file,
                                  struct shard_values *out, struct error *err)
{
    struct text name CLEANUP(text_release) = {0}, plain CLEANUP(text_release) = {0};
    struct image image CLEANUP(image_release) = {0};
    struct npy array CLEANUP(npy_release) = {0};
    const unsigned char *bytes = file->bytes;
    size_t len = file->len;
    *out = (struct shard_values){0};
    text_printf(&name, "%s: %s", path, file->name);
    if (name.failed)
        return error_no_memory(err, path, name.len);
    if (len >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b) {
        TRY(unpack(name.data, file, &plain, err));
        bytes = (const unsigned char *)plain.data;
        len = plain.len;
    }
    if (has_extension(file->name, ".npy")) {
        TRY(npy_decode(name.data, bytes, len, &array, err));
        return take_array(name.data, &array, out, err);
    }
    TRY(image_decode(name.data, bytes, len, IMAGE_FILES_PIXELS, &image, err));
    return take_image(options, name.data, &image, out, err);
}

size_t shard_values_bytes(const struct shard_values *values)
{
    return (size_t)dae_shape_len(&values->shape) * (values->kind == DATASET_UINT8 ? sizeof(uint8_t) : sizeof(float));
}

static enum dae_status check_shape(const struct shard_set *set, const char *path, const char *name,
                                   const struct shard_values *values, struct error *err)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    const struct dae_shape *patch = &set->options.patch, *shape = &values->shape;
    if (set->patches && (shape->rank != 3 || shape->dim[2] != patch->dim[2] || values->kind != DATASET_UINT8))
        return error_set(err, DAE_BAD_DATA, "%s: %s is not an image; patches are cut out of images only", path, name);
    if (set->patches && (shape->dim[0] < patch->dim[0] || shape->dim[1] < patch->dim[1]))
        return error_set(err, DAE_BAD_DATA, "%s: %s is %s, smaller than a patch of %s", path, name,
                         shape_text(shape, have), shape_text(patch, want));
    if (!set->patches && (!shape_equal(shape, &set->shape) || values->kind != set->kind))
        return error_set(err, DAE_BAD_DATA, "%s: %s is %s %s, but the first sample is %s %s", path, name,
                         values->kind == DATASET_UINT8 ? "bytes" : "floats", shape_text(shape, have),
                         set->kind == DATASET_UINT8 ? "bytes" : "floats", shape_text(&set->shape, want));
    return DAE_OK;
}

enum dae_status shard_sample_decode(const struct shard_set *set, const char *path, const struct shard_sample *sample,
                                    struct shard_sample_values *out, struct error *err)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    *out = (struct shard_sample_values){0};
    TRY(shard_file_decode(&set->options, path, &sample->clean, &out->clean, err));
    TRY(check_shape(set, path, sample->clean.name, &out->clean, err));
    if (!set->paired)
        return DAE_OK;
    TRY(shard_file_decode(&set->options, path, &sample->noisy, &out->noisy, err));
    if (shape_equal(&out->noisy.shape, &out->clean.shape) && out->noisy.kind == out->clean.kind)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s: %s is %s, but its partner %s is %s", path, sample->noisy.name,
                     shape_text(&out->noisy.shape, have), sample->clean.name, shape_text(&out->clean.shape, want));
}

void shard_sample_values_release(struct shard_sample_values *values)
{
    free(values->clean.values);
    free(values->noisy.values);
    *values = (struct shard_sample_values){0};
}
