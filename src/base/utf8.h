/* Reading UTF-8 that may be damaged. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decodes the character at the start of a NUL-terminated, non-empty text and returns its length in bytes (1 to 4). A
 * byte that does not start a character gives UTF8_REPLACEMENT and length 1: stray bytes, overlong forms, surrogates.
 * Characters that XML forbids or HTML discourages are also replaced: controls other than tab and line ends, U+FFFE,
 * U+FFFF. */
size_t utf8_next(const char *text, uint32_t *code);

/* Replaces with '?' every byte that is unsafe on a terminal: control characters other than tab and line feed, and bytes
 * that are not UTF-8. Without this, the author of a file that a message quotes could move the reader's cursor. */
void utf8_clean(char *text);

/* Appends a text with U+FFFD in place of each byte that is not UTF-8; everything else, control characters too, stays.
 */
void utf8_add(struct text *out, const char *text);

#endif
