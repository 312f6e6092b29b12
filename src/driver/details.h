/* Facts for people about the loader and a device, beyond what the program itself acts on. */
#ifndef DRIVER_DETAILS_H
#define DRIVER_DETAILS_H

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"

/* The OpenCL loader that this program uses: "library", its path, and where it tells them "name", "vendor", "version"
 * and "opencl". Makes the loader load its drivers, so it is called in a child process that is limited to none. The
 * caller frees it: cJSON_Delete; NULL when out of memory. */
cJSON *details_loader(void);

/* Everything about a device: names, versions, limits in bytes and counts, extensions. Asks its driver. As above. */
cJSON *details_device(const struct platform_device *device);

#endif
