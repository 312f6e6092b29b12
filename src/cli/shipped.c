#include "cli/shipped.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/installed.h"
#include "cli/output.h"
#include "config/fields.h"
#include "format/samples_file.h"

static const char ending[] = ".yaml";
static const char configs[] = "configs";

/* Of other characters no name consists, because shells' completions contain it. */
static int is_config(const struct dirent *item)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t len = strspn(item->d_name, allowed);
    return len > 0 && strcmp(item->d_name + len, ending) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct shipped *)a)->name, ((const struct shipped *)b)->name);
}

/* The first line of a file, if it is a comment; NULL when out of memory. */
static const char *summary_of(const char *path, struct arena *arena)
{
    char line[256] = "";
    FILE *file = fopen(path, "r");
    const char *text = file && fgets(line, sizeof line, file) && line[0] == '#' ? line + 1 : "";
    if (file)
        fclose(file);
    text += strspn(text, " ");
    size_t len = strcspn(text, "\r\n");
    if (len && text[len - 1] == '.')
        --len;
    return arena_text(arena, text, len);
}

static enum dae_status read_names(const char *folder, struct dirent **item, int n, struct arena *arena,
                                  struct shipped **list, struct error *err)
{
    *list = arena_array(arena, (size_t)n + 1, sizeof **list);
    for (int i = 0; *list && i < n; ++i) {
        struct shipped *shipped = &(*list)[i];
        shipped->name = arena_text(arena, item[i]->d_name, strlen(item[i]->d_name) + 1 - sizeof ending);
        shipped->path = arena_printf(arena, "%s/%s", folder, item[i]->d_name);
        shipped->summary = shipped->path ? summary_of(shipped->path, arena) : NULL;
        if (!shipped->name || !shipped->summary)
            return error_no_memory(err, "names of configs", 0);
    }
    return *list ? DAE_OK : error_no_memory(err, "names of configs", (unsigned long long)n * sizeof **list);
}

enum dae_status shipped_list(const char *name, struct arena *arena, struct shipped **list, int *n, struct error *err)
{
    const char *place[INSTALLED_PLACES], *folder = installed_share(name, arena, place);
    struct dirent **item = NULL;
    *list = NULL;
    *n = 0;
    if (!folder)
        return DAE_OK;
    const int found = scandir(folder, &item, is_config, NULL);
    if (found < 0)
        return error_io(err, "list", folder);
    const enum dae_status status = read_names(folder, item, found, arena, list, err);
    for (int i = 0; i < found; ++i)
        free(item[i]);
    free(item);
    if (status == DAE_OK) {
        *n = found;
        qsort(*list, (size_t)found, sizeof **list, by_name);
    }
    return status;
}

static void note_all(const struct shipped *list, int n, struct error *err)
{
    for (int i = 0; i < n; ++i)
        error_note(err, "%-15s %s", list[i].name, list[i].summary);
}

void shipped_note(struct error *err)
{
    struct arena arena = {0};
    struct error ignored = {0};
    struct shipped *list;
    int n;
    if (shipped_list(configs, &arena, &list, &n, &ignored) == DAE_OK && n > 0) {
        error_note(err, "CONFIG is a file, or the name of one of these configs:");
        note_all(list, n, err);
    }
    arena_release(&arena);
}

/* The config that comes with dae-cl and has the file's name. */
static void note_name(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    const size_t len = strlen(file), n_ending = sizeof ending - 1;
    struct arena arena = {0};
    struct error ignored = {0};
    struct shipped *list;
    int n;
    if (len <= n_ending || strcmp(file + len - n_ending, ending) != 0)
        return;
    if (shipped_list(configs, &arena, &list, &n, &ignored) == DAE_OK)
        for (int i = 0; i < n; ++i)
            if (strlen(list[i].name) == len - n_ending && strncmp(list[i].name, file, len - n_ending) == 0)
                error_note(err, "%s, without a folder and %s, is the config that comes with dae-cl", list[i].name,
                           ending);
    arena_release(&arena);
}

/* A file that is there and is no config. */
static void note_content(const char *path, struct error *err)
{
    static const char model[] = ".safetensors";
    const size_t len = strlen(path), n_model = sizeof model - 1;
    struct samples_form form;
    struct error ignored = {0};
    if (len > n_model && strcmp(path + len - n_model, model) == 0)
        error_note(err, "it is a model, and CONFIG is a text; a run keeps its own in config.yaml, beside model%s",
                   model);
    else if (samples_file_form_of_content(path, &form, &ignored) == DAE_OK && form.kind != SAMPLES_UNKNOWN)
        error_note(err, "it contains data, and CONFIG is a text that names them; dae-cl init writes one");
}

void shipped_note_path(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    struct stat info;
    if (stat(path, &info) < 0) {
        if (errno == ENOENT && path[0] != '/' && getcwd(folder, sizeof folder))
            error_note(err, "the working folder is %s", folder);
        note_name(path, err);
    } else if (S_ISDIR(info.st_mode)) {
        snprintf(folder, sizeof folder, "%s/config.yaml", path);
        if (access(folder, F_OK) == 0)
            error_note(err, "it is the folder of a run, whose config is %s", folder);
        else
            error_note(err, "it is a folder, and CONFIG is a file or the name of a config; dae-cl init writes one");
    } else {
        note_content(path, err);
    }
}

enum dae_status shipped_print(struct error *err)
{
    struct arena arena = {0};
    struct shipped *list;
    int n;
    const enum dae_status status = shipped_list(configs, &arena, &list, &n, err);
    for (int i = 0; i < n && status == DAE_OK; ++i)
        output_line("%-15s %s\n", list[i].name, list[i].summary);
    arena_release(&arena);
    return status;
}

enum dae_status shipped_config(const char *typed, struct arena *arena, const char **path, struct error *err)
{
    struct shipped *list;
    int n;
    *path = typed;
    if (strpbrk(typed, "/.") || access(typed, F_OK) == 0 || errno != ENOENT)
        return DAE_OK;
    TRY(shipped_list(configs, arena, &list, &n, err));
    const char **names = arena_array(arena, (size_t)n + 1, sizeof *names);
    if (!names)
        return error_no_memory(err, "names of configs", 0);
    for (int i = 0; i < n; ++i) {
        names[i] = list[i].name;
        if (strcmp(names[i], typed) == 0) {
            *path = list[i].path;
            output_note("config: %s\n", *path);
            return DAE_OK;
        }
    }
    if (n == 0)
        return DAE_OK;
    const enum dae_status status = fields_unknown(NULL, "file or config", typed, names, n, err);
    shipped_note(err);
    return status;
}
