/* Preloaded before the loader for oclgrind's check of uninitialised memory (tests/oclgrind.sh). Version 21.10
 * remembers, for each buffer, only the bytes that the host wrote LAST: after a fill by a pattern or a partial write,
 * everything that kernels store elsewhere counts as uninitialised. Here every fill, copy and write covers the whole
 * buffer in one piece, including the unchanged content around it. */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef cl_int write_function(cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *, cl_uint,
                              const cl_event *, cl_event *);

static write_function *real_write(void)
{
    static write_function *real;
    void *found = dlsym(RTLD_NEXT, "clEnqueueWriteBuffer");
    memcpy(&real, &found, sizeof real);
    return real;
}

/* Waits for earlier commands, and rewrites the buffer with `bytes` of `data` at `offset`. */
static cl_int write_whole(cl_command_queue queue, cl_mem buffer, size_t offset, size_t bytes, const void *data,
                          cl_event *event)
{
    size_t size;
    cl_int code = clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof size, &size, NULL);
    if (code != CL_SUCCESS)
        return code;
    if (offset > size || bytes > size - offset)
        return CL_INVALID_VALUE;
    char *whole = malloc(size);
    if (!whole)
        return CL_OUT_OF_HOST_MEMORY;
    code = clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, size, whole, 0, NULL, NULL);
    memcpy(whole + offset, data, bytes);
    if (code == CL_SUCCESS)
        code = real_write()(queue, buffer, CL_TRUE, 0, size, whole, 0, NULL, event);
    free(whole);
    return code;
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
                            const void *data, cl_uint n_wait, const cl_event *wait, cl_event *event)
{
    (void)blocking, (void)n_wait, (void)wait; /* queues are in order */
    return write_whole(queue, buffer, offset, bytes, data, event);
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_bytes,
                           size_t offset, size_t bytes, cl_uint n_wait, const cl_event *wait, cl_event *event)
{
    (void)n_wait, (void)wait;
    char *data = malloc(bytes);
    if (!data)
        return CL_OUT_OF_HOST_MEMORY;
    for (size_t at = 0; at + pattern_bytes <= bytes; at += pattern_bytes)
        memcpy(data + at, pattern, pattern_bytes);
    cl_int code = write_whole(queue, buffer, offset, bytes, data, event);
    free(data);
    return code;
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
                           size_t bytes, cl_uint n_wait, const cl_event *wait, cl_event *event)
{
    (void)n_wait, (void)wait;
    char *data = malloc(bytes);
    if (!data)
        return CL_OUT_OF_HOST_MEMORY;
    cl_int code = clEnqueueReadBuffer(queue, from, CL_TRUE, from_offset, bytes, data, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = write_whole(queue, to, to_offset, bytes, data, event);
    free(data);
    return code;
}
