#include "cli/shell_word.h"

#include <string.h>

void shell_word_add(struct text *line, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-=:,@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        text_add(line, word);
        return;
    }
    text_add(line, "'");
    for (; *word; ++word)
        text_printf(line, *word == '\'' ? "'\\''" : "%c", *word);
    text_add(line, "'");
}
