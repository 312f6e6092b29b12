/* An OpenCL driver can end the whole program: PoCL aborts on a damaged kernel cache, a compiler exits when the disk is
 * full. Then these are the program's last words, and its exit status is DAE_OPENCL's. */
#ifndef CLI_DRIVER_GUARD_H
#define CLI_DRIVER_GUARD_H

#include "device/device.h"

/* From now on an abort, or an exit that is not main's own, is told as the driver's. To be called after the device was
 * opened, as drivers set signal handlers of their own then. */
void driver_guard_arm(const struct device *device);
/* main is about to return. */
void driver_guard_disarm(void);

/* Compilers of drivers can hang. The program ends so, too, unless driver_guard_in_time comes within so many seconds.
 * One at a time; after driver_guard_arm. `what` is a phrase: "the check that ...". */
void driver_guard_wait(const struct device *device, const char *what, unsigned seconds);
void driver_guard_in_time(void);

#endif
