/* Ctrl-C, SIGTERM and the end of the terminal (SIGHUP) ask for a clean stop. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <signal.h>

#include "base/error.h"

/* At the start of the program, before a driver replaces handlers: whether nohup has told it to outlive its terminal. */
void stop_begin(void);

/* From now on the first signal only asks for a stop, and says so; a second one ends the program at once, for it does
 * not wait for a kernel that never ends. Called after the device is open: some drivers replace handlers when they
 * start. */
void stop_listen(void);

/* The signal that asked for a stop, or 0. */
const volatile sig_atomic_t *stop_signal(void);

/* DAE_OK, or the status of error_stopped when a stop was asked for. */
MUST_USE enum dae_status stop_check(struct error *err);

#endif
