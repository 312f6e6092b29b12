#include "device/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/clock.h"
#include "device/cl_status.h"
#include "device/handles.h"
#include "device/kernel_cache.h"
#include "device/properties.h"

/* PoCL fails about one build in a hundred with an empty log when processes share a cold kernel cache; a fresh program
 * object then builds. An error in the source has a log and is not retried. */
enum { BUILD_TRIES = 5 };

/* Programs are kept on disk if the driver does not keep them: those that took long and left nothing in the driver's
 * cache. */
static const double worth_keeping = 0.1; /* seconds of compiling */
enum { KEPT_PROGRAMS = 256 };
static const char kept_kind[] = "program";

static char *build_log(cl_program program, cl_device_id id)
{
    size_t len = 0;
    if (clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &len) != CL_SUCCESS || len == 0)
        return NULL;
    char *log = calloc(1, len + 1);
    if (log && clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, len, log, NULL) != CL_SUCCESS)
        log[0] = '\0';
    return log;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static enum dae_status compile(struct device *device, const char *label, const char *source, const char *options,
                               cl_program *out, struct error *err)
{
    cl_program program = NULL;
    cl_int code = CL_SUCCESS;
    char *log = NULL;
    for (int i = 0; i < BUILD_TRIES; ++i) {
        free(log);
        log = NULL;
        if (program)
            clReleaseProgram(program);
        program = clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
        if (!program)
            return device_fail(err, code, "clCreateProgramWithSource", label);
        code = clBuildProgram(program, 1, &device->id, options, NULL, NULL);
        if (code == CL_SUCCESS)
            break;
        log = build_log(program, device->id);
        if (log && !is_blank(log))
            break;
    }
    enum dae_status status = DAE_OK;
    if (code != CL_SUCCESS) {
        status = error_set(
            err, DAE_OPENCL, "clBuildProgram failed: %s: %s on '%s' with options '%s'\n%s", label, cl_status_text(code),
            device->facts.name, options,
            log && !is_blank(log) ? log : "the compiler left no log; is its cache folder writable, with space?");
        clReleaseProgram(program);
    } else {
        *out = program;
    }
    free(log);
    return status;
}

/* ---- Programs on disk. ------------------------------------------------------------------------------------------- */

/* Everything that a compiled program depends on. */
static void describe(const struct device *device, const char *source, const char *options, struct text *key)
{
    char identity[PROPERTIES_LINE];
    properties_identity(&device->facts, identity);
    text_printf(key, "%s, %s\n", identity, options);
    text_add(key, source);
}

/* The program of an earlier run; NULL if it must be compiled. */
static cl_program recall(const struct device *device, const char *key, const char *options)
{
    size_t len;
    unsigned char *bytes = cache_read_bytes(kept_kind, key, &len);
    if (!bytes)
        return NULL;
    cl_int loaded, code;
    const unsigned char *const binary = bytes;
    cl_program program = clCreateProgramWithBinary(device->context, 1, &device->id, &len,
                                                   (const unsigned char **)&binary, &loaded, &code);
    free(bytes);
    if (program && clBuildProgram(program, 1, &device->id, options, NULL, NULL) != CL_SUCCESS) {
        clReleaseProgram(program);
        program = NULL;
    }
    return program;
}

/* A failure to keep a program only makes the next run compile it again. */
static void keep(cl_program program, const char *key)
{
    size_t len = 0;
    struct error err = {0};
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof len, &len, NULL) != CL_SUCCESS || len == 0)
        return;
    unsigned char *binary = malloc(len);
    if (binary && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS &&
        cache_write_bytes(kept_kind, key, binary, len, &err) == DAE_OK)
        cache_trim(kept_kind, KEPT_PROGRAMS);
    free(binary);
}

static enum dae_status obtain(struct device *device, const char *label, const char *source, const char *options,
                              cl_program *out, struct error *err)
{
    struct text key = {0};
    describe(device, source, options, &key);
    *out = key.failed ? NULL : recall(device, key.data, options);
    enum dae_status status = DAE_OK;
    if (!*out) {
        const int64_t cached = kernel_cache_changed();
        const double begin = clock_seconds();
        status = compile(device, label, source, options, out, err);
        if (status == DAE_OK && !key.failed && clock_seconds() - begin > worth_keeping &&
            kernel_cache_changed() == cached)
            keep(*out, key.data);
    }
    text_release(&key);
    return status;
}

static struct compiled *find_compiled(const struct device *device, const char *source, const char *options)
{
    struct compiled *compiled = device->compiled;
    while (compiled && (strcmp(compiled->source, source) != 0 || strcmp(compiled->options, options) != 0))
        compiled = compiled->next;
    return compiled;
}

static void free_compiled(struct compiled *compiled)
{
    if (compiled->program)
        clReleaseProgram(compiled->program);
    free(compiled->source);
    free(compiled->options);
    free(compiled);
}

void programs_release(struct device *device)
{
    while (device->compiled) {
        struct compiled *next = device->compiled->next;
        free_compiled(device->compiled);
        device->compiled = next;
    }
}

enum dae_status program_build(struct device *device, const char *label, const char *source, const char *options,
                              struct program **out, struct error *err)
{
    *out = NULL;
    struct compiled *compiled = find_compiled(device, source, options);
    if (!compiled) {
        compiled = calloc(1, sizeof *compiled);
        if (!compiled)
            return error_no_memory(err, label, sizeof *compiled);
        compiled->source = strdup(source);
        compiled->options = strdup(options);
        enum dae_status status = compiled->source && compiled->options
                                     ? obtain(device, label, source, options, &compiled->program, err)
                                     : error_no_memory(err, label, strlen(source));
        if (status != DAE_OK) {
            free_compiled(compiled);
            return status;
        }
        compiled->next = device->compiled;
        device->compiled = compiled;
    }
    struct program *built = calloc(1, sizeof *built);
    if (!built)
        return error_no_memory(err, label, sizeof *built);
    built->device = device;
    built->program = compiled->program;
    snprintf(built->label, sizeof built->label, "%s", label);
    *out = built;
    return DAE_OK;
}

void program_free(struct program *program)
{
    free(program);
}

enum dae_status kernel_new(struct program *program, const char *name, struct kernel **out, struct error *err)
{
    struct device *device = program->device;
    struct kernel *kernel = calloc(1, sizeof *kernel);
    *out = NULL;
    if (!kernel)
        return error_no_memory(err, name, sizeof *kernel);
    cl_int code;
    kernel->device = device;
    snprintf(kernel->name, sizeof kernel->name, "%s", name);
    kernel->kernel = clCreateKernel(program->program, name, &code);
    if (!kernel->kernel) {
        free(kernel);
        return error_set(err, DAE_OPENCL, "clCreateKernel failed: '%s' of %s: %s", name, program->label,
                         cl_status_text(code));
    }
    if (clGetKernelWorkGroupInfo(kernel->kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof kernel->max_group,
                                 &kernel->max_group, NULL) != CL_SUCCESS)
        kernel->max_group = 1;
    clGetKernelWorkGroupInfo(kernel->kernel, device->id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof kernel->local_bytes,
                             &kernel->local_bytes, NULL);
    *out = kernel;
    return DAE_OK;
}

void kernel_free(struct kernel *kernel)
{
    if (!kernel)
        return;
    clReleaseKernel(kernel->kernel);
    free(kernel);
}

static cl_int set_arg(cl_kernel kernel, cl_uint index, const struct kernel_arg *arg)
{
    switch (arg->kind) {
    case KERNEL_BUFFER:
        return clSetKernelArg(kernel, index, sizeof(cl_mem), &arg->value.buffer->memory);
    case KERNEL_INT:
        return clSetKernelArg(kernel, index, sizeof(cl_int), &arg->value.i);
    case KERNEL_UINT:
        return clSetKernelArg(kernel, index, sizeof(cl_uint), &arg->value.u);
    case KERNEL_LONG:
        return clSetKernelArg(kernel, index, sizeof(cl_long), &arg->value.l);
    case KERNEL_FLOAT:
        return clSetKernelArg(kernel, index, sizeof(cl_float), &arg->value.f);
    }
    return CL_INVALID_VALUE;
}

enum dae_status kernel_launch(struct kernel *kernel, const size_t global[2], const size_t local[2],
                              const struct kernel_arg *args, int n_args, struct error *err)
{
    struct device *device = kernel->device;
    if (local[0] * local[1] > kernel->max_group)
        return error_set(err, DAE_OPENCL,
                         "kernel '%s': a work-group of %zu is more than device '%s' allows for it (%zu)", kernel->name,
                         local[0] * local[1], device->facts.name, kernel->max_group);
    if (kernel->local_bytes > device->facts.local_bytes)
        return error_set(err, DAE_OPENCL, "kernel '%s': requires %llu bytes of local memory, but device '%s' has %llu",
                         kernel->name, (unsigned long long)kernel->local_bytes, device->facts.name,
                         (unsigned long long)device->facts.local_bytes);
    for (int i = 0; i < n_args; ++i) {
        cl_int code = set_arg(kernel->kernel, (cl_uint)i, &args[i]);
        if (code != CL_SUCCESS)
            return error_set(err, DAE_OPENCL, "clSetKernelArg failed: argument %d of '%s': %s", i, kernel->name,
                             cl_status_text(code));
    }
    cl_event *event = device->recorder ? profile_record(device->recorder, kernel, args, n_args) : NULL;
    cl_int code = clEnqueueNDRangeKernel(device->queue, kernel->kernel, 2, NULL, global, local, 0, NULL, event);
    ++device->counters.launches;
    return code == CL_SUCCESS ? DAE_OK : device_fail(err, code, "clEnqueueNDRangeKernel", kernel->name);
}
