#define _GNU_SOURCE
#include "driver/probe.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cache.h"
#include "base/cleanup.h"
#include "base/library_file.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "device/kernel_cache.h"
#include "device/program.h"
#include "device/sources.h"
#include "driver/fingerprint.h"

enum {
    FORMAT = 2, /* of the memo, and of what a probe does: a change invalidates old memos */
    N_NUMBERS = 64,
    MOST_IN_GROUP = 16,
    BAD_SECONDS = 3600,
};

/* ---- In the child. -------------------------------------------------------------------------------------- */

static enum dae_status run_kernel(struct device *device, struct program *program, size_t group, struct error *err)
{
    float x[N_NUMBERS], y[N_NUMBERS];
    const float scale = 3;
    struct kernel *kernel = NULL;
    struct buffer *in = NULL, *out = NULL;
    const size_t global[2] = {N_NUMBERS, 1}, local[2] = {group, 1};
    for (int i = 0; i < N_NUMBERS; ++i)
        x[i] = (float)(i + 1);
    enum dae_status status = kernel_new(program, "probe_run", &kernel, err);
    if (status == DAE_OK)
        status = buffer_new(device, sizeof x, "probe", &in, err);
    if (status == DAE_OK)
        status = buffer_new(device, sizeof y, "probe", &out, err);
    if (status == DAE_OK)
        status = buffer_write(in, 0, x, sizeof x, err);
    const struct kernel_arg args[] = {ARG_FLOAT(scale), ARG_BUFFER(in), ARG_BUFFER(out)};
    if (status == DAE_OK)
        status = kernel_launch(kernel, global, local, args, 3, err);
    if (status == DAE_OK)
        status = buffer_read(out, 0, y, sizeof y, err);
    for (size_t i = 0; i < N_NUMBERS && status == DAE_OK; ++i) {
        const size_t mirrored = i - i % group + group - 1 - i % group;
        const float wanted = scale * x[mirrored] + 1;
        if (!(y[i] == wanted))
            status = error_set(err, DAE_OPENCL, "it computes wrong numbers: %g, but %g is right", (double)y[i],
                               (double)wanted);
    }
    buffer_free(in);
    buffer_free(out);
    kernel_free(kernel);
    return status;
}

/* What a first use of a device does. */
static enum dae_status try_device(const struct platform_device *listed, struct error *err)
{
    struct device *device = NULL;
    struct program *program = NULL;
    struct text source = {0};
    char options[64];
    const size_t group = listed->max_work_group < MOST_IN_GROUP ? 1 : MOST_IN_GROUP;
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DGROUP=%zu", group);
    sandbox_step("opening device '%s'", listed->name);
    TRY(device_open(listed, &(struct tuning_request){0}, &device, err));
    enum dae_status status = sources_add(&source, "probe.cl", err);
    sandbox_step("compiling a kernel for device '%s'", listed->name);
    if (status == DAE_OK)
        status = program_build(device, "probe", source.data, options, &program, err);
    sandbox_step("running a kernel on device '%s'", listed->name);
    if (status == DAE_OK)
        status = run_kernel(device, program, group, err);
    sandbox_step("closing device '%s'", listed->name);
    program_free(program);
    text_release(&source);
    device_close(device);
    return status;
}

static void add_file(cJSON *files, const char *path)
{
    char stamp[64];
    cJSON *row = cJSON_CreateObject();
    fingerprint_file(path, stamp, sizeof stamp);
    cJSON_AddStringToObject(row, "path", path);
    cJSON_AddStringToObject(row, "stamp", stamp);
    cJSON_AddItemToArray(files, row);
}

struct loaded_files {
    cJSON *list;  /* NULL: only count */
    int n, known; /* seen in this walk; loaded before the driver */
};

/* New libraries come last in the walk. */
static int note_file(struct dl_phdr_info *info, size_t size, void *context)
{
    struct loaded_files *files = context;
    (void)size;
    if (files->n++ >= files->known && files->list && info->dlpi_name[0] == '/')
        add_file(files->list, info->dlpi_name);
    return 0;
}

static void note_library(void *library, cJSON *answer)
{
    struct link_map *map = NULL;
    char path[PATH_MAX];
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map && realpath(map->l_name, path))
        cJSON_AddStringToObject(answer, "library", path);
}

static cJSON *verdict(cJSON *answer, enum probe_verdict verdict, const char *fault)
{
    cJSON_AddNumberToObject(answer, "verdict", verdict);
    cJSON_AddStringToObject(answer, "fault", fault);
    return answer;
}

static void note_device(const struct platform_device *device, cJSON *devices)
{
    char fault[sizeof((struct probed_device *)NULL)->fault] = "";
    struct error err = {0};
    if (!device->usable)
        snprintf(fault, sizeof fault, "%s", device->reason);
    else if (try_device(device, &err) != DAE_OK)
        snprintf(fault, sizeof fault, "%.*s", (int)sizeof fault - 1, error_message(&err));
    fault[strcspn(fault, "\n")] = '\0';
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "platform", device->platform);
    cJSON_AddStringToObject(row, "vendor", device->vendor);
    cJSON_AddNumberToObject(row, "type", device->type);
    cJSON_AddStringToObject(row, "name", device->name);
    cJSON_AddStringToObject(row, "version", device->version);
    cJSON_AddStringToObject(row, "driver", device->driver);
    cJSON_AddStringToObject(row, "fault", fault);
    cJSON_AddItemToArray(devices, row);
}

/* One driver whose probe is not remembered. */
struct job {
    const struct icd *icd;
    struct probe *probe;
    char *key;
    cJSON *answer;
    char folder[ICD_PATH]; /* with only this driver; "" if there is no other to exclude */
};

/* Fills the answer; its verdict says how far the driver came. */
static cJSON *work(void *context)
{
    const struct job *job = context;
    struct loaded_files before = {0};
    struct platform_list list;
    struct error err = {0};
    cJSON *answer = cJSON_CreateObject();
    dl_iterate_phdr(note_file, &before);
    if (job->folder[0])
        setenv("OCL_ICD_VENDORS", job->folder, 1);
    setenv("OCL_ICD_PLATFORM_SORT", "none", 1); /* sorting queries devices, which is a separate step here */
    sandbox_step("loading its library");
    void *library = dlopen(job->icd->library, RTLD_LAZY | RTLD_LOCAL); /* as the loader does */
    if (!library)
        return verdict(answer, PROBE_NO_LIBRARY, dlerror());
    note_library(library, answer);
    sandbox_step("listing its platforms");
    if (platform_list_loaded(&list, &err) != DAE_OK)
        return NULL;
    struct loaded_files files = {.list = cJSON_AddArrayToObject(answer, "files"), .known = before.n};
    dl_iterate_phdr(note_file, &files);
    if (list.n_platforms == 0)
        return verdict(answer, PROBE_NO_PLATFORM, "its library loads, but the loader gets no platform from it");
    if (list.n == 0)
        return verdict(answer, PROBE_NO_DEVICE, list.problem);
    cJSON *devices = cJSON_AddArrayToObject(answer, "devices");
    for (int i = 0; i < list.n; ++i)
        note_device(&list.device[i], devices);
    return verdict(answer, PROBE_GOOD, "");
}

bool probe_serve(int argc, char **argv)
{
    struct icd icd = {0};
    struct job job = {.icd = &icd};
    if (argc != 3)
        return false;
    snprintf(icd.library, sizeof icd.library, "%s", argv[1]);
    snprintf(job.folder, sizeof job.folder, "%s", argv[2]);
    sandbox_serve(work, &job, PROBE_SECONDS);
}

/* ---- In the parent. ------------------------------------------------------------------------------------- */

/* The fault of a library that its path and file reveal without loading it; NULL if there is none. */
static const char *fault_of_file(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return access(path, F_OK) < 0 ? "there is no such file" : "it cannot be read";
    const char *fault = library_file_fault(file);
    close(file);
    return fault;
}

static cJSON *found(enum probe_verdict what, const char *fault)
{
    return verdict(cJSON_CreateObject(), what, fault);
}

bool probe_blames_cache(enum probe_verdict verdict, const char *fault)
{
    return verdict == PROBE_CRASHED && strstr(fault, " a kernel ");
}

/* PoCL aborts on a damaged file of its kernel cache, the only cause of a crash that is easily repaired: the memo of
 * such a crash is valid only while the cache has as many entries. */
static cJSON *found_dead(const struct sandbox *sandbox)
{
    const struct kernel_cache *cache = kernel_cache_prepare();
    const enum probe_verdict what = sandbox->end == SANDBOX_HUNG ? PROBE_HUNG : PROBE_CRASHED;
    char story[sizeof((struct probe *)NULL)->fault];
    sandbox_story(sandbox, story, sizeof story);
    const bool blames_cache = probe_blames_cache(what, story) && cache->path[0];
    const size_t n = strlen(story);
    if (blames_cache)
        snprintf(story + n, sizeof story - n, "; if its kernel cache is damaged, clear it: rm -rf '%s'", cache->path);
    cJSON *answer = found(what, story);
    if (blames_cache)
        cJSON_AddNumberToObject(answer, "cached", kernel_cache_count());
    return answer;
}

/* The fault that is known without loading anything; NULL if the driver must be tried. */
static cJSON *ask_file(const struct icd *icd)
{
    char fault[ICD_PATH + 128];
    if (icd->problem[0])
        return found(PROBE_NO_LIBRARY, icd->problem);
    const char *why = strchr(icd->library, '/') ? fault_of_file(icd->library) : NULL;
    if (!why)
        return NULL;
    snprintf(fault, sizeof fault, "its library %s: %s", icd->library, why);
    return found(PROBE_NO_LIBRARY, fault);
}

static char prober[ICD_PATH]; /* the program that probes; "": a forked child does */

const char *probe_by_program(const char *path)
{
    if (strlen(path) >= sizeof prober)
        return NULL;
    memcpy(prober, path, strlen(path) + 1);
    return prober;
}

/* Runs the program for each job. */
static enum dae_status run_program(struct job *const *job, int n, struct sandbox *sandbox, struct error *err)
{
    struct arena arena CLEANUP(arena_release) = {0};
    char *const **argv = arena_array(&arena, (size_t)n + 1, sizeof *argv);
    for (int i = 0; i < n && argv; ++i) {
        char **words = arena_array(&arena, 4, sizeof *words);
        if (!words)
            return error_no_memory(err, "probe", 0);
        words[0] = prober;
        words[1] = arena_text(&arena, job[i]->icd->library, strlen(job[i]->icd->library));
        words[2] = job[i]->folder;
        argv[i] = words;
        if (!words[1])
            return error_no_memory(err, "probe", 0);
    }
    return argv ? sandbox_run_programs(argv, n, PROBE_SECONDS, sandbox, err) : error_no_memory(err, "probe", 0);
}

static enum dae_status ask_children(struct job *const *job, int n, bool alone, struct error *err)
{
    struct sandbox *sandbox = calloc((size_t)n + 1, sizeof *sandbox);
    enum dae_status status = sandbox ? DAE_OK : error_no_memory(err, "probe", (size_t)n * sizeof *sandbox);
    for (int i = 0; i < n && status == DAE_OK && !alone; ++i)
        status = icd_folder_make(&job[i]->icd, 1, job[i]->folder, err);
    if (status == DAE_OK)
        status = prober[0] ? run_program(job, n, sandbox, err)
                           : sandbox_run(work, (void *const *)job, n, PROBE_SECONDS, sandbox, err);
    for (int i = 0; i < n; ++i) {
        if (job[i]->folder[0])
            icd_folder_remove(job[i]->folder);
        if (status == DAE_OK)
            job[i]->answer = sandbox[i].end == SANDBOX_ANSWERED ? sandbox[i].answer : found_dead(&sandbox[i]);
    }
    free(sandbox);
    return status;
}

/* ---- What is remembered. -------------------------------------------------------------------------------- */

static const char *text_at(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static bool is_refusal(const struct probe *probe)
{
    bool bad = probe->verdict != PROBE_GOOD && probe->verdict != PROBE_REPEATED;
    for (int i = 0; i < probe->n_devices; ++i)
        bad = bad || probe->device[i].fault[0];
    return bad;
}

bool probe_is_old_refusal(const struct probe *probe)
{
    return probe->remembered && is_refusal(probe);
}

/* Whether a fault comes from a temporary shortage: the messages of drivers, the dynamic loader and the standard. */
static bool says_want(const char *fault)
{
    static const char *const words[] = {"out of memory",
                                        "OutOfMemory",
                                        "OUT_OF_HOST_MEMORY",
                                        "OUT_OF_RESOURCES",
                                        "ALLOCATION_FAILURE",
                                        "bad_alloc",
                                        "allocate",
                                        "allocation",
                                        "failed to map segment",
                                        "mmap",
                                        "PTHREAD ERROR",
                                        "pthread_create",
                                        "Resource temporarily unavailable",
                                        "Too many open files",
                                        "No space left",
                                        "Disk quota exceeded"};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; ++i)
        found = found || strcasestr(fault, words[i]);
    return found;
}

/* Whether the fault may have passed by the next start: the driver was killed, was too slow, or failed when memory or
 * address space was short. A process with limited address space may crash without a message. */
static bool is_passing(const struct probe *probe)
{
    struct rlimit space;
    bool passing = probe->verdict == PROBE_HUNG || says_want(probe->fault) || strstr(probe->fault, "(SIGKILL)");
    for (int i = 0; i < probe->n_devices; ++i)
        passing = passing || says_want(probe->device[i].fault);
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        passing = true;
    return passing && is_refusal(probe);
}

static bool is_stale(const cJSON *value, const struct probe *probe)
{
    const bool bad = is_refusal(probe);
    const cJSON *when = cJSON_GetObjectItemCaseSensitive(value, "time");
    const double age = cJSON_IsNumber(when) ? (double)time(NULL) - when->valuedouble : -1;
    char boot[64];
    fingerprint_boot(boot, sizeof boot);
    if (!(age >= 0) || (bad && !(age < BAD_SECONDS)) || strcmp(boot, text_at(value, "boot")) != 0)
        return true;
    const cJSON *file, *cached = cJSON_GetObjectItemCaseSensitive(value, "cached");
    if (cached && cached->valueint != kernel_cache_count())
        return true;
    cJSON_ArrayForEach(file, cJSON_GetObjectItemCaseSensitive(value, "files"))
    {
        char stamp[64];
        fingerprint_file(text_at(file, "path"), stamp, sizeof stamp);
        if (strcmp(stamp, text_at(file, "stamp")) != 0)
            return true;
    }
    return false;
}

/* JSON to struct; false if it is not what a probe writes. */
static enum dae_status read_found(const cJSON *value, struct probe *probe, bool *whole, struct error *err)
{
    const cJSON *what = cJSON_GetObjectItemCaseSensitive(value, "verdict"), *row;
    const cJSON *devices = cJSON_GetObjectItemCaseSensitive(value, "devices");
    *probe = (struct probe){0};
    *whole = cJSON_IsNumber(what) && what->valueint >= PROBE_GOOD && what->valueint < PROBE_REPEATED;
    if (!*whole)
        return DAE_OK;
    probe->verdict = (enum probe_verdict)what->valueint;
    snprintf(probe->fault, sizeof probe->fault, "%s", text_at(value, "fault"));
    snprintf(probe->library, sizeof probe->library, "%s", text_at(value, "library"));
    probe->device = calloc((size_t)cJSON_GetArraySize(devices) + 1, sizeof *probe->device);
    if (!probe->device)
        return error_no_memory(err, "probe", (size_t)cJSON_GetArraySize(devices) * sizeof *probe->device);
    cJSON_ArrayForEach(row, devices)
    {
        struct probed_device *device = &probe->device[probe->n_devices++];
        snprintf(device->platform, sizeof device->platform, "%s", text_at(row, "platform"));
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(row, "type");
        device->type = !cJSON_IsNumber(type)          ? DEVICE_OTHER
                       : type->valueint == DEVICE_CPU ? DEVICE_CPU
                       : type->valueint == DEVICE_GPU ? DEVICE_GPU
                                                      : DEVICE_OTHER;
        snprintf(device->vendor, sizeof device->vendor, "%s", text_at(row, "vendor"));
        snprintf(device->name, sizeof device->name, "%s", text_at(row, "name"));
        snprintf(device->version, sizeof device->version, "%s", text_at(row, "version"));
        snprintf(device->driver, sizeof device->driver, "%s", text_at(row, "driver"));
        snprintf(device->fault, sizeof device->fault, "%s", text_at(row, "fault"));
    }
    return DAE_OK;
}

/* Recalls a memo that is still valid. */
static enum dae_status recall(const char *key, enum probe_memory memory, struct probe *probe, struct error *err)
{
    char problem[512]; /* a damaged memo: the probe is done again */
    cJSON *value = cache_read("probe", key, problem, sizeof problem);
    if (!value)
        return DAE_OK;
    bool whole;
    enum dae_status status = read_found(value, probe, &whole, err);
    probe->remembered = status == DAE_OK && whole && !is_stale(value, probe);
    if (!probe->remembered || (memory == PROBE_RECALL_GOOD && probe_is_old_refusal(probe)))
        probe_release(probe);
    cJSON_Delete(value);
    return status;
}

/* Takes the answer. */
static enum dae_status keep(struct job *job, struct error *err)
{
    bool whole;
    char boot[64];
    fingerprint_boot(boot, sizeof boot);
    cJSON_AddNumberToObject(job->answer, "time", (double)time(NULL));
    cJSON_AddStringToObject(job->answer, "boot", boot);
    TRY(read_found(job->answer, job->probe, &whole, err));
    if (!whole)
        return error_no_memory(err, "probe", 0);
    if (is_passing(job->probe))
        return DAE_OK;
    struct error unkept = {0};
    const enum dae_status kept = cache_write("probe", job->key, job->answer, &unkept);
    (void)kept; /* without a memo the next run probes again */
    job->answer = NULL;
    return DAE_OK;
}

/* The drivers without a valid memo; `ask` has room for pointers to those that must be tried. */
static enum dae_status probe_unknown(struct job *job, int n, bool alone, struct job **ask, struct error *err)
{
    int n_ask = 0;
    for (int i = 0; i < n; ++i) {
        job[i].answer = ask_file(job[i].icd);
        if (!job[i].answer)
            ask[n_ask++] = &job[i];
    }
    if (n_ask > 0)
        TRY(ask_children(ask, n_ask, alone, err));
    for (int i = 0; i < n; ++i)
        TRY(keep(&job[i], err));
    return DAE_OK;
}

/* Adds the driver to the jobs unless there is a memo of it. */
static enum dae_status recall_or_list(const struct icd *icd, enum probe_memory memory, struct probe *probe,
                                      struct job *job, int *n_jobs, struct error *err)
{
    struct text key = {0};
    enum dae_status status = fingerprint_driver(icd, FORMAT, &key, err);
    if (status == DAE_OK && memory != PROBE_RECALL_NOTHING)
        status = recall(key.data, memory, probe, err);
    if (status != DAE_OK || probe->remembered)
        text_release(&key);
    else
        job[(*n_jobs)++] = (struct job){.icd = icd, .probe = probe, .key = key.data};
    return status;
}

enum dae_status probe_drivers(const struct icd *icd, int n, enum probe_memory memory, struct probe *probe,
                              struct error *err)
{
    struct job *job = calloc((size_t)n + 1, sizeof *job), **ask = calloc((size_t)n + 1, sizeof(struct job *));
    enum dae_status status = job && ask ? DAE_OK : error_no_memory(err, "probe", (size_t)n * sizeof *job);
    int n_jobs = 0;
    for (int i = 0; i < n && status == DAE_OK; ++i)
        status = recall_or_list(&icd[i], memory, &probe[i], job, &n_jobs, err);
    if (status == DAE_OK)
        status = probe_unknown(job, n_jobs, n == 1, ask, err);
    for (int i = 0; i < n_jobs; ++i) {
        cJSON_Delete(job[i].answer);
        free(job[i].key);
    }
    free(job);
    free(ask);
    return status;
}

void probe_forget(const struct icd *icd)
{
    struct text key = {0};
    struct error err = {0};
    enum dae_status status = fingerprint_driver(icd, FORMAT, &key, &err);
    if (status == DAE_OK)
        status = cache_write("probe", key.data, cJSON_CreateObject(), &err);
    (void)status; /* a failure to write only means that nothing is remembered */
    text_release(&key);
}

void probe_release(struct probe *probe)
{
    free(probe->device);
    *probe = (struct probe){0};
}
