/* Reading UTF-8 that may be damaged. */
#ifndef REPORT_UTF8_H
#define REPORT_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decodes the character at the start of a NUL-terminated, non-empty text and returns its length in bytes (1 to 4).
 * A byte that starts no character gives UTF8_REPLACEMENT and length 1: stray bytes, overlong forms, surrogates. What
 * XML forbids or HTML frowns upon is replaced too: controls but tab and line ends, U+FFFE, U+FFFF. */
size_t utf8_next(const char *text, uint32_t *code);

#endif
