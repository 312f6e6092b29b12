/* What a driver's behaviour depends on, as text: as long as none of it has changed, what was found out about the driver
 * remains valid. */
#ifndef DRIVER_FINGERPRINT_H
#define DRIVER_FINGERPRINT_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "driver/icd.h"

/* Size and time of a file or folder, which change when it does; "missing". */
void fingerprint_file(const char *path, char *stamp, size_t len);

/* Identifies this boot: kernel modules, firmware and a virtual machine itself mostly change between two boots. */
void fingerprint_boot(char *text, size_t len);

/* Appends everything else, except the libraries that the driver brings, which are known only after it was loaded: the
 * .icd file's path and content, where the dynamic loader searches for libraries, the host and its kernel, the devices
 * that this user may open, the environment. `format` is the caller's own version. */
MUST_USE enum dae_status fingerprint_driver(const struct icd *icd, int format, struct text *key, struct error *err);

#endif
