/* Help, made from the table of commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void help_overview(FILE *out);
void help_command(const struct command *command, FILE *out);
/* "dae-cl 0.1.0". */
void help_version(FILE *out);

/* What the manual pages and completions tell, too: the program in a few words, the environment, option number `index`
 * of a command, the last of which is --help (NULL after it), and an option as it is typed, "--set KEY.PATH=VALUE". */
extern const char help_purpose[];
extern const struct command_row help_environment[]; /* ends with {NULL, NULL} */
const struct command_option *help_option_at(const struct command *command, int index);
void help_option_text(const struct command_option *option, char *text, size_t len);

#endif
