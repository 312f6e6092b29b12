#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include "gpu/played_gpu.h"

#include <CL/cl.h>
#include <clblast_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/answer.h"

enum { MAX_PROGRAMS = 256, MAX_KERNELS = 64, MAX_LAUNCHES = 64 };

struct launch {
    size_t global[2], local[2];
};

struct entry {
    char name[64];
    int n;
    struct launch launch[MAX_LAUNCHES];
};

/* What all programs of one source and one set of options share. */
struct text_of {
    const char *label;
    char *source, *options;
    int n;
    struct entry *kernel; /* (MAX_KERNELS) */
};

struct _cl_program {
    char *source;
    struct text_of *text; /* NULL before clBuildProgram */
};
struct _cl_kernel {
    struct text_of *text;
    struct entry *entry;
};
struct _cl_mem {
    size_t bytes;
    unsigned char *kept; /* NULL if there are too many */
};

static struct text_of programs[MAX_PROGRAMS];
static int n_programs;
static const char *current = "";
static char thing; /* what the other handles point to */

static void *take(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (!memory)
        abort();
    return memory;
}

void played_gpu_label(const char *label)
{
    current = label;
}

/* ---- What was recorded. ------------------------------------------------------------------------------------------ */

static cJSON *launches_json(const struct entry *entry)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < entry->n; ++i) {
        cJSON *launch = cJSON_CreateObject();
        for (int local = 0; local < 2; ++local) {
            const size_t *size = local ? entry->launch[i].local : entry->launch[i].global;
            const int sizes[2] = {(int)size[0], (int)size[1]};
            cJSON_AddItemToObject(launch, local ? "local" : "global", cJSON_CreateIntArray(sizes, 2));
        }
        cJSON_AddItemToArray(list, launch);
    }
    return list;
}

static cJSON *program_json(const struct text_of *text, const char *file)
{
    cJSON *program = cJSON_CreateObject();
    cJSON_AddStringToObject(program, "label", text->label);
    cJSON_AddStringToObject(program, "file", file);
    cJSON_AddStringToObject(program, "options", text->options);
    cJSON *kernels = cJSON_AddArrayToObject(program, "kernels");
    for (int k = 0; k < text->n; ++k) {
        cJSON *kernel = cJSON_CreateObject();
        cJSON_AddStringToObject(kernel, "name", text->kernel[k].name);
        cJSON_AddItemToObject(kernel, "launches", launches_json(&text->kernel[k]));
        cJSON_AddItemToArray(kernels, kernel);
    }
    return program;
}

cJSON *played_gpu_programs(const char *folder)
{
    cJSON *root = cJSON_CreateObject(), *list;
    cJSON_AddNumberToObject(root, "units", PLAYED_UNITS);
    list = cJSON_AddArrayToObject(root, "programs");
    for (int i = 0; i < n_programs; ++i) {
        char name[32], path[4096];
        snprintf(name, sizeof name, "%d.cl", i);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "we");
        const int written = file ? fputs(programs[i].source, file) : EOF;
        if (!file || fclose(file) != 0 || written < 0) {
            cJSON_Delete(root);
            return NULL;
        }
        cJSON_AddItemToArray(list, program_json(&programs[i], name));
    }
    return root;
}

/* ---- Platform and device. ---------------------------------------------------------------------------------------- */

static cl_int answer_text(const char *text, size_t len, void *to, size_t *needed)
{
    return answer(text, strlen(text) + 1, len, to, needed);
}

static cl_int answer_uint(cl_uint value, size_t len, void *to, size_t *needed)
{
    return answer(&value, sizeof value, len, to, needed);
}

static cl_int answer_ulong(cl_ulong value, size_t len, void *to, size_t *needed)
{
    return answer(&value, sizeof value, len, to, needed);
}

static cl_int give(cl_int *code)
{
    if (code)
        *code = CL_SUCCESS;
    return CL_SUCCESS;
}

cl_int clGetPlatformIDs(cl_uint n, cl_platform_id *platforms, cl_uint *found)
{
    if (platforms && n > 0)
        platforms[0] = (cl_platform_id)&thing;
    if (found)
        *found = 1;
    return CL_SUCCESS;
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t len, void *to, size_t *needed)
{
    (void)platform, (void)what;
    return answer_text("played", len, to, needed);
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint n, cl_device_id *devices, cl_uint *found)
{
    (void)platform, (void)type;
    if (devices && n > 0)
        devices[0] = (cl_device_id)&thing;
    if (found)
        *found = 1;
    return CL_SUCCESS;
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t len, void *to, size_t *needed)
{
    const size_t group = PLAYED_GROUP;
    (void)device;
    switch (what) {
    case CL_DEVICE_TYPE:
        return answer_ulong(CL_DEVICE_TYPE_GPU, len, to, needed);
    case CL_DEVICE_VERSION:
        return answer_text("OpenCL 1.2 played", len, to, needed);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return answer_uint(PLAYED_UNITS, len, to, needed);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE:
        return answer_uint(1, len, to, needed);
    case CL_DEVICE_SINGLE_FP_CONFIG:
        return answer_ulong(CL_FP_FMA | CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN, len, to, needed);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return answer_ulong((cl_ulong)80 << 30, len, to, needed);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer_ulong(PLAYED_LOCAL_BYTES, len, to, needed);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&group, sizeof group, len, to, needed);
    default:
        return answer_text("played GPU", len, to, needed);
    }
}

cl_context clCreateContext(const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *data,
                           cl_int *code)
{
    (void)properties, (void)n, (void)devices, (void)notify, (void)data;
    give(code);
    return (cl_context)&thing;
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties,
                                      cl_int *code)
{
    (void)context, (void)device, (void)properties;
    give(code);
    return (cl_command_queue)&thing;
}

cl_int clReleaseContext(cl_context context)
{
    (void)context;
    return CL_SUCCESS;
}

cl_int clReleaseCommandQueue(cl_command_queue queue)
{
    (void)queue;
    return CL_SUCCESS;
}

cl_int clFlush(cl_command_queue queue)
{
    (void)queue;
    return CL_SUCCESS;
}

cl_int clFinish(cl_command_queue queue)
{
    (void)queue;
    return CL_SUCCESS;
}

/* ---- Buffers. ---------------------------------------------------------------------------------------------------- */

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code)
{
    cl_mem buffer = take(1, sizeof *buffer);
    (void)context, (void)flags, (void)host;
    buffer->bytes = bytes;
    if (bytes <= PLAYED_KEPT_BYTES)
        buffer->kept = take(1, bytes);
    give(code);
    return buffer;
}

cl_int clReleaseMemObject(cl_mem buffer)
{
    free(buffer->kept);
    free(buffer);
    return CL_SUCCESS;
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t len, size_t offset,
                           size_t bytes, cl_uint n, const cl_event *wait, cl_event *event)
{
    (void)queue, (void)len, (void)n, (void)wait, (void)event;
    if (buffer->kept)
        memset(buffer->kept + offset, *(const unsigned char *)pattern, bytes);
    return CL_SUCCESS;
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
                            const void *data, cl_uint n, const cl_event *wait, cl_event *event)
{
    (void)queue, (void)blocking, (void)n, (void)wait;
    if (buffer->kept)
        memcpy(buffer->kept + offset, data, bytes);
    if (event)
        *event = (cl_event)&thing;
    return offset + bytes <= buffer->bytes ? CL_SUCCESS : CL_INVALID_VALUE;
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
                           void *data, cl_uint n, const cl_event *wait, cl_event *event)
{
    (void)queue, (void)blocking, (void)n, (void)wait;
    if (buffer->kept)
        memcpy(data, buffer->kept + offset, bytes);
    else
        memset(data, 0, bytes);
    if (event)
        *event = (cl_event)&thing;
    return offset + bytes <= buffer->bytes ? CL_SUCCESS : CL_INVALID_VALUE;
}

cl_int clWaitForEvents(cl_uint n, const cl_event *events)
{
    (void)n, (void)events;
    return CL_SUCCESS;
}

cl_int clReleaseEvent(cl_event event)
{
    (void)event;
    return CL_SUCCESS;
}

/* ---- Programs, kernels and launches. ----------------------------------------------------------------------------- */

cl_program clCreateProgramWithSource(cl_context context, cl_uint n, const char **source, const size_t *len,
                                     cl_int *code)
{
    cl_program program = take(1, sizeof *program);
    (void)context, (void)n, (void)len;
    program->source = strdup(source[0]);
    if (!program->source)
        abort();
    give(code);
    return program;
}

cl_int clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    int i = 0;
    (void)n, (void)devices, (void)notify, (void)data;
    while (i < n_programs &&
           (strcmp(programs[i].source, program->source) != 0 || strcmp(programs[i].options, options) != 0))
        ++i;
    if (i == MAX_PROGRAMS)
        abort();
    program->text = &programs[i];
    if (i < n_programs)
        return CL_SUCCESS;
    ++n_programs;
    programs[i] = (struct text_of){.label = current, .source = program->source, .options = strdup(options)};
    programs[i].kernel = take(MAX_KERNELS, sizeof *programs[i].kernel);
    program->source = NULL;
    return CL_SUCCESS;
}

cl_int clReleaseProgram(cl_program program)
{
    free(program->source);
    free(program);
    return CL_SUCCESS;
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *code)
{
    struct text_of *text = program->text;
    cl_kernel kernel = take(1, sizeof *kernel);
    int i = 0;
    while (i < text->n && strcmp(text->kernel[i].name, name) != 0)
        ++i;
    if (i == MAX_KERNELS)
        abort();
    if (i == text->n)
        snprintf(text->kernel[text->n++].name, sizeof text->kernel->name, "%s", name);
    *kernel = (struct _cl_kernel){text, &text->kernel[i]};
    give(code);
    return kernel;
}

cl_int clReleaseKernel(cl_kernel kernel)
{
    free(kernel);
    return CL_SUCCESS;
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what, size_t len,
                                void *to, size_t *needed)
{
    const size_t group = PLAYED_GROUP;
    (void)kernel, (void)device;
    return what == CL_KERNEL_WORK_GROUP_SIZE ? answer(&group, sizeof group, len, to, needed)
                                             : answer_ulong(0, len, to, needed);
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t bytes, const void *value)
{
    (void)kernel, (void)index, (void)bytes, (void)value;
    return CL_SUCCESS;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint rank, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint n, const cl_event *wait,
                              cl_event *event)
{
    struct entry *entry = kernel->entry;
    const struct launch launch = {{global[0], global[1]}, {local[0], local[1]}};
    (void)queue, (void)rank, (void)offset, (void)n, (void)wait, (void)event;
    for (int i = 0; i < 2; ++i)
        if (local[i] == 0 || global[i] % local[i] != 0)
            return CL_INVALID_WORK_GROUP_SIZE;
    for (int i = 0; i < entry->n; ++i)
        if (memcmp(&entry->launch[i], &launch, sizeof launch) == 0)
            return CL_SUCCESS;
    if (entry->n == MAX_LAUNCHES)
        abort();
    entry->launch[entry->n++] = launch;
    return CL_SUCCESS;
}

/* ---- CLBlast, which multiplies the bytes that are kept, enough for its self-test. ---------------------------------
 */

CLBlastStatusCode CLBlastSgemm(const CLBlastLayout layout, const CLBlastTranspose a_transposed,
                               const CLBlastTranspose b_transposed, const size_t m, const size_t n, const size_t k,
                               const float alpha, const cl_mem a, const size_t a_offset, const size_t a_row,
                               const cl_mem b, const size_t b_offset, const size_t b_row, const float beta, cl_mem c,
                               const size_t c_offset, const size_t c_row, cl_command_queue *queue, cl_event *event)
{
    (void)layout, (void)alpha, (void)beta, (void)queue, (void)event;
    if (!a->kept || !b->kept || !c->kept)
        return CLBlastSuccess;
    const float *left = (const float *)(const void *)a->kept + a_offset;
    const float *right = (const float *)(const void *)b->kept + b_offset;
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < n; ++j) {
            float sum = 0;
            for (size_t p = 0; p < k; ++p)
                sum += left[a_transposed == CLBlastTransposeYes ? p * a_row + i : i * a_row + p] *
                       right[b_transposed == CLBlastTransposeYes ? j * b_row + p : p * b_row + j];
            ((float *)(void *)c->kept)[c_offset + i * c_row + j] = sum;
        }
    return CLBlastSuccess;
}

CLBlastStatusCode CLBlastClearCache(void); /* its header has no prototype */
CLBlastStatusCode CLBlastClearCache(void)
{
    return CLBlastSuccess;
}
