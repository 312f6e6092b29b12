#include "cli/sweep_lines.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/shell_word.h"
#include "config/tree.h"

enum { PATH_LEN = 1200 };

enum dae_status sweep_run_path(const struct run_folder *folder, int64_t run, char *path, size_t len, struct error *err)
{
    char name[32];
    snprintf(name, sizeof name, "%04lld", (long long)run + 1);
    return run_folder_path(folder, name, path, len, err);
}

static void add_word(struct text *line, const char *word)
{
    text_add(line, " ");
    shell_word_add(line, word);
}

static enum dae_status add_set(struct text *line, const char *path, const struct value *value, struct error *err)
{
    struct text word CLEANUP(text_release) = {0};
    text_printf(&word, "%s=", path);
    TRY(tree_write_line(value, &word, err));
    text_add(line, " --set");
    add_word(line, word.data);
    return DAE_OK;
}

/* What every line has: the user's options, and what a sweep leaves out of the base config. */
static enum dae_status add_common(const struct sweep_lines *lines, struct text *line, struct error *err)
{
    static const char *const passed[] = {"platform", "plugins", "set"}, *const extras[] = {"compare", "studies"};
    const struct invocation *invocation = lines->invocation;
    text_add(line, "dae-cl run");
    add_word(line, lines->base_path);
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; ++i)
        for (int k = 0; k < invocation_count(invocation, passed[i]); ++k) {
            text_printf(line, " --%s", passed[i]);
            add_word(line, invocation_nth(invocation, passed[i], k));
        }
    if (invocation_has(invocation, option_trust.name))
        text_printf(line, " --%s", option_trust.name);
    for (size_t i = 0; i < 2 && lines->sweep->keep != SWEEP_EVERYTHING; ++i)
        if (value_map_get(lines->base, extras[i]))
            TRY(add_set(line, extras[i], value_map_get(lines->base, extras[i]), err));
    return DAE_OK;
}

enum dae_status sweep_lines_print(const struct sweep_lines *lines, struct error *err)
{
    struct text common CLEANUP(text_release) = {0};
    char path[PATH_LEN];
    TRY(add_common(lines, &common, err));
    for (int64_t run = 0; run < lines->sweep->n; ++run) {
        struct text line CLEANUP(text_release) = {0};
        struct arena arena CLEANUP(arena_release) = {0};
        for (int k = 0; k < lines->sweep->n_keys; ++k) {
            const struct value *value = sweep_value(lines->sweep, run, k, &arena);
            if (!value)
                return error_no_memory(err, "sweep", 0);
            TRY(add_set(&line, lines->sweep->key[k].path, value, err));
        }
        TRY(sweep_run_path(lines->folder, run, path, sizeof path, err));
        text_add(&line, " --out");
        add_word(&line, path);
        if (line.failed || common.failed)
            return error_no_memory(err, "sweep", line.len);
        printf("%s%s\n", common.data, line.data);
    }
    return DAE_OK;
}
