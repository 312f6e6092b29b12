#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const char own[] = "dae-cl: ";

static enum dae_status record(struct error *err, enum dae_status status, const char *prefix, const char *format,
                              va_list args)
{
    if (err->status != DAE_OK)
        return err->status;
    err->status = status;
    int at = snprintf(err->text, sizeof err->text, "%s", prefix);
    if (at >= 0 && (size_t)at < sizeof err->text)
        vsnprintf(err->text + at, sizeof err->text - (size_t)at, format, args);
    utf8_clean(err->text);
    return status;
}

enum dae_status error_set(struct error *err, enum dae_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status = record(err, status, "dae-cl: error: ", format, args);
    va_end(args);
    return status;
}

enum dae_status error_at(struct error *err, enum dae_status status, struct mark mark, const char *format, ...)
{
    char prefix[1024];
    if (mark.file && mark.line > 0)
        snprintf(prefix, sizeof prefix, "%s:%d:%d: error: ", mark.file, mark.line, mark.column);
    else if (mark.file)
        snprintf(prefix, sizeof prefix, "dae-cl: error: %s: ", mark.file);
    else
        snprintf(prefix, sizeof prefix, "dae-cl: error: ");
    va_list args;
    va_start(args, format);
    status = record(err, status, prefix, format, args);
    va_end(args);
    return status;
}

/* Spelled out, because the numbers of signals differ between systems, and exit codes must not. */
static enum dae_status stop_status(int signal)
{
    switch (signal) {
    case SIGTERM:
        return DAE_TERMINATED;
    case SIGHUP:
        return DAE_HANGUP;
    case SIGUSR1:
        return DAE_USER1;
    case SIGUSR2:
        return DAE_USER2;
    default:
        return DAE_INTERRUPTED;
    }
}

enum dae_status error_stopped(struct error *err, int signal, const char *format, ...)
{
    const enum dae_status why = stop_status(signal);
    va_list args;
    va_start(args, format);
    const enum dae_status status = record(err, why, own, format, args); /* not an error */
    va_end(args);
    return status;
}

bool status_is_stop(enum dae_status status)
{
    return status >= DAE_HANGUP;
}

void error_note(struct error *err, const char *format, ...)
{
    size_t at = strlen(err->text);
    int n = snprintf(err->text + at, sizeof err->text - at, "\nnote: ");
    if (n < 0 || at + (size_t)n >= sizeof err->text)
        return;
    at += (size_t)n;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + at, sizeof err->text - at, format, args);
    va_end(args);
    utf8_clean(err->text + at);
}

enum dae_status error_io(struct error *err, const char *what, const char *path)
{
    int code = errno;
    const enum dae_status status = error_set(err, DAE_IO, "cannot %s %s: %s%s", what, path, strerror(code),
                                             code == ENOSPC || code == EDQUOT ? "; free some space and run again" : "");
    if (code == ENOENT && strncmp(path, "~/", 2) == 0)
        error_note(err, "only a shell expands ~, and only at the beginning of a word; write $HOME");
    return status;
}

enum dae_status error_no_memory(struct error *err, const char *what, unsigned long long bytes)
{
    if (bytes == 0)
        return error_set(err, DAE_NO_MEMORY, "out of memory: %s", what);
    return error_set(err, DAE_NO_MEMORY, "out of memory: %s (%llu bytes)", what, bytes);
}

const char *error_message(const struct error *err)
{
    static const char lead[] = "error: ";
    const char *message = strstr(err->text, lead);
    if (message)
        return message + strlen(lead);
    return strncmp(err->text, own, strlen(own)) == 0 ? err->text + strlen(own) : err->text;
}

/* "FILE:LINE:COLUMN: error: ..."; FILE itself may contain colons. */
bool error_place(const struct error *err, char *file, size_t len, int *line, int *column)
{
    const char *end = strstr(err->text, ": error: "), *colon[2] = {end, end};
    for (int i = 0; i < 2 && colon[i]; ++i) {
        const char *at = colon[i];
        while (at > err->text && at[-1] >= '0' && at[-1] <= '9')
            --at;
        if (at == colon[i] || at == err->text || at[-1] != ':')
            return false;
        colon[i] = at - 1;
        if (i == 0)
            colon[1] = colon[0];
    }
    if (!end || colon[1] == err->text || (size_t)(colon[1] - err->text) >= len)
        return false;
    memcpy(file, err->text, (size_t)(colon[1] - err->text));
    file[colon[1] - err->text] = '\0';
    *line = (int)strtol(colon[1] + 1, NULL, 10);
    *column = (int)strtol(colon[0] + 1, NULL, 10);
    return true;
}

const char *status_text(enum dae_status status)
{
    switch (status) {
#define ROW(name, code, text)                                                                                          \
    case name:                                                                                                         \
        return text;
        DAE_STATUSES(ROW)
#undef ROW
    }
    return "unknown status";
}
