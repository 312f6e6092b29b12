/* Checks what an expert would check if OpenCL does not work or is slow: the loader, every driver, every device with its
 * limits and measured rates, the kernel cache, the environment; and says what to do about each finding. It works
 * without any driver, and never loads a driver into this process. It returns facts and prints nothing. */
#ifndef DRIVER_DOCTOR_H
#define DRIVER_DOCTOR_H

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"

/* Opens a listed device and adds its best rates to `rates`. Runs in a child process, and names its steps by
 * sandbox_step. A failure is a finding. */
typedef enum dae_status doctor_measure(const struct platform_device *listed, cJSON *rates, struct error *err);

/* Probes every driver again, and measures each usable device with `measure`; the results are remembered for the next
 * run. The caller owns *facts (cJSON_Delete), which contains, as docs/truth.md explains: "system", "loader",
 * "drivers_from", "drivers", "kernel_cache", "memo_folder", "environment", "graphics", "findings", "usable_devices" and
 * "verdict". Must come before the process's first OpenCL call. A fault of OpenCL is a finding, not an error. */
MUST_USE enum dae_status doctor_examine(doctor_measure *measure, cJSON **facts, struct error *err);

#endif
