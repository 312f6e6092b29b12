#include "cli/stop.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

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

void stop_begin(void)
{
    struct sigaction action;
    outlives_terminal = sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void stop_listen(void)
{
    struct sigaction action = {0};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
        action.sa_handler = signals[i].number == SIGHUP && outlives_terminal ? SIG_IGN : on_signal;
        sigaction(signals[i].number, &action, NULL);
    }
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
