#include "train/settings_fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/tree.h"

static const char DEFAULT[] = " # default"; /* a text that ends like this would be in quotes */

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

static bool has_inner(const struct value *value)
{
    bool inner = value->kind == VALUE_MAP;
    for (int i = 0; value->kind == VALUE_LIST && i < value->n; ++i)
        inner = inner || value->items[i]->kind != VALUE_SCALAR;
    return inner;
}

/* A line for the value and for each value in it. A map has one, too: that it is there may already make a difference. */
static enum dae_status add_settings(const struct value *value, struct text *path, struct text *out, struct error *err)
{
    const size_t len = path->len;
    const bool inner = has_inner(value);
    text_printf(out, "%s: ", path->data ? path->data : "");
    if (inner)
        text_add(out, value->kind == VALUE_MAP ? "{}" : "[]");
    else if (value->as_default && value->kind == VALUE_SCALAR)
        text_add(out, value->as_default);
    else
        TRY(tree_write_line(value, out, err));
    text_printf(out, "%s\n", value->as_default ? DEFAULT : "");
    for (int i = 0; inner && i < value->n; ++i) {
        if (value->kind == VALUE_MAP)
            text_printf(path, ".%s", value->entries[i].key);
        else
            text_printf(path, ".%d", i);
        TRY(add_settings(value->kind == VALUE_MAP ? value->entries[i].value : value->items[i], path, out, err));
        path->len = len;
        path->data[len] = '\0';
    }
    return path->failed || out->failed ? error_no_memory(err, "fingerprint", out->len) : DAE_OK;
}

static enum dae_status add_part(const struct value *map, const char *prefix, const char *key, struct text *out,
                                struct error *err)
{
    const struct value *part = value_map_get(map, key);
    struct text path CLEANUP(text_release) = {0};
    text_printf(&path, "%s%s", prefix, key);
    return part ? add_settings(part, &path, out, err) : DAE_OK;
}

enum dae_status settings_fingerprint(const struct value *config, const struct dataset *train_set, bool corrupt,
                                     struct text *text, struct error *err)
{
    static const char *const parts[] = {"seed", "data", "corruption", "model"};
    static const char *const train_parts[] = {"loss",          "optimizer", "batch",       "schedule", "warm_up",
                                              "clip_gradient", "average",   "from_sha256", "freeze"};
    const struct value *train = value_map_get(config, "train");
    text_printf(text, "training: %s\n", corrupt ? "denoising" : "standard");
    text_printf(text, "training samples: checksum %08x\n", (unsigned)train_set->checksum);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i)
        TRY(add_part(config, "", parts[i], text, err));
    for (size_t i = 0; i < sizeof train_parts / sizeof train_parts[0]; ++i)
        TRY(add_part(train, "train.", train_parts[i], text, err));
    const struct value *cut = value_map_get(train, "parts"); /* one part is as none */
    if (cut && strcmp(cut->text, "1") != 0)
        TRY(add_part(train, "train.", "parts", text, err));
    /* The standard autoencoder is trained without the penalty and without the noise. */
    if (corrupt)
        TRY(add_part(train, "train.", "contractive", text, err));
    const struct value *schedule = value_map_get(train, "schedule");
    if (schedule && value_map_get(schedule, "cosine")) /* another number of epochs gives another curve */
        TRY(add_part(train, "train.", "epochs", text, err));
    return text->failed ? error_no_memory(err, "fingerprint", text->len) : DAE_OK;
}

/* ---- What earlier versions wrote. -------------------------------------------------------------------------------- */

/* The word denoising or standard, the checksum, then one part of the config after another: the YAML of its value after
 * its name, on the same line if that is a scalar. */
struct old_part {
    const char *name, *prefix;
};
static const struct old_part old_parts[] = {
    {"seed", ""},
    {"data", ""},
    {"corruption", ""},
    {"model", ""},
    {"loss", "train."},
    {"optimizer", "train."},
    {"batch", "train."},
    {"schedule", "train."},
    {"warm_up", "train."},
    {"clip_gradient", "train."},
    {"average", "train."},
    {"from_sha256", "train."},
    {"freeze", "train."},
    {"parts", "train."},
    {"contractive", "train."},
    {"epochs", "train."},
};
enum { OLD_PARTS = sizeof old_parts / sizeof old_parts[0] };

static int old_part(const char *line)
{
    const size_t len = strcspn(line, ":\n");
    int i = 0;
    while (i < OLD_PARTS && (strlen(old_parts[i].name) != len || strncmp(line, old_parts[i].name, len) != 0))
        ++i;
    return i;
}

/* The parts as one map: what belongs to a part is indented. Parts come in the order of the table, which tells them from
 * keys with such a name, as `seed` of a source. */
static void add_map_of_parts(const char *lines, struct text *yaml)
{
    for (int last = -1; *lines;) {
        const size_t len = strcspn(lines, "\n");
        const int part = old_part(lines);
        const bool begins = part < OLD_PARTS && part > last;
        text_add(yaml, begins ? "" : "  ");
        text_add_bytes(yaml, lines, len);
        text_add(yaml, "\n");
        last = begins ? part : last;
        lines += len + (lines[len] == '\n');
    }
}

static const char *after_line(const char *text)
{
    text += strcspn(text, "\n");
    return text + (*text == '\n');
}

/* Appends a fingerprint of any version as this one writes it. One that cannot be understood stays as it is, and will
 * differ. */
static enum dae_status translate(const char *fingerprint, struct text *out, struct error *err)
{
    const char *samples = after_line(fingerprint), *parts = after_line(samples);
    struct text yaml CLEANUP(text_release) = {0};
    struct arena arena CLEANUP(arena_release) = {0};
    struct value *map = NULL;
    struct error why = {0};
    enum dae_status status = DAE_OK;
    if (strncmp(fingerprint, "denoising\n", 10) == 0 || strncmp(fingerprint, "standard\n", 9) == 0) {
        add_map_of_parts(parts, &yaml);
        status = yaml.failed ? DAE_NO_MEMORY : tree_parse_text("", yaml.data, yaml.len, &arena, &map, &why);
    }
    if (status == DAE_NO_MEMORY)
        return error_no_memory(err, "fingerprint", strlen(fingerprint));
    if (status != DAE_OK || !map || map->kind != VALUE_MAP) {
        text_add(out, fingerprint);
        return out->failed ? error_no_memory(err, "fingerprint", out->len) : DAE_OK;
    }
    text_add(out, "training: ");
    text_add_bytes(out, fingerprint, (size_t)(parts - fingerprint));
    for (int i = 0; i < OLD_PARTS; ++i)
        TRY(add_part(map, old_parts[i].prefix, old_parts[i].name, out, err));
    return DAE_OK;
}

/* ---- Comparing. -------------------------------------------------------------------------------------------------- */

struct setting {
    const char *path, *value;
    bool is_default, is_shared; /* is_shared: the other fingerprint has it */
};

static bool decides_a_step(const char *path)
{
    static const char *const others[] = {
        "data.path",       "data.train",   "data.test",        "data.fallback", "data.limit",
        "data.test_limit", "data.memory",  "data.train_until", "data.from",     "data.test_from",
        "data.missing",    "data.decimal", "model.code",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        const size_t len = strlen(others[i]);
        if (strncmp(path, others[i], len) == 0 && (!path[len] || path[len] == '.'))
            return false;
    }
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct setting *)a)->path, ((const struct setting *)b)->path);
}

/* The settings of a fingerprint, which point into its text. */
static struct setting *settings_of(char *text, size_t *n)
{
    size_t lines = 1;
    for (const char *c = text; *c; ++c)
        lines += *c == '\n';
    struct setting *settings = calloc(lines, sizeof *settings);
    *n = 0;
    for (char *line = text, *next; settings && *line; line = next) {
        const size_t len = strcspn(line, "\n"), mark = sizeof DEFAULT - 1;
        next = line + len + (line[len] == '\n');
        line[len] = '\0';
        const bool is_default = len >= mark && strcmp(line + len - mark, DEFAULT) == 0;
        if (is_default)
            line[len - mark] = '\0';
        char *colon = strstr(line, ": ");
        if (colon)
            *colon = '\0';
        if (decides_a_step(line))
            settings[(*n)++] = (struct setting){line, colon ? colon + 2 : "", is_default, false};
    }
    return settings;
}

static const struct setting *first_difference(struct setting *then, size_t n_then, const struct setting *now,
                                              size_t n_now)
{
    if (n_then > 0)
        qsort(then, n_then, sizeof *then, by_path);
    for (size_t i = 0; i < n_now; ++i) {
        struct setting *same = n_then > 0 ? bsearch(&now[i], then, n_then, sizeof *then, by_path) : NULL;
        if (same ? strcmp(same->value, now[i].value) != 0 : !now[i].is_default)
            return &now[i];
        if (same)
            same->is_shared = true;
    }
    for (size_t i = 0; i < n_then; ++i)
        if (!then[i].is_shared && !then[i].is_default)
            return &then[i];
    return NULL;
}

enum dae_status settings_fingerprint_difference(const char *then, const char *now, struct text *difference,
                                                struct error *err)
{
    struct text text[2] = {{0}, {0}};
    struct setting *settings[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    enum dae_status status = translate(then, &text[0], err);
    if (status == DAE_OK)
        status = translate(now, &text[1], err);
    for (int i = 0; status == DAE_OK && i < 2; ++i)
        if (!(settings[i] = settings_of(text[i].data, &n[i])))
            status = error_no_memory(err, "fingerprint", text[i].len);
    const struct setting *first = status == DAE_OK ? first_difference(settings[0], n[0], settings[1], n[1]) : NULL;
    if (first)
        text_printf(difference, "%s: %s", first->path, first->value);
    if (difference->failed)
        status = error_no_memory(err, "fingerprint", difference->len);
    for (int i = 0; i < 2; ++i) {
        free(settings[i]);
        text_release(&text[i]);
    }
    return status;
}
