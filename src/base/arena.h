/* An arena: many small allocations with one lifetime, freed together. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_block *head;
};

/* Zeroed memory aligned for any type, owned by the arena; NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* Zeroed array of count items of size bytes; NULL when out of memory or if the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of text[0..len) with a terminating NUL. */
char *arena_text(struct arena *arena, const char *text, size_t len);

/* printf into the arena. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees every allocation; the arena is empty and usable again. */
void arena_release(struct arena *arena);

#endif
