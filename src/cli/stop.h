/* Ctrl-C, SIGTERM, the end of the terminal (SIGHUP), and the signals by which schedulers warn before a time limit
 * (SIGUSR1, SIGUSR2) request a clean stop. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <signal.h>

#include "base/error.h"

/* Call it at the start of the program: finds out whether nohup lets it outlive its terminal. */
void stop_begin(void);

/* From now on the first signal only requests a stop, and says so; a second one ends the program at once, even if a
 * kernel never ends. Before, they have the effect that they had when the program started; no library can change it. */
void stop_listen(void);

/* The signal that requested a stop, or 0. */
const volatile sig_atomic_t *stop_signal(void);

/* DAE_OK, or the status of error_stopped if a stop was requested. */
MUST_USE enum dae_status stop_check(struct error *err);

#endif
