/* An OpenCL driver can end the whole program: PoCL aborts on a damaged kernel cache, a compiler exits if the disk is
 * full. The guard then prints the last message and sets the exit status of DAE_OPENCL. */
#ifndef CLI_DRIVER_GUARD_H
#define CLI_DRIVER_GUARD_H

#include "device/device.h"
#include "graph/plugin.h"

/* From now on an abort, or an exit that is not main's own, is reported as the driver's. Call it after the device was
 * opened, because drivers then set their own signal handlers. */
void driver_guard_arm(const struct device *device);
/* The network has this plugin, which is not part of dae-cl (or NULL), so that it may be the cause as well as the
 * driver. Call it after driver_guard_arm. */
void driver_guard_suspect(const struct plugin *plugin);
/* main is about to return. */
void driver_guard_disarm(void);

/* Drivers' compilers can hang. The program also ends unless driver_guard_in_time is called within this many seconds.
 * One limit at a time, after driver_guard_arm. `what` is a phrase: "the check at ...". */
void driver_guard_wait(const struct device *device, const char *what, unsigned seconds);
void driver_guard_in_time(void);

#endif
