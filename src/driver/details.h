/* Facts about the loader and a device that are only for people; the program does not act on them. */
#ifndef DRIVER_DETAILS_H
#define DRIVER_DETAILS_H

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"

/* The OpenCL loader that this program uses: "library", its path, and, if it reports them, "name", "vendor", "version"
 * and "opencl". This makes the loader load its drivers, so it must be called in a child process that is limited to no
 * driver. The caller frees the result with cJSON_Delete; NULL when out of memory. */
cJSON *details_loader(void);

/* Everything that its driver reports about a device: names, versions, limits in bytes and counts, extensions. The
 * caller frees it in the same way. */
cJSON *details_device(const struct platform_device *device);

#endif
