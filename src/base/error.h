/* The error convention. A function that can fail returns enum dae_status and takes a struct error * as its last
 * parameter; the first failure fills it, callers on the way up add notes, and src/cli prints it once. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "dae/status.h"

#if defined(__GNUC__)
#define BASE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_USE __attribute__((warn_unused_result))
#else
#define BASE_PRINTF(fmt, args)
#define MUST_USE
#endif

/* A place in a text file, 1-based; line 0 means "no place". The file name is borrowed and must outlive the mark. */
struct mark {
    const char *file;
    int line;
    int column;
};

enum { ERROR_TEXT_LEN = 4096 };

/* Zero-initialise with {0}. text contains the message and, on separate lines, the notes. It is safe for a terminal,
 * whatever files it quotes (utf8_clean). */
struct error {
    enum dae_status status;
    char text[ERROR_TEXT_LEN];
};

/* Records a failure unless one is recorded already (the first is the cause) and returns the recorded status.
 * Text: "dae-cl: error: MESSAGE". Write the message as "what: why; what to do". */
MUST_USE enum dae_status error_set(struct error *err, enum dae_status status, const char *format, ...)
    BASE_PRINTF(3, 4);

/* The same with a place: "FILE:LINE:COLUMN: error: MESSAGE"; without a place it reads like error_set. */
MUST_USE enum dae_status error_at(struct error *err, enum dae_status status, struct mark mark, const char *format, ...)
    BASE_PRINTF(4, 5);

/* A clean stop that a signal requested; the status is the signal's in dae/status.h, from DAE_HANGUP on. */
MUST_USE enum dae_status error_stopped(struct error *err, int signal, const char *format, ...) BASE_PRINTF(3, 4);
bool status_is_stop(enum dae_status status);

/* Appends "\nnote: MESSAGE" to a recorded failure; silently cut at ERROR_TEXT_LEN. */
void error_note(struct error *err, const char *format, ...) BASE_PRINTF(2, 3);

/* "out of memory: WHAT (BYTES bytes)", or without the bytes if they are 0, with DAE_NO_MEMORY. */
MUST_USE enum dae_status error_no_memory(struct error *err, const char *what, unsigned long long bytes);

/* "cannot WHAT PATH: ..." with DAE_IO, after a system call failed; errno gives the reason. */
MUST_USE enum dae_status error_io(struct error *err, const char *what, const char *path);

/* The message without "dae-cl: error: " or the place before it, for use in another sentence. */
const char *error_message(const struct error *err);

/* The place before the message: writes the file's name (len bytes), line and column. False if there is none. */
bool error_place(const struct error *err, char *file, size_t len, int *line, int *column);

/* The one-line meaning of a status, from the table in dae/status.h. */
const char *status_text(enum dae_status status);

/* Returns the status of EXPR from the enclosing function unless it is DAE_OK. */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        enum dae_status try_status_ = (expr);                                                                          \
        if (try_status_ != DAE_OK)                                                                                     \
            return try_status_;                                                                                        \
    } while (0)

/* Stores the status of EXPR in the local `status` and jumps to LABEL unless it is DAE_OK. */
#define TRY_GOTO(expr, label)                                                                                          \
    do {                                                                                                               \
        status = (expr);                                                                                               \
        if (status != DAE_OK)                                                                                          \
            goto label;                                                                                                \
    } while (0)

#endif
