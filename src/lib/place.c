#include "lib/place.h"

#include <string.h>
#include <unistd.h>

#include "base/library_file.h"

/* The folder of the file that this code was loaded from. */
static const char *own_folder(struct arena *arena)
{
    char path[PATH_MAX];
    static const char here[] = "";
    if (!library_file_of(here, path))
        return NULL;
    char *slash = strrchr(path, '/');
    return slash ? arena_text(arena, path, (size_t)(slash - path)) : NULL;
}

static enum dae_status find(struct arena *arena, const char *name, int mode, enum dae_status failure, const char **path,
                            struct error *err)
{
    const char *folder = own_folder(arena);
    const char *places[2] = {NULL, NULL};
    if (folder) {
        places[0] = arena_printf(arena, "%s/dae-cl/%s", folder, name);
        places[1] = arena_printf(arena, "%s/%s", folder, name);
    }
    for (int i = 0; i < 2; ++i)
        if (places[i] && access(places[i], mode) == 0) {
            *path = places[i];
            return DAE_OK;
        }
    const enum dae_status status =
        error_set(err, failure, "libdae: there is no %s where the library is; install dae-cl again", name);
    for (int i = 0; i < 2; ++i)
        if (places[i])
            error_note(err, "looked for %s", places[i]);
    return status;
}

enum dae_status place_find_plugins(struct arena *arena, const char **path, struct error *err)
{
    return find(arena, "plugins", R_OK | X_OK, DAE_PLUGIN, path, err);
}

enum dae_status place_find_prober(struct arena *arena, const char **path, struct error *err)
{
    return find(arena, "dae-probe", X_OK, DAE_IO, path, err);
}
