/* Help and manual page, made from the table of commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void help_overview(FILE *out);
void help_command(const struct command *command, FILE *out);
/* dae-cl.1 in roff. */
void help_manual(FILE *out);
/* "dae-cl 0.1.0". */
void help_version(FILE *out);

#endif
