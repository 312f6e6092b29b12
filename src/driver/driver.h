/* Lists the usable OpenCL devices, chooses the one that a request means, and opens it. Drivers are foreign code: each
 * is probed in a child process before it is loaded into this one (driver/drivers.h), and a bad one is never loaded. Any
 * thread may call these functions: one at a time works, the others wait. */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "base/error.h"
#include "base/json.h"
#include "device/device.h"

/* Lists every device of every driver. A device that failed the probe, or whose driver says so, is listed as not usable.
 * No device at all is not a failure here: see `problem`. The first call of a process must be its first use of OpenCL.
 * On success the caller releases: platform_list_release. */
MUST_USE enum dae_status driver_list_devices(struct platform_list *list, struct error *err);

/* {"devices": [...]} with the facts of each device. The caller frees it with cJSON_Delete; NULL when out of memory. */
cJSON *driver_list_json(const struct platform_list *list);

/* If what is remembered of the drivers does not satisfy the requests ("NAME,NAME", NULL: any device), probes each
 * driver that was refused because of an earlier probe once more, so that no command ends with exit status 3 because of
 * a fault that has passed. Does nothing after the first list of a process. */
MUST_USE enum dae_status driver_expect(const char *requests, struct error *err);

/* Picks the device that `request` means: NULL or "auto" (the first usable GPU, else the first usable CPU), "gpu",
 * "cpu", or a part of a platform, vendor, device or version name (PoCL gives its name only there), ignoring case,
 * optionally with ":N" for the N-th match from 0. Writes one line that says which and why. DAE_NO_DEVICE with the list
 * of devices if nothing or several platforms match; DAE_CONFIG for a malformed request. */
MUST_USE enum dae_status driver_choose(const struct platform_list *list, const char *request, int *index, char *line,
                                       size_t line_len, struct error *err);

/* Opens the device that `request` means (driver_choose). Its line says why it was chosen, its notices what is not used.
 * On success the caller owns *out: device_close. DAE_NO_DEVICE if there is none; DAE_OPENCL if the driver refuses a
 * context or queue. */
MUST_USE enum dae_status driver_open(const char *request, const struct tuning_request *tuning, struct device **out,
                                     struct error *err);

/* Remembers what has been compiled (kernel_cache_finish): to be called when a program has finished with its devices. */
void driver_finish(void);

#endif
