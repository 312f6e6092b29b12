/* Inside the device floor only: the OpenCL objects behind the opaque types. */
#ifndef DEVICE_HANDLES_H
#define DEVICE_HANDLES_H

#include <CL/cl.h>

#include "device/device.h"

struct recorder; /* the launches of a running profile */

struct device {
    struct platform_device facts;
    struct tuning tuning;
    char line[768];
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    uint64_t allocated_bytes;
    struct device_counters counters;
    struct recorder *recorder; /* NULL: launches are not timed */
};

struct buffer {
    struct device *device;
    cl_mem memory;
    uint64_t bytes;
};

struct program {
    struct device *device;
    cl_program program;
    char label[160];
};

struct kernel {
    struct device *device;
    cl_kernel kernel;
    char name[96];
    size_t max_group;
    cl_ulong local_bytes;
};

/* Notes a launch that is about to be enqueued; its event goes where the result points. NULL: do without. */
cl_event *profile_record(struct recorder *recorder, const struct kernel *kernel, const struct kernel_arg *args,
                         int n_args);

/* Turns an OpenCL code into our status: lack of memory is DAE_NO_MEMORY, the rest DAE_OPENCL. */
MUST_USE enum dae_status device_fail(struct error *err, int code, const char *call, const char *what);

#endif
