#include "device/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cl_status.h"
#include "device/handles.h"
#include "device/properties.h"

struct device_event {
    cl_event event;
};

enum dae_status device_fail(struct error *err, int code, const char *call, const char *what)
{
    bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY;
    return error_set(err, memory ? DAE_NO_MEMORY : DAE_OPENCL, "%s failed: %s: %s%s", call, what, cl_status_text(code),
                     memory ? "; try a smaller batch" : "");
}

enum dae_status device_open(const struct platform_device *listed, const struct tuning_request *tuning,
                            struct device **out, struct error *err)
{
    *out = NULL;
    struct device *device = calloc(1, sizeof *device);
    if (!device)
        return error_no_memory(err, "device", sizeof *device);
    enum dae_status status = DAE_OK;
    device->facts = *listed;
    device->id = device->facts.handle;
    TRY_GOTO(tuning_choose(&device->facts, tuning, &device->tuning, err), done);
    char problem[768] = "";
    if (!tuning->no_tuned)
        tuning_recall(&device->facts, &device->tuning, problem, sizeof problem);
    if (problem[0])
        text_printf(&device->notices, "warning: %s\n", problem);
    if (device->tuning.wide && !properties_of(&device->facts).known)
        text_printf(
            &device->notices,
            "device '%s' reports vectors of %d floats: kernels are generated for vectors of %d in %d registers\n",
            device->facts.name, device->facts.vector_floats, properties_of(&device->facts).vector_floats,
            properties_of(&device->facts).registers);
    cl_int code;
    device->context = clCreateContext(NULL, 1, &device->id, NULL, NULL, &code);
    if (!device->context) {
        status = device_fail(err, code, "clCreateContext", device->facts.name);
        goto done;
    }
    device->queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (!device->queue)
        status = device_fail(err, code, "clCreateCommandQueue", device->facts.name);
done:
    if (status != DAE_OK) {
        device_close(device);
        return status;
    }
    *out = device;
    return DAE_OK;
}

void device_close(struct device *device)
{
    if (!device)
        return;
    if (device->queue) {
        clFinish(device->queue);
        clReleaseCommandQueue(device->queue);
    }
    programs_release(device);
    if (device->context)
        clReleaseContext(device->context);
    text_release(&device->notices);
    free(device);
}

const struct platform_device *device_facts(const struct device *device)
{
    return &device->facts;
}

const struct tuning *device_tuning(const struct device *device)
{
    return &device->tuning;
}

void device_set_tuning(struct device *device, const struct tuning *tuning)
{
    device->tuning = *tuning;
}

const char *device_line(const struct device *device)
{
    return device->line;
}

void device_set_line(struct device *device, const char *line)
{
    snprintf(device->line, sizeof device->line, "%s", line);
}

const char *device_notices(const struct device *device)
{
    return device->notices.len > 0 ? device->notices.data : "";
}

const char *device_new_notices(struct device *device)
{
    const char *added = device_notices(device) + device->notices_given;
    device->notices_given = device->notices.len;
    return added;
}

enum dae_status device_add_notice(struct device *device, const char *line, struct error *err)
{
    if (!strstr(device_notices(device), line))
        text_printf(&device->notices, "%s\n", line);
    return device->notices.failed ? error_no_memory(err, "notices", strlen(line)) : DAE_OK;
}

struct device_counters device_count(const struct device *device)
{
    return device->counters;
}

enum dae_status device_check_memory(const struct device *device, uint64_t bytes, const char *what, const char *hint,
                                    struct error *err)
{
    uint64_t have = device->facts.memory_bytes - device->allocated_bytes;
    if (device->allocated_bytes > device->facts.memory_bytes)
        have = 0;
    if (bytes <= have)
        return DAE_OK;
    return error_set(err, DAE_NO_MEMORY, "%s needs %.1f MiB, but device '%s' has %.1f MiB left; %s", what,
                     (double)bytes / 0x1p20, device->facts.name, (double)have / 0x1p20, hint);
}

enum dae_status buffer_new(struct device *device, uint64_t bytes, const char *what, struct buffer **out,
                           struct error *err)
{
    *out = NULL;
    if (bytes == 0)
        bytes = 64; /* OpenCL refuses empty buffers */
    TRY(device_check_memory(device, bytes, what, "try a smaller batch", err));
    if (bytes > device->facts.max_allocation_bytes)
        return error_set(
            err, DAE_NO_MEMORY,
            "%s needs %.1f MiB in one piece, but device '%s' allocates at most %.1f MiB; try a smaller batch", what,
            (double)bytes / 0x1p20, device->facts.name, (double)device->facts.max_allocation_bytes / 0x1p20);
    struct buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer)
        return error_no_memory(err, what, sizeof *buffer);
    cl_int code;
    *buffer = (struct buffer){.device = device, .bytes = bytes};
    snprintf(buffer->name, sizeof buffer->name, "%s", what);
    if (device->guards)
        code = guard_create(buffer);
    else
        buffer->memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (!buffer->memory) {
        free(buffer);
        return device_fail(err, code, "clCreateBuffer", what);
    }
    device->allocated_bytes += bytes;
    const cl_uchar zero = 0;
    code = clEnqueueFillBuffer(device->queue, buffer->memory, &zero, sizeof zero, 0, bytes, 0, NULL, NULL);
    if (code != CL_SUCCESS) {
        buffer_free(buffer);
        return device_fail(err, code, "clEnqueueFillBuffer", what);
    }
    *out = buffer;
    return DAE_OK;
}

void buffer_free(struct buffer *buffer)
{
    if (!buffer)
        return;
    clReleaseMemObject(buffer->memory);
    if (buffer->whole)
        guard_release(buffer);
    buffer->device->allocated_bytes -= buffer->bytes;
    free(buffer);
}

uint64_t buffer_bytes(const struct buffer *buffer)
{
    return buffer->bytes;
}

enum dae_status buffer_write(struct buffer *buffer, uint64_t offset_bytes, const void *data, uint64_t bytes,
                             struct error *err)
{
    if (bytes == 0)
        return DAE_OK;
    ++buffer->device->counters.waits;
    cl_int code =
        clEnqueueWriteBuffer(buffer->device->queue, buffer->memory, CL_TRUE, offset_bytes, bytes, data, 0, NULL, NULL);
    return code == CL_SUCCESS ? DAE_OK : device_fail(err, code, "clEnqueueWriteBuffer", buffer->device->facts.name);
}

enum dae_status buffer_read(const struct buffer *buffer, uint64_t offset_bytes, void *data, uint64_t bytes,
                            struct error *err)
{
    if (bytes == 0)
        return DAE_OK;
    ++buffer->device->counters.waits;
    cl_int code =
        clEnqueueReadBuffer(buffer->device->queue, buffer->memory, CL_TRUE, offset_bytes, bytes, data, 0, NULL, NULL);
    return code == CL_SUCCESS ? DAE_OK : device_fail(err, code, "clEnqueueReadBuffer", buffer->device->facts.name);
}

enum dae_status buffer_write_later(struct buffer *buffer, const void *data, uint64_t bytes, struct device_event **event,
                                   struct error *err)
{
    *event = malloc(sizeof **event);
    if (!*event)
        return error_no_memory(err, "event", sizeof **event);
    cl_command_queue queue = buffer->device->queue;
    cl_int code = clEnqueueWriteBuffer(queue, buffer->memory, CL_FALSE, 0, bytes, data, 0, NULL, &(*event)->event);
    if (code == CL_SUCCESS && (code = clFlush(queue)) == CL_SUCCESS)
        return DAE_OK;
    free(*event);
    *event = NULL;
    return device_fail(err, code, "clEnqueueWriteBuffer", buffer->device->facts.name);
}

enum dae_status buffer_read_later(const struct buffer *buffer, uint64_t offset_bytes, void *data, uint64_t bytes,
                                  struct device_event **event, struct error *err)
{
    *event = malloc(sizeof **event);
    if (!*event)
        return error_no_memory(err, "event", sizeof **event);
    cl_command_queue queue = buffer->device->queue;
    cl_int code =
        clEnqueueReadBuffer(queue, buffer->memory, CL_FALSE, offset_bytes, bytes, data, 0, NULL, &(*event)->event);
    if (code == CL_SUCCESS && (code = clFlush(queue)) == CL_SUCCESS)
        return DAE_OK;
    free(*event);
    *event = NULL;
    return device_fail(err, code, "clEnqueueReadBuffer", buffer->device->facts.name);
}

enum dae_status buffer_copy(const struct buffer *from, struct buffer *to, uint64_t bytes, struct error *err)
{
    cl_int code = clEnqueueCopyBuffer(to->device->queue, from->memory, to->memory, 0, 0, bytes, 0, NULL, NULL);
    return code == CL_SUCCESS ? DAE_OK : device_fail(err, code, "clEnqueueCopyBuffer", to->device->facts.name);
}

enum dae_status device_event_wait(struct device *device, struct device_event *event, struct error *err)
{
    cl_int code = clWaitForEvents(1, &event->event);
    clReleaseEvent(event->event);
    free(event);
    ++device->counters.waits;
    return code == CL_SUCCESS ? DAE_OK : device_fail(err, code, "clWaitForEvents", device->facts.name);
}

enum dae_status device_finish(struct device *device, struct error *err)
{
    ++device->counters.waits;
    cl_int code = clFinish(device->queue);
    return code == CL_SUCCESS ? DAE_OK : device_fail(err, code, "clFinish", device->facts.name);
}
