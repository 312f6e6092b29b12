/* A growing text buffer: kernel sources, gnuplot scripts, HTML. A failure to grow is remembered, so that a writer
 * appends without checks and checks once at the end. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise with {0}. data is NUL-terminated after the first append, and is freed by text_release. */
struct text {
    char *data;
    size_t len, capacity;
    bool failed; /* out of memory: the content is incomplete */
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t len);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_release(struct text *text);

#endif
