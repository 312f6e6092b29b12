#define _GNU_SOURCE
#include "base/shell_output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"

/* Threads that block all signals may start it. */
static int spawn(pid_t *child, int out, const char *command)
{
    char *const argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)command, NULL};
    const struct spawn_file files[] = {{-1, STDIN_FILENO}, {out, STDOUT_FILENO}};
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    return spawn_program(argv, files, 2, &usual, child);
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
