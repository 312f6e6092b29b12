#include "cli/stop.h"

#include <unistd.h>

static volatile sig_atomic_t asked;

const volatile sig_atomic_t *stop_signal(void)
{
    return &asked;
}

static void on_signal(int number)
{
    if (asked)
        _exit(128 + number);
    asked = number;
}

void stop_listen(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

enum dae_status stop_check(struct error *err)
{
    if (!asked)
        return DAE_OK;
    return asked == SIGTERM ? error_set(err, DAE_TERMINATED, "stopped by SIGTERM")
                            : error_set(err, DAE_INTERRUPTED, "stopped by Ctrl-C");
}
