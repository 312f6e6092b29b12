/* The output of a shell command, read through a pipe. */
#ifndef BASE_SHELL_OUTPUT_H
#define BASE_SHELL_OUTPUT_H

#include <sys/types.h>

#include "base/error.h"

struct shell_output {
    pid_t child; /* 0: none */
    int fd;
};

/* Starts `/bin/sh -c COMMAND` in a process group of its own, without input. DAE_IO. */
MUST_USE enum dae_status shell_output_open(struct shell_output *output, const char *command, struct error *err);
/* After the end of the output: DAE_IO with the command unless it has ended with exit status 0. */
MUST_USE enum dae_status shell_output_end(struct shell_output *output, const char *command, struct error *err);
/* Ends the command if it still runs. */
void shell_output_close(struct shell_output *output);

#endif
