/* Reading UTF-8 that may be damaged. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decodes the character at the start of a NUL-terminated, non-empty text and returns its length in bytes (1 to 4).
 * A byte that starts no character gives UTF8_REPLACEMENT and length 1: stray bytes, overlong forms, surrogates. What
 * XML forbids or HTML frowns upon is replaced too: controls but tab and line ends, U+FFFE, U+FFFF. */
size_t utf8_next(const char *text, uint32_t *code);

/* Replaces by '?' every byte that a terminal should not be sent: of control characters but tab and line feed, and of
 * what is not UTF-8. For messages that quote a file, whose author could otherwise move the reader's cursor. */
void utf8_clean(char *text);

#endif
