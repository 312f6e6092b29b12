/* A smaller device: preloaded before the loader, it lowers what every device reports and refuses what exceeds it, as a
 * small GPU or a phone would. Built and used by tests/cli/lowered.sh.
 *
 * LOWERED_GROUP (64) work-items of a group, LOWERED_LOCAL (16384) bytes of local memory, LOWERED_ALLOCATION (2^28)
 * bytes of one buffer, LOWERED_VECTOR (as it is) floats of a native vector; no fp64, no extension at all, 64 KiB of
 * constant memory, no images. LOWERED_SILENT=1: it refuses the same, but does not report its limits. */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h" /* this file is built by itself */

enum { CONSTANT_BYTES = 64 << 10 };

static cl_ulong limit(const char *name, cl_ulong otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static cl_ulong most_group(void)
{
    return limit("LOWERED_GROUP", 64);
}

static cl_ulong most_local(void)
{
    return limit("LOWERED_LOCAL", 16384);
}

static cl_ulong most_allocation(void)
{
    return limit("LOWERED_ALLOCATION", 1 << 28);
}

static bool silent(void)
{
    return getenv("LOWERED_SILENT") != NULL;
}

/* The loader's function of that name, put into `real`; void pointers may not be cast to functions in plain C. */
#define REAL(name)                                                                                                     \
    static __typeof__(name) *real;                                                                                     \
    if (!real) {                                                                                                       \
        void *found = dlsym(RTLD_NEXT, #name);                                                                         \
        memcpy(&real, &found, sizeof real);                                                                            \
    }

static cl_int answer_long(cl_ulong value, size_t len, void *to, size_t *needed)
{
    return answer(&value, sizeof value, len, to, needed);
}

static cl_int answer_size(size_t value, size_t len, void *to, size_t *needed)
{
    return answer(&value, sizeof value, len, to, needed);
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t len, void *to, size_t *needed)
{
    REAL(clGetDeviceInfo)
    const size_t sizes[3] = {most_group(), most_group(), most_group()};
    const cl_bool no = CL_FALSE;
    const cl_uint vector = (cl_uint)limit("LOWERED_VECTOR", 0);
    if (silent())
        return real(device, what, len, to, needed);
    switch (what) {
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer_size(most_group(), len, to, needed);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
        return getenv("LOWERED_VECTOR") ? answer(&vector, sizeof vector, len, to, needed)
                                        : real(device, what, len, to, needed);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES:
        return answer(sizes, sizeof sizes, len, to, needed);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer_long(most_local(), len, to, needed);
    case CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE:
        return answer_long(CONSTANT_BYTES, len, to, needed);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return answer_long(most_allocation(), len, to, needed);
    case CL_DEVICE_DOUBLE_FP_CONFIG:
        return answer_long(0, len, to, needed);
    case CL_DEVICE_IMAGE_SUPPORT:
        return answer(&no, sizeof no, len, to, needed);
    case CL_DEVICE_EXTENSIONS:
        return answer("", 1, len, to, needed);
    default:
        return real(device, what, len, to, needed);
    }
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what, size_t len,
                                void *to, size_t *needed)
{
    REAL(clGetKernelWorkGroupInfo)
    cl_int code = real(kernel, device, what, len, to, needed);
    if (code == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && to && !silent() && *(size_t *)to > most_group())
        *(size_t *)to = most_group();
    return code;
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code)
{
    REAL(clCreateBuffer)
    if (bytes <= most_allocation())
        return real(context, flags, bytes, host, code);
    if (code)
        *code = CL_INVALID_BUFFER_SIZE;
    return NULL;
}

cl_mem clCreateImage(cl_context context, cl_mem_flags flags, const cl_image_format *format, const cl_image_desc *shape,
                     void *host, cl_int *code)
{
    (void)context, (void)flags, (void)format, (void)shape, (void)host;
    if (code)
        *code = CL_INVALID_OPERATION;
    return NULL;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint n, const char **source, const size_t *len,
                                     cl_int *code)
{
    REAL(clCreateProgramWithSource)
    /* A macro, so that the compiler refuses a `double` where it is used and ignores one that a false #if hides. */
    const char **sources = malloc((n + 1) * sizeof *sources);
    size_t *lens = calloc(n + 1, sizeof *lens);
    if (!sources || !lens)
        abort();
    sources[0] = "#define double this_device_has_no_double_precision\n";
    for (cl_uint i = 0; i < n; ++i) {
        sources[i + 1] = source[i];
        lens[i + 1] = len ? len[i] : 0;
    }
    cl_program program = real(context, n + 1, sources, lens, code);
    free(sources);
    free(lens);
    return program;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint rank, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint n_wait, const cl_event *wait,
                              cl_event *event)
{
    REAL(clEnqueueNDRangeKernel)
    cl_device_id device;
    cl_ulong local_bytes;
    size_t group = 1;
    for (cl_uint i = 0; local && i < rank; ++i)
        group *= local[i];
    if (group > most_group())
        return CL_INVALID_WORK_GROUP_SIZE;
    if (clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL) == CL_SUCCESS &&
        clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local_bytes, &local_bytes, NULL) ==
            CL_SUCCESS &&
        local_bytes > most_local())
        return CL_OUT_OF_RESOURCES;
    return real(queue, kernel, rank, offset, global, local, n_wait, wait, event);
}
