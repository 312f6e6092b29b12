#include "base/spawn.h"

#include <fcntl.h>
#include <spawn.h>

extern char **environ;

static int add_file(posix_spawn_file_actions_t *actions, const struct spawn_file *file)
{
    return file->from < 0 ? posix_spawn_file_actions_addopen(actions, file->to, "/dev/null", O_RDONLY, 0)
                          : posix_spawn_file_actions_adddup2(actions, file->from, file->to);
}

int spawn_program(char *const *argv, const struct spawn_file *files, int n, const sigset_t *usual, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    for (int i = 0; i < n && code == 0; ++i)
        code = add_file(&actions, &files[i]);
    if (code == 0)
        code = posix_spawnattr_setflags(&attributes,
                                        POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (code == 0)
        code = posix_spawnattr_setsigmask(&attributes, &none);
    if (code == 0)
        code = posix_spawnattr_setsigdefault(&attributes, usual);
    if (code == 0)
        code = posix_spawnp(child, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}
