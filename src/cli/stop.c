#include "cli/stop.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/library_file.h"

static volatile sig_atomic_t asked;

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGINT, "Ctrl-C"}, {SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGHUP, "SIGHUP"}};

const volatile sig_atomic_t *stop_signal(void)
{
    return &asked;
}

static void on_signal(int number)
{
    static const char words[] = "\nstopping cleanly; a second signal ends the program at once\n";
    if (asked)
        _exit(128 + number);
    asked = number;
    const ssize_t written = write(STDERR_FILENO, words, strlen(words));
    (void)written;
}

static bool outlives_terminal;

/* Stands in for the C library's function, also for shared libraries: what the signals of the table do is decided here
 * alone. LLVM, in an OpenCL driver, would install handlers that remove the files of a running compilation, so that a
 * build failed on a signal, even on one that nohup ignores. */
int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    static int (*real)(int, const struct sigaction *, struct sigaction *);
    if (!real)
        *(void **)&real = library_next("sigaction");
    bool is_ours = false;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i)
        is_ours = is_ours || (signals[i].number == number && action && action->sa_handler != on_signal);
    return real(number, is_ours ? NULL : action, old);
}

void stop_begin(void)
{
    struct sigaction action;
    outlives_terminal = sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void stop_listen(void)
{
    struct sigaction action = {0};
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i)
        if (signals[i].number != SIGHUP || !outlives_terminal)
            sigaction(signals[i].number, &action, NULL);
}

enum dae_status stop_check(struct error *err)
{
    if (!asked)
        return DAE_OK;
    const char *name = "a signal";
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i)
        if (signals[i].number == asked)
            name = signals[i].name;
    return error_stopped(err, asked, "stopped by %s", name);
}
