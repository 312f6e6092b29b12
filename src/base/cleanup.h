/* Releases a local variable when its scope ends, however it ends:
 *
 *     struct text text CLEANUP(text_release) = {0};
 *     float *x CLEANUP(cleanup_free) = malloc(bytes);
 *
 * The function gets the variable's address. Initialise the variable where it is declared, and declare it before the
 * first TRY. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <string.h>

#define CLEANUP(release) __attribute__((cleanup(release)))

/* Defines NAME_cleanup, which releases what a pointer points to: CLEANUP_POINTER(loader_free, struct loader) for
 * `struct loader *loader CLEANUP(loader_free_cleanup) = NULL;`. */
#define CLEANUP_POINTER(name, type)                                                                                    \
    static inline void name##_cleanup(type **pointer)                                                                  \
    {                                                                                                                  \
        name(*pointer);                                                                                                \
    }

/* For memory from malloc, whatever the pointer's type. */
static inline void cleanup_free(void *variable)
{
    void *memory;
    memcpy(&memory, variable, sizeof memory);
    free(memory);
}

#endif
