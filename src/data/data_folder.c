#include "data/data_folder.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DAE_CL_DATADIR
#define DAE_CL_DATADIR "/usr/local/share/dae-cl"
#endif

enum { N_DATA_FOLDERS = 4 };

static const char *const mnist_files[MNIST_FILES] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                     "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/* In the order of search; absent ones are NULL. False when out of memory. */
static bool data_folders(const char *data_root, struct arena *arena, const char *folders[N_DATA_FOLDERS])
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const char *user = NULL;
    if (xdg && *xdg == '/') /* the XDG base directory specification ignores relative ones */
        user = arena_printf(arena, "%s/dae-cl", xdg);
    else if (home && *home)
        user = arena_printf(arena, "%s/.local/share/dae-cl", home);
    else
        user = "";
    folders[0] = data_root && *data_root ? data_root : NULL;
    folders[1] = "./data";
    folders[2] = user && *user ? user : NULL;
    folders[3] = DAE_CL_DATADIR;
    return user != NULL;
}

/* Sets *path to FOLDER/mnist/NAME or that with .gz, whichever is a file, else to NULL. Kaggle's copy has a dot in place
 * of the last dash but one (train-images.idx3-ubyte), or the file in a folder of its own name. */
static enum dae_status find_mnist_file(const char *folder, const char *name, struct arena *arena, const char **path,
                                       struct error *err)
{
    static const char *const endings[] = {"", ".gz"};
    const char *last = strstr(name, "-idx");
    const char *dotted = arena_printf(arena, "%.*s.%s", (int)(last - name), name, last + 1);
    const char *inner = arena_printf(arena, "%s/%s", name, name);
    const char *inner_dotted = dotted ? arena_printf(arena, "%s/%s", name, dotted) : NULL;
    const char *const spelled[] = {name, dotted, inner, inner_dotted};
    struct stat info;
    *path = NULL;
    for (size_t i = 0; i < 2 * sizeof spelled / sizeof *spelled && !*path; ++i) {
        const char *candidate =
            spelled[i / 2] ? arena_printf(arena, "%s/mnist/%s%s", folder, spelled[i / 2], endings[i % 2]) : NULL;
        if (!candidate)
            return error_no_memory(err, "file name", strlen(folder));
        if (stat(candidate, &info) == 0 && !S_ISDIR(info.st_mode))
            *path = candidate;
    }
    return DAE_OK;
}

enum dae_status data_folder_mnist(const char *data_root, struct arena *arena, const char *paths[MNIST_FILES],
                                  struct text *searched, struct error *err)
{
    const char *folders[N_DATA_FOLDERS];
    if (!data_folders(data_root, arena, folders))
        return error_no_memory(err, "folder name", 0);
    for (int i = 0; i < N_DATA_FOLDERS; ++i) {
        if (!folders[i])
            continue;
        text_printf(searched, "%s%s/mnist", searched->len ? ", " : "", folders[i]);
        int n_found = 0, missing = 0;
        for (int k = 0; k < MNIST_FILES; ++k) {
            TRY(find_mnist_file(folders[i], mnist_files[k], arena, &paths[k], err));
            if (paths[k])
                ++n_found;
            else
                missing = k;
        }
        if (n_found == MNIST_FILES)
            return DAE_OK;
        if (n_found > 0)
            return error_set(err, DAE_BAD_DATA,
                             "%s/mnist: %s (or .gz) is missing; run make mnist, or remove the folder", folders[i],
                             mnist_files[missing]);
    }
    return searched->failed ? error_no_memory(err, "folder names", searched->len) : DAE_OK;
}

enum dae_status data_folder_find(const char *path, const char *data_root, struct arena *arena, const char **found,
                                 struct error *err)
{
    *found = path;
    const char *folders[N_DATA_FOLDERS];
    if (*path == '/' || access(path, F_OK) == 0)
        return DAE_OK;
    if (!data_folders(data_root, arena, folders))
        return error_no_memory(err, "folder name", 0);
    for (int i = 0; i < N_DATA_FOLDERS; ++i) {
        const char *candidate = folders[i] ? arena_printf(arena, "%s/%s", folders[i], path) : NULL;
        if (folders[i] && !candidate)
            return error_no_memory(err, "file name", strlen(path));
        if (candidate && access(candidate, F_OK) == 0) {
            *found = candidate;
            return DAE_OK;
        }
    }
    return DAE_OK;
}

/* A folder of the pattern that does not exist matches nothing; one that cannot be read may hide a match. */
static int is_unreadable(const char *folder, int reason)
{
    (void)folder;
    errno = reason;
    return reason != ENOENT && reason != ENOTDIR;
}

static enum dae_status match(const char *pattern, struct data_matches *matches, struct error *err)
{
    glob_t *found = matches->glob;
    const int result = glob(pattern, 0, is_unreadable, found);
    if (result == GLOB_NOSPACE)
        return error_no_memory(err, pattern, 0);
    if (result == GLOB_ABORTED)
        return error_io(err, "read the folders of", pattern);
    matches->path = found->gl_pathv;
    matches->n = result == 0 ? found->gl_pathc : 0;
    return DAE_OK;
}

enum dae_status data_folder_match(const char *pattern, const char *data_root, struct arena *arena,
                                  struct data_matches *matches, struct error *err)
{
    const char *folders[N_DATA_FOLDERS];
    *matches = (struct data_matches){.glob = calloc(1, sizeof(glob_t))};
    if (!matches->glob || !data_folders(data_root, arena, folders))
        return error_no_memory(err, "folder name", 0);
    TRY(match(pattern, matches, err));
    for (int i = 0; i < N_DATA_FOLDERS && matches->n == 0 && *pattern != '/'; ++i) {
        const char *candidate = folders[i] ? arena_printf(arena, "%s/%s", folders[i], pattern) : NULL;
        if (folders[i] && !candidate)
            return error_no_memory(err, "file name", strlen(pattern));
        globfree(matches->glob);
        if (candidate)
            TRY(match(candidate, matches, err));
    }
    return DAE_OK;
}

void data_matches_release(struct data_matches *matches)
{
    if (matches->glob)
        globfree(matches->glob);
    free(matches->glob);
    *matches = (struct data_matches){0};
}

enum dae_status data_folder_first(const char *folder, const char *prefix, struct arena *arena, const char **path,
                                  struct error *err)
{
    *path = NULL;
    DIR *dir = opendir(folder);
    if (!dir)
        return error_set(err, DAE_IO, "cannot open folder %s: %s", folder, strerror(errno));
    enum dae_status status = DAE_OK;
    const char *best = NULL;
    const struct dirent *item;
    while (status == DAE_OK && (item = readdir(dir))) {
        if (strncmp(item->d_name, prefix, strlen(prefix)) != 0 || (best && strcmp(item->d_name, best) >= 0))
            continue;
        best = arena_text(arena, item->d_name, strlen(item->d_name));
        if (!best)
            status = error_no_memory(err, "file name", strlen(item->d_name));
    }
    closedir(dir);
    if (status == DAE_OK && best && !(*path = arena_printf(arena, "%s/%s", folder, best)))
        status = error_no_memory(err, "file name", strlen(folder));
    return status;
}
