#include "device/platform.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <CL/cl.h>
#include <CL/cl_ext.h>

#include "base/sandbox.h"
#include "device/cl_status.h"

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64 };

const char *device_type_text(enum device_type type)
{
    return type == DEVICE_CPU ? "CPU" : type == DEVICE_GPU ? "GPU" : "other";
}

void platform_clean_text(char *text)
{
    char *to = text;
    for (const char *from = text; *from; ++from)
        if (isprint((unsigned char)*from) && !(*from == ' ' && (to == text || to[-1] == ' ')))
            *to++ = *from;
    while (to > text && to[-1] == ' ')
        --to;
    *to = '\0';
}

static void platform_text(cl_platform_id platform, cl_platform_info what, char *text, size_t len)
{
    text[0] = '\0';
    if (clGetPlatformInfo(platform, what, len - 1, text, NULL) != CL_SUCCESS)
        snprintf(text, len, "?");
    text[len - 1] = '\0';
    platform_clean_text(text);
}

static void device_text(cl_device_id device, cl_device_info what, char *text, size_t len)
{
    text[0] = '\0';
    if (clGetDeviceInfo(device, what, len - 1, text, NULL) != CL_SUCCESS)
        snprintf(text, len, "?");
    text[len - 1] = '\0';
    platform_clean_text(text);
}

/* Checks each property that the standard guarantees, because some drivers violate it. */
static void judge(struct platform_device *device, cl_device_id id)
{
    cl_bool available = CL_FALSE, compiler = CL_FALSE, little = CL_FALSE;
    clGetDeviceInfo(id, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
    clGetDeviceInfo(id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
    clGetDeviceInfo(id, CL_DEVICE_ENDIAN_LITTLE, sizeof little, &little, NULL);
    int major = 0, minor = 0;
    const char *why = NULL;
    if (!available)
        why = "the driver says the device is not available";
    else if (!compiler)
        why = "it has no OpenCL C compiler";
    else if (!little)
        why = "it is big-endian";
    else if (sscanf(device->version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        why = "it is older than OpenCL 1.2";
    else if (device->compute_units < 1 || device->max_work_group < 1 || device->memory_bytes == 0)
        why = "it reports no compute units or no memory";
    device->usable = !why;
    if (why)
        snprintf(device->reason, sizeof device->reason, "%s", why);
}

static void describe(struct platform_device *device, cl_platform_id platform, cl_device_id id)
{
    *device = (struct platform_device){.handle = id};
    platform_text(platform, CL_PLATFORM_NAME, device->platform, sizeof device->platform);
    device_text(id, CL_DEVICE_VENDOR, device->vendor, sizeof device->vendor);
    device_text(id, CL_DEVICE_NAME, device->name, sizeof device->name);
    device_text(id, CL_DEVICE_VERSION, device->version, sizeof device->version);
    device_text(id, CL_DRIVER_VERSION, device->driver, sizeof device->driver);
    cl_device_type type = 0;
    cl_uint units = 0, vector = 0;
    cl_device_fp_config precision = 0;
    cl_ulong memory = 0, allocation = 0, local = 0;
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    clGetDeviceInfo(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof vector, &vector, NULL);
    clGetDeviceInfo(id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof precision, &precision, NULL);
    clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof allocation, &allocation, NULL);
    clGetDeviceInfo(id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof device->max_work_group, &device->max_work_group, NULL);
    device->type = type & CL_DEVICE_TYPE_GPU ? DEVICE_GPU : type & CL_DEVICE_TYPE_CPU ? DEVICE_CPU : DEVICE_OTHER;
    device->compute_units = (int)units;
    device->vector_floats = vector <= INT_MAX ? (int)vector : 0;
    device->fused = precision & CL_FP_FMA;
    device->memory_bytes = memory;
    device->max_allocation_bytes = allocation;
    device->local_bytes = local;
    judge(device, id);
}

enum dae_status platform_list_loaded(struct platform_list *list, struct error *err)
{
    *list = (struct platform_list){0};
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint n_platforms = 0;
    cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms);
    if (code != CL_SUCCESS || n_platforms == 0) {
        snprintf(list->problem, sizeof list->problem, "the loader finds no platform (clGetPlatformIDs: %s)",
                 cl_status_text(code));
        return DAE_OK;
    }
    if (n_platforms > MAX_PLATFORMS)
        n_platforms = MAX_PLATFORMS;
    list->n_platforms = (int)n_platforms;
    list->device = calloc((size_t)n_platforms * MAX_DEVICES, sizeof *list->device);
    if (!list->device)
        return error_no_memory(err, "device list", n_platforms * MAX_DEVICES * sizeof *list->device);
    for (cl_uint p = 0; p < n_platforms; ++p) {
        cl_device_id devices[MAX_DEVICES];
        cl_uint n_devices = 0;
        char name[128];
        platform_text(platforms[p], CL_PLATFORM_NAME, name, sizeof name);
        sandbox_step("listing the devices of platform '%s'", name);
        code = clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices);
        if (code != CL_SUCCESS || n_devices == 0) {
            snprintf(list->problem, sizeof list->problem,
                     "platform '%s' has no device (clGetDeviceIDs: %s); possible causes: its settings in the "
                     "environment, a device that this user may not open, or a cache folder that it cannot create",
                     name, cl_status_text(code));
            continue;
        }
        sandbox_step("asking platform '%s' what its devices can do", name);
        for (cl_uint d = 0; d < n_devices && d < MAX_DEVICES; ++d)
            describe(&list->device[list->n++], platforms[p], devices[d]);
    }
    return DAE_OK;
}

void platform_list_release(struct platform_list *list)
{
    for (int i = 0; i < list->n_notices; ++i)
        free(list->notice[i]);
    free(list->notice);
    free(list->device);
    *list = (struct platform_list){0};
}
