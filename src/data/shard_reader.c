#include "data/shard_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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
    char plain[SHARD_NAME_BYTES];
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
    TRY(shard->command ? archive_reader_open_command(&reader->archive, shard->path, shard->command, err)
                       : archive_reader_open(&reader->archive, shard->path, err));
    if (shard->file_bytes >= 0 && reader->archive.file_bytes != shard->file_bytes)
        return error_set(err, DAE_BAD_DATA,
                         "%s: it has %lld bytes, but had %lld when it was indexed; remove the index to read it again",
                         shard->path, (long long)reader->archive.file_bytes, (long long)shard->file_bytes);
    return DAE_OK;
}

void shard_reader_close(struct shard_reader *reader)
{
    archive_reader_close(&reader->archive);
}

void shard_sample_release(struct shard_sample *sample)
{
    free(sample->clean.bytes);
    free(sample->noisy.bytes);
    *sample = (struct shard_sample){0};
}

/* The archive's name of its current file. */
static const char *name_of(const struct shard_reader *reader)
{
    return reader->archive.name.data + reader->archive.inside;
}

/* Reads and takes over the archive's current file. */
static enum dae_status take_file(struct shard_reader *reader, struct shard_file *file, struct error *err)
{
    const char *name = name_of(reader);
    struct text *bytes = &reader->archive.bytes;
    if (file->bytes)
        return error_set(err, DAE_BAD_DATA,
                         "%s: %s and %s are of one sample; name the ending of the file that is meant with data.clean",
                         reader->shard->path, file->name, name);
    snprintf(file->name, sizeof file->name, "%s", name);
    TRY(archive_reader_take(&reader->archive, image_bytes_max(IMAGE_FILES_PIXELS), err));
    if (bytes->len == 0)
        return error_set(err, DAE_BAD_DATA, "%s: %s is empty", reader->shard->path, name);
    file->bytes = (unsigned char *)bytes->data;
    file->len = bytes->len;
    *bytes = (struct text){0};
    return DAE_OK;
}

/* Takes the archive's current file if the sample needs it. */
static enum dae_status sort_file(struct shard_reader *reader, struct shard_sample *sample, struct error *err)
{
    const struct shard_options *o = &reader->set->options;
    const char *name = name_of(reader);
    if (o->noisy && ends_as(name, o->noisy))
        return take_file(reader, &sample->noisy, err);
    if (o->clean ? ends_as(name, o->clean) : is_sample(name))
        return take_file(reader, &sample->clean, err);
    return DAE_OK;
}

/* Goes to the next file. Hidden ones, as macOS adds them, are no samples. */
static enum dae_status next_file(struct shard_reader *reader, struct error *err)
{
    const char *slash;
    do {
        TRY(archive_reader_next(&reader->archive, &reader->has_file, err));
        reader->ended = !reader->has_file;
        if (reader->ended)
            return DAE_OK;
        if (strlen(name_of(reader)) >= SHARD_NAME_BYTES)
            return error_set(err, DAE_BAD_DATA, "%s: the name of file %lld has %zu bytes; %d are the most",
                             reader->shard->path, (long long)reader->archive.index, strlen(name_of(reader)),
                             SHARD_NAME_BYTES - 1);
        slash = strrchr(name_of(reader), '/');
    } while ((slash ? slash[1] : name_of(reader)[0]) == '.');
    return DAE_OK;
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
    char stem[SHARD_NAME_BYTES];
    *sample = (struct shard_sample){0};
    if (!reader->has_file && !reader->ended)
        TRY(next_file(reader, err));
    *found = reader->has_file;
    if (!*found)
        return DAE_OK;
    const size_t len = stem_len(name_of(reader));
    snprintf(stem, sizeof stem, "%.*s", (int)len, name_of(reader));
    while (reader->has_file && stem_len(name_of(reader)) == len && strncmp(stem, name_of(reader), len) == 0) {
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

size_t shard_values_bytes(const struct shard_values *values)
{
    return (size_t)dae_shape_len(&values->shape) * (size_t)(dataset_kind_bits(values->kind) / 8);
}

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

/* Sets the bits of an image that has `own`; see shard_file_decode. Only patches have 16: as floats they are the same
 * numbers. */
static enum dae_status choose_bits(const struct shard_options *options, const char *name, int own, int *bits,
                                   struct error *err)
{
    if (options->depth == 0 && *bits > 0 && own > *bits)
        return error_set(err, DAE_BAD_DATA,
                         "%s: its numbers have %d bits, but those of the first sample %d; data.depth says which all "
                         "are to have",
                         name, own, *bits);
    if (*bits == 0)
        *bits = options->depth ? options->depth : own;
    if (*bits == 16 && options->patch.rank == 0)
        *bits = 32;
    return DAE_OK;
}

/* (H,W,channels). */
static enum dae_status take_image(const struct shard_options *options, int bits, const char *name, struct image *image,
                                  struct shard_values *out, struct error *err)
{
    const struct transfer none = {0};
    if (image->pages != 1)
        return error_set(err, DAE_BAD_DATA, "%s: it has %lld pages; a sample has one", name, (long long)image->pages);
    TRY(image_files_prepare(name, &none, options->as_stored, image, err));
    TRY(choose_bits(options, name, image_pool_bits_of(image), &bits, err));
    out->shape = (struct dae_shape){3, {image->height, image->width, options->channels}};
    out->kind = dataset_kind_of(bits);
    out->values = malloc(shard_values_bytes(out));
    if (!out->values)
        return error_no_memory(err, name, shard_values_bytes(out));
    image_pool_pixels(image, options->channels, bits, out->values);
    return DAE_OK;
}

static enum dae_status check_finite(const char *name, const float *value, int64_t n, struct error *err)
{
    for (int64_t i = 0; i < n; ++i)
        if (!(value[i] >= -3.4028235e38f && value[i] <= 3.4028235e38f))
            return error_set(err, DAE_BAD_DATA, "%s: element %lld is not finite", name, (long long)i);
    return DAE_OK;
}

/* An array of integers as an image. */
static enum dae_status take_pixels(const struct shard_options *options, int bits, const char *name,
                                   const struct npy *array, struct shard_values *out, struct error *err)
{
    const int own = array->is_wide ? 16 : 8;
    if (array->is_float)
        return error_set(err, DAE_BAD_DATA, "%s: it is not an image; patches are cut out of images only", name);
    TRY(choose_bits(options, name, own, &bits, err));
    out->kind = dataset_kind_of(bits);
    out->values = malloc(shard_values_bytes(out));
    if (!out->values)
        return error_no_memory(err, name, shard_values_bytes(out));
    image_pool_convert(array->values, own, out->values, bits, (size_t)dae_shape_len(&out->shape));
    return DAE_OK;
}

static enum dae_status take_array(const struct shard_options *options, int bits, const char *name, struct npy *array,
                                  struct shard_values *out, struct error *err)
{
    if (array->rank < 1 || array->rank > 3)
        return error_set(err, DAE_BAD_DATA, "%s: an array of %d dimensions; a sample has one to three", name,
                         array->rank);
    out->shape = (struct dae_shape){array->rank == 1 ? 1 : 3, {array->dim[0], 1, 1}};
    for (int i = 1; i < array->rank; ++i)
        out->shape.dim[i] = array->dim[i];
    if (dae_shape_len(&out->shape) < 1)
        return error_set(err, DAE_BAD_DATA, "%s: an array without elements", name);
    if (options->patch.rank > 0)
        return take_pixels(options, bits, name, array, out, err);
    if (array->is_wide)
        return error_set(err, DAE_BAD_DATA, "%s: an array of 16-bit numbers; whole samples are bytes or floats", name);
    if (array->is_float)
        TRY(check_finite(name, array->values, dae_shape_len(&out->shape), err));
    out->kind = array->is_float ? DATASET_FLOAT : DATASET_UINT8;
    out->values = array->values;
    array->values = NULL;
    return DAE_OK;
}

enum dae_status shard_file_decode(const struct shard_options *options, int bits, const char *path,
                                  const struct shard_file *file, struct shard_values *out, struct error *err)
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
        return take_array(options, bits, name.data, &array, out, err);
    }
    TRY(image_decode(name.data, bytes, len, IMAGE_FILES_PIXELS, &image, err));
    return take_image(options, bits, name.data, &image, out, err);
}

static enum dae_status check_shape(const struct shard_set *set, const char *path, const char *name,
                                   const struct shard_values *values, struct error *err)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    const struct dae_shape *patch = &set->options.patch, *shape = &values->shape;
    if (set->patches && (shape->rank != 3 || shape->dim[2] != patch->dim[2]))
        return error_set(err, DAE_BAD_DATA, "%s: %s is not an image; patches are cut out of images only", path, name);
    if (set->patches && (shape->dim[0] < patch->dim[0] || shape->dim[1] < patch->dim[1]))
        return error_set(err, DAE_BAD_DATA, "%s: %s is %s, smaller than a patch of %s", path, name,
                         shape_text(shape, have), shape_text(patch, want));
    if (!set->patches && (!shape_equal(shape, &set->shape) || values->kind != set->kind))
        return error_set(err, DAE_BAD_DATA, "%s: %s is %s %s, but the first sample is %s %s", path, name,
                         dataset_kind_numbers(values->kind), shape_text(shape, have), dataset_kind_numbers(set->kind),
                         shape_text(&set->shape, want));
    return DAE_OK;
}

enum dae_status shard_sample_decode(const struct shard_set *set, const char *path, const struct shard_sample *sample,
                                    struct shard_sample_values *out, struct error *err)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    *out = (struct shard_sample_values){0};
    TRY(shard_file_decode(&set->options, dataset_kind_bits(set->kind), path, &sample->clean, &out->clean, err));
    TRY(check_shape(set, path, sample->clean.name, &out->clean, err));
    if (!set->paired)
        return DAE_OK;
    TRY(shard_file_decode(&set->options, dataset_kind_bits(set->kind), path, &sample->noisy, &out->noisy, err));
    if (shape_equal(&out->noisy.shape, &out->clean.shape))
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
