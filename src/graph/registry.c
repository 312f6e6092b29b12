#define _GNU_SOURCE
#include "graph/registry.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/library_file.h"
#include "config/rows.h"

/* The exported symbol of a plugin determines its kind of table. */
static const struct {
    const char *symbol;
    size_t bytes;   /* of the table */
    size_t least;   /* bytes of the first header of this contract, before members were added to its end */
    size_t pointer; /* to it, in struct plugin */
} tables[] = {
    {"dae_pointwise_v4", sizeof(struct dae_pointwise), offsetof(struct dae_pointwise, onnx),
     offsetof(struct plugin, pointwise)},
    {"dae_layer_v4", sizeof(struct dae_layer), offsetof(struct dae_layer, onnx), offsetof(struct plugin, layer)},
    {"dae_noise_v4", sizeof(struct dae_noise), sizeof(struct dae_noise), offsetof(struct plugin, noise)},
    {"dae_loss_v4", sizeof(struct dae_loss), offsetof(struct dae_loss, distribution), offsetof(struct plugin, loss)},
    {"dae_optimizer_v4", sizeof(struct dae_optimizer), offsetof(struct dae_optimizer, decay),
     offsetof(struct plugin, optimizer)},
};

struct registry {
    struct arena arena;
    struct plugin **plugin; /* (n) in order of kind, then name */
    int n;
    void **library; /* (n_libraries) */
    int n_libraries;
};

static int compare(const struct plugin *a, const struct plugin *b)
{
    return a->kind != b->kind ? (a->kind > b->kind ? 1 : -1) : strcmp(a->name, b->name);
}

/* Reads each default as a config's value would be read, so that the author learns of a wrong one, and not the first
 * user who leaves out the key. */
static enum dae_status check_defaults(const struct plugin *plugin, const char *from, struct error *err)
{
    struct arena arena = {0};
    struct error why = {0};
    void *state = plugin_state_new(plugin, &arena);
    struct value *nothing = value_map_new(&arena);
    enum dae_status status = state && nothing ? DAE_OK : error_no_memory(err, from, plugin->state_bytes);
    for (const struct dae_row *row = plugin->rows; status == DAE_OK && row->key; ++row)
        if (row->default_text && rows_peek_key(nothing, plugin->rows, row->key, plugin->name, &arena, state, &why))
            status = error_set(err, DAE_PLUGIN, "plugin %s cannot be used: the default of its row '%s': %s", from,
                               row->key, error_message(&why));
    arena_release(&arena);
    return status;
}

enum dae_status registry_add(struct registry *registry, const struct plugin *table, const char *from, struct error *err)
{
    struct plugin *plugin = arena_alloc(&registry->arena, sizeof *plugin);
    if (!plugin)
        return error_no_memory(err, from, sizeof *plugin);
    *plugin = *table;
    TRY(plugin_complete(plugin, from, &registry->arena, err));
    if (plugin->stranger)
        TRY(check_defaults(plugin, from, err));
    if (registry_find(registry, plugin->kind, plugin->name))
        return error_set(err, DAE_PLUGIN, "plugin %s defines %s '%s' again", from, plugin_kind_text(plugin->kind),
                         plugin->name);
    struct plugin **grown = realloc(registry->plugin, ((size_t)registry->n + 1) * sizeof(void *));
    if (!grown)
        return error_no_memory(err, from, sizeof *grown);
    registry->plugin = grown;
    int at = registry->n++;
    for (; at > 0 && compare(grown[at - 1], plugin) > 0; --at)
        grown[at] = grown[at - 1];
    grown[at] = plugin;
    return DAE_OK;
}

static enum dae_status check_owner(const char *path, mode_t kind, struct error *err)
{
    const char *what = kind == S_IFDIR ? "plugin folder" : "plugin";
    struct stat info;
    if (lstat(path, &info) < 0)
        return error_set(err, DAE_PLUGIN, "%s %s cannot be used: %s", what, path, strerror(errno));
    if ((info.st_mode & S_IFMT) != kind)
        return error_set(err, DAE_PLUGIN, "%s %s cannot be used: it is not a %s", what, path,
                         kind == S_IFDIR ? "folder; name the folder that contains the plugins" : "regular file");
    if (info.st_uid != 0 && info.st_uid != geteuid())
        return error_set(err, DAE_PLUGIN, "%s %s cannot be used: it belongs to user %ld, neither you nor root", what,
                         path, (long)info.st_uid);
    if (info.st_mode & S_IWOTH || (info.st_mode & S_IWGRP && info.st_gid != getegid() && info.st_gid != 0))
        return error_set(err, DAE_PLUGIN, "%s %s cannot be used: others may write to it; chmod go-w %s", what, path,
                         path);
    return DAE_OK;
}

static enum dae_status check_whole(const char *path, struct error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be read: %s", path, strerror(errno));
    const char *why = library_file_fault(file);
    close(file);
    return why ? error_set(err, DAE_PLUGIN, "plugin %s cannot be used: %s", path, why) : DAE_OK;
}

/* A table of an earlier header is copied, so that the members which it lacks are NULL. */
static const void *complete_table(struct arena *arena, const void *table, size_t bytes, size_t wanted)
{
    void *copy = bytes < wanted ? arena_alloc(arena, wanted) : NULL;
    return bytes == wanted ? table : copy ? memcpy(copy, table, bytes) : NULL;
}

/* The table that a library exports. */
static enum dae_status find_table(struct arena *arena, void *library, const char *path, struct plugin *plugin,
                                  struct error *err)
{
    *plugin = (struct plugin){0};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; ++i) {
        const void *table = dlsym(library, tables[i].symbol);
        if (!table)
            continue;
        const uint32_t *bytes = dlsym(library, "dae_table_bytes_v4");
        if (!bytes || *bytes < tables[i].least || *bytes > tables[i].bytes || *bytes % sizeof(void *) != 0)
            return error_set(err, DAE_PLUGIN,
                             "plugin %s cannot be used: its table has another size; build it again against this "
                             "version's header",
                             path);
        const void *whole = complete_table(arena, table, *bytes, tables[i].bytes);
        if (!whole)
            return error_no_memory(err, path, tables[i].bytes);
        memcpy((char *)plugin + tables[i].pointer, &whole, sizeof whole);
        return DAE_OK;
    }
    enum dae_status status;
    if (dlsym(library, "dae_plugin_v3"))
        status = error_set(
            err, DAE_PLUGIN,
            "plugin %s cannot be used: it was written for plugin contract 3, but this program uses contract 4", path);
    else
        status = error_set(err, DAE_PLUGIN,
                           "plugin %s cannot be used: it exports none of dae_pointwise_v4, dae_layer_v4, dae_noise_v4, "
                           "dae_loss_v4 and dae_optimizer_v4; is it a plugin of contract 4, and is its table global?",
                           path);
    error_note(err, "docs/plugins.md, \"From contract 3\", lists the changes");
    return status;
}

enum dae_status registry_check_file(const char *path, struct error *err)
{
    TRY(check_owner(path, S_IFREG, err));
    return check_whole(path, err);
}

static enum dae_status load(struct registry *registry, const char *path, bool is_strange, struct error *err)
{
    TRY(registry_check_file(path, err));
    void **grown = realloc(registry->library, ((size_t)registry->n_libraries + 1) * sizeof *grown);
    if (!grown)
        return error_no_memory(err, path, sizeof *grown);
    registry->library = grown;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be loaded: %s", path, dlerror());
    grown[registry->n_libraries++] = library;
    struct plugin plugin;
    TRY(find_table(&registry->arena, library, path, &plugin, err));
    if (is_strange && !(plugin.stranger = arena_text(&registry->arena, path, strlen(path))))
        return error_no_memory(err, path, strlen(path) + 1);
    return registry_add(registry, &plugin, path, err);
}

static int is_library(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 3 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static enum dae_status load_folder(struct registry *registry, const char *folder, bool is_strange, struct error *err)
{
    /* An absolute path, so that no search path is used. */
    char *absolute = realpath(folder, NULL);
    if (!absolute)
        return error_set(err, DAE_PLUGIN, "plugin folder %s cannot be read: %s", folder, strerror(errno));
    struct dirent **entries = NULL;
    enum dae_status status = check_owner(absolute, S_IFDIR, err);
    int n = status == DAE_OK ? scandir(absolute, &entries, is_library, alphasort) : 0;
    if (n < 0)
        status = error_set(err, DAE_PLUGIN, "plugin folder %s cannot be read: %s", folder, strerror(errno));
    else if (status == DAE_OK && n == 0 && is_strange)
        status = error_set(err, DAE_PLUGIN, "plugin folder %s contains no plugin (*.so); run make in it", folder);
    for (int i = 0; i < n; ++i) {
        char path[8192];
        if (status == DAE_OK && snprintf(path, sizeof path, "%s/%s", absolute, entries[i]->d_name) >= (int)sizeof path)
            status = error_set(err, DAE_PLUGIN, "plugin folder %s: its path is too long", folder);
        if (status == DAE_OK)
            status = load(registry, path, is_strange, err);
        free(entries[i]);
    }
    free(entries);
    free(absolute);
    return status;
}

enum dae_status registry_open(const char *const *folders, int n_folders, struct registry **out, struct error *err)
{
    *out = NULL;
    struct registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return error_no_memory(err, "plugins", sizeof *registry);
    for (int i = 0; i < n_folders; ++i) {
        enum dae_status status = load_folder(registry, folders[i], i > 0, err); /* the first folder is dae-cl's own */
        if (status != DAE_OK) {
            registry_close(registry);
            return status;
        }
    }
    *out = registry;
    return DAE_OK;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    for (int i = 0; i < registry->n_libraries; ++i)
        dlclose(registry->library[i]);
    arena_release(&registry->arena);
    free(registry->library);
    free(registry->plugin);
    free(registry);
}

const struct plugin *registry_find(const struct registry *registry, enum plugin_kind kind, const char *name)
{
    for (int i = 0; i < registry->n; ++i)
        if (registry->plugin[i]->kind == kind && strcmp(registry->plugin[i]->name, name) == 0)
            return registry->plugin[i];
    return NULL;
}

const struct plugin *registry_gaussian(const struct registry *registry)
{
    for (int i = 0; i < registry->n; ++i)
        if (registry->plugin[i]->noise && registry->plugin[i]->noise->deviation)
            return registry->plugin[i];
    return NULL;
}

int registry_count(const struct registry *registry)
{
    return registry->n;
}

const struct plugin *registry_at(const struct registry *registry, int index)
{
    return registry->plugin[index];
}
