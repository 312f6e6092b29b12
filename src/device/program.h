/* Programs of OpenCL C, their kernels, and launches on a device's queue. */
#ifndef DEVICE_PROGRAM_H
#define DEVICE_PROGRAM_H

#include "device/device.h"

struct program;
struct kernel;

/* Builds OpenCL C 1.2 source; `label` names it in errors ("network conv_mnist, training"). A failed build is DAE_OPENCL
 * with the compiler's log. A source that this device has already built with these options is not compiled again. The
 * caller owns the program. */
MUST_USE enum dae_status program_build(struct device *device, const char *label, const char *source,
                                       const char *options, struct program **out, struct error *err);
void program_free(struct program *program); /* NULL is fine; its kernels must be freed before */

/* The kernel of that name. Owned by the caller. */
MUST_USE enum dae_status kernel_new(struct program *program, const char *name, struct kernel **out, struct error *err);
void kernel_free(struct kernel *kernel); /* NULL is fine */

struct kernel_arg {
    enum { KERNEL_BUFFER, KERNEL_INT, KERNEL_UINT, KERNEL_LONG, KERNEL_FLOAT } kind;
    union {
        const struct buffer *buffer;
        int32_t i;
        uint32_t u;
        int64_t l;
        float f;
    } value;
};
#define ARG_BUFFER(b) ((struct kernel_arg){KERNEL_BUFFER, {.buffer = (b)}})
#define ARG_INT(v) ((struct kernel_arg){KERNEL_INT, {.i = (int32_t)(v)}})
#define ARG_UINT(v) ((struct kernel_arg){KERNEL_UINT, {.u = (uint32_t)(v)}})
#define ARG_LONG(v) ((struct kernel_arg){KERNEL_LONG, {.l = (int64_t)(v)}})
#define ARG_FLOAT(v) ((struct kernel_arg){KERNEL_FLOAT, {.f = (float)(v)}})

/* Enqueues global[0] x global[1] work-items in groups of local[0] x local[1]. The group size is first checked against
 * the device's limit for this kernel. */
MUST_USE enum dae_status kernel_launch(struct kernel *kernel, const size_t global[2], const size_t local[2],
                                       const struct kernel_arg *args, int n_args, struct error *err);

#endif
