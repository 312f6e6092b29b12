#define _GNU_SOURCE
#include "cli/ranks_local.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "train/socket_transport.h"

static const double patience = 15; /* seconds after a failure */

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
enum { N_PASSED_ON = sizeof passed_on / sizeof passed_on[0] };

struct family {
    pid_t child[SOCKET_TRANSPORT_MAX]; /* 0: has ended */
    int n, n_left;
    int passed_on;          /* the last signal that was; 0: none */
    enum dae_status status; /* of the first that failed by itself; DAE_RANK: none did */
    double failed;          /* when the first one failed; 0: none has */
};

static void signal_all(const struct family *family, int number)
{
    for (int i = 0; i < family->n; ++i)
        if (family->child[i] > 0)
            kill(family->child[i], number);
}

/* Before a rank listens to signals, one ends it at once, as it would end a process that is alone. */
static enum dae_status status_of(const struct family *family, int state)
{
    if (WIFEXITED(state))
        return (enum dae_status)WEXITSTATUS(state);
    return WTERMSIG(state) == family->passed_on ? (enum dae_status)(128 + WTERMSIG(state)) : DAE_RANK;
}

static void note_end(struct family *family, int rank, int state)
{
    const enum dae_status status = status_of(family, state);
    family->child[rank] = 0;
    --family->n_left;
    if (WIFSIGNALED(state) && status == DAE_RANK)
        fprintf(stderr, "dae-cl: rank %d was ended by signal %d (%s)\n", rank, WTERMSIG(state),
                strsignal(WTERMSIG(state)));
    if (status == DAE_OK)
        return;
    if (family->failed == 0 && !status_is_stop(status))
        family->failed = clock_seconds();
    if (family->status == DAE_OK || family->status == DAE_RANK)
        family->status = status;
}

static void reap(struct family *family)
{
    int state;
    pid_t ended;
    while ((ended = waitpid(-1, &state, WNOHANG)) > 0)
        for (int i = 0; i < family->n; ++i)
            if (family->child[i] == ended)
                note_end(family, i, state);
}

static void kill_late(struct family *family)
{
    for (int i = 0; i < family->n; ++i)
        if (family->child[i] > 0) {
            fprintf(stderr,
                    "dae-cl: rank %d is ended, because it has not ended within %.0f s of another one's failure\n", i,
                    patience);
            kill(family->child[i], SIGKILL);
        }
    family->failed = clock_seconds();
}

/* Waits for all, with the signals of `heard` blocked. */
static enum dae_status look_after(struct family *family, const sigset_t *heard)
{
    while (family->n_left > 0) {
        const struct timespec turn = {1, 0};
        const int number = sigtimedwait(heard, NULL, &turn);
        if (number > 0 && number != SIGCHLD) {
            family->passed_on = number;
            signal_all(family, number);
        }
        reap(family);
        if (family->failed > 0 && clock_seconds() - family->failed > patience)
            kill_late(family);
    }
    return family->status;
}

static enum dae_status become_rank(struct socket_mesh *mesh, int count, int rank, const sigset_t *before,
                                   struct ranks **ranks, struct error *err)
{
    const struct dae_transport_place place = {rank, count, rank};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setpgid(0, 0);
    sigprocmask(SIG_SETMASK, before, NULL);
    void *self = socket_mesh_join(mesh, rank);
    return self ? ranks_new(&socket_transport, self, &place, ranks, err) : error_no_memory(err, "sockets", 0);
}

enum dae_status ranks_local_start(int count, struct ranks **ranks, bool *is_parent, struct error *err)
{
    struct family family = {.n = count};
    struct socket_mesh *mesh;
    sigset_t heard, before;
    TRY(socket_mesh_new(count, &mesh, err));
    sigemptyset(&heard);
    sigaddset(&heard, SIGCHLD);
    for (int i = 0; i < N_PASSED_ON; ++i)
        sigaddset(&heard, passed_on[i]);
    sigprocmask(SIG_BLOCK, &heard, &before);
    fflush(NULL);
    enum dae_status status = DAE_OK;
    for (int i = 0; i < count && status == DAE_OK; ++i) {
        const pid_t child = fork();
        if (child == 0)
            return become_rank(mesh, count, i, &before, ranks, err);
        if (child < 0)
            status = error_set(err, DAE_NO_MEMORY, "cannot start rank %d: %s", i, strerror(errno));
        else
            ++family.n_left;
        family.child[i] = child > 0 ? child : 0;
    }
    *is_parent = true;
    socket_mesh_free(mesh);
    const enum dae_status seen = look_after(&family, &heard);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status == DAE_OK ? seen : status;
}
