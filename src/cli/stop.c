#include "cli/stop.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked;

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
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (outlives_terminal)
        action.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &action, NULL);
}

enum dae_status stop_check(struct error *err)
{
    if (!asked)
        return DAE_OK;
    return error_stopped(err, asked, "stopped by %s",
                         asked == SIGTERM  ? "SIGTERM"
                         : asked == SIGHUP ? "SIGHUP"
                                           : "Ctrl-C");
}
