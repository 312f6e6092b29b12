/* Command lines that can be pasted into a shell. */
#ifndef CLI_SHELL_WORD_H
#define CLI_SHELL_WORD_H

#include "base/text.h"

/* Appends a word as a POSIX shell reads it, in single quotes where they are needed. */
void shell_word_add(struct text *line, const char *word);

#endif
