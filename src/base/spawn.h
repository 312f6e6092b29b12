/* Starting programs. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <signal.h>
#include <sys/types.h>

/* The program's descriptor `to` is our `from`; -1: /dev/null, to be read. */
struct spawn_file {
    int from, to;
};

/* Starts argv[0], which is searched in $PATH if it has no slash, with `files` (n). It has a process group of its own,
 * because Ctrl-C requests a clean stop of dae-cl and must not interrupt it, no signal is blocked, and those of `usual`
 * have their usual effect. Returns 0 or an errno; the caller waits for the child. */
int spawn_program(char *const *argv, const struct spawn_file *files, int n, const sigset_t *usual, pid_t *child);

#endif
