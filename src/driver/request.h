/* What a config says about the device that it runs on: the key `device`. */
#ifndef DRIVER_REQUEST_H
#define DRIVER_REQUEST_H

#include "config/rows.h"
#include "device/tuning.h"

/* The keys of the map `device`. */
extern const struct dae_row device_request_rows[];

/* The requested device, and how to use it. Texts are borrowed from the tree, or from what is put here instead. */
struct device_request {
    const char *platform; /* for driver_open */
    const char *asked_by; /* the origin of the request, "the config's `device`"; NULL if there is none */
    struct tuning_request tuning;
};

/* Reads `device`, a text as for --platform or a map with it and further choices; NULL leaves the choice open. Pure, so
 * that an invalid `device` is found before any OpenCL call. DAE_CONFIG at the place. */
MUST_USE enum dae_status device_request_read(const struct value *device, struct device_request *request,
                                             struct error *err);

#endif
