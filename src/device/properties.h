/* What a device is made of, as far as the choice of register tiles asks, and what tells it apart from others. */
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

/* The row of the table for this device. OpenCL tells how wide its vectors are and not how many registers it has, which
 * follows from their width and the architecture of a CPU. */
struct properties properties_of(const struct platform_device *device);

/* One line (len bytes): which of the instruction sets that matter to kernels this machine's processor has, and the
 * variables that make a driver compile for another one. */
void properties_processor(char *line, size_t len);

/* Writes one line with all that code for this device and its speed depend on: platform, device, driver,
 * compute units, vectors, and, of a CPU, its instruction sets. Whatever is remembered about a device is remembered
 * under this line, so that machines which differ in instructions only never share it. */
void properties_identity(const struct platform_device *device, char line[PROPERTIES_LINE]);

#endif
