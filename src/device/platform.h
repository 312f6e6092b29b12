/* Which OpenCL devices there are, and which one a request means. Drivers are strangers' code: each is probed in a child
 * process before it is loaded into this one (device/drivers.h), and a bad one never is. */
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
    uint64_t memory_bytes, max_allocation_bytes, local_bytes;
    size_t max_work_group;
    bool usable;
    char reason[256]; /* why not usable */
    void *handle;
};

struct platform_list {
    struct platform_device *device; /* n of them, owned */
    int n, n_platforms;
    char problem[768]; /* when n is 0: what the loader or the platforms said, and what to do */
    char **notice; /* n_notices of them, owned: a line for each driver that is not used, and why; a kernel cache that
                      had to move */
    int n_notices;
};

/* Lists every device of every driver. What the probe or the driver's own words speak against is listed as not usable.
 * No device at all is not a failure here: see `problem`. The first call of a process must be its first use of OpenCL.
 */
MUST_USE enum dae_status platform_list_devices(struct platform_list *list, struct error *err);
/* The same of what the loader gives, without a probe: for the probe itself. */
MUST_USE enum dae_status platform_list_loaded(struct platform_list *list, struct error *err);
void platform_list_release(struct platform_list *list);

/* Names come from drivers: keeps them to one line of printable characters, without double spaces. */
void platform_clean_text(char *text);

/* Picks the device that `request` means: NULL or "auto" (the first usable GPU, else the first usable CPU), "gpu",
 * "cpu", or a piece of a platform, vendor, device or version name (PoCL says its own only there) without regard to
 * case, optionally with ":N" for the N-th match from 0. Writes one line that says which and why. Nothing fits, or the
 * name fits several platforms: DAE_NO_DEVICE with the list of what is there; a malformed request: DAE_CONFIG. */
MUST_USE enum dae_status platform_choose(const struct platform_list *list, const char *request, int *index, char *line,
                                         size_t line_len, struct error *err);

/* "CPU", "GPU" or "other". */
const char *device_type_text(enum device_type type);

#endif
