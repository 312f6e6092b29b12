/* Which OpenCL devices can be used, which one a request means, and opening it. Drivers are strangers' code: each is
 * probed in a child process before it is loaded into this one (driver/drivers.h), and a bad one never is. */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "base/error.h"
#include "device/device.h"

/* Lists every device of every driver. What the probe or the driver's own words speak against is listed as not usable.
 * No device at all is not a failure here: see `problem`. The first call of a process must be its first use of OpenCL.
 * On success the caller releases: platform_list_release. */
MUST_USE enum dae_status driver_list_devices(struct platform_list *list, struct error *err);

/* Before the first list of a process (after it, it does nothing): when what is remembered of the drivers does not fit
 * the requests ("NAME,NAME", NULL: any device), each driver that is refused for what an earlier probe found is probed
 * once more, so that no command ends with exit status 3 because of a fault that has passed. */
MUST_USE enum dae_status driver_expect(const char *requests, struct error *err);

/* Picks the device that `request` means: NULL or "auto" (the first usable GPU, else the first usable CPU), "gpu",
 * "cpu", or a piece of a platform, vendor, device or version name (PoCL says its own only there) without regard to
 * case, optionally with ":N" for the N-th match from 0. Writes one line that says which and why. Nothing fits, or the
 * name fits several platforms: DAE_NO_DEVICE with the list of what is there; a malformed request: DAE_CONFIG. */
MUST_USE enum dae_status driver_choose(const struct platform_list *list, const char *request, int *index, char *line,
                                       size_t line_len, struct error *err);

/* Opens the device that `request` means (driver_choose). Its line says why it was chosen, its notices what is not used.
 * On success *out is owned by the caller: device_close. No device: DAE_NO_DEVICE; the driver refuses a context or
 * queue: DAE_OPENCL. */
MUST_USE enum dae_status driver_open(const char *request, const struct tuning_request *tuning, struct device **out,
                                     struct error *err);

#endif
