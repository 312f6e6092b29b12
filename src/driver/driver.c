#include "driver/driver.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/kernel_cache.h"
#include "driver/drivers.h"

/* What is loaded belongs to the process, so one thread at a time works on it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void unlock(pthread_mutex_t **held)
{
    pthread_mutex_unlock(*held);
}

#define LOCK()                                                                                                         \
    pthread_mutex_t *held CLEANUP(unlock) = &lock;                                                                     \
    pthread_mutex_lock(held)

static enum dae_status add_notice(struct platform_list *list, const char *line, struct error *err)
{
    char **grown = realloc(list->notice, ((size_t)list->n_notices + 1) * sizeof *grown);
    if (!grown)
        return error_no_memory(err, "notices", ((size_t)list->n_notices + 1) * sizeof *grown);
    list->notice = grown;
    grown[list->n_notices] = strdup(line);
    return grown[list->n_notices] ? (++list->n_notices, DAE_OK) : error_no_memory(err, "notices", strlen(line));
}

/* Reports what differs from the user's wish: there is no silent fallback. */
static enum dae_status add_notices(struct platform_list *list, const struct driver_list *drivers, struct error *err)
{
    const struct kernel_cache *cache = kernel_cache_prepare();
    char line[ICD_PATH + sizeof((struct probe *)NULL)->fault + KERNEL_CACHE_PATH];
    if (cache->problem[0]) {
        snprintf(line, sizeof line, "kernel cache: %s; %s%s", cache->problem,
                 cache->path[0] ? "kernels are kept in " : "there is no other place for it", cache->path);
        TRY(add_notice(list, line, err));
    }
    if (cache->n_removed > 0) {
        snprintf(line, sizeof line, "kernel cache: %d damaged program%s removed; %s compiled again", cache->n_removed,
                 cache->n_removed == 1 ? " was" : "s were", cache->n_removed == 1 ? "it is" : "they are");
        TRY(add_notice(list, line, err));
    }
    for (int i = 0; i < drivers->icds.n; ++i) {
        const struct probe *probe = &drivers->probe[i];
        if (probe->verdict == PROBE_GOOD || probe->verdict == PROBE_REPEATED)
            continue;
        snprintf(line, sizeof line, "driver %s is not used: %s (dae-cl doctor says more)",
                 icd_name(&drivers->icds.icd[i]), probe->fault);
        TRY(add_notice(list, line, err));
    }
    return DAE_OK;
}

static bool is_probed(const struct platform_device *device, const struct probed_device *probed)
{
    return strcmp(device->platform, probed->platform) == 0 && strcmp(device->name, probed->name) == 0 &&
           strcmp(device->version, probed->version) == 0 && strcmp(device->driver, probed->driver) == 0;
}

static void set_unusable(struct platform_device *device, const char *why)
{
    if (device->usable)
        snprintf(device->reason, sizeof device->reason, "%s", why);
    device->usable = false;
}

/* Merges the results of one driver's probe into the loader's list. matched[i] says whether device i of the list was
 * found in a probe. */
static enum dae_status join(struct platform_list *list, bool *matched, int n_loaded, const struct icd *icd,
                            const struct probe *probe, struct error *err)
{
    for (int p = 0; p < probe->n_devices; ++p) {
        const struct probed_device *probed = &probe->device[p];
        int i = 0;
        while (i < n_loaded && (matched[i] || !is_probed(&list->device[i], probed)))
            ++i;
        if (i < n_loaded) {
            matched[i] = true;
            if (probed->fault[0])
                set_unusable(&list->device[i], probed->fault);
            continue;
        }
        struct platform_device *grown = realloc(list->device, ((size_t)list->n + 1) * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "device list", ((size_t)list->n + 1) * sizeof *grown);
        list->device = grown;
        struct platform_device *gone = &grown[list->n++];
        *gone = (struct platform_device){.type = DEVICE_OTHER};
        memcpy(gone->platform, probed->platform, sizeof gone->platform);
        memcpy(gone->name, probed->name, sizeof gone->name);
        memcpy(gone->version, probed->version, sizeof gone->version);
        memcpy(gone->driver, probed->driver, sizeof gone->driver);
        snprintf(gone->reason, sizeof gone->reason,
                 "it existed when its driver was probed, but has vanished; the next run probes %.150s again",
                 icd_name(icd));
        probe_forget(icd);
    }
    return DAE_OK;
}

static enum dae_status join_all(struct platform_list *list, const struct driver_list *drivers, struct error *err)
{
    const int n_loaded = list->n;
    bool *matched = calloc((size_t)n_loaded + 1, sizeof *matched);
    enum dae_status status = matched ? DAE_OK : error_no_memory(err, "device list", (size_t)n_loaded);
    for (int i = 0; i < drivers->icds.n && status == DAE_OK; ++i)
        if (drivers->probe[i].verdict == PROBE_GOOD)
            status = join(list, matched, n_loaded, &drivers->icds.icd[i], &drivers->probe[i], err);
    for (int i = 0; i < n_loaded && status == DAE_OK; ++i)
        if (!matched[i])
            set_unusable(&list->device[i], "it did not exist when its driver was probed; dae-cl doctor probes again");
    free(matched);
    return status;
}

static void say_why_nothing(struct platform_list *list, const struct icd_list *icds)
{
    static const char mend[] = "install one, on Debian or Ubuntu: apt-get install pocl-opencl-icd";
    if (icds->n == 0)
        snprintf(list->problem, sizeof list->problem, "no OpenCL platform: %s%s%s%s; %s", icds->problem,
                 icds->variable ? " (named by " : "", icds->variable ? icds->variable : "", icds->variable ? ")" : "",
                 mend);
    else
        snprintf(list->problem, sizeof list->problem,
                 "no usable OpenCL platform; dae-cl doctor says how to repair the installed drivers; or %s", mend);
}

static enum dae_status load_good(struct platform_list *list, const struct driver_list *drivers, struct error *err)
{
    struct driver_limit limit;
    TRY(drivers_limit(drivers, &limit, err));
    enum dae_status status = platform_list_loaded(list, err);
    drivers_unlimit(&limit);
    return status == DAE_OK ? join_all(list, drivers, err) : status;
}

static bool is_listed; /* from now on nothing else can be loaded */

static enum dae_status list_devices(struct platform_list *list, struct error *err)
{
    const struct driver_list *drivers;
    *list = (struct platform_list){0};
    TRY(drivers_find(PROBE_RECALL_ALL, &drivers, err));
    is_listed = true;
    enum dae_status status = DAE_OK;
    if (drivers->n_good > 0)
        status = load_good(list, drivers, err);
    else
        say_why_nothing(list, &drivers->icds);
    if (status == DAE_OK)
        status = add_notices(list, drivers, err);
    if (status != DAE_OK)
        platform_list_release(list);
    return status;
}

enum dae_status driver_list_devices(struct platform_list *list, struct error *err)
{
    LOCK();
    return list_devices(list, err);
}

cJSON *driver_list_json(const struct platform_list *list)
{
    cJSON *root = cJSON_CreateObject(), *devices = cJSON_AddArrayToObject(root, "devices");
    for (int i = 0; i < list->n; ++i) {
        const struct platform_device *device = &list->device[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "platform", device->platform);
        cJSON_AddStringToObject(row, "name", device->name);
        cJSON_AddStringToObject(row, "vendor", device->vendor);
        cJSON_AddStringToObject(row, "type", device_type_text(device->type));
        cJSON_AddStringToObject(row, "version", device->version);
        cJSON_AddStringToObject(row, "driver", device->driver);
        cJSON_AddNumberToObject(row, "compute_units", device->compute_units);
        cJSON_AddNumberToObject(row, "memory_bytes", (double)device->memory_bytes);
        cJSON_AddNumberToObject(row, "max_allocation_bytes", (double)device->max_allocation_bytes);
        cJSON_AddNumberToObject(row, "local_bytes", (double)device->local_bytes);
        cJSON_AddNumberToObject(row, "max_work_group", (double)device->max_work_group);
        cJSON_AddBoolToObject(row, "usable", device->usable);
        cJSON_AddStringToObject(row, "reason", device->reason);
        if (!cJSON_AddItemToArray(devices, row))
            cJSON_Delete(row);
    }
    return root;
}

static bool contains(const char *text, const char *piece, size_t piece_len)
{
    for (; strlen(text) >= piece_len; ++text) {
        size_t i = 0;
        while (i < piece_len && tolower((unsigned char)text[i]) == tolower((unsigned char)piece[i]))
            ++i;
        if (i == piece_len)
            return true;
    }
    return false;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && contains(text, word, len);
}

static void note_devices(const struct platform_list *list, struct error *err)
{
    for (int i = 0; i < list->n; ++i) {
        const struct platform_device *device = &list->device[i];
        error_note(err, "found: %s '%s' on platform '%s'%s%s", device_type_text(device->type), device->name,
                   device->platform, device->usable ? "" : ", not usable: ", device->reason);
    }
    for (int i = 0; i < list->n_notices; ++i)
        error_note(err, "%s", list->notice[i]);
}

static int first_usable(const struct platform_list *list, enum device_type type)
{
    for (int i = 0; i < list->n; ++i)
        if (list->device[i].usable && list->device[i].type == type)
            return i;
    return -1;
}

static enum dae_status choose_auto(const struct platform_list *list, int *index, const char **why, struct error *err)
{
    if ((*index = first_usable(list, DEVICE_GPU)) >= 0)
        *why = "the first usable GPU";
    else if ((*index = first_usable(list, DEVICE_CPU)) >= 0)
        *why = "no usable GPU, so the CPU";
    else if ((*index = first_usable(list, DEVICE_OTHER)) >= 0)
        *why = "the only usable device";
    else {
        enum dae_status status =
            error_set(err, DAE_NO_DEVICE, "%s", list->n ? "no usable OpenCL device" : list->problem);
        note_devices(list, err);
        return status;
    }
    return DAE_OK;
}

/* NAME[:N] -> the part of a name, and N or -1. */
static enum dae_status split_request(const char *request, size_t *name_len, long *number, struct error *err)
{
    const char *colon = strrchr(request, ':');
    *number = -1;
    *name_len = strlen(request);
    if (colon) {
        char *end;
        *number = strtol(colon + 1, &end, 10);
        *name_len = (size_t)(colon - request);
        if (!isdigit((unsigned char)colon[1]) || *end || *number > 10000)
            return error_set(err, DAE_CONFIG, "platform '%s': write NAME or NAME:N, where N is a number from 0",
                             request);
    }
    if (*name_len == 0)
        return error_set(err, DAE_CONFIG, "platform '%s': the name is empty", request);
    return DAE_OK;
}

enum dae_status driver_choose(const struct platform_list *list, const char *request, int *index, char *line,
                              size_t line_len, struct error *err)
{
    const char *why = "asked for";
    size_t len = 0;
    long number = -1;
    if (request)
        TRY(split_request(request, &len, &number, err));
    if (!request || is_word(request, len, "auto")) {
        TRY(choose_auto(list, index, &why, err));
    } else {
        bool any_cpu = is_word(request, len, "cpu"), any_gpu = is_word(request, len, "gpu");
        int matches = 0, first = -1, picked = -1;
        bool several_platforms = false;
        for (int i = 0; i < list->n; ++i) {
            const struct platform_device *device = &list->device[i];
            bool fits = any_cpu ? device->type == DEVICE_CPU
                        : any_gpu
                            ? device->type == DEVICE_GPU
                            : contains(device->platform, request, len) || contains(device->vendor, request, len) ||
                                  contains(device->name, request, len) || contains(device->version, request, len);
            if (!fits)
                continue;
            if (first < 0)
                first = i;
            else if (strcmp(device->platform, list->device[first].platform) != 0)
                several_platforms = true;
            if (matches++ == number)
                picked = i;
        }
        if (number < 0)
            picked = first;
        enum dae_status status = DAE_OK;
        if (picked < 0 && matches > 0)
            status = error_set(err, DAE_NO_DEVICE, "platform '%s': only %d device%s match%s that name, numbered from 0",
                               request, matches, matches == 1 ? "" : "s", matches == 1 ? "es" : "");
        else if (picked < 0)
            status = error_set(err, DAE_NO_DEVICE, "platform '%s': no OpenCL device of that name%s%s", request,
                               list->n ? "" : "; ", list->n ? "" : list->problem);
        else if (several_platforms && number < 0 && !any_cpu && !any_gpu)
            status =
                error_set(err, DAE_NO_DEVICE,
                          "platform '%s' matches several platforms; write more of the name, or %s:N", request, request);
        else if (!list->device[picked].usable)
            status = error_set(err, DAE_NO_DEVICE, "device '%s' cannot be used: %s", list->device[picked].name,
                               list->device[picked].reason);
        if (status != DAE_OK) {
            note_devices(list, err);
            return status;
        }
        *index = picked;
    }
    const struct platform_device *device = &list->device[*index];
    snprintf(line, line_len, "device: %s '%s', %s (%s)", device_type_text(device->type), device->name, device->platform,
             why);
    return DAE_OK;
}

/* ---- Before anything is loaded. ---------------------------------------------------------------------------------- */

/* The devices that the probes have seen, without handles. */
static enum dae_status list_probed(const struct driver_list *drivers, struct platform_list *list, struct error *err)
{
    int most = 0;
    for (int i = 0; i < drivers->icds.n; ++i)
        most += drivers->probe[i].n_devices;
    *list = (struct platform_list){.device = calloc((size_t)most + 1, sizeof *list->device)};
    if (!list->device)
        return error_no_memory(err, "device list", (size_t)most * sizeof *list->device);
    for (int i = 0; i < drivers->icds.n; ++i)
        for (int d = 0; d < drivers->probe[i].n_devices && drivers->probe[i].verdict == PROBE_GOOD; ++d) {
            const struct probed_device *probed = &drivers->probe[i].device[d];
            struct platform_device *device = &list->device[list->n++];
            memcpy(device->platform, probed->platform, sizeof device->platform);
            memcpy(device->vendor, probed->vendor, sizeof device->vendor);
            memcpy(device->name, probed->name, sizeof device->name);
            memcpy(device->version, probed->version, sizeof device->version);
            device->type = probed->type;
            device->usable = !probed->fault[0];
        }
    return DAE_OK;
}

static bool fits_all(const struct platform_list *list, const char *requests)
{
    char name[256], line[768];
    int index;
    bool fits = true;
    do {
        struct error unused = {0};
        const size_t len = requests ? strcspn(requests, ",") : 0;
        snprintf(name, sizeof name, "%.*s", (int)len, requests ? requests : "");
        fits = driver_choose(list, requests ? name : NULL, &index, line, sizeof line, &unused) != DAE_NO_DEVICE;
        requests = requests && requests[len] ? requests + len + 1 : NULL;
    } while (fits && requests);
    return fits;
}

static enum dae_status expect(const char *requests, struct error *err)
{
    const struct driver_list *drivers;
    struct platform_list list;
    if (is_listed)
        return DAE_OK;
    TRY(drivers_find(PROBE_RECALL_ALL, &drivers, err));
    bool refused = false;
    for (int i = 0; i < drivers->icds.n; ++i)
        refused = refused || probe_is_old_refusal(&drivers->probe[i]);
    if (!refused)
        return DAE_OK;
    TRY(list_probed(drivers, &list, err));
    const bool fits = fits_all(&list, requests);
    platform_list_release(&list);
    return fits ? DAE_OK : drivers_retry(err);
}

enum dae_status driver_expect(const char *requests, struct error *err)
{
    LOCK();
    return expect(requests, err);
}

/* ---- Opening. ---------------------------------------------------------------------------------------------------- */

static enum dae_status keep_notices(struct device *device, const struct platform_list *list, struct error *err)
{
    for (int i = 0; i < list->n_notices; ++i)
        TRY(device_add_notice(device, list->notice[i], err));
    for (int i = 0; i < list->n; ++i) {
        const struct platform_device *listed = &list->device[i];
        char line[sizeof listed->name + sizeof listed->platform + sizeof listed->reason + 64];
        if (listed->usable)
            continue;
        snprintf(line, sizeof line, "device '%s' on '%s' is not used: %s", listed->name, listed->platform,
                 listed->reason);
        TRY(device_add_notice(device, line, err));
    }
    return DAE_OK;
}

enum dae_status driver_open(const char *request, const struct tuning_request *tuning, struct device **out,
                            struct error *err)
{
    struct platform_list list;
    char line[DEVICE_LINE];
    int index = 0;
    LOCK();
    *out = NULL;
    TRY(expect(request, err));
    TRY(list_devices(&list, err));
    enum dae_status status = driver_choose(&list, request, &index, line, sizeof line, err);
    if (status == DAE_OK)
        status = device_open(&list.device[index], tuning, out, err);
    if (status == DAE_OK) {
        device_set_line(*out, line);
        status = keep_notices(*out, &list, err);
    }
    platform_list_release(&list);
    if (status != DAE_OK) {
        device_close(*out);
        *out = NULL;
    }
    return status;
}

void driver_finish(void)
{
    LOCK();
    kernel_cache_finish();
}
