/* Compares training steps on a device with the optimiser's double-precision update. */
#ifndef CHECK_CHECK_UPDATES_H
#define CHECK_CHECK_UPDATES_H

#include "check/verifier.h"

/* Two steps, t = 1 and 2, from the initial parameters and a state of zeros; each number, including the parameters'
 * average, is compared with the update in double of the device's previous numbers. Afterwards the executor has its
 * initial parameters again. */
MUST_USE enum dae_status check_updates_run(struct verifier *v, struct executor *e);

#endif
