#define _GNU_SOURCE
#include "driver/details.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <CL/cl.h>

#include "base/library_file.h"

/* An extension of the loaders, which no header on every system declares. */
typedef cl_int loader_info(cl_uint what, size_t len, void *value, size_t *needed);
typedef void *extension_address(const char *name);
enum { LOADER_OPENCL = 1, LOADER_VERSION = 2, LOADER_NAME = 3, LOADER_VENDOR = 4 };

static void add_loader_text(cJSON *loader, const char *key, loader_info *info, cl_uint what)
{
    char text[256] = "";
    if (info(what, sizeof text - 1, text, NULL) != CL_SUCCESS)
        return;
    platform_clean_text(text);
    cJSON_AddStringToObject(loader, key, text);
}

cJSON *details_loader(void)
{
    cJSON *loader = cJSON_CreateObject();
    char path[PATH_MAX];
    void *entry = dlsym(RTLD_DEFAULT, "clGetPlatformIDs");
    extension_address *address;
    loader_info *info = NULL;
    if (entry && library_file_of(entry, path))
        cJSON_AddStringToObject(loader, "library", path);
    /* POSIX's way of turning dlsym's void * into a function: the standard has none. */
    *(void **)&address = dlsym(RTLD_DEFAULT, "clGetExtensionFunctionAddress");
    if (address)
        *(void **)&info = address("clGetICDLoaderInfoOCLICD");
    if (info) {
        add_loader_text(loader, "vendor", info, LOADER_VENDOR);
        add_loader_text(loader, "name", info, LOADER_NAME);
        add_loader_text(loader, "version", info, LOADER_VERSION);
        add_loader_text(loader, "opencl", info, LOADER_OPENCL);
    }
    return loader;
}

static void add_text(cJSON *row, const char *key, cl_device_id id, cl_device_info what)
{
    char text[256] = "";
    if (clGetDeviceInfo(id, what, sizeof text - 1, text, NULL) != CL_SUCCESS)
        return;
    text[sizeof text - 1] = '\0';
    platform_clean_text(text);
    cJSON_AddStringToObject(row, key, text);
}

static void add_uint(cJSON *row, const char *key, cl_device_id id, cl_device_info what)
{
    cl_uint value = 0;
    if (clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS)
        cJSON_AddNumberToObject(row, key, value);
}

static void add_ulong(cJSON *row, const char *key, cl_device_id id, cl_device_info what)
{
    cl_ulong value = 0;
    if (clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS)
        cJSON_AddNumberToObject(row, key, (double)value);
}

static void add_flag(cJSON *row, const char *key, cl_device_id id, cl_device_info what)
{
    cl_bool value = CL_FALSE;
    if (clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS)
        cJSON_AddBoolToObject(row, key, value == CL_TRUE);
}

static void add_extensions(cJSON *row, cl_device_id id)
{
    size_t len = 0;
    cJSON *extensions = cJSON_AddArrayToObject(row, "extensions");
    if (clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &len) != CL_SUCCESS || len == 0)
        return;
    char *text = calloc(1, len + 1), *rest = NULL;
    if (text && clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, len, text, NULL) == CL_SUCCESS) {
        platform_clean_text(text);
        for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
            cJSON_AddItemToArray(extensions, cJSON_CreateString(word));
    }
    free(text);
}

cJSON *details_device(const struct platform_device *device)
{
    cl_device_id id = device->handle;
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "platform", device->platform);
    cJSON_AddStringToObject(row, "name", device->name);
    cJSON_AddStringToObject(row, "vendor", device->vendor);
    cJSON_AddStringToObject(row, "type", device_type_text(device->type));
    cJSON_AddStringToObject(row, "version", device->version);
    cJSON_AddStringToObject(row, "driver", device->driver);
    add_text(row, "c_version", id, CL_DEVICE_OPENCL_C_VERSION);
    cJSON_AddNumberToObject(row, "compute_units", device->compute_units);
    add_uint(row, "clock_mhz", id, CL_DEVICE_MAX_CLOCK_FREQUENCY);
    cJSON_AddNumberToObject(row, "memory_bytes", (double)device->memory_bytes);
    cJSON_AddNumberToObject(row, "max_allocation_bytes", (double)device->max_allocation_bytes);
    add_ulong(row, "cache_bytes", id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE);
    add_flag(row, "unified_memory", id, CL_DEVICE_HOST_UNIFIED_MEMORY);
    cJSON_AddNumberToObject(row, "max_work_group", (double)device->max_work_group);
    cJSON_AddNumberToObject(row, "local_bytes", (double)device->local_bytes);
    add_ulong(row, "constant_bytes", id, CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE);
    add_uint(row, "alignment_bits", id, CL_DEVICE_MEM_BASE_ADDR_ALIGN);
    add_extensions(row, id);
    return row;
}
