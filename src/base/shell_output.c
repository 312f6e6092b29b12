#define _GNU_SOURCE
#include "base/shell_output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Threads that block all signals start it, and Ctrl-C is for the reader, which then ends it. */
static int spawn(pid_t *child, int out, const char *command)
{
    char *const argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, pipe_only;
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (code == 0)
        code = posix_spawnattr_setflags(&attributes,
                                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (code == 0)
        code = posix_spawnattr_setsigmask(&attributes, &none);
    if (code == 0)
        code = posix_spawnattr_setsigdefault(&attributes, &pipe_only);
    if (code == 0)
        code = posix_spawn(child, "/bin/sh", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

enum dae_status shell_output_open(struct shell_output *output, const char *command, struct error *err)
{
    int ends[2];
    *output = (struct shell_output){.fd = -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_io(err, "start", command);
    const int code = spawn(&output->child, ends[1], command);
    close(ends[1]);
    output->fd = ends[0];
    if (code == 0)
        return DAE_OK;
    output->child = 0;
    shell_output_close(output);
    return error_set(err, DAE_IO, "cannot start \"%s\": %s", command, strerror(code));
}

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0; /* somebody else has collected it */
    return status;
}

enum dae_status shell_output_end(struct shell_output *output, const char *command, struct error *err)
{
    const int status = output->child > 0 ? wait_for(output->child) : 0;
    output->child = 0;
    if (WIFSIGNALED(status))
        return error_set(err, DAE_IO, "\"%s\" was ended by signal %d", command, WTERMSIG(status));
    return WEXITSTATUS(status) == 0
               ? DAE_OK
               : error_set(err, DAE_IO, "\"%s\" ended with exit status %d", command, WEXITSTATUS(status));
}

void shell_output_close(struct shell_output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
    if (output->child > 0) {
        kill(-output->child, SIGTERM);
        (void)wait_for(output->child);
    }
    output->child = 0;
}
