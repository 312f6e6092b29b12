/* The OpenCL devices of the loaded drivers. Drivers are foreign code: each is probed in a child process before it is
 * loaded into this one (driver/drivers.h), and a bad one is never loaded. */
#ifndef DEVICE_PLATFORM_H
#define DEVICE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum device_type { DEVICE_CPU, DEVICE_GPU, DEVICE_OTHER };

/* One row of `dae-cl devices`. handle is the driver's, for device_open. */
struct platform_device {
    char platform[128], vendor[128], name[256], version[128], driver[128];
    enum device_type type;
    int compute_units;
    int vector_floats; /* of a native vector; whatever the driver says, even 0 */
    bool fused;        /* it multiplies and adds with one rounding, in one instruction */
    uint64_t memory_bytes, max_allocation_bytes, local_bytes;
    size_t max_work_group;
    bool usable;
    char reason[256]; /* why not usable */
    void *handle;
};

struct platform_list {
    struct platform_device *device; /* n of them, owned */
    int n, n_platforms;
    char problem[768]; /* if n is 0: what the loader or the platforms said, and what to do */
    char **notice;     /* n_notices of them, owned: a line for each driver that is not used, with the reason, and for a
                        * kernel cache that had to move */
    int n_notices;
};

/* Lists every device of every driver that the loader loads. A device whose driver violates the standard is listed as
 * not usable. No device at all is not a failure: `problem` says why. On success the caller releases the list. */
MUST_USE enum dae_status platform_list_loaded(struct platform_list *list, struct error *err);
void platform_list_release(struct platform_list *list);

/* Reduces a name from a driver to one line of printable characters without double spaces. */
void platform_clean_text(char *text);

/* "CPU", "GPU" or "other". */
const char *device_type_text(enum device_type type);

#endif
