/* What the bits of a training depend on besides its config and its samples: the program, its devices, their drivers,
 * and what was chosen for them. A checkpoint records it, so that a resume can say if its bytes will not be those of a
 * run that was never stopped. */
#ifndef TRAIN_CIRCUMSTANCES_H
#define TRAIN_CIRCUMSTANCES_H

#include "base/text.h"
#include "train/multi_device.h"

/* Appends a line "KEY: VALUE" for each, for the device and its helpers. */
void circumstances_write(const struct device *device, const struct multi_device_helper *helper, int n_helpers,
                         struct text *text);

/* Appends what differs, "driver 3.1 (now 4.0), compute units 8 (now 2)", or nothing. Keys that only one of the texts
 * has do not count. */
void circumstances_difference(const char *then, const char *now, struct text *text);

#endif
