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

struct loaded {
    const struct dae_plugin *plugin;
    void *library; /* NULL: linked in */
    char *from;
    bool is_strange; /* not from the first folder */
};

struct registry {
    struct loaded *loaded;
    int n;
};

const char *kind_text(enum dae_kind kind)
{
    switch (kind) {
    case DAE_LAYER:
        return "layer";
    case DAE_CORRUPTION:
        return "corruption";
    case DAE_LOSS:
        return "loss";
    case DAE_OPTIMIZER:
        return "optimizer";
    }
    return "?";
}

/* What the host writes for a row. */
static size_t param_bytes(enum dae_param_type type)
{
    switch (type) {
    case DAE_INT:
        return sizeof(int64_t);
    case DAE_INT_PAIR:
        return sizeof(int64_t[2]);
    case DAE_FLOAT:
        return sizeof(double);
    case DAE_BOOL:
        return sizeof(bool);
    case DAE_INTERVAL:
        return sizeof(double[2]);
    case DAE_CHOICE:
        return sizeof(int);
    case DAE_SHAPE:
        return sizeof(struct dae_shape);
    case DAE_LEVEL:
        return sizeof(struct dae_level);
    }
    return SIZE_MAX;
}

/* Why the table is incomplete, or NULL. Only members that the ABI number and size have vouched for are read. */
static const char *incomplete(const struct dae_plugin *p)
{
    if (p->abi != DAE_ABI)
        return "it was built for another ABI; build it again against this version's header";
    if (p->size != sizeof *p)
        return "its table has another size; build it again against this version's header";
    if (!p->name || !p->name[0] || strlen(p->name) > 48)
        return "it has no name";
    for (const char *c = p->name; *c; ++c)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_'))
            return "its name must be of a-z, 0-9 and _";
    if (!p->help)
        return "it has no line of help";
    if (p->params && p->state_bytes == 0)
        return "it has parameters but no state to put them in";
    for (const struct dae_param *row = p->params; row && row->key; ++row)
        if (!row->help || row->offset > p->state_bytes || p->state_bytes - row->offset < param_bytes(row->type) ||
            (row->type == DAE_CHOICE && !row->choices))
            return "a parameter row is incomplete, or lies outside of the state";
    for (const struct dae_param *row = p->params; row && row->key; ++row)
        if (row->type == DAE_LEVEL && p->kind != DAE_CORRUPTION)
            return "only a corruption can have a level that is drawn for each sample";
    if (p->flags & (DAE_MASKS | DAE_READS_DATA) && p->kind != DAE_CORRUPTION)
        return "only a corruption can mask, or read other samples";
    if (p->flags & DAE_UNIT_RANGE && p->kind != DAE_LOSS)
        return "only a loss can require the range from 0 to 1";
    if (p->kind == DAE_OPTIMIZER)
        return !p->coefficients || !p->update || !p->kernel_source || p->n_states < 0 || p->n_states > DAE_MAX_STATES
                   ? "an optimizer needs coefficients, update and a kernel"
                   : NULL;
    if (p->kind != DAE_LAYER && p->kind != DAE_CORRUPTION && p->kind != DAE_LOSS)
        return "its kind is unknown";
    if (!p->plan || !p->reference)
        return "it needs plan and reference";
    if (p->kind == DAE_LAYER && (p->min_inputs < 1 || p->max_inputs < p->min_inputs || p->max_inputs > DAE_MAX_INPUTS))
        return "its number of inputs makes no sense";
    if (!p->pointwise_y != !p->pointwise_dx || !p->forward != !p->backward || !p->forward != !p->bind)
        return "pointwise needs both expressions, batch-wide needs bind, forward and backward";
    if (p->flags & DAE_COUPLES && (!p->forward || !p->reference_batch || p->flags & DAE_DRAWS))
        return "a layer that couples samples needs forward and reference_batch, and cannot draw";
    if (p->affine && (p->kind != DAE_LAYER || p->max_inputs != 1))
        return "only a layer of one input can be affine";
    int forms = (p->flags & DAE_VIEW ? 1 : 0) + (p->pointwise_y ? 1 : 0) + (p->forward ? 1 : 0);
    if (forms > 1)
        return "it is more than one of view, pointwise and batch-wide";
    if (!(p->flags & DAE_VIEW) && !p->pointwise_y && !p->kernel_source)
        return "it has no kernel";
    return NULL;
}

enum dae_status registry_add(struct registry *registry, const struct dae_plugin *plugin, const char *from,
                             struct error *err)
{
    const char *why = incomplete(plugin);
    if (why)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: %s", from, why);
    if (registry_find(registry, plugin->kind, plugin->name))
        return error_set(err, DAE_PLUGIN, "plugin %s defines %s '%s' again", from, kind_text(plugin->kind),
                         plugin->name);
    struct loaded *grown = realloc(registry->loaded, ((size_t)registry->n + 1) * sizeof *grown);
    char *copy = strdup(from);
    if (grown)
        registry->loaded = grown;
    if (!grown || !copy) {
        free(copy);
        return error_no_memory(err, from, sizeof *grown);
    }
    int at = registry->n;
    while (at > 0 &&
           (grown[at - 1].plugin->kind > plugin->kind ||
            (grown[at - 1].plugin->kind == plugin->kind && strcmp(grown[at - 1].plugin->name, plugin->name) > 0))) {
        grown[at] = grown[at - 1];
        --at;
    }
    grown[at] = (struct loaded){.plugin = plugin, .from = copy};
    ++registry->n;
    return DAE_OK;
}

static enum dae_status check_owner(const char *path, mode_t kind, struct error *err)
{
    struct stat info;
    if (lstat(path, &info) < 0)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: %s", path, strerror(errno));
    if ((info.st_mode & S_IFMT) != kind)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: it is not a regular %s", path,
                         kind == S_IFDIR ? "folder" : "file");
    if (info.st_uid != 0 && info.st_uid != geteuid())
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: it belongs to user %ld, neither you nor root",
                         path, (long)info.st_uid);
    if (info.st_mode & S_IWOTH || (info.st_mode & S_IWGRP && info.st_gid != getegid() && info.st_gid != 0))
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be used: others may write it; chmod go-w", path);
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

static enum dae_status load(struct registry *registry, const char *path, bool is_strange, struct error *err)
{
    TRY(check_owner(path, S_IFREG, err));
    TRY(check_whole(path, err));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(err, DAE_PLUGIN, "plugin %s cannot be loaded: %s", path, dlerror());
    const struct dae_plugin *plugin = dlsym(library, DAE_PLUGIN_SYMBOL_TEXT);
    enum dae_status status = plugin ? registry_add(registry, plugin, path, err)
                                    : error_set(err, DAE_PLUGIN,
                                                "plugin %s cannot be used: it exports no " DAE_PLUGIN_SYMBOL_TEXT
                                                "; is it a plugin, and for this ABI?",
                                                path);
    if (status != DAE_OK) {
        dlclose(library);
        return status;
    }
    for (int i = 0; i < registry->n; ++i)
        if (registry->loaded[i].plugin == plugin)
            registry->loaded[i].library = library, registry->loaded[i].is_strange = is_strange;
    return DAE_OK;
}

static int is_library(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 3 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static enum dae_status load_folder(struct registry *registry, const char *folder, bool is_strange, struct error *err)
{
    /* An absolute path, so that no search path takes part. */
    char *absolute = realpath(folder, NULL);
    if (!absolute)
        return error_set(err, DAE_PLUGIN, "plugin folder %s cannot be read: %s", folder, strerror(errno));
    struct dirent **entries = NULL;
    enum dae_status status = check_owner(absolute, S_IFDIR, err);
    int n = status == DAE_OK ? scandir(absolute, &entries, is_library, alphasort) : 0;
    if (n < 0)
        status = error_set(err, DAE_PLUGIN, "plugin folder %s cannot be read: %s", folder, strerror(errno));
    for (int i = 0; i < n; ++i) {
        char path[8192];
        if (status == DAE_OK && snprintf(path, sizeof path, "%s/%s", absolute, entries[i]->d_name) < (int)sizeof path)
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
        enum dae_status status = load_folder(registry, folders[i], i > 0, err);
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
    for (int i = 0; i < registry->n; ++i) {
        if (registry->loaded[i].library)
            dlclose(registry->loaded[i].library);
        free(registry->loaded[i].from);
    }
    free(registry->loaded);
    free(registry);
}

const struct dae_plugin *registry_find(const struct registry *registry, enum dae_kind kind, const char *name)
{
    for (int i = 0; i < registry->n; ++i)
        if (registry->loaded[i].plugin->kind == kind && strcmp(registry->loaded[i].plugin->name, name) == 0)
            return registry->loaded[i].plugin;
    return NULL;
}

const char *registry_stranger(const struct registry *registry, const struct dae_plugin *plugin)
{
    for (int i = 0; i < registry->n; ++i)
        if (registry->loaded[i].plugin == plugin && registry->loaded[i].is_strange)
            return registry->loaded[i].from;
    return NULL;
}

int registry_count(const struct registry *registry)
{
    return registry->n;
}

const struct dae_plugin *registry_at(const struct registry *registry, int index)
{
    return registry->loaded[index].plugin;
}
