#include "cli/installed.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* The Makefile defines the real ones. */
#ifndef DAE_CL_PLUGINDIR
#define DAE_CL_PLUGINDIR "/usr/local/lib/dae-cl/plugins"
#endif
#ifndef DAE_CL_SHAREDIR
#define DAE_CL_SHAREDIR "/usr/local/share/dae-cl"
#endif

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The folder of the program; NULL if the system does not tell. */
static const char *program_folder(char path[PATH_MAX])
{
    const ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (len <= 0)
        return NULL;
    path[len] = '\0';
    return dirname(path);
}

static const char *first_folder(const char *const place[INSTALLED_PLACES])
{
    for (int i = 0; i < INSTALLED_PLACES; ++i)
        if (place[i] && is_folder(place[i]))
            return place[i];
    return NULL;
}

const char *installed_plugins(struct arena *arena, const char *place[INSTALLED_PLACES])
{
    char path[PATH_MAX];
    const char *folder = program_folder(path);
    place[0] = folder ? arena_printf(arena, "%s/plugins", folder) : NULL;
    place[1] = folder ? arena_printf(arena, "%s/../lib/dae-cl/plugins", folder) : NULL;
    place[2] = installed_plugins_path();
    return first_folder(place);
}

const char *installed_share(const char *name, struct arena *arena, const char *place[INSTALLED_PLACES])
{
    char path[PATH_MAX];
    const char *folder = program_folder(path);
    place[0] = folder ? arena_printf(arena, "%s/share/%s", folder, name) : NULL;
    place[1] = folder ? arena_printf(arena, "%s/../share/dae-cl/%s", folder, name) : NULL;
    place[2] = installed_share_path(name, arena);
    return first_folder(place);
}

const char *installed_share_path(const char *name, struct arena *arena)
{
    return arena_printf(arena, "%s/%s", DAE_CL_SHAREDIR, name);
}

const char *installed_plugins_path(void)
{
    return DAE_CL_PLUGINDIR;
}
