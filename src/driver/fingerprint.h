/* What a driver's behaviour depends on, as text: when none of it has changed, what was found out about the driver still
 * holds. */
#ifndef DRIVER_FINGERPRINT_H
#define DRIVER_FINGERPRINT_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "driver/icd.h"

/* Size and time of a file or folder, which change when it does; "missing". */
void fingerprint_file(const char *path, char *stamp, size_t len);

/* This start of the system: kernel modules, firmware, and the machine itself when it is a virtual one, mostly change
 * between two of them. */
void fingerprint_boot(char *text, size_t len);

/* Appends everything else, except the libraries that the driver brings, which are only known once it was loaded: the
 * .icd file's path and content, where the dynamic loader looks for libraries, the host and its kernel, the devices that
 * this user may open, the environment. `format` stands for the caller's own version. */
MUST_USE enum dae_status fingerprint_driver(const struct icd *icd, int format, struct text *key, struct error *err);

#endif
