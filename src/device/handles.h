/* The OpenCL objects behind the opaque types, only for the device floor. */
#ifndef DEVICE_HANDLES_H
#define DEVICE_HANDLES_H

#include <CL/cl.h>

#include "base/text.h"
#include "device/program.h"

struct recorder; /* the launches of a running profile */

/* A program that was compiled on this device. It is kept until the device is closed, and equal sources share it,
 * because drivers without a cache take a second for each program. */
struct compiled {
    struct compiled *next;
    char *source, *options;
    cl_program program;
};

struct device {
    struct platform_device facts;
    struct tuning tuning;
    char line[DEVICE_LINE];
    struct text notices;
    size_t notices_given; /* bytes of them that the user knows */
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    uint64_t allocated_bytes;
    struct device_counters counters;
    struct recorder *recorder; /* NULL: launches are not timed */
    struct compiled *compiled; /* a list, owned */
    bool guards;               /* new buffers get guard zones */
    struct buffer *guarded;    /* the living buffers that have them, linked by `next` */
};

struct buffer {
    struct device *device;
    cl_mem memory;
    uint64_t bytes;
    cl_mem whole; /* with guard zones: `memory` is a piece of it, guard_bytes from either end; else NULL */
    uint64_t guard_bytes;
    char name[64];
    struct buffer *next;
};

struct program {
    struct device *device;
    cl_program program; /* the device's */
    char label[160];
};

struct kernel {
    struct device *device;
    cl_kernel kernel;
    char name[96];
    size_t max_group;
    cl_ulong local_bytes;
};

/* Frees the compiled programs; their kernels must be freed before. */
void programs_release(struct device *device);

/* Records a launch that is about to be enqueued; the result points to where its event goes. NULL: it is not timed. */
cl_event *profile_record(struct recorder *recorder, const struct kernel *kernel, const struct kernel_arg *args,
                         int n_args);

/* Makes buffer->memory a piece of a larger one, with a guard zone before and after it, and lists the buffer. Returns
 * OpenCL's code; a failure leaves nothing allocated. */
cl_int guard_create(struct buffer *buffer);
/* Takes the buffer off the list and releases the larger one. */
void guard_release(struct buffer *buffer);

/* Turns an OpenCL code into our status: lack of memory is DAE_NO_MEMORY, the rest DAE_OPENCL. */
MUST_USE enum dae_status device_fail(struct error *err, int code, const char *call, const char *what);

#endif
