#include "device/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "device/handles.h"

enum { LEAST_BYTES = 4096 };
static const cl_uint PATTERN = 0x7fc0dae5; /* a NaN */

void guard_set(struct device *device, bool on)
{
    device->guards = on;
}

/* A piece of a buffer must begin at the device's alignment; the pattern fills whole numbers. */
static uint64_t zone_bytes(const struct device *device)
{
    cl_uint bits = 0;
    if (clGetDeviceInfo(device->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL) != CL_SUCCESS)
        bits = 0;
    const uint64_t align = bits / 8 > 4 ? bits / 8 : 4;
    return (LEAST_BYTES + align - 1) / align * align;
}

cl_int guard_create(struct buffer *buffer)
{
    struct device *device = buffer->device;
    const uint64_t zone = zone_bytes(device), whole = (zone + buffer->bytes + 3) / 4 * 4 + zone;
    const cl_buffer_region region = {zone, buffer->bytes};
    cl_int code;
    cl_mem memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, whole, NULL, &code);
    if (!memory)
        return code;
    code = clEnqueueFillBuffer(device->queue, memory, &PATTERN, sizeof PATTERN, 0, whole, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        buffer->memory = clCreateSubBuffer(memory, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (!buffer->memory) {
        clReleaseMemObject(memory);
        return code;
    }
    buffer->whole = memory;
    buffer->guard_bytes = zone;
    buffer->next = device->guarded;
    device->guarded = buffer;
    return CL_SUCCESS;
}

void guard_release(struct buffer *buffer)
{
    for (struct buffer **at = &buffer->device->guarded; *at; at = &(*at)->next)
        if (*at == buffer) {
            *at = buffer->next;
            break;
        }
    clReleaseMemObject(buffer->whole);
}

/* Counts in the zone that begins at `offset`, without the incomplete number after the buffer's end. */
static cl_int count_changed(const struct buffer *buffer, uint64_t offset, cl_uint *zone, int64_t *n)
{
    cl_int code = clEnqueueReadBuffer(buffer->device->queue, buffer->whole, CL_TRUE, offset, buffer->guard_bytes, zone,
                                      0, NULL, NULL);
    *n = 0;
    for (uint64_t i = 0; code == CL_SUCCESS && i < buffer->guard_bytes / sizeof *zone; ++i)
        *n += zone[i] != PATTERN;
    return code;
}

enum dae_status guard_check(struct device *device, int64_t *n_changed, char *where, size_t len, struct error *err)
{
    *n_changed = 0;
    where[0] = '\0';
    for (const struct buffer *buffer = device->guarded; buffer; buffer = buffer->next) {
        const uint64_t offset[] = {0, (buffer->guard_bytes + buffer->bytes + 3) / 4 * 4};
        cl_uint *zone = malloc(buffer->guard_bytes);
        if (!zone)
            return error_no_memory(err, "guard zones", buffer->guard_bytes);
        cl_int code = CL_SUCCESS;
        for (int side = 0; side < 2 && code == CL_SUCCESS; ++side) {
            int64_t n;
            code = count_changed(buffer, offset[side], zone, &n);
            if (n && !*n_changed)
                snprintf(where, len, "%lld numbers %s '%s'", (long long)n, side ? "behind" : "before", buffer->name);
            *n_changed += n;
        }
        free(zone);
        if (code != CL_SUCCESS)
            return device_fail(err, code, "clEnqueueReadBuffer", "guard zones");
    }
    return DAE_OK;
}
