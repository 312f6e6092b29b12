/* Measures how long each launch takes on the device, by OpenCL's own clock. It costs nothing unless it is started. */
#ifndef DEVICE_PROFILE_H
#define DEVICE_PROFILE_H

#include "base/error.h"
#include "device/device.h"

enum { PROFILE_SIZES = 3 };

/* All launches of one kernel with the same leading integer arguments, which are m, n and k for a matrix product. */
struct profile_row {
    char name[96]; /* the kernel's */
    int32_t size[PROFILE_SIZES];
    int n_sizes;
    uint64_t calls;
    double seconds; /* from start to end, of all calls together */
};

/* Rows in the order of their first launch. Zero-initialise; filled by profile_stop, freed by profile_release. */
struct profile {
    struct profile_row *row;
    int n_rows;
};

/* Waits for the device, and from then on times every launch, except those of libraries (CLBlast). DAE_OPENCL if the
 * device cannot time. */
MUST_USE enum dae_status profile_start(struct device *device, struct error *err);
/* Waits for the device, stops timing and fills *profile. After profile_start it must be called before device_close,
 * even after a failure. */
MUST_USE enum dae_status profile_stop(struct device *device, struct profile *profile, struct error *err);
void profile_release(struct profile *profile);

#endif
