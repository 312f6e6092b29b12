/* Manual pages in roff, made from the table of commands. */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include <stdio.h>

#include "cli/command.h"

/* dae-cl-COMMAND.1, or dae-cl.1 if command is NULL. */
MUST_USE enum dae_status manual_print(const struct command *command, FILE *out, struct error *err);

#endif
