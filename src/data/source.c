#include "data/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/shape.h"
#include "data/panel/panel_samples.h"

#define LIST(name) &source_##name,
const struct source *const sources[] = {SOURCES(LIST) NULL};
#undef LIST

#define NAME(name) "|" #name
#define S struct source_common
const struct dae_row source_common_rows[] = {
    ROW_OF(S, source, DAE_TYPE_CHOICE, NULL, &(SOURCES(NAME))[1], "where the samples come from"),
    ROW_RANGE(S, limit, DAE_TYPE_INT, "", 1, INT32_MAX, "use only the first N training samples, or images"),
    ROW_RANGE(S, test_limit, DAE_TYPE_INT, "", 1, INT32_MAX, "use only the first N test samples, or images"),
    DAE_INT(S, memory, 0, 0, 1 << 24,
            "MiB of the device's memory that the training samples, and likewise the test samples, may take; a larger "
            "set is streamed, and training images then stay in a temporary file; 0: no limit but the device's memory, "
            "and 2^31 bytes of images"),
    ROW_OF(S, validation, ROW_VALUE, "", "number",
           "number or part of the training samples to hold out, by which the best epoch is chosen: of images whole "
           "ones, of a panel the last windows, otherwise random samples, the same for every seed"),
    {.key = NULL},
};
#undef S
#undef NAME

void panel_data_release(struct panel_data *data)
{
    panel_release(&data->panel);
    free(data->covariance);
    *data = (struct panel_data){0};
}

/* ---- Reading the map. -------------------------------------------------------------------------------------------- */

void source_rows(const struct source *source, struct dae_row rows[SOURCE_MAX_ROWS + 1])
{
    const struct dae_row *const tables[] = {source_common_rows, source->rows};
    int n = 0;
    for (int t = 0; t < 2; ++t)
        for (const struct dae_row *row = tables[t]; row && row->key; ++row) {
            assert(n < SOURCE_MAX_ROWS);
            rows[n++] = *row;
        }
    rows[n] = (struct dae_row){.key = NULL};
}

static enum dae_status new_options(const struct source *source, struct arena *arena, void **options, struct error *err)
{
    assert(source->options_bytes >= sizeof(struct source_common));
    struct source_common *common = *options = arena_alloc(arena, source->options_bytes);
    if (!common)
        return error_no_memory(err, "data", source->options_bytes);
    common->limit = common->test_limit = INT32_MAX;
    return DAE_OK;
}

/* Which keys there are depends on the source. */
static enum dae_status read_map(const struct value *map, const char *data_root, struct arena *arena,
                                const struct source **source, void **options, struct error *err)
{
    struct source_common named;
    TRY(rows_peek_key(map, source_common_rows, "source", "data", arena, &named, err));
    *source = sources[named.source];
    TRY(new_options(*source, arena, options, err));
    struct source_common *common = *options;
    common->mark = value_map_get(map, "source")->mark;
    common->map = map;
    common->data_root = data_root;
    struct dae_row rows[SOURCE_MAX_ROWS + 1];
    source_rows(*source, rows);
    TRY(rows_peek(map, rows, "data", arena, *options, err));
    return (*source)->check ? (*source)->check(*options, err) : DAE_OK;
}

enum dae_status source_check(const struct value *map, struct error *err)
{
    struct arena arena = {0};
    const struct source *source;
    void *options;
    const enum dae_status status = read_map(map, NULL, &arena, &source, &options, err);
    arena_release(&arena);
    return status;
}

const struct source *source_named(const struct value *map)
{
    const struct value *name = map ? value_map_get(map, "source") : NULL;
    for (int i = 0; name && name->kind == VALUE_SCALAR && sources[i]; ++i)
        if (strcmp(sources[i]->name, name->text) == 0)
            return sources[i];
    return NULL;
}

enum dae_status source_plane(const struct value *map, bool *is_plane, double *scale, struct error *err)
{
    struct arena arena = {0};
    const struct source *source;
    void *options;
    const enum dae_status status = read_map(map, NULL, &arena, &source, &options, err);
    *is_plane = status == DAE_OK && source->plane;
    *scale = *is_plane ? source->plane(options) : 0;
    arena_release(&arena);
    return status;
}

enum dae_status source_transfer(const struct value *map, struct transfer *transfer, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    const struct source *source = source_named(map);
    void *options;
    *transfer = (struct transfer){0};
    if (!source || !source->transfer)
        return DAE_OK;
    TRY(read_map(map, NULL, &arena, &source, &options, err));
    *transfer = source->transfer(options);
    return DAE_OK;
}

/* ---- Loading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status load_panel(const struct source *source, const struct source_panel *options,
                                  struct dataset *train, struct dataset *test, struct source_notice *notice,
                                  struct error *err)
{
    struct panel_data data = {0};
    TRY(source->open_panel(options, &data, err));
    if (data.panel.notice)
        snprintf(notice->text, sizeof notice->text, "%s: %s", source->name, data.panel.notice);
    const struct panel_samples_options samples = {.mark = options->common.mark,
                                                  .split = data.split,
                                                  .window = options->window,
                                                  .clip = options->clip,
                                                  .returns = (enum panel_returns)options->returns,
                                                  .limit = options->common.limit,
                                                  .test_limit = options->common.test_limit};
    const enum dae_status status = panel_samples(&data.panel, &samples, train, test, err);
    panel_data_release(&data);
    return status;
}

static enum dae_status load(const struct source *source, const void *options, struct dataset *train,
                            struct dataset *test, struct source_notice *notice, struct error *err)
{
    return source->open_panel ? load_panel(source, options, train, test, notice, err)
                              : source->load(options, train, test, notice, err);
}

/* Whether a value, or one in it, comes from --set: such values have no line. */
static bool is_typed(const struct value *value)
{
    bool typed = value && value->mark.file && value->mark.line == 0;
    for (int i = 0; value && value->kind == VALUE_MAP && i < value->n; ++i)
        typed = typed || is_typed(value->entries[i].value);
    return typed;
}

bool source_may_fall_back(const struct source_common *common)
{
    const struct value *fallback = value_map_get(common->map, "fallback");
    const bool folders = is_typed(value_map_get(common->map, "train")) || is_typed(value_map_get(common->map, "test"));
    return fallback && (!folders || is_typed(fallback));
}

enum dae_status source_stand_in(const struct source *other, const void *options, size_t shared, struct dataset *train,
                                struct dataset *test, struct source_notice *notice, struct error *err)
{
    const struct value empty = {.kind = VALUE_MAP};
    struct arena arena = {0};
    void *own = NULL;
    enum dae_status status = new_options(other, &arena, &own, err);
    if (status == DAE_OK)
        status = rows_peek(&empty, other->rows, other->name, &arena, own, err);
    if (status == DAE_OK) {
        memcpy(own, options, shared);
        status = load(other, own, train, test, notice, err);
    }
    arena_release(&arena);
    return status;
}

static enum dae_status check_shapes(const struct dataset *train, const struct dataset *test, struct mark mark,
                                    struct error *err)
{
    if (shape_equal(&train->shape, &test->shape))
        return DAE_OK;
    char train_text[96], test_text[96];
    return error_at(err, DAE_BAD_DATA, mark, "training samples are %s, but test samples are %s",
                    shape_text(&train->shape, train_text), shape_text(&test->shape, test_text));
}

static enum dae_status complete(const struct source_common *common, struct dataset *train, struct dataset *test,
                                struct error *err)
{
    if (test->n > 0)
        TRY(check_shapes(train, test, common->mark, err));
    train->memory_bytes = test->memory_bytes = common->memory << 20;
    if (train->values)
        train->checksum = (uint32_t)crc32_z(0, train->values, dataset_bytes(train));
    test->checksum = (uint32_t)crc32_z(0, test->values, dataset_bytes(test));
    return DAE_OK;
}

enum dae_status source_take(const struct value *map, struct dataset *train, struct dataset *test, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    const struct source *source;
    void *options;
    TRY(read_map(map, NULL, &arena, &source, &options, err));
    const struct source_common *common = options;
    train->n = shape_min(train->n, common->limit);
    test->n = shape_min(test->n, common->test_limit);
    train->mark = test->mark = common->mark;
    return complete(common, train, test, err);
}

enum dae_status source_load(const struct value *map, const char *data_root, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    struct arena arena = {0};
    const struct source *source;
    void *options;
    *train = *test = (struct dataset){0};
    notice->text[0] = '\0';
    enum dae_status status = read_map(map, data_root, &arena, &source, &options, err);
    if (status == DAE_OK)
        status = load(source, options, train, test, notice, err);
    if (status == DAE_OK)
        status = complete(options, train, test, err);
    if (status != DAE_OK) {
        dataset_release(train);
        dataset_release(test);
    }
    arena_release(&arena);
    return status;
}

static enum dae_status refuse_source(const struct source_common *common, struct error *err)
{
    char names[256] = "";
    size_t at = 0;
    for (int i = 0; sources[i]; ++i)
        if (sources[i]->open_panel && at < sizeof names)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? " or " : "", sources[i]->name);
    return error_at(err, DAE_CONFIG, common->mark, "expects a panel, source %s, with window 1", names);
}

enum dae_status source_open_panel(const struct value *map, const char *data_root, struct panel_data *data, double *clip,
                                  struct error *err)
{
    struct arena arena = {0};
    const struct source *source;
    void *options;
    *data = (struct panel_data){0};
    enum dae_status status = read_map(map, data_root, &arena, &source, &options, err);
    const struct source_panel *panel = options;
    if (status == DAE_OK && (!source->open_panel || panel->window != 1))
        status = refuse_source(options, err);
    if (status == DAE_OK) {
        *clip = panel->clip;
        status = source->open_panel(options, data, err);
    }
    arena_release(&arena);
    return status;
}
