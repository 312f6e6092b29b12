#define _GNU_SOURCE
#include "cli/ranks_start.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ranks_local.h"
#include "train/socket_transport.h"
#include "train/transport_file.h"

static int own_stderr = -1; /* where errors of a rank that is not rank 0 go at the end */

/* What a launcher leaves in the environment of the processes that it starts. */
static const struct launcher {
    const char *variable; /* the number of processes */
    const char *what, *transport, *package;
} launchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "mpirun of Open MPI", "openmpi", "libopenmpi-dev"},
    {"PMI_SIZE", "mpirun of MPICH, or srun", "mpich", "libmpich-dev"},
    {"SLURM_STEP_NUM_TASKS", "srun", "openmpi", "libopenmpi-dev"},
};

/* Rank 0 speaks for all. */
static void be_silent(void)
{
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    own_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    fflush(stdout);
    if (nowhere < 0)
        return;
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

void ranks_end(struct ranks *ranks, enum dae_status status, struct error *err)
{
    if (!ranks)
        return;
    /* All stop at the same step, and all find the same numbers: rank 0 says so. */
    const bool is_common = status_is_stop(status) || status == DAE_DIVERGED;
    if (status != DAE_OK && !is_common)
        error_note(err, "this is rank %d of %d", ranks_number(ranks), ranks_count(ranks));
    if (own_stderr >= 0 && is_common)
        *err = (struct error){0};
    if (own_stderr >= 0)
        dup2(own_stderr, STDERR_FILENO);
    ranks_leave(ranks, status);
}

/* ---- MPI. -------------------------------------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The transport's file is next to the program in the build tree, in ../lib if installed. */
static enum dae_status find_transport(const struct launcher *launcher, int count, char path[PATH_MAX],
                                      struct error *err)
{
    static const char *const places[] = {"transports", "../lib/dae-cl/transports"};
    char program[PATH_MAX];
    const ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    const char *folder = dirname(program);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; ++i)
        if (snprintf(path, PATH_MAX, "%s/%s/dae-mpi-%s.so", folder, places[i], launcher->transport) < PATH_MAX &&
            is_file(path))
            return DAE_OK;
    const enum dae_status status =
        error_set(err, DAE_PLUGIN,
                  "%s has started %d processes ($%s), but this build has no transport over that MPI (dae-mpi-%s.so)",
                  launcher->what, count, launcher->variable, launcher->transport);
    error_note(err, "install %s and build again, or use --ranks %d on one machine", launcher->package, count);
    return status;
}

static enum dae_status start_mpi(const struct launcher *launcher, int count, struct ranks **ranks, struct error *err)
{
    char path[PATH_MAX];
    const char *given = getenv("DAE_CL_TRANSPORT");
    if (!given || !*given)
        TRY(find_transport(launcher, count, path, err));
    else
        snprintf(path, sizeof path, "%s", given);
    TRY(transport_file_open(path, ranks, err));
    if (ranks_count(*ranks) == count)
        return DAE_OK;
    const enum dae_status status =
        error_set(err, DAE_RANK,
                  "%s has started %d processes ($%s), but to %s there are %d; start them with its own "
                  "mpirun, or with srun --mpi=pmix",
                  launcher->what, count, launcher->variable, ranks_transport(*ranks), ranks_count(*ranks));
    ranks_leave(*ranks, status);
    *ranks = NULL;
    return status;
}

/* ---- Either. ----------------------------------------------------------------------------------------------------- */

static enum dae_status read_count(const char *text, int *count, struct error *err)
{
    char *end;
    const long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > SOCKET_TRANSPORT_MAX)
        return error_set(err, DAE_CONFIG, "--ranks expects a number from 1 to %d, not '%s'", SOCKET_TRANSPORT_MAX,
                         text);
    *count = (int)n;
    return DAE_OK;
}

/* The launcher that has started this process as one of several; NULL: none. */
static const struct launcher *find_launcher(int *count)
{
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; ++i) {
        const char *text = getenv(launchers[i].variable);
        *count = text ? atoi(text) : 0;
        if (*count > 1)
            return &launchers[i];
    }
    return NULL;
}

enum dae_status ranks_start(const struct invocation *invocation, struct ranks **ranks, bool *is_parent,
                            struct error *err)
{
    const char *asked = invocation_value(invocation, "ranks");
    int launched, count = 1;
    const struct launcher *launcher = find_launcher(&launched);
    *ranks = NULL;
    *is_parent = false;
    if (asked)
        TRY(read_count(asked, &count, err));
    if (asked && count == 1)
        return DAE_OK;
    if (asked && launcher)
        return error_set(err, DAE_CONFIG, "%s has started %d processes ($%s); --ranks would start %d in each of them",
                         launcher->what, launched, launcher->variable, count);
    if (launcher)
        TRY(start_mpi(launcher, launched, ranks, err));
    else if (count > 1)
        TRY(ranks_local_start(count, ranks, is_parent, err));
    if (*ranks && ranks_number(*ranks) > 0)
        be_silent();
    return DAE_OK;
}
