#include "device/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/handles.h"
#include "device/program.h"

/* One launch. */
struct record {
    const struct kernel *kernel;
    int32_t size[PROFILE_SIZES];
    int n_sizes;
    cl_event event; /* NULL if the launch failed */
};

struct recorder {
    cl_command_queue plain_queue; /* the device's own queue, while a timing queue replaces it */
    struct record *record;
    size_t n, capacity;
    bool failed; /* out of memory */
};

enum dae_status profile_start(struct device *device, struct error *err)
{
    TRY(device_finish(device, err));
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return error_no_memory(err, "profile", sizeof *recorder);
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(device->context, device->id, CL_QUEUE_PROFILING_ENABLE, &code);
    if (!queue) {
        free(recorder);
        return device_fail(err, code, "clCreateCommandQueue", "a queue that times");
    }
    recorder->plain_queue = device->queue;
    device->queue = queue;
    device->recorder = recorder;
    return DAE_OK;
}

cl_event *profile_record(struct recorder *recorder, const struct kernel *kernel, const struct kernel_arg *args,
                         int n_args)
{
    if (recorder->n == recorder->capacity) {
        size_t capacity = recorder->capacity ? 2 * recorder->capacity : 256;
        struct record *grown = realloc(recorder->record, capacity * sizeof *grown);
        if (!grown) {
            recorder->failed = true;
            return NULL;
        }
        recorder->record = grown;
        recorder->capacity = capacity;
    }
    struct record *record = &recorder->record[recorder->n++];
    *record = (struct record){.kernel = kernel};
    while (record->n_sizes < PROFILE_SIZES && record->n_sizes < n_args && args[record->n_sizes].kind == KERNEL_INT) {
        record->size[record->n_sizes] = args[record->n_sizes].value.i;
        ++record->n_sizes;
    }
    return &record->event;
}

static bool is_row(const struct record *a, const struct record *b)
{
    return a->kernel == b->kernel && a->n_sizes == b->n_sizes &&
           memcmp(a->size, b->size, (size_t)a->n_sizes * sizeof a->size[0]) == 0;
}

/* Adds one launch to its row. first[r] is the launch that row r began with. */
static enum dae_status add_launch(const struct record *record, const struct record **first, struct profile *profile,
                                  struct error *err)
{
    cl_ulong start, end;
    cl_int code = clGetEventProfilingInfo(record->event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (code == CL_SUCCESS)
        code = clGetEventProfilingInfo(record->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    if (code != CL_SUCCESS)
        return device_fail(err, code, "clGetEventProfilingInfo", record->kernel->name);
    int r = 0;
    while (r < profile->n_rows && !is_row(first[r], record))
        ++r;
    struct profile_row *row = &profile->row[r];
    if (r == profile->n_rows) {
        first[profile->n_rows++] = record;
        *row = (struct profile_row){.n_sizes = record->n_sizes};
        memcpy(row->size, record->size, sizeof row->size);
        snprintf(row->name, sizeof row->name, "%s", record->kernel->name);
    }
    ++row->calls;
    row->seconds += end > start ? 1e-9 * (double)(end - start) : 0;
    return DAE_OK;
}

static enum dae_status gather(const struct recorder *recorder, struct profile *profile, struct error *err)
{
    if (recorder->failed)
        return error_no_memory(err, "profile", recorder->n * sizeof *recorder->record);
    const struct record **first = calloc(recorder->n + 1, sizeof(const struct record *));
    profile->row = calloc(recorder->n + 1, sizeof *profile->row);
    enum dae_status status = first && profile->row ? DAE_OK : error_no_memory(err, "profile", recorder->n);
    for (size_t i = 0; i < recorder->n && status == DAE_OK; ++i)
        if (recorder->record[i].event)
            status = add_launch(&recorder->record[i], first, profile, err);
    free(first);
    return status;
}

enum dae_status profile_stop(struct device *device, struct profile *profile, struct error *err)
{
    struct recorder *recorder = device->recorder;
    *profile = (struct profile){0};
    enum dae_status status = device_finish(device, err);
    clReleaseCommandQueue(device->queue);
    device->queue = recorder->plain_queue;
    device->recorder = NULL;
    if (status == DAE_OK)
        status = gather(recorder, profile, err);
    for (size_t i = 0; i < recorder->n; ++i)
        if (recorder->record[i].event)
            clReleaseEvent(recorder->record[i].event);
    free(recorder->record);
    free(recorder);
    if (status != DAE_OK)
        profile_release(profile);
    return status;
}

void profile_release(struct profile *profile)
{
    free(profile->row);
    *profile = (struct profile){0};
}
