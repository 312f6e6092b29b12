/* dae-cl help formats: the table of image kinds, for people and for docs/images.md. */
#ifndef CLI_HELP_FORMATS_H
#define CLI_HELP_FORMATS_H

#include <stdbool.h>
#include <stdio.h>

/* As text, with what this build lacks, or as a Markdown table, which is the same in every build. */
void help_formats(FILE *out, bool markdown);

#endif
