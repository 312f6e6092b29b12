#include "cli/run_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/file_names.h"
#include "cli/run_folder.h"
#include "config/tree.h"

enum { PATH_LEN = 1200, MOST_PATH = PATH_LEN - 64, LARGEST_JSON = 256 << 20, LARGEST_LOG = 64 << 20 };

/* ---- Reading one run. -------------------------------------------------------------------------------------------- */

static bool is_there(const char *folder, const char *name)
{
    char path[PATH_LEN];
    struct stat info;
    return (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path && stat(path, &info) == 0;
}

static bool is_run(const char *folder)
{
    return is_there(folder, "run.json") || is_there(folder, "config.yaml") || is_there(folder, "log.jsonl");
}

/* The JSON value of a file, or NULL with the reason in err. */
static cJSON *read_json(const char *folder, const char *name, struct error *err)
{
    char path[PATH_LEN], *bytes = NULL;
    size_t len;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (file_read(path, LARGEST_JSON, DAE_BAD_DATA, &bytes, &len, err) != DAE_OK)
        return NULL;
    cJSON *json = json_parse(bytes, len, NULL);
    free(bytes);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        const enum dae_status status = error_set(err, DAE_BAD_DATA, "%s: it is not a JSON object", path);
        (void)status; /* it is err's */
        return NULL;
    }
    return json;
}

/* What the log says last about a run that did not finish, or NULL. */
static const char *last_words(struct run_set *set, const char *folder)
{
    char path[PATH_LEN], *bytes = NULL;
    size_t len;
    struct error ignored = {0};
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    if (file_read(path, LARGEST_LOG, DAE_BAD_DATA, &bytes, &len, &ignored) != DAE_OK)
        return NULL;
    while (len > 0 && bytes[len - 1] == '\n')
        bytes[--len] = '\0';
    const char *line = strrchr(bytes, '\n');
    line = line ? line + 1 : bytes;
    cJSON *event = json_parse(line, strlen(line), NULL);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "event"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "text"));
    const char *words = name && text && strcmp(name, "stopped") == 0
                            ? arena_printf(&set->arena, "it did not finish: %.*s", (int)strcspn(text, "\n"), text)
                            : NULL;
    cJSON_Delete(event);
    free(bytes);
    return words;
}

/* Adds to what is known to be missing; the first problem counts, because the others follow from it. */
static void note_problem(struct run_set *set, struct run_entry *run, const struct error *err)
{
    const char *message = error_message(err);
    if (!*run->problem)
        run->problem = arena_printf(&set->arena, "%.*s", (int)strcspn(message, "\n"), message);
}

static void read_results(struct run_set *set, struct run_entry *run)
{
    struct error why = {0};
    const char *words = is_there(run->path, "run.json") ? NULL : last_words(set, run->path);
    run->json = words ? NULL : read_json(run->path, "run.json", &why);
    if (words)
        run->problem = words;
    else if (!run->json)
        note_problem(set, run, &why);
    run_columns_read(run->json, run->value);
}

static void read_errors(struct run_set *set, struct run_entry *run)
{
    char path[PATH_LEN];
    struct error why = {0};
    snprintf(path, sizeof path, "%s/" RUN_FOLDER_ERRORS, run->path);
    if (!run->json)
        return;
    run->has_errors = test_errors_open(path, &run->errors, &why) == DAE_OK;
    if (!run->has_errors)
        note_problem(set, run, &why);
}

/* ---- Settings. --------------------------------------------------------------------------------------------------- */

struct setting {
    const char *key, *text;
};

/* The leaves of one config, in its order. */
struct leaves {
    struct arena *arena;
    struct setting *item;
    int n, capacity;
};

static bool has_map(const struct value *list)
{
    for (int i = 0; i < list->n; ++i)
        if (list->items[i]->kind != VALUE_SCALAR)
            return true;
    return false;
}

static enum dae_status add_leaf(struct leaves *leaves, const char *key, const char *text, struct error *err)
{
    if (leaves->n == leaves->capacity) {
        const int capacity = leaves->capacity ? 2 * leaves->capacity : 64;
        struct setting *item = arena_array(leaves->arena, (size_t)capacity, sizeof *item);
        if (!item)
            return error_no_memory(err, "settings", (size_t)capacity * sizeof *item);
        if (leaves->n > 0)
            memcpy(item, leaves->item, (size_t)leaves->n * sizeof *item);
        leaves->item = item;
        leaves->capacity = capacity;
    }
    leaves->item[leaves->n++] = (struct setting){key, text};
    return key && text ? DAE_OK : error_no_memory(err, "settings", 0);
}

/* A list of scalars is one setting; the depth is bounded by that of trees. */
static enum dae_status collect(struct leaves *leaves, const struct value *value, const char *path, struct error *err)
{
    const char *dot = *path ? "." : "";
    if (value->kind == VALUE_SCALAR)
        return add_leaf(leaves, path, value->text, err);
    if (value->n == 0 || (value->kind == VALUE_LIST && !has_map(value))) {
        struct text line CLEANUP(text_release) = {0};
        TRY(tree_write_line(value, &line, err));
        return add_leaf(leaves, path, arena_text(leaves->arena, line.data, line.len), err);
    }
    for (int i = 0; i < value->n; ++i) {
        const char *below = value->kind == VALUE_MAP
                                ? arena_printf(leaves->arena, "%s%s%s", path, dot, value->entries[i].key)
                                : arena_printf(leaves->arena, "%s%s%d", path, dot, i);
        if (!below)
            return error_no_memory(err, "settings", 0);
        TRY(collect(leaves, value->kind == VALUE_MAP ? value->entries[i].value : value->items[i], below, err));
    }
    return DAE_OK;
}

static enum dae_status read_leaves(struct run_set *set, struct run_entry *run, struct leaves *leaves, struct error *err)
{
    char path[PATH_LEN];
    struct value *config;
    struct error why = {0};
    *leaves = (struct leaves){.arena = &set->arena};
    snprintf(path, sizeof path, "%s/config.yaml", run->path);
    const enum dae_status status = tree_parse_file(path, &set->arena, &config, &why);
    if (status == DAE_NO_MEMORY) {
        *err = why;
        return status;
    }
    if (status != DAE_OK) {
        note_problem(set, run, &why);
        return DAE_OK;
    }
    return collect(leaves, config, "", err);
}

static const char *find_leaf(const struct leaves *leaves, const char *key)
{
    for (int i = 0; i < leaves->n; ++i)
        if (strcmp(leaves->item[i].key, key) == 0)
            return leaves->item[i].text;
    return NULL;
}

/* Whether two of the runs that have a config differ in this key. A name is no setting. */
static bool differs(const struct leaves *leaves, int n, const char *key)
{
    const char *first = NULL;
    bool any = false;
    for (int i = 0; i < n; ++i) {
        if (leaves[i].n == 0)
            continue;
        const char *text = find_leaf(&leaves[i], key);
        if (any && (!text != !first || (text && strcmp(text, first) != 0)))
            return strcmp(key, "name") != 0;
        first = text;
        any = true;
    }
    return false;
}

static bool is_known(const struct run_set *set, const char *key)
{
    for (int k = 0; k < set->n_settings; ++k)
        if (strcmp(set->key[k], key) == 0)
            return true;
    return false;
}

/* Finds the keys that differ, in the order of the configs. */
static enum dae_status find_settings(struct run_set *set, const struct leaves *leaves, struct error *err)
{
    size_t most = 0;
    for (int i = 0; i < set->n; ++i)
        most += (size_t)leaves[i].n;
    set->key = arena_array(&set->arena, most + 1, sizeof *set->key);
    struct leaves seen = {.arena = &set->arena}; /* keys that have been judged */
    if (!set->key)
        return error_no_memory(err, "settings", most * sizeof *set->key);
    for (int i = 0; i < set->n; ++i)
        for (int k = 0; k < leaves[i].n; ++k) {
            const char *key = leaves[i].item[k].key;
            if (find_leaf(&seen, key))
                continue;
            TRY(add_leaf(&seen, key, "", err));
            if (differs(leaves, set->n, key) && !is_known(set, key))
                set->key[set->n_settings++] = key;
        }
    for (int i = 0; i < set->n; ++i) {
        set->run[i].setting = arena_array(&set->arena, (size_t)set->n_settings + 1, sizeof *set->run[i].setting);
        if (!set->run[i].setting)
            return error_no_memory(err, "settings", 0);
        for (int k = 0; k < set->n_settings; ++k)
            set->run[i].setting[k] = find_leaf(&leaves[i], set->key[k]);
    }
    return DAE_OK;
}

/* ---- A set. ------------------------------------------------------------------------------------------------------ */

static enum dae_status add_entry(struct run_set *set, const char *path, struct error *err)
{
    if (set->n == set->capacity) {
        const int capacity = set->capacity ? 2 * set->capacity : 16;
        struct run_entry *run = realloc(set->run, (size_t)capacity * sizeof *run);
        if (!run)
            return error_no_memory(err, "runs", (size_t)capacity * sizeof *run);
        set->run = run;
        set->capacity = capacity;
    }
    struct run_entry *run = &set->run[set->n++];
    *run = (struct run_entry){.path = arena_text(&set->arena, path, strlen(path)), .problem = "", .pairing = ""};
    run_columns_read(NULL, run->value);
    return run->path ? DAE_OK : error_no_memory(err, "runs", strlen(path));
}

static enum dae_status add_run(struct run_set *set, const char *path, struct error *err)
{
    TRY(add_entry(set, path, err));
    struct run_entry *run = &set->run[set->n - 1];
    read_results(set, run);
    read_errors(set, run);
    return run->problem ? DAE_OK : error_no_memory(err, "runs", 0);
}

/* The runs in a folder; `why` says why there are none. */
static enum dae_status add_below(struct run_set *set, const char *folder, struct error *why, struct error *err)
{
    struct file_names names CLEANUP(file_names_release) = {0};
    const int before = set->n;
    if (file_names_list(folder, &names, why) != DAE_OK)
        return DAE_OK;
    for (size_t i = 0; i < names.n; ++i) {
        char below[2 * PATH_LEN];
        snprintf(below, sizeof below, "%s/%s", folder, names.name[i]);
        if (strlen(below) < MOST_PATH && is_run(below))
            TRY(add_run(set, below, err));
    }
    if (set->n == before) {
        const enum dae_status status = error_set(why, DAE_CONFIG, "there is neither a run nor a folder of a run in it");
        (void)status; /* it is why's */
    }
    return DAE_OK;
}

enum dae_status run_set_add(struct run_set *set, const char *path, struct error *err)
{
    char folder[MOST_PATH];
    struct error why = {0};
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        --len;
    if ((size_t)snprintf(folder, sizeof folder, "%.*s", (int)len, path) >= sizeof folder) {
        const enum dae_status status = error_set(&why, DAE_IO, "the path is too long");
        (void)status; /* it is why's */
    } else if (is_run(folder)) {
        return add_run(set, folder, err);
    } else {
        TRY(add_below(set, folder, &why, err));
    }
    if (why.status == DAE_OK)
        return DAE_OK;
    TRY(add_entry(set, folder, err));
    note_problem(set, &set->run[set->n - 1], &why);
    return set->run[set->n - 1].problem ? DAE_OK : error_no_memory(err, "runs", 0);
}

static void pair(struct run_set *set, struct run_entry *run, const struct run_entry *first)
{
    const struct test_errors *a = &run->errors, *b = &first->errors;
    if (a->n != b->n || strcmp(a->samples, b->samples) != 0) {
        run->pairing = arena_printf(&set->arena, "other test samples: %s, not %s", a->samples, b->samples);
        return;
    }
    run->less_first = paired_compare(a->model, b->model, a->n);
    if (memcmp(a->noisy, b->noisy, (size_t)a->n * sizeof *a->noisy) != 0)
        run->pairing = "under other noise";
}

enum dae_status run_set_compare(struct run_set *set, struct error *err)
{
    struct leaves *leaves = arena_array(&set->arena, (size_t)set->n + 1, sizeof *leaves);
    if (!leaves)
        return error_no_memory(err, "settings", 0);
    for (int i = 0; i < set->n; ++i)
        if (is_run(set->run[i].path))
            TRY(read_leaves(set, &set->run[i], &leaves[i], err));
    TRY(find_settings(set, leaves, err));
    set->first = -1;
    for (int i = 0; i < set->n; ++i) {
        struct run_entry *run = &set->run[i];
        run->less_first = (struct paired){NAN, NAN, NAN, PAIRED_UNKNOWN};
        if (run->has_errors && set->first >= 0)
            pair(set, run, &set->run[set->first]);
        else if (run->has_errors)
            set->first = i;
        if (!run->pairing || !run->problem)
            return error_no_memory(err, "runs", 0);
    }
    return DAE_OK;
}

void run_set_release(struct run_set *set)
{
    for (int i = 0; i < set->n; ++i) {
        cJSON_Delete(set->run[i].json);
        if (set->run[i].has_errors)
            test_errors_close(&set->run[i].errors);
    }
    free(set->run);
    arena_release(&set->arena);
    *set = (struct run_set){0};
}

/* ---- Order. ------------------------------------------------------------------------------------------------------ */

enum run_column run_set_ranked_by(const struct run_set *set)
{
    for (int i = 0; i < set->n; ++i)
        if (set->run[i].json && isnan(set->run[i].value[RUN_validation_loss]))
            return RUN_test_mse;
    return RUN_validation_loss;
}

void run_set_rank(const struct run_set *set, int *order)
{
    const enum run_column by = run_set_ranked_by(set);
    for (int i = 0; i < set->n; ++i) {
        const double x = set->run[i].value[by];
        int at = i;
        for (; at > 0; --at) {
            const double before = set->run[order[at - 1]].value[by];
            if (isnan(x) || before <= x)
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}
