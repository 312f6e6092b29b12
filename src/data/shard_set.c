#include "data/shard_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/shape.h"
#include "data/data_folder.h"
#include "data/image_pool.h"
#include "data/shard_reader.h"

static const char pipe_word[] = "pipe:";

enum { INDEX_BYTES = 1 << 28, INDEX_VERSION = 1 };

/* ---- The list. --------------------------------------------------------------------------------------------------- */

static enum dae_status add_shard(struct shard_set *set, const char *path, const char *data_root, struct error *err)
{
    if ((set->n & (set->n + 1)) == 0) { /* doubled at 0, 1, 3, 7, ... */
        struct shard *grown = realloc(set->shard, (size_t)(2 * set->n + 2) * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "list of shards", (unsigned long long)(2 * set->n + 2) * sizeof *grown);
        set->shard = grown;
    }
    struct shard *shard = &set->shard[set->n++];
    *shard = (struct shard){.file_bytes = -1};
    const char *kept = arena_text(&set->arena, path, strlen(path));
    if (!kept)
        return error_no_memory(err, "list of shards", strlen(path));
    if (strncmp(kept, pipe_word, strlen(pipe_word)) == 0) {
        shard->path = kept;
        shard->command = kept + strlen(pipe_word);
        return DAE_OK;
    }
    return data_folder_find(kept, data_root, &set->arena, &shard->path, err);
}

/* A range {FIRST..LAST} in a text. */
struct range {
    const char *open, *close; /* the braces */
    long first, last;
    int digits; /* of FIRST, which may begin with zeros */
};

static bool find_range(const char *text, struct range *range)
{
    for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
        int end = 0, digits = 0;
        if (sscanf(open, "{%n%9ld%*[.]%9ld}%n", &digits, &range->first, &range->last, &end) == 2 && end > 0) {
            const char *dots = strstr(open, "..");
            range->open = open;
            range->close = open + end - 1;
            range->digits = dots ? (int)(dots - open) - 1 : 0;
            return dots && dots < range->close;
        }
    }
    return false;
}

/* Expands the first range and calls itself for the others. */
static enum dae_status expand(struct shard_set *set, const char *text, const char *data_root, struct mark mark,
                              struct error *err)
{
    struct range range;
    if (!find_range(text, &range))
        return add_shard(set, text, data_root, err);
    if (range.first < 0 || range.last < range.first || range.last - range.first >= SHARDS_MAX - set->n)
        return error_at(err, DAE_CONFIG, mark, "{%ld..%ld}: expects a first and a last number, of at most %d shards",
                        range.first, range.last, SHARDS_MAX);
    for (long i = range.first; i <= range.last; ++i) {
        struct text one CLEANUP(text_release) = {0};
        text_printf(&one, "%.*s%0*ld%s", (int)(range.open - text), text, range.digits, i, range.close + 1);
        if (one.failed)
            return error_no_memory(err, "list of shards", one.len);
        TRY(expand(set, one.data, data_root, mark, err));
    }
    return DAE_OK;
}

enum dae_status shard_set_new(const char *text, const char *data_root, struct mark mark,
                              const struct shard_options *options, struct shard_set **out, struct error *err)
{
    struct shard_set *set CLEANUP(shard_set_free_cleanup) = calloc(1, sizeof *set);
    *out = NULL;
    if (!set)
        return error_no_memory(err, "set of shards", sizeof *set);
    set->options = *options;
    set->patches = options->patch.rank > 0;
    set->paired = options->noisy != NULL;
    if (options->clean && !(set->options.clean = arena_text(&set->arena, options->clean, strlen(options->clean))))
        return error_no_memory(err, "set of shards", 0);
    if (options->noisy && !(set->options.noisy = arena_text(&set->arena, options->noisy, strlen(options->noisy))))
        return error_no_memory(err, "set of shards", 0);
    TRY(expand(set, text, data_root, mark, err));
    *out = set;
    set = NULL;
    return DAE_OK;
}

void shard_set_free(struct shard_set *set)
{
    if (!set)
        return;
    free(set->shard);
    arena_release(&set->arena);
    free(set);
}

/* ---- The index. -------------------------------------------------------------------------------------------------- */

/* Numbers the samples that are taken. */
static enum dae_status count(struct shard_set *set, struct error *err)
{
    set->samples = 0;
    for (int64_t i = 0; i < set->n; ++i) {
        struct shard *shard = &set->shard[i];
        shard->first = set->samples;
        shard->used = shape_min(shard->samples, set->options.limit - set->samples);
        set->samples += shard->used;
    }
    if (set->samples > INT32_MAX / set->options.crops)
        return error_set(err, DAE_BAD_DATA, "%lld samples of %lld crops are more than 2^31; lower data.limit",
                         (long long)set->samples, (long long)set->options.crops);
    return DAE_OK;
}

static enum dae_status read_through(const struct shard_set *set, struct shard *shard, struct error *err)
{
    struct shard_reader reader CLEANUP(shard_reader_close) = {0};
    bool found = true;
    TRY(shard_reader_open(&reader, set, shard, err));
    while (found) {
        struct shard_sample sample CLEANUP(shard_sample_release) = {0};
        TRY(shard_reader_next(&reader, &sample, &found, err));
    }
    if (reader.samples == 0)
        return error_set(err, DAE_BAD_DATA, "%s: there is no sample in it", shard->path);
    shard->file_bytes = reader.archive.file_bytes;
    shard->samples = reader.samples;
    shard->crc = reader.crc;
    return DAE_OK;
}

/* Without the numbers of the shards: what the index is of. */
static cJSON *index_head(const struct shard_set *set)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "shard_index", INDEX_VERSION);
    cJSON_AddStringToObject(root, "clean", set->options.clean ? set->options.clean : "");
    cJSON_AddStringToObject(root, "noisy", set->options.noisy ? set->options.noisy : "");
    return root;
}

static enum dae_status write_index(const struct shard_set *set, const char *path, struct error *err)
{
    cJSON *root = index_head(set), *list = cJSON_AddArrayToObject(root, "archives");
    for (int64_t i = 0; i < set->n; ++i) {
        const struct shard *shard = &set->shard[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "path", shard->path);
        cJSON_AddNumberToObject(item, "bytes", (double)shard->file_bytes);
        cJSON_AddNumberToObject(item, "samples", (double)shard->samples);
        cJSON_AddNumberToObject(item, "crc32", shard->crc);
        cJSON_AddItemToArray(list, item);
    }
    const enum dae_status status = json_save(path, root, true, err);
    cJSON_Delete(root);
    return status;
}

static bool take_number(const cJSON *item, const char *key, int64_t least, int64_t most, int64_t *value)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(item, key);
    if (!cJSON_IsNumber(number) || !(number->valuedouble >= (double)least && number->valuedouble <= (double)most))
        return false;
    *value = (int64_t)number->valuedouble;
    return true;
}

static enum dae_status take_item(struct shard *shard, const char *path, const cJSON *item, struct error *err)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "path"));
    int64_t crc;
    if (!name || strcmp(name, shard->path) != 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s: it is the index of other shards: %s is not where %s is expected; remove it, or name "
                         "another with data.index",
                         path, name ? name : "nothing", shard->path);
    if (!take_number(item, "bytes", -1, INT64_C(1) << 53, &shard->file_bytes) ||
        !take_number(item, "samples", 1, INT32_MAX, &shard->samples) ||
        !take_number(item, "crc32", 0, UINT32_MAX, &crc))
        return error_set(err, DAE_BAD_DATA, "%s: the numbers of %s are damaged; remove the index", path, shard->path);
    shard->crc = (uint32_t)crc;
    return DAE_OK;
}

static enum dae_status take_index(struct shard_set *set, const char *path, const cJSON *root, struct error *err)
{
    static const char *const keys[] = {"shard_index", "clean", "noisy"};
    cJSON *head = index_head(set);
    bool same = head != NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && same; ++i)
        same = cJSON_Compare(cJSON_GetObjectItemCaseSensitive(root, keys[i]),
                             cJSON_GetObjectItemCaseSensitive(head, keys[i]), true);
    cJSON_Delete(head);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "archives"), *item;
    if (!same)
        return error_set(err, DAE_BAD_DATA,
                         "%s: it is not an index of shards, or of other files in them; remove it, or name another with "
                         "data.index",
                         path);
    if (cJSON_GetArraySize(list) != set->n)
        return error_set(err, DAE_BAD_DATA, "%s: it is the index of %d shards, not of %lld; remove it", path,
                         cJSON_GetArraySize(list), (long long)set->n);
    int64_t i = 0;
    cJSON_ArrayForEach(item, list) TRY(take_item(&set->shard[i++], path, item, err));
    return DAE_OK;
}

static enum dae_status read_index(struct shard_set *set, const char *path, struct error *err)
{
    char *text CLEANUP(cleanup_free) = NULL;
    size_t len;
    TRY(file_read(path, INDEX_BYTES, DAE_BAD_DATA, &text, &len, err));
    cJSON *root = json_parse(text, len, NULL);
    const enum dae_status status =
        root ? take_index(set, path, root, err) : error_set(err, DAE_BAD_DATA, "%s: it is not JSON; remove it", path);
    cJSON_Delete(root);
    return status;
}

enum dae_status shard_set_index(struct shard_set *set, const char *index, struct error *err)
{
    const bool known = index && access(index, F_OK) == 0;
    if (known)
        TRY(read_index(set, index, err));
    for (int64_t i = 0; i < set->n && !known; ++i)
        TRY(read_through(set, &set->shard[i], err));
    if (index && !known)
        TRY(write_index(set, index, err));
    return count(set, err);
}

uint32_t shard_set_checksum(const struct shard_set *set)
{
    uLong crc = 0;
    for (int64_t i = 0; i < set->n; ++i) {
        const uint32_t words[2] = {set->shard[i].crc, (uint32_t)set->shard[i].used};
        crc = crc32_z(crc, (const Bytef *)words, sizeof words);
    }
    return (uint32_t)crc;
}

/* ---- Samples. ---------------------------------------------------------------------------------------------------- */

enum dae_status shard_set_look(struct shard_set *set, struct error *err)
{
    struct shard_reader reader CLEANUP(shard_reader_close) = {0};
    struct shard_sample sample CLEANUP(shard_sample_release) = {0};
    struct shard_values values, noisy;
    bool found;
    TRY(shard_reader_open(&reader, set, &set->shard[0], err));
    TRY(shard_reader_next(&reader, &sample, &found, err));
    if (!found)
        return error_set(err, DAE_BAD_DATA, "%s: there is no sample in it", set->shard[0].path);
    TRY(shard_file_decode(&set->options, 0, set->shard[0].path, &sample.clean, &values, err));
    free(values.values);
    set->shape = set->patches ? set->options.patch : values.shape;
    set->kind = values.kind;
    if (!set->paired)
        return DAE_OK;
    TRY(shard_file_decode(&set->options, 0, set->shard[0].path, &sample.noisy, &noisy, err));
    free(noisy.values);
    if (dataset_kind_bits(noisy.kind) > dataset_kind_bits(set->kind))
        set->kind = noisy.kind;
    return DAE_OK;
}

/* Samples that are read into memory. */
struct loading {
    struct image_pool pool;
    struct text values, names;
    int64_t n;
};

static enum dae_status load_sample(const struct shard_set *set, const char *path, const struct shard_sample *sample,
                                   struct loading *to, struct error *err)
{
    struct shard_sample_values both CLEANUP(shard_sample_values_release) = {0};
    TRY(shard_sample_decode(set, path, sample, &both, err));
    ++to->n;
    if (!set->patches) {
        text_add_bytes(&to->values, both.clean.values, shard_values_bytes(&both.clean));
        return to->values.failed ? error_no_memory(err, path, to->values.len) : DAE_OK;
    }
    text_add(&to->names, sample->clean.name);
    text_add_bytes(&to->names, "", 1);
    return image_pool_add_pixels(&to->pool, both.clean.shape.dim[0], both.clean.shape.dim[1], both.clean.values,
                                 both.noisy.values, err);
}

static enum dae_status load_shard(const struct shard_set *set, const struct shard *shard, struct loading *to,
                                  struct error *err)
{
    struct shard_reader reader CLEANUP(shard_reader_close) = {0};
    bool found = true;
    TRY(shard_reader_open(&reader, set, shard, err));
    while (to->n < set->options.limit) {
        struct shard_sample sample CLEANUP(shard_sample_release) = {0};
        TRY(shard_reader_next(&reader, &sample, &found, err));
        if (!found)
            return DAE_OK;
        TRY(load_sample(set, shard->path, &sample, to, err));
    }
    return DAE_OK;
}

static void release(struct loading *to)
{
    image_pool_release(&to->pool);
    text_release(&to->values);
    text_release(&to->names);
}

enum dae_status shard_set_load(const struct shard_set *set, int64_t patches, struct dataset *out, struct error *err)
{
    struct loading to CLEANUP(release) = {.pool = {.patch = set->options.patch, .depth = dataset_kind_bits(set->kind)}};
    for (int64_t i = 0; i < set->n; ++i)
        TRY(load_shard(set, &set->shard[i], &to, err));
    if (to.n == 0)
        return error_set(err, DAE_BAD_DATA, "%s: there is no sample in it", set->shard[0].path);
    *out = (struct dataset){.n = set->patches ? patches : to.n, .shape = set->shape, .kind = set->kind};
    if (set->patches) {
        if (to.names.failed)
            return error_no_memory(err, "names of images", to.names.len);
        out->image_names = to.names.data;
        to.names = (struct text){0};
        return image_pool_finish(&to.pool, out, err);
    }
    out->values = to.values.data;
    to.values = (struct text){0};
    return DAE_OK;
}
