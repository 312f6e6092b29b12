/* Guard zones detect what a kernel writes outside of its buffers, and reveal what it reads there. They cost memory and
 * are for verification. */
#ifndef DEVICE_GUARD_H
#define DEVICE_GUARD_H

#include "device/device.h"

/* From now on (with false: no longer) each new buffer is between two zones of at least 4 KiB filled with one NaN
 * pattern. guard_check detects a kernel that writes there; a kernel that computes with what it reads there gets a
 * NaN. */
void guard_set(struct device *device, bool on);
/* Waits, and counts the numbers (4 bytes each) that have changed in the zones of all existing buffers. `where` (len
 * bytes) says which: "3 numbers behind 'losses'"; or it is "". */
MUST_USE enum dae_status guard_check(struct device *device, int64_t *n_changed, char *where, size_t len,
                                     struct error *err);

#endif
