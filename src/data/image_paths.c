#include "data/image_paths.h"

#include <string.h>
#include <unistd.h>

#include "data/data_folder.h"

static enum dae_status add(struct image_paths *paths, const char *path, struct arena *arena, struct error *err)
{
    const char **grown = arena_array(arena, (size_t)paths->n + 1, sizeof *grown);
    const char *copy = arena_text(arena, path, strlen(path));
    if (!grown || !copy)
        return error_no_memory(err, "list of files", strlen(path));
    if (paths->n > 0)
        memcpy(grown, paths->path, (size_t)paths->n * sizeof *grown);
    grown[paths->n] = copy;
    paths->path = grown;
    ++paths->n;
    return DAE_OK;
}

static enum dae_status add_pattern(struct image_paths *paths, const char *pattern, const char *data_root,
                                   struct arena *arena, struct error *err)
{
    struct data_matches found = {0};
    enum dae_status status = data_folder_match(pattern, data_root, arena, &found, err);
    if (status == DAE_OK && found.n == 0 && !paths->missing)
        paths->missing = pattern;
    for (size_t i = 0; i < found.n && status == DAE_OK; ++i)
        status = add(paths, found.path[i], arena, err);
    data_matches_release(&found);
    return status;
}

static enum dae_status add_text(struct image_paths *paths, const struct value *text, const char *data_root,
                                struct arena *arena, struct error *err)
{
    const char *path;
    if (text->kind != VALUE_SCALAR || !text->text || !*text->text)
        return error_at(err, DAE_CONFIG, text->mark, "expects a folder, archive or file, or a list of them");
    TRY(data_folder_find(text->text, data_root, arena, &path, err));
    const bool exists = access(path, F_OK) == 0;
    if (!exists && strpbrk(text->text, "*?["))
        return add_pattern(paths, text->text, data_root, arena, err);
    if (!exists && !paths->missing)
        paths->missing = path;
    return add(paths, path, arena, err);
}

enum dae_status image_paths_find(const struct value *given, const char *data_root, struct arena *arena,
                                 struct image_paths *paths, struct error *err)
{
    *paths = (struct image_paths){0};
    if (given->kind != VALUE_LIST || given->n == 0)
        TRY(add_text(paths, given, data_root, arena, err));
    for (int i = 0; given->kind == VALUE_LIST && i < given->n; ++i)
        TRY(add_text(paths, given->items[i], data_root, arena, err));
    if (paths->n == 0)
        return DAE_OK;
    paths->label = paths->n == 1 ? paths->path[0] : arena_printf(arena, "%s and %d more", paths->path[0], paths->n - 1);
    return paths->label ? DAE_OK : error_no_memory(err, "file name", strlen(paths->path[0]));
}
