/* Guard zones: what a kernel writes outside of its buffers is found, and what it reads there shows. For verification;
 * they cost memory. */
#ifndef DEVICE_GUARD_H
#define DEVICE_GUARD_H

#include "device/device.h"

/* From now on (or, with false, no longer) each new buffer lies between two zones of at least 4 KiB that hold a NaN of
 * one pattern. A kernel that writes there is found by guard_check, one that computes with what it reads there
 * gets a NaN. */
void guard_set(struct device *device, bool on);
/* Waits, and counts the numbers (4 bytes each) that have changed in the zones of all living buffers. `where` (len
 * bytes) says which, "3 numbers behind 'losses'", or is "". */
MUST_USE enum dae_status guard_check(struct device *device, int64_t *n_changed, char *where, size_t len,
                                     struct error *err);

#endif
