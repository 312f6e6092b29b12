/* A sweep as command lines, for GNU parallel, a Slurm array or a shell. */
#ifndef CLI_SWEEP_LINES_H
#define CLI_SWEEP_LINES_H

#include "cli/invocation.h"
#include "cli/run_folder.h"
#include "config/sweep.h"

struct sweep_lines {
    const struct invocation *invocation; /* whose options the lines repeat */
    const struct sweep *sweep;
    const struct value *base; /* the config that all runs change, as the sweep uses it */
    const char *base_path;    /* its file */
    const struct run_folder *folder;
};

/* Prints one `dae-cl run` a line, which trains the same network as that run of the sweep. DAE_NO_MEMORY. */
MUST_USE enum dae_status sweep_lines_print(const struct sweep_lines *lines, struct error *err);

/* The folder of run number `run`, from 0: "FOLDER/0001". DAE_IO if the path is too long. */
MUST_USE enum dae_status sweep_run_path(const struct run_folder *folder, int64_t run, char *path, size_t len,
                                        struct error *err);

#endif
