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
static sigset_t ignored; /* at the start of the program, as nohup and shells without job control do it */

/* A driver may install a handler of its own (LLVM's removes the files of a running compilation), so what is to be
 * ignored is blocked, too, here and in the threads to come. */
void stop_begin(void)
{
    sigemptyset(&ignored);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
        struct sigaction action;
        if (sigaction(signals[i].number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored, signals[i].number);
    }
    outlives_terminal = sigismember(&ignored, SIGHUP) == 1;
    sigprocmask(SIG_BLOCK, &ignored, NULL);
}

void stop_listen(void)
{
    struct sigaction action = {0};
    sigset_t heard = ignored;
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i)
        if (signals[i].number == SIGHUP && outlives_terminal)
            sigdelset(&heard, SIGHUP);
        else
            sigaction(signals[i].number, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &heard, NULL);
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
