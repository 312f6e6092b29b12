/* Inside the device floor only: the OpenCL objects behind the opaque types. */
#ifndef DEVICE_HANDLES_H
#define DEVICE_HANDLES_H

#include <CL/cl.h>

#include "device/device.h"

struct device {
    struct platform_device facts;
    struct tuning tuning;
    char line[768];
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    uint64_t allocated_bytes;
    struct device_counters counters;
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

/* Turns an OpenCL code into our status: lack of memory is DAE_NO_MEMORY, the rest DAE_OPENCL. */
MUST_USE enum dae_status device_fail(struct error *err, int code, const char *call, const char *what);

#endif
