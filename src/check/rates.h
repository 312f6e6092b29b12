/* Measures in a second or two what a device can do at best: the cost of a launch, products, copies. */
#ifndef CHECK_RATES_H
#define CHECK_RATES_H

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"

/* Opens a listed device, and adds to `rates`: "launch_queued_us" and "launch_waited_us", microseconds of a launch that
 * is queued after others, or waited for; "gemm_gflops", a product of 1008 x 1008 x 1008; "copy_gb_per_second", of 64
 * MiB within the device, read and written. Names its steps by sandbox_step. */
MUST_USE enum dae_status rates_measure(const struct platform_device *listed, cJSON *rates, struct error *err);

#endif
