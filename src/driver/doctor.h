/* What an expert would look at when OpenCL does not work, or is slow: the loader, every driver, every device with its
 * limits and measured rates, the kernel cache, the environment, and what to do about each finding. It works without any
 * driver, and no driver is ever loaded into this process. It returns facts and prints nothing. */
#ifndef DRIVER_DOCTOR_H
#define DRIVER_DOCTOR_H

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"

/* Opens a listed device and adds what it can do at best to `rates`. Runs in a child process, and names its steps by
 * sandbox_step. A failure is a finding. */
typedef enum dae_status doctor_measure(const struct platform_device *listed, cJSON *rates, struct error *err);

/* Probes every driver again, and measures each usable device with `measure`; what is found is remembered for the next
 * run. *facts is owned by the caller (cJSON_Delete) and holds, in words that docs/truth.md explains: "system",
 * "loader", "drivers_from", "drivers", "kernel_cache", "memo_folder", "environment", "graphics", "findings",
 * "usable_devices" and "verdict". Must come before the process's first OpenCL call. That something is wrong with OpenCL
 * is no error. */
MUST_USE enum dae_status doctor_examine(doctor_measure *measure, cJSON **facts, struct error *err);

#endif
