#include "format/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <sha2.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/shape.h"
#include "base/text.h"
#include "base/utf8.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian, and this code copies numbers as they are in memory"
#endif

#define METADATA "__metadata__"
#define SEAL "sha256"

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER_BYTES = 16 << 20,
    HEX_LEN = SHA256_DIGEST_STRING_LENGTH - 1,
    DATA_ALIGN = 64,
};

/* What a sealed header starts with; the hex digits follow at once. */
static const char seal_start[] = "{\"" METADATA "\":{\"" SEAL "\":\"";
enum { SEAL_AT = sizeof seal_start - 1 };

static const struct {
    const char *name;
    unsigned bytes;
} dtypes[] = {
#define ROW(name, bytes) [ST_##name] = {#name, bytes},
    ST_DTYPES(ROW)
#undef ROW
};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

const char *safetensors_dtype_name(enum st_dtype dtype)
{
    return dtypes[dtype].name;
}

static bool tensor_bytes(const struct st_tensor *tensor, size_t *bytes)
{
    *bytes = dtypes[tensor->dtype].bytes;
    bool zero = false, overflow = false;
    for (int i = 0; i < tensor->rank; ++i) {
        zero = zero || tensor->shape[i] == 0;
        overflow = __builtin_mul_overflow(*bytes, tensor->shape[i], bytes) || overflow;
    }
    if (zero || overflow)
        *bytes = 0;
    return zero || !overflow;
}

size_t safetensors_bytes(const struct st_tensor *tensor)
{
    size_t bytes;
    (void)tensor_bytes(tensor, &bytes);
    return bytes;
}

/* A name from a file, made short for a message. */
struct shown {
    char text[68];
};

static struct shown shown(const char *name)
{
    struct shown out;
    snprintf(out.text, sizeof out.text, "%.64s%s", name, strlen(name) > 64 ? "..." : "");
    return out;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts the names and returns one that occurs twice, or NULL. */
static const char *find_duplicate(const char **names, size_t n)
{
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 1; i < n; ++i)
        if (strcmp(names[i - 1], names[i]) == 0)
            return names[i];
    return NULL;
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* As JSON, which has no other bytes than UTF-8: one that is not becomes U+FFFD. */
static void add_string(struct text *text, const char *string)
{
    struct text valid = {0};
    utf8_add(&valid, string);
    text->failed = text->failed || valid.failed;
    text_add(text, "\"");
    for (string = valid.data; string && *string; ++string) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            text_printf(text, "\\%c", c);
        else if (c < 0x20)
            text_printf(text, "\\u%04x", c);
        else
            text_add_bytes(text, string, 1);
    }
    text_add(text, "\"");
    text_release(&valid);
}

/* The padded header, the seal's digits as zeros. */
static void add_header(struct text *text, const struct st_tensor *tensors, size_t n_tensors, const struct st_meta *meta,
                       size_t n_meta)
{
    text_printf(text, "%s%0*d\"", seal_start, (int)HEX_LEN, 0);
    for (size_t i = 0; i < n_meta; ++i) {
        text_add(text, ",");
        add_string(text, meta[i].key);
        text_add(text, ":");
        add_string(text, meta[i].value);
    }
    text_add(text, "}");
    unsigned long long at = 0;
    for (size_t i = 0; i < n_tensors; ++i) {
        text_add(text, ",");
        add_string(text, tensors[i].name);
        text_printf(text, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[tensors[i].dtype].name);
        for (int j = 0; j < tensors[i].rank; ++j)
            text_printf(text, "%s%llu", j ? "," : "", (unsigned long long)tensors[i].shape[j]);
        unsigned long long end = at + safetensors_bytes(&tensors[i]);
        text_printf(text, "],\"data_offsets\":[%llu,%llu]}", at, end);
        at = end;
    }
    text_add(text, "}");
    while (!text->failed && text->len % 8 != 0)
        text_add(text, " ");
}

static enum dae_status check_names(const char *path, const struct st_tensor *tensors, size_t n_tensors,
                                   const struct st_meta *meta, size_t n_meta, struct error *err)
{
    size_t n_all = n_tensors + n_meta;
    const char **names = calloc(n_all + 1, sizeof *names);
    if (!names)
        return error_no_memory(err, path, (n_all + 1) * sizeof *names);
    for (size_t i = 0; i < n_tensors; ++i)
        names[i] = tensors[i].name;
    for (size_t i = 0; i < n_meta; ++i)
        names[n_tensors + i] = meta[i].key;
    const char *twice = find_duplicate(names, n_tensors);
    if (!twice)
        twice = find_duplicate(names + n_tensors, n_meta);
    free(names);
    return twice ? error_set(err, DAE_BUG, "cannot save %s: \"%s\" is given twice", path, twice) : DAE_OK;
}

static enum dae_status check_input(const char *path, const struct st_tensor *tensors, size_t n_tensors,
                                   const struct st_meta *meta, size_t n_meta, struct error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < n_tensors; ++i) {
        const struct st_tensor *tensor = &tensors[i];
        size_t bytes;
        if (!tensor->name || !tensor->name[0] || strcmp(tensor->name, METADATA) == 0)
            return error_set(err, DAE_BUG, "cannot save %s: tensor %zu has no usable name", path, i);
        if ((unsigned)tensor->dtype >= N_DTYPES || tensor->rank < 0 || tensor->rank > ST_MAX_RANK ||
            !tensor_bytes(tensor, &bytes) || __builtin_add_overflow(total, bytes, &total))
            return error_set(err, DAE_BUG, "cannot save %s: tensor \"%s\" has an impossible dtype or shape", path,
                             tensor->name);
        if (bytes > 0 && !tensor->data)
            return error_set(err, DAE_BUG, "cannot save %s: tensor \"%s\" has no data", path, tensor->name);
    }
    for (size_t i = 0; i < n_meta; ++i)
        if (!meta[i].key || !meta[i].value || strcmp(meta[i].key, SEAL) == 0)
            return error_set(err, DAE_BUG, "cannot save %s: metadata entry %zu has no usable key or value", path, i);
    return check_names(path, tensors, n_tensors, meta, n_meta, err);
}

static enum dae_status write_all(const char *path, const struct text *header, const struct st_tensor *tensors,
                                 size_t n_tensors, struct error *err)
{
    uint64_t length = header->len;
    struct atomic_file file;
    TRY(atomic_file_begin(&file, path, err));
    enum dae_status status = atomic_file_write(&file, &length, sizeof length, err);
    if (status == DAE_OK)
        status = atomic_file_write(&file, header->data, header->len, err);
    for (size_t i = 0; status == DAE_OK && i < n_tensors; ++i)
        status = atomic_file_write(&file, tensors[i].data, safetensors_bytes(&tensors[i]), err);
    if (status == DAE_OK)
        return atomic_file_commit(&file, err);
    atomic_file_discard(&file);
    return status;
}

/* Starts the seal's hash with the length field and the header, whose hex digits are zeros. */
static void hash_header(SHA2_CTX *hash, const char *header, uint64_t length)
{
    SHA256Init(hash);
    SHA256Update(hash, (const uint8_t *)&length, sizeof length);
    SHA256Update(hash, (const uint8_t *)header, length);
}

enum dae_status safetensors_save(const char *path, const struct st_tensor *tensors, size_t n_tensors,
                                 const struct st_meta *meta, size_t n_meta, struct error *err)
{
    TRY(check_input(path, tensors, n_tensors, meta, n_meta, err));
    struct text header = {0};
    add_header(&header, tensors, n_tensors, meta, n_meta);
    enum dae_status status = DAE_OK;
    if (header.failed) {
        status = error_no_memory(err, path, header.len);
    } else if (header.len > MAX_HEADER_BYTES) {
        status = error_set(err, DAE_BUG, "cannot save %s: its header of %zu bytes is above the limit of %d", path,
                           header.len, (int)MAX_HEADER_BYTES);
    } else {
        SHA2_CTX hash;
        hash_header(&hash, header.data, header.len);
        for (size_t i = 0; i < n_tensors; ++i)
            if (safetensors_bytes(&tensors[i]) > 0)
                SHA256Update(&hash, tensors[i].data, safetensors_bytes(&tensors[i]));
        char hex[HEX_LEN + 1];
        SHA256End(&hash, hex);
        memcpy(header.data + SEAL_AT, hex, HEX_LEN);
        status = write_all(path, &header, tensors, n_tensors, err);
    }
    text_release(&header);
    return status;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

struct extent {
    uint64_t begin, end; /* in the data section */
    size_t tensor;
};

struct reader {
    const char *path;
    int fd;
    const char *bytes;   /* (size) the file in memory; NULL: it is read from fd */
    uint64_t size, at;   /* of the file */
    uint64_t header_len; /* so that data starts at byte 8 + header_len */
    char *header;
    cJSON *json;
    bool sealed;
    char hex[HEX_LEN + 1]; /* the seal as the file has it */
    SHA2_CTX hash;
    struct extent *extents; /* (n_tensors) */
    struct safetensors *file;
    struct error *err;
};

MUST_USE static enum dae_status damaged(struct reader *reader, const char *format, ...) BASE_PRINTF(2, 3);
static enum dae_status damaged(struct reader *reader, const char *format, ...)
{
    char reason[512];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return error_set(reader->err, DAE_CHECKPOINT,
                     "%s: %s; the file is damaged or not a safetensors file: use another copy or checkpoint",
                     reader->path, reason);
}

static enum dae_status open_regular(struct reader *reader)
{
    /* O_NONBLOCK: a pipe must not hang us. */
    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0)
        return error_set(reader->err, DAE_IO, "cannot open %s: %s", reader->path, strerror(errno));
    struct stat info;
    if (fstat(reader->fd, &info) < 0)
        return error_set(reader->err, DAE_IO, "cannot read %s: %s", reader->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(reader->err, DAE_IO, "cannot read %s: it is not a regular file", reader->path);
    reader->size = (uint64_t)info.st_size;
    return DAE_OK;
}

static enum dae_status read_bytes(struct reader *reader, void *to, uint64_t len)
{
    char *out = to;
    if (reader->bytes) /* callers ask for no more than there is */
        memcpy(to, reader->bytes + reader->at, len);
    reader->at += reader->bytes ? len : 0;
    while (len > 0 && !reader->bytes) {
        ssize_t n = read(reader->fd, out, len < (1 << 30) ? len : (1 << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(reader->err, DAE_IO, "cannot read %s: %s", reader->path, strerror(errno));
        if (n == 0)
            return damaged(reader, "it became shorter while it was read: it ends at byte %llu",
                           (unsigned long long)reader->at);
        out += n;
        len -= (uint64_t)n;
        reader->at += (uint64_t)n;
    }
    return DAE_OK;
}

static enum dae_status read_header(struct reader *reader, int flags)
{
    if (reader->size < LENGTH_BYTES)
        return damaged(reader, "%llu bytes, less than the 8 of the header's length", (unsigned long long)reader->size);
    TRY(read_bytes(reader, &reader->header_len, LENGTH_BYTES));
    uint64_t len = reader->header_len;
    if (len > MAX_HEADER_BYTES)
        return damaged(reader, "byte 0: a header of %llu bytes, above the limit of %d", (unsigned long long)len,
                       (int)MAX_HEADER_BYTES);
    if (len > reader->size - LENGTH_BYTES)
        return damaged(reader, "byte 0: a header of %llu bytes, but only %llu follow", (unsigned long long)len,
                       (unsigned long long)(reader->size - LENGTH_BYTES));
    if (!(reader->header = malloc(len + 1)))
        return error_no_memory(reader->err, reader->path, len + 1);
    TRY(read_bytes(reader, reader->header, len));
    reader->header[len] = '\0';
    reader->sealed = len > SEAL_AT + HEX_LEN && memcmp(reader->header, seal_start, SEAL_AT) == 0;
    if (!reader->sealed && !(flags & ST_FOREIGN_OK))
        return damaged(reader,
                       "byte 8: no " SEAL " seal at the start of the header, as in files written by another tool");
    if (reader->sealed) {
        memcpy(reader->hex, reader->header + SEAL_AT, HEX_LEN);
        memset(reader->header + SEAL_AT, '0', HEX_LEN);
    }
    hash_header(&reader->hash, reader->header, len);
    return DAE_OK;
}

static enum dae_status parse_header(struct reader *reader)
{
    const char *end = reader->header;
    reader->json = json_parse(reader->header, reader->header_len, &end);
    if (reader->json) /* only padding may follow */
        end += strspn(end, " ");
    uint64_t at = (uint64_t)(end - reader->header);
    if (!cJSON_IsObject(reader->json) || reader->header[0] != '{' || at != reader->header_len)
        return damaged(reader, "byte %llu: the header is not one JSON object", (unsigned long long)(LENGTH_BYTES + at));
    return DAE_OK;
}

/* An integer that JSON's numbers represent exactly. */
static bool get_integer(const cJSON *item, uint64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0))
        return false;
    *value = (uint64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static enum dae_status take_metadata(struct reader *reader, const cJSON *json)
{
    struct safetensors *file = reader->file;
    size_t n_most = 0;
    const cJSON *item;
    if (!cJSON_IsObject(json))
        return damaged(reader, METADATA " is not an object");
    cJSON_ArrayForEach(item, json)++ n_most;
    file->meta = arena_array(&file->arena, n_most + 1, sizeof *file->meta);
    const char **keys = arena_array(&file->arena, n_most + 1, sizeof *keys);
    if (!file->meta || !keys)
        return error_no_memory(reader->err, reader->path, (n_most + 1) * sizeof *file->meta);
    cJSON_ArrayForEach(item, json)
    {
        if (!cJSON_IsString(item))
            return damaged(reader, METADATA " entry \"%s\" is not a string", shown(item->string).text);
        if (reader->sealed && item == json->child)
            continue;
        if (strcmp(item->string, SEAL) == 0)
            return damaged(reader, "its " SEAL " seal is not where it was written: another tool rewrote the file");
        struct st_meta *meta = &file->meta[file->n_meta];
        meta->key = keys[file->n_meta] = arena_text(&file->arena, item->string, strlen(item->string));
        meta->value = arena_text(&file->arena, item->valuestring, strlen(item->valuestring));
        if (!meta->key || !meta->value)
            return error_no_memory(reader->err, reader->path, strlen(item->string) + strlen(item->valuestring));
        ++file->n_meta;
    }
    const char *twice = find_duplicate(keys, file->n_meta);
    return twice ? damaged(reader, METADATA " entry \"%s\" occurs twice", shown(twice).text) : DAE_OK;
}

static bool get_dtype(const cJSON *item, enum st_dtype *dtype)
{
    for (int i = 0; cJSON_IsString(item) && i < N_DTYPES; ++i)
        if (strcmp(item->valuestring, dtypes[i].name) == 0) {
            *dtype = (enum st_dtype)i;
            return true;
        }
    return false;
}

static bool get_shape(const cJSON *json, struct st_tensor *tensor)
{
    if (!cJSON_IsArray(json))
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (tensor->rank == ST_MAX_RANK || !get_integer(item, &tensor->shape[tensor->rank]))
            return false;
        ++tensor->rank;
    }
    return true;
}

static enum dae_status take_tensor(struct reader *reader, const cJSON *json)
{
    struct safetensors *file = reader->file;
    struct shown name = shown(json->string);
    struct st_tensor *tensor = &file->tensors[file->n_tensors];
    struct extent *extent = &reader->extents[file->n_tensors];
    extent->tensor = file->n_tensors++;
    tensor->name = arena_text(&file->arena, json->string, strlen(json->string));
    if (!tensor->name)
        return error_no_memory(reader->err, reader->path, strlen(json->string));
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(json, "data_offsets");
    if (!cJSON_IsObject(json) || cJSON_GetArraySize(json) != 3)
        return damaged(reader, "tensor \"%s\": expects dtype, shape and data_offsets, nothing else", name.text);
    if (!get_dtype(cJSON_GetObjectItemCaseSensitive(json, "dtype"), &tensor->dtype))
        return damaged(reader, "tensor \"%s\": unknown or missing dtype", name.text);
    if (!get_shape(cJSON_GetObjectItemCaseSensitive(json, "shape"), tensor))
        return damaged(reader, "tensor \"%s\": its shape is not a list of at most %d whole numbers", name.text,
                       (int)ST_MAX_RANK);
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 || !get_integer(offsets->child, &extent->begin) ||
        !get_integer(offsets->child->next, &extent->end))
        return damaged(reader, "tensor \"%s\": data_offsets are not two whole numbers", name.text);
    size_t bytes;
    if (!tensor_bytes(tensor, &bytes))
        return damaged(reader, "tensor \"%s\": the product of its shape overflows", name.text);
    uint64_t data_at = LENGTH_BYTES + reader->header_len;
    if (extent->begin > extent->end || extent->end > reader->size - data_at)
        return damaged(reader, "tensor \"%s\": bytes %llu to %llu are not inside the file's %llu", name.text,
                       (unsigned long long)(data_at + extent->begin), (unsigned long long)(data_at + extent->end),
                       (unsigned long long)reader->size);
    if (extent->end - extent->begin != bytes)
        return damaged(reader, "tensor \"%s\" at byte %llu: %llu bytes, but its dtype and shape make %zu", name.text,
                       (unsigned long long)(data_at + extent->begin), (unsigned long long)(extent->end - extent->begin),
                       bytes);
    return DAE_OK;
}

static enum dae_status take_header(struct reader *reader)
{
    struct safetensors *file = reader->file;
    size_t n_most = 0;
    const cJSON *item, *metadata = NULL;
    cJSON_ArrayForEach(item, reader->json)++ n_most;
    file->tensors = arena_array(&file->arena, n_most + 1, sizeof *file->tensors);
    reader->extents = calloc(n_most + 1, sizeof *reader->extents);
    const char **names = arena_array(&file->arena, n_most + 1, sizeof *names);
    if (!file->tensors || !reader->extents || !names)
        return error_no_memory(reader->err, reader->path, (n_most + 1) * sizeof *file->tensors);
    cJSON_ArrayForEach(item, reader->json)
    {
        if (strcmp(item->string, METADATA) != 0) {
            TRY(take_tensor(reader, item));
            names[file->n_tensors - 1] = file->tensors[file->n_tensors - 1].name;
        } else if (metadata) {
            return damaged(reader, METADATA " occurs twice");
        } else {
            metadata = item;
            TRY(take_metadata(reader, item));
        }
    }
    const char *twice = find_duplicate(names, file->n_tensors);
    return twice ? damaged(reader, "tensor \"%s\" occurs twice", shown(twice).text) : DAE_OK;
}

static int compare_extents(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The tensors, in the file's order, must fill the data section without a gap. */
static enum dae_status check_extents(struct reader *reader)
{
    const struct safetensors *file = reader->file;
    uint64_t data_at = LENGTH_BYTES + reader->header_len, at = 0;
    qsort(reader->extents, file->n_tensors, sizeof *reader->extents, compare_extents);
    for (size_t i = 0; i < file->n_tensors; ++i) {
        const struct extent *extent = &reader->extents[i];
        if (extent->begin != at)
            return damaged(reader, "tensor \"%s\" starts at byte %llu, but the one before it ends at byte %llu",
                           shown(file->tensors[extent->tensor].name).text,
                           (unsigned long long)(data_at + extent->begin), (unsigned long long)(data_at + at));
        at = extent->end;
    }
    if (at != reader->size - data_at)
        return damaged(reader, "%llu bytes, but its tensors end at byte %llu", (unsigned long long)reader->size,
                       (unsigned long long)(data_at + at));
    return DAE_OK;
}

static enum dae_status read_data(struct reader *reader)
{
    struct safetensors *file = reader->file;
    size_t total = DATA_ALIGN; /* at least something: an empty allocation may be NULL */
    for (size_t i = 0; i < file->n_tensors; ++i)
        total += (size_t)shape_round_up((int64_t)safetensors_bytes(&file->tensors[i]), DATA_ALIGN);
    char *to = file->block = aligned_alloc(DATA_ALIGN, total);
    if (!to)
        return error_no_memory(reader->err, reader->path, total);
    for (size_t i = 0; i < file->n_tensors; ++i) {
        struct st_tensor *tensor = &file->tensors[reader->extents[i].tensor];
        size_t bytes = safetensors_bytes(tensor);
        TRY(read_bytes(reader, to, bytes));
        SHA256Update(&reader->hash, (const uint8_t *)to, bytes);
        tensor->data = to;
        to += shape_round_up((int64_t)bytes, DATA_ALIGN);
    }
    return DAE_OK;
}

static enum dae_status check_seal(struct reader *reader)
{
    char hex[HEX_LEN + 1];
    SHA256End(&reader->hash, hex);
    if (reader->sealed && strcmp(hex, reader->hex) != 0)
        return damaged(reader, "its content does not match its " SEAL " seal");
    reader->file->sealed = reader->sealed;
    return DAE_OK;
}

static void release(struct reader **owned)
{
    struct reader *reader = *owned;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->header);
    free(reader->extents);
    cJSON_Delete(reader->json);
    if (reader->err->status != DAE_OK)
        safetensors_close(reader->file);
}

static enum dae_status load(struct reader *owned, int flags)
{
    struct reader *reader CLEANUP(release) = owned;
    *reader->file = (struct safetensors){0};
    if (!reader->bytes)
        TRY(open_regular(reader));
    TRY(read_header(reader, flags));
    TRY(parse_header(reader));
    TRY(take_header(reader));
    TRY(check_extents(reader));
    TRY(read_data(reader));
    return check_seal(reader);
}

enum dae_status safetensors_open(const char *path, int flags, struct safetensors *file, struct error *err)
{
    return load(&(struct reader){.path = path, .fd = -1, .file = file, .err = err}, flags);
}

enum dae_status safetensors_read(const char *name, const void *bytes, size_t len, int flags, struct safetensors *file,
                                 struct error *err)
{
    return load(&(struct reader){.path = name, .fd = -1, .bytes = bytes, .size = len, .file = file, .err = err}, flags);
}

const struct st_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; ++i)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *safetensors_meta(const struct safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->n_meta; ++i)
        if (strcmp(file->meta[i].key, key) == 0)
            return file->meta[i].value;
    return NULL;
}

void safetensors_close(struct safetensors *file)
{
    free(file->block);
    arena_release(&file->arena);
    *file = (struct safetensors){0};
}
