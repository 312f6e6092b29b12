/* Ctrl-C and SIGTERM ask for a clean stop. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <signal.h>

#include "base/error.h"

/* From now on the first signal only asks for a stop; a second one ends the program at once, for it does not wait for a
 * kernel that never ends. Called after the device is open: some drivers replace handlers when they start. */
void stop_listen(void);

/* The signal that asked for a stop, or 0. */
const volatile sig_atomic_t *stop_signal(void);

/* DAE_OK, or DAE_INTERRUPTED or DAE_TERMINATED when a stop was asked for. */
MUST_USE enum dae_status stop_check(struct error *err);

#endif
