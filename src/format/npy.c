#include "format/npy.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/text.h"

static const char magic[] = "\x93NUMPY"; /* followed by two version bytes and the header's length */

enum { MAGIC_BYTES = 6, ALIGN_BYTES = 64, AT_ONCE = 4096 };

/* The header is the text of a Python dictionary; we read the subset that NumPy writes. */
struct parser {
    const char *path;
    const unsigned char *bytes;
    size_t at, end; /* of the header text within the file */
    struct error *err;
};

static enum dae_status malformed(const struct parser *p, const char *what)
{
    return error_set(p->err, DAE_BAD_DATA, "%s: byte %zu: %s", p->path, p->at, what);
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (p->bytes[p->at] == ' ' || p->bytes[p->at] == '\n'))
        ++p->at;
}

static bool take(struct parser *p, const char *token)
{
    skip_space(p);
    size_t len = strlen(token);
    if (p->end - p->at < len || memcmp(p->bytes + p->at, token, len) != 0)
        return false;
    p->at += len;
    return true;
}

/* A quoted string without escapes, truncated to fit. */
static enum dae_status parse_string(struct parser *p, char *out, size_t out_len)
{
    skip_space(p);
    if (p->at >= p->end || (p->bytes[p->at] != '\'' && p->bytes[p->at] != '"'))
        return malformed(p, "a quoted string is missing in the header");
    unsigned char quote = p->bytes[p->at++];
    size_t len = 0;
    while (p->at < p->end && p->bytes[p->at] != quote) {
        unsigned char c = p->bytes[p->at++];
        if (len + 1 < out_len)
            out[len++] = c >= ' ' && c < 0x7f ? (char)c : '?';
    }
    out[len] = '\0';
    if (p->at >= p->end)
        return malformed(p, "a string in the header does not end");
    ++p->at;
    return DAE_OK;
}

static enum dae_status parse_shape(struct parser *p, struct npy *array)
{
    if (!take(p, "("))
        return malformed(p, "the shape in the header is not a tuple");
    while (!take(p, ")")) {
        skip_space(p);
        size_t start = p->at;
        int64_t value = 0;
        while (p->at < p->end && p->bytes[p->at] >= '0' && p->bytes[p->at] <= '9')
            if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, p->bytes[p->at++] - '0', &value))
                return malformed(p, "a size in the shape overflows");
        if (p->at == start)
            return malformed(p, "the shape in the header does not consist of sizes");
        if (p->at < p->end && p->bytes[p->at] == 'L') /* a long integer of Python 2 */
            ++p->at;
        if (array->rank == NPY_MAX_RANK)
            return malformed(p, "the array has more than 5 dimensions");
        array->dim[array->rank++] = value;
        if (!take(p, ",") && p->at < p->end && p->bytes[p->at] != ')')
            return malformed(p, "a comma is missing in the shape");
    }
    return DAE_OK;
}

/* Refuses unsupported types, with the reason. *element_bytes is 1, 2, 4 or 8. */
static enum dae_status judge_type(const struct parser *p, const char *type, int *element_bytes, bool *big_endian)
{
    static const struct {
        const char *type;
        int element_bytes;
    } read[] = {{"|u1", 1}, {"<u1", 1}, {">u1", 1}, {"<u2", 2}, {">u2", 2},
                {"<f4", 4}, {"<f8", 8}, {">f4", 4}, {">f8", 8}};
    for (size_t i = 0; i < sizeof read / sizeof *read; ++i)
        if (strcmp(type, read[i].type) == 0) {
            *element_bytes = read[i].element_bytes;
            *big_endian = type[0] == '>';
            return DAE_OK;
        }
    const char *why = "elements of this type are not supported";
    if (type[0] == '|' && type[1] == 'O')
        why = "Python objects are not supported";
    return error_set(p->err, DAE_BAD_DATA,
                     "%s: byte %zu: type '%s': %s; save it from NumPy with .astype('<f4') or .astype('u1')", p->path,
                     p->at, type, why);
}

static enum dae_status parse_header(struct parser *p, struct npy *array, int *element_bytes, bool *big_endian)
{
    bool has_type = false, has_order = false, has_shape = false;
    if (!take(p, "{"))
        return malformed(p, "the header is not a Python dictionary");
    while (!take(p, "}")) {
        char key[32], type[32];
        TRY(parse_string(p, key, sizeof key));
        if (!take(p, ":"))
            return malformed(p, "a colon is missing in the header");
        skip_space(p);
        if (strcmp(key, "descr") == 0 && !has_type) {
            if (p->at < p->end && p->bytes[p->at] == '[')
                return malformed(p, "structured elements are not supported; save plain numbers");
            struct parser before = *p;
            TRY(parse_string(p, type, sizeof type));
            TRY(judge_type(&before, type, element_bytes, big_endian));
            has_type = true;
        } else if (strcmp(key, "fortran_order") == 0 && !has_order) {
            if (p->end - p->at >= 4 && memcmp(p->bytes + p->at, "True", 4) == 0)
                return malformed(p, "Fortran order is not supported; save numpy.ascontiguousarray(array)");
            if (!take(p, "False"))
                return malformed(p, "fortran_order is neither True nor False");
            has_order = true;
        } else if (strcmp(key, "shape") == 0 && !has_shape) {
            TRY(parse_shape(p, array));
            has_shape = true;
        } else {
            return malformed(p, "a key in the header is unknown or repeated");
        }
        skip_space(p);
        if (!take(p, ",") && p->at < p->end && p->bytes[p->at] != '}')
            return malformed(p, "a comma is missing in the header");
    }
    skip_space(p);
    if (p->at < p->end)
        return malformed(p, "the header does not end after its dictionary");
    if (!has_type || !has_order || !has_shape)
        return malformed(p, "the header lacks descr, fortran_order or shape");
    array->is_float = *element_bytes > 2;
    array->is_wide = *element_bytes == 2;
    return DAE_OK;
}

/* Finds the header text; its length is checked against the file. */
static enum dae_status find_header(struct parser *p, size_t file_bytes)
{
    if (file_bytes < MAGIC_BYTES + 4)
        return error_set(p->err, DAE_BAD_DATA, "%s: byte %zu: truncated: not even an NPY header; get it again", p->path,
                         file_bytes);
    if (memcmp(p->bytes, magic, MAGIC_BYTES) != 0)
        return malformed(p, "not an NPY file: it does not begin with \\x93NUMPY");
    int major = p->bytes[6], minor = p->bytes[7];
    if (major < 1 || major > 3 || minor != 0) /* 3 differs from 2 in the names of fields, which we do not read */
        return error_set(p->err, DAE_BAD_DATA, "%s: byte 6: NPY version %d.%d is not supported, only 1.0 to 3.0",
                         p->path, major, minor);
    p->at = major == 1 ? 10 : 12;
    if (file_bytes < p->at)
        return error_set(p->err, DAE_BAD_DATA, "%s: byte %zu: truncated: not even an NPY header; get it again", p->path,
                         file_bytes);
    size_t len = 0;
    for (size_t i = p->at; i-- > 8;)
        len = len << 8 | p->bytes[i];
    if (len > file_bytes - p->at)
        return error_set(p->err, DAE_BAD_DATA, "%s: byte 8: the header claims %zu bytes, the file holds %zu more",
                         p->path, len, file_bytes - p->at);
    p->end = p->at + len;
    return DAE_OK;
}

static uint64_t word_of(const unsigned char *bytes, int n, bool big_endian)
{
    uint64_t word = 0;
    for (int i = n; i-- > 0;)
        word = word << 8 | bytes[big_endian ? n - 1 - i : i];
    return word;
}

static void decode_words(unsigned char *bytes, int64_t len, bool big_endian)
{
    for (int64_t i = 0; i < len; ++i) {
        const uint16_t word = (uint16_t)word_of(bytes + 2 * i, 2, big_endian);
        memcpy(bytes + 2 * i, &word, sizeof word);
    }
}

/* In place, front to back: no element is written before its bytes were read. */
static void decode_floats(unsigned char *bytes, int64_t len, int element_bytes, bool big_endian)
{
    for (int64_t i = 0; i < len; ++i) {
        uint64_t word = word_of(bytes + i * element_bytes, element_bytes, big_endian);
        float value;
        if (element_bytes == 4) {
            uint32_t half = (uint32_t)word;
            memcpy(&value, &half, sizeof value);
        } else {
            double wide;
            memcpy(&wide, &word, sizeof wide);
            /* C leaves the conversion of numbers beyond float's range open. */
            value =
                isfinite(wide) && fabs(wide) > (double)FLT_MAX ? copysignf(INFINITY, wide > 0 ? 1 : -1) : (float)wide;
        }
        memcpy(bytes + i * 4, &value, sizeof value);
    }
}

static enum dae_status read_array(const char *path, unsigned char *bytes, size_t file_bytes, struct npy *array,
                                  struct error *err)
{
    struct parser p = {.path = path, .bytes = bytes, .err = err};
    int element_bytes = 0;
    bool big_endian = false;
    TRY(find_header(&p, file_bytes));
    TRY(parse_header(&p, array, &element_bytes, &big_endian));
    int64_t len = 1, n_bytes = 0;
    bool overflow = false;
    for (int i = 0; i < array->rank; ++i)
        overflow = overflow || __builtin_mul_overflow(len, array->dim[i], &len);
    if (overflow || __builtin_mul_overflow(len, element_bytes, &n_bytes))
        return malformed(&p, "the product of the sizes overflows");
    int64_t rest = (int64_t)(file_bytes - p.end);
    if (n_bytes > rest)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %zu: truncated: the header claims %lld bytes, the file holds %lld; get it again",
                         path, file_bytes, (long long)n_bytes, (long long)rest);
    if (n_bytes < rest)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: %lld bytes too many at the end; get it again", path,
                         (long long)((int64_t)p.end + n_bytes), (long long)(rest - n_bytes));
    memmove(bytes, bytes + p.end, (size_t)n_bytes);
    if (array->is_wide)
        decode_words(bytes, len, big_endian);
    if (array->is_float)
        decode_floats(bytes, len, element_bytes, big_endian);
    return DAE_OK;
}

enum dae_status npy_load(const char *path, struct npy *array, struct error *err)
{
    *array = (struct npy){0};
    char *bytes = NULL;
    size_t file_bytes = 0;
    TRY(file_read(path, (size_t)-1 / 2, DAE_BAD_DATA, &bytes, &file_bytes, err));
    enum dae_status status = read_array(path, (unsigned char *)bytes, file_bytes, array, err);
    array->values = bytes; /* the elements were moved to its front */
    if (status != DAE_OK)
        npy_release(array);
    return status;
}

enum dae_status npy_decode(const char *name, const unsigned char *bytes, size_t len, struct npy *array,
                           struct error *err)
{
    *array = (struct npy){.values = malloc(len + 1)};
    if (!array->values)
        return error_no_memory(err, name, len);
    memcpy(array->values, bytes, len);
    const enum dae_status status = read_array(name, array->values, len, array, err);
    if (status != DAE_OK)
        npy_release(array);
    return status;
}

/* Element i as it is stored, little-endian; returns its bytes. */
static int encode(const struct npy *array, int64_t i, unsigned char to[4])
{
    uint32_t word = 0;
    const int n = array->is_float ? 4 : array->is_wide ? 2 : 1;
    if (array->is_float)
        memcpy(&word, (const float *)array->values + i, sizeof word);
    else
        word = array->is_wide ? ((const uint16_t *)array->values)[i] : ((const uint8_t *)array->values)[i];
    for (int k = 0; k < n; ++k)
        to[k] = (unsigned char)(word >> 8 * k);
    return n;
}

static enum dae_status write_array(struct atomic_file *file, const struct text *header, const struct npy *array,
                                   int64_t len, struct error *err)
{
    TRY(atomic_file_write(file, header->data, header->len, err));
    unsigned char bytes[4 * AT_ONCE];
    for (int64_t at = 0; at < len; at += AT_ONCE) {
        size_t n = 0;
        for (int64_t i = at; i < len && i < at + AT_ONCE; ++i)
            n += (size_t)encode(array, i, bytes + n);
        TRY(atomic_file_write(file, bytes, n, err));
    }
    return atomic_file_commit(file, err);
}

/* Returns the elements; the text is padded so that they start at a multiple of ALIGN_BYTES. */
static int64_t format_header(const struct npy *array, struct text *header)
{
    struct text dict = {0};
    int64_t len = 1;
    text_printf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                array->is_float  ? "<f4"
                : array->is_wide ? "<u2"
                                 : "|u1");
    for (int i = 0; i < array->rank; ++i) {
        text_printf(&dict, array->rank == 1 ? "%lld," : i > 0 ? ", %lld" : "%lld", (long long)array->dim[i]);
        len *= array->dim[i];
    }
    text_add(&dict, "), }");
    while ((MAGIC_BYTES + 4 + dict.len + 1) % ALIGN_BYTES != 0 && !dict.failed)
        text_add(&dict, " ");
    text_add(&dict, "\n");
    unsigned char start[4] = {1, 0, (unsigned char)dict.len, (unsigned char)(dict.len >> 8)};
    text_add_bytes(header, magic, MAGIC_BYTES);
    text_add_bytes(header, start, sizeof start);
    if (!dict.failed)
        text_add_bytes(header, dict.data, dict.len);
    header->failed = header->failed || dict.failed;
    text_release(&dict);
    return len;
}

enum dae_status npy_save(const char *path, const struct npy *array, struct error *err)
{
    if (array->rank < 0 || array->rank > NPY_MAX_RANK)
        return error_set(err, DAE_BUG, "cannot write %s: an NPY file of rank %d", path, array->rank);
    struct text header = {0};
    int64_t len = format_header(array, &header);
    if (header.failed) {
        text_release(&header);
        return error_no_memory(err, "NPY header", ALIGN_BYTES);
    }
    struct atomic_file file;
    enum dae_status status = atomic_file_begin(&file, path, err);
    if (status == DAE_OK) {
        status = write_array(&file, &header, array, len, err);
        atomic_file_discard(&file);
    }
    text_release(&header);
    return status;
}

void npy_release(struct npy *array)
{
    free(array->values);
    *array = (struct npy){0};
}
