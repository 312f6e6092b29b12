/* dae-cl init: writes a commented config, or the files of a plugin, to start from. They come with the program: configs
 * are the folder init of its shared files, and a plugin is the layer of the template. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/installed.h"
#include "cli/output.h"
#include "cli/shipped.h"
#include "config/fields.h"

enum { MAX_BYTES = 1 << 20, MAX_KINDS = 32 };

static const char configs[] = "init"; /* the folder of the configs */
static const char plugin_kind[] = "plugin";
static const char model_plugin[] = "my_gelu"; /* the plugin of the template that is copied under another name */

/* The configs that there are, then the plugin. They are listed once, for as long as the program runs: a row of help is
 * borrowed. */
static bool row_of(int index, const char **name, const char **meaning)
{
    static struct arena arena;
    static struct shipped *list;
    static int n = -1;
    struct error ignored = {0};
    if (n < 0 && shipped_list(configs, &arena, &list, &n, &ignored) != DAE_OK)
        n = 0;
    if (index > n)
        return false;
    *name = index < n ? list[index].name : plugin_kind;
    *meaning =
        index < n ? list[index].summary : "The layer NAME with a Makefile and a config that tests it, in a folder";
    return true;
}

/* The folder of that name that comes with the program. */
static enum dae_status find_folder(const char *name, struct arena *arena, const char **folder, struct error *err)
{
    const char *place[INSTALLED_PLACES];
    *folder = installed_share(name, arena, place);
    if (*folder)
        return DAE_OK;
    const enum dae_status status = error_set(
        err, DAE_IO, "init: its files are not installed; make install, or Debian's package libdae-dev, brings them");
    for (int i = 0; i < INSTALLED_PLACES; ++i)
        if (place[i])
            error_note(err, "looked for %s", place[i]);
    return status;
}

/* A new file: one that exists is refused, and there is none if it cannot be written. */
static enum dae_status write_new(const char *path, const char *bytes, size_t len, struct error *err)
{
    const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, DAE_IO, "%s exists; -o names another", path);
    if (fd < 0)
        return error_io(err, "create", path);
    close(fd);
    const enum dae_status status = atomic_file_save(path, bytes, len, err);
    if (status != DAE_OK)
        unlink(path);
    return status;
}

/* Copies a file; each `from` in it becomes `to`, unless that is NULL. */
static enum dae_status copy(const char *source, const char *target, const char *from, const char *to, struct error *err)
{
    char *bytes;
    size_t len;
    struct text text = {0};
    TRY(file_read(source, MAX_BYTES, DAE_IO, &bytes, &len, err));
    const char *at = bytes;
    for (const char *found; to && (found = strstr(at, from)); at = found + strlen(from)) {
        text_add_bytes(&text, at, (size_t)(found - at));
        text_add(&text, to);
    }
    text_add(&text, at);
    const enum dae_status status =
        text.failed ? error_no_memory(err, source, len) : write_new(target, text.data, text.len, err);
    text_release(&text);
    free(bytes);
    return status;
}

static enum dae_status write_config(const struct invocation *invocation, const char *kind, struct arena *arena,
                                    struct error *err)
{
    const char *folder, *out = invocation_value(invocation, "o");
    TRY(find_folder(configs, arena, &folder, err));
    const char *source = arena_printf(arena, "%s/%s.yaml", folder, kind);
    const char *target = out ? out : arena_printf(arena, "%s.yaml", kind);
    if (!source || !target)
        return error_no_memory(err, "file name", 0);
    TRY(copy(source, target, NULL, NULL, err));
    output_line("%s: each line is explained, and CHANGE marks what depends on your data; then type\n  dae-cl check "
                "%s\n  dae-cl run %s\n",
                target, target, target);
    return DAE_OK;
}

/* A plugin's name is a C identifier, which no plugin has. */
static enum dae_status check_name(const struct invocation *invocation, const char *name, struct error *err)
{
    size_t len = 0;
    while (isalnum((unsigned char)name[len]) || name[len] == '_')
        ++len;
    if (name[len] || len == 0 || len > 40 || !(isalpha((unsigned char)name[0])))
        return error_set(err, DAE_CONFIG,
                         "init: '%s' cannot be a plugin's name; it is at most 40 letters, digits and _, a letter first",
                         name);
    struct registry *registry;
    TRY(invocation_registry(invocation, &registry, err));
    enum dae_status status = DAE_OK;
    for (int i = 0; i < registry_count(registry) && status == DAE_OK; ++i)
        if (strcmp(registry_at(registry, i)->head->name, name) == 0)
            status = error_set(err, DAE_CONFIG, "init: a plugin is called '%s'; take another name", name);
    registry_close(registry);
    return status;
}

static enum dae_status copy_plugin(const char *template, const char *name, const char *folder, struct arena *arena,
                                   struct error *err)
{
    static const char *const endings[] = {".c", ".yaml"};
    const char *source = arena_printf(arena, "%s/Makefile", template);
    const char *target = arena_printf(arena, "%s/Makefile", folder);
    if (!source || !target)
        return error_no_memory(err, "file name", 0);
    TRY(copy(source, target, NULL, NULL, err));
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        source = arena_printf(arena, "%s/%s%s", template, model_plugin, endings[i]);
        target = arena_printf(arena, "%s/%s%s", folder, name, endings[i]);
        if (!source || !target)
            return error_no_memory(err, "file name", 0);
        TRY(copy(source, target, model_plugin, name, err));
    }
    return DAE_OK;
}

static enum dae_status write_plugin(const struct invocation *invocation, const char *name, struct arena *arena,
                                    struct error *err)
{
    const char *template, *out = invocation_value(invocation, "o");
    const char *folder = out ? out : name;
    TRY(check_name(invocation, name, err));
    TRY(find_folder("template", arena, &template, err));
    if (mkdir(folder, 0777) != 0)
        return errno == EEXIST ? error_set(err, DAE_IO, "%s exists; -o names another folder", folder)
                               : error_io(err, "create", folder);
    const enum dae_status status = copy_plugin(template, name, folder, arena, err);
    if (status != DAE_OK) {
        error_note(err, "%s is not complete; remove it", folder);
        return status;
    }
    output_line("%s: %s.c is the plugin, a copy of GELU to change; then type\n  make -C %s verify\n", folder, name,
                folder);
    return DAE_OK;
}

static enum dae_status write_kind(const struct invocation *invocation, struct arena *arena, struct error *err)
{
    const char *kind = invocation->argument[0], *names[MAX_KINDS], *meaning;
    const bool is_plugin = strcmp(kind, plugin_kind) == 0;
    bool known = false;
    int n = 0;
    for (; n < MAX_KINDS && row_of(n, &names[n], &meaning); ++n)
        known = known || strcmp(kind, names[n]) == 0;
    if (!known) {
        const char *folder;
        TRY(find_folder(configs, arena, &folder, err));
        const enum dae_status status = fields_unknown(NULL, "file to start from", kind, names, n, err);
        error_note(err, "dae-cl init lists them");
        return status;
    }
    if (is_plugin != (invocation->n_arguments == 2)) {
        const enum dae_status status = error_set(
            err, DAE_CONFIG, is_plugin ? "init: the plugin's NAME is missing" : "init: only a plugin has a NAME");
        error_note(err, "dae-cl init --help lists its arguments");
        return status;
    }
    return is_plugin ? write_plugin(invocation, invocation->argument[1], arena, err)
                     : write_config(invocation, kind, arena, err);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    if (invocation->n_arguments == 0) {
        const char *name, *meaning;
        for (int i = 0; row_of(i, &name, &meaning); ++i)
            printf("dae-cl init %-14s %s\n", name == plugin_kind ? "plugin NAME" : name, meaning);
        return DAE_OK;
    }
    struct arena arena = {0};
    const enum dae_status status = write_kind(invocation, &arena, err);
    arena_release(&arena);
    return status;
}

static const struct command_option option_o = {
    "o", "FILE|DIR", OPTION_VALUE, false,
    "the config's file or the plugin's folder, instead of KIND.yaml and NAME; what exists is refused"};

static const struct command_option *const options[] = {&option_o, &option_plugins, NULL};

static const struct command_row examples[] = {
    {"dae-cl init images -o holiday.yaml", "a config for your photographs, each line explained"},
    {"dae-cl init plugin smooth_relu", "a layer of your own: smooth_relu/smooth_relu.c and its test"},
    {NULL, NULL},
};

const struct command command_init = {
    .name = "init",
    .arguments = "[KIND] [NAME]",
    .summary = "write a config or a plugin to start from",
    .description =
        "Writes a config in which each line is explained, or a plugin that builds and passes its test. Nothing that "
        "exists is overwritten. Without KIND, lists the kinds, which are configs and plugin:",
    .options = options,
    .row = row_of,
    .examples = examples,
    .run = run,
};
