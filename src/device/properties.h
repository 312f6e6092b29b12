/* The properties of a device that the choice of register tiles depends on, and the text that identifies it. */
#ifndef DEVICE_PROPERTIES_H
#define DEVICE_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>

#include "device/platform.h"

enum { PROPERTIES_LINE = 1280 }; /* bytes of properties_identity */

struct properties {
    int vector_floats; /* floats of a vector register: 16, 8 or 4 */
    int registers;     /* vector registers that a work-item has */
    bool known;        /* false: the device reports no such vector, and the numbers are a safe middle */
};

/* The row of the table for this device. OpenCL reports how wide its vectors are but not how many registers it has; that
 * follows from their width and the architecture of a CPU. */
struct properties properties_of(const struct platform_device *device);

/* One line (len bytes): the instruction sets of this machine's processor that matter to kernels, and the variables that
 * make a driver compile for another one. */
void properties_processor(char *line, size_t len);

/* Writes one line with all that code for this device and its speed depend on: platform, device, driver, compute units,
 * vectors, and, for a CPU, its instruction sets. Everything remembered about a device is keyed by this line, so that
 * machines that differ only in instructions never share it. */
void properties_identity(const struct platform_device *device, char line[PROPERTIES_LINE]);

#endif
