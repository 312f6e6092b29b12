#include "driver/doctor.h"

#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cache.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "device/kernel_cache.h"
#include "device/platform.h"
#include "driver/details.h"
#include "driver/drivers.h"
#include "driver/environment.h"
#include "driver/remedy.h"

enum {
    MEASURE_SECONDS = 30, /* limit of one measurement: a library of tuned products takes long to compile */
    TEXT_LEN = 4096,
};

/* ---- In a child: the devices of one driver. -------------------------------------------------------------- */

struct subject {
    const struct probe *probe;
    doctor_measure *measure;
    char folder[ICD_PATH]; /* with only this driver; "" if there is no other */
};

static bool list_devices(const struct subject *subject, struct platform_list *list)
{
    struct error err = {0};
    if (subject->folder[0])
        setenv("OCL_ICD_VENDORS", subject->folder, 1);
    setenv("OCL_ICD_PLATFORM_SORT", "none", 1); /* the order of the probe */
    sandbox_step("listing its platforms");
    return platform_list_loaded(list, &err) == DAE_OK;
}

/* The probe's verdict on the device that the driver lists at this place. */
static const char *probed_fault(const struct probe *probe, int index, const struct platform_device *device)
{
    const struct probed_device *probed = &probe->device[index];
    return index < probe->n_devices && strcmp(probed->platform, device->platform) == 0 &&
                   strcmp(probed->name, device->name) == 0
               ? probed->fault
               : "it did not exist when its driver was probed";
}

static cJSON *ask_devices(void *context)
{
    const struct subject *subject = context;
    struct platform_list list;
    if (!list_devices(subject, &list))
        return NULL;
    cJSON *devices = cJSON_CreateArray();
    for (int i = 0; i < list.n; ++i) {
        const char *fault = probed_fault(subject->probe, i, &list.device[i]);
        sandbox_step("asking for the limits of device '%s'", list.device[i].name);
        cJSON *row = details_device(&list.device[i]);
        cJSON_AddBoolToObject(row, "usable", !fault[0]);
        cJSON_AddStringToObject(row, "fault", fault);
        cJSON_AddItemToArray(devices, row);
    }
    return devices;
}

/* One row per device; those of unusable devices are empty. */
static cJSON *measure_devices(void *context)
{
    const struct subject *subject = context;
    struct platform_list list;
    if (!list_devices(subject, &list))
        return NULL;
    cJSON *rows = cJSON_CreateArray();
    for (int i = 0; i < list.n; ++i) {
        struct error err = {0};
        cJSON *row = cJSON_CreateObject();
        if (!probed_fault(subject->probe, i, &list.device[i])[0] &&
            subject->measure(&list.device[i], row, &err) != DAE_OK)
            cJSON_AddStringToObject(row, "fault", error_message(&err));
        cJSON_AddItemToArray(rows, row);
    }
    return rows;
}

/* ---- Drivers. ------------------------------------------------------------------------------------------- */

static const char *verdict_text(enum probe_verdict verdict)
{
    switch (verdict) {
    case PROBE_GOOD:
        return "good";
    case PROBE_NO_LIBRARY:
        return "cannot be loaded";
    case PROBE_NO_PLATFORM:
        return "no platform";
    case PROBE_NO_DEVICE:
        return "no device";
    case PROBE_CRASHED:
        return "crashes";
    case PROBE_HUNG:
        return "hangs";
    case PROBE_REPEATED:
        return "repeated";
    }
    return "?";
}

/* *answer is NULL if the child had none; `story` then says why. */
static enum dae_status ask_child(sandbox_work *work, struct subject *subject, double seconds, cJSON **answer,
                                 char story[TEXT_LEN], struct error *err)
{
    struct sandbox sandbox;
    TRY(sandbox_run(work, (void *[]){subject}, 1, seconds, &sandbox, err));
    sandbox_story(&sandbox, story, TEXT_LEN);
    *answer = sandbox.answer;
    return DAE_OK;
}

/* Adds what a driver can do beyond its probe to row: "devices", each with "measured" if it is usable. */
static enum dae_status examine_good(struct subject *subject, cJSON *row, struct error *err)
{
    cJSON *devices = NULL, *rates = NULL, *device;
    char story[TEXT_LEN];
    TRY(ask_child(ask_devices, subject, PROBE_SECONDS, &devices, story, err));
    if (!devices) {
        cJSON_AddStringToObject(row, "unmeasured", story);
        return DAE_OK;
    }
    cJSON_AddItemToObject(row, "devices", devices);
    TRY(ask_child(measure_devices, subject, MEASURE_SECONDS, &rates, story, err));
    cJSON_ArrayForEach(device, devices)
    {
        cJSON *measured = rates ? cJSON_DetachItemFromArray(rates, 0) : cJSON_CreateObject();
        if (!rates)
            cJSON_AddStringToObject(measured, "fault", story);
        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(device, "usable")))
            cJSON_AddItemToObject(device, "measured", measured);
        else
            cJSON_Delete(measured);
    }
    cJSON_Delete(rates);
    return DAE_OK;
}

static enum dae_status examine_driver(const struct driver_list *list, int index, doctor_measure *measure,
                                      cJSON *drivers, struct error *err)
{
    const struct icd *icd = &list->icds.icd[index];
    const struct probe *probe = &list->probe[index];
    struct subject subject = {.probe = probe, .measure = measure};
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(drivers, row);
    cJSON_AddStringToObject(row, "icd", icd->path);
    cJSON_AddStringToObject(row, "names", icd->library);
    cJSON_AddStringToObject(row, "library", probe->library);
    cJSON_AddStringToObject(row, "verdict", verdict_text(probe->verdict));
    cJSON_AddStringToObject(row, "fault", probe->fault);
    enum dae_status status = DAE_OK;
    if (probe->verdict == PROBE_GOOD && list->icds.n > 1)
        status = icd_folder_make(&icd, 1, subject.folder, err);
    if (status == DAE_OK && probe->verdict == PROBE_GOOD)
        status = examine_good(&subject, row, err);
    if (subject.folder[0])
        icd_folder_remove(subject.folder);
    if (!cJSON_GetObjectItemCaseSensitive(row, "devices"))
        cJSON_AddArrayToObject(row, "devices");
    return status;
}

static cJSON *ask_loader(void *context)
{
    setenv("OCL_ICD_VENDORS", context, 1);
    return details_loader();
}

static enum dae_status examine_loader(cJSON *facts, struct error *err)
{
    char folder[ICD_PATH];
    struct sandbox sandbox;
    TRY(icd_folder_make(NULL, 0, folder, err));
    enum dae_status status = sandbox_run(ask_loader, (void *[]){folder}, 1, PROBE_SECONDS, &sandbox, err);
    icd_folder_remove(folder);
    TRY(status);
    cJSON_AddItemToObject(facts, "loader", sandbox.answer ? sandbox.answer : cJSON_CreateObject());
    return DAE_OK;
}

/* ---- Surroundings. -------------------------------------------------------------------------------------- */

static void examine_system(cJSON *facts)
{
    struct utsname system;
    struct error err = {0};
    char *release = NULL;
    size_t len;
    cJSON *row = cJSON_AddObjectToObject(facts, "system");
    if (uname(&system) == 0) {
        cJSON_AddStringToObject(row, "kernel", system.release);
        cJSON_AddStringToObject(row, "machine", system.machine);
    }
    if (file_read("/etc/os-release", 1 << 16, DAE_IO, &release, &len, &err) != DAE_OK)
        return;
    char *name = strstr(release, "PRETTY_NAME=\"");
    if (name) {
        name += strlen("PRETTY_NAME=\"");
        name[strcspn(name, "\"\n")] = '\0';
        cJSON_AddStringToObject(row, "distribution", name);
    }
    free(release);
}

static void examine_cache(cJSON *facts)
{
    const struct kernel_cache *cache = kernel_cache_prepare();
    cJSON *row = cJSON_AddObjectToObject(facts, "kernel_cache");
    const struct passwd *owner = getpwuid(cache->owner);
    char mode[8], folder[1024];
    struct error err = {0};
    snprintf(mode, sizeof mode, "%04o", (unsigned)cache->mode & 07777);
    cJSON_AddStringToObject(row, "path", cache->path);
    cJSON_AddBoolToObject(row, "own", cache->own);
    cJSON_AddStringToObject(row, "owner", owner ? owner->pw_name : "?");
    cJSON_AddStringToObject(row, "mode", mode);
    cJSON_AddNumberToObject(row, "free_bytes", (double)cache->free_bytes);
    cJSON_AddBoolToObject(row, "programs_run", cache->path[0] != '\0');
    cJSON_AddStringToObject(row, "problem", cache->problem);
    const bool remembers = cache_folder(folder, sizeof folder, &err) == DAE_OK;
    row = cJSON_AddObjectToObject(facts, "memo_folder");
    cJSON_AddStringToObject(row, "path", remembers ? folder : "");
    cJSON_AddStringToObject(row, "problem", remembers ? "" : error_message(&err));
}

static enum dae_status examine_environment(cJSON *facts, struct error *err)
{
    struct environment environment;
    cJSON *rows = cJSON_AddArrayToObject(facts, "environment");
    TRY(environment_read(&environment, err));
    for (int i = 0; i < environment.n; ++i) {
        const struct environment_variable *variable = &environment.variable[i];
        cJSON *row = cJSON_CreateObject();
        char *value = strchr(variable->text, '=');
        char name[256];
        snprintf(name, sizeof name, "%.*s", value ? (int)(value - variable->text) : -1, variable->text);
        cJSON_AddStringToObject(row, "name", name);
        cJSON_AddStringToObject(row, "value", value ? value + 1 : "");
        cJSON_AddStringToObject(row, "changes", variable->meaning);
        cJSON_AddItemToArray(rows, row);
    }
    environment_release(&environment);
    return DAE_OK;
}

/* A number in a file of one line, as the kernel writes it ("0x1002"); 0 if there is none. */
static unsigned long number_in(const char *folder, const char *name)
{
    char path[512], text[32] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    const bool read = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    return read ? strtoul(text, NULL, 0) : 0;
}

static const struct {
    unsigned long id;
    const char *name;
    const char *words[3]; /* one of which a driver's vendor contains */
    enum remedy remedy;
} makers[] = {
    {0x1002, "AMD", {"AMD", "Advanced Micro", NULL}, REMEDY_INSTALL_AMD},
    {0x8086, "Intel", {"Intel", NULL}, REMEDY_INSTALL_INTEL},
    {0x10de, "NVIDIA", {"NVIDIA", NULL}, REMEDY_INSTALL_NVIDIA},
};
enum { N_MAKERS = sizeof makers / sizeof makers[0], PCI_DISPLAY = 0x03 };

/* The makers of the machine's graphics cards, as the kernel lists them. */
static void examine_graphics(cJSON *facts)
{
    static const char folder[] = "/sys/bus/pci/devices";
    cJSON *rows = cJSON_AddArrayToObject(facts, "graphics");
    struct dirent **entry = NULL;
    const int n = scandir(folder, &entry, NULL, alphasort);
    for (int i = 0; i < n; ++i) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        const unsigned long vendor = number_in(path, "vendor"), class = number_in(path, "class");
        for (int m = 0; m < N_MAKERS && class >> 16 == PCI_DISPLAY; ++m)
            if (makers[m].id == vendor) {
                cJSON *row = cJSON_CreateObject();
                cJSON_AddStringToObject(row, "maker", makers[m].name);
                cJSON_AddStringToObject(row, "pci", entry[i]->d_name);
                cJSON_AddItemToArray(rows, row);
            }
        free(entry[i]);
    }
    free(entry);
}

/* ---- Findings. ------------------------------------------------------------------------------------------ */

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

/* "libsvml.so: cannot open shared object file: ..." -> "libsvml.so", if it is not the driver's own library. */
static bool missing_library(const struct icd *icd, const char *fault, char *name, size_t len)
{
    const char *colon = strstr(fault, ": cannot open shared object file");
    if (!colon || (size_t)(colon - fault) >= len)
        return false;
    snprintf(name, len, "%.*s", (int)(colon - fault), fault);
    return strcmp(name, icd->library) != 0;
}

/* Libraries of Intel's compiler, which its CPU runtime needs but the runtime's wheel does not contain. */
static bool is_intel_library(const char *name)
{
    static const char *const names[] = {"libsvml", "libirng", "libimf", "libintlc"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Reinstalling a package restores its files; a file that the user has made must be repaired by the user. */
static void add_broken(cJSON *findings, const char *what, const struct icd *icd)
{
    if (!icd->path[0])
        remedy_add(findings, what, REMEDY_UNSET, "OCL_ICD_VENDORS");
    else if (strncmp(icd->path, "/etc/", 5) == 0 || strncmp(icd->path, "/usr/", 5) == 0)
        remedy_add(findings, what, REMEDY_REINSTALL, icd->path);
    else
        remedy_add(findings, what, REMEDY_SET_ASIDE, icd->path);
}

static void judge_driver(const struct icd *icd, const struct probe *probe, cJSON *findings)
{
    char what[TEXT_LEN], name[256], command[TEXT_LEN];
    const struct kernel_cache *cache = kernel_cache_prepare();
    snprintf(what, sizeof what, "driver %s: %s", icd_name(icd), probe->fault);
    switch (probe->verdict) {
    case PROBE_GOOD:
        break;
    case PROBE_NO_LIBRARY:
        if (!missing_library(icd, probe->fault, name, sizeof name))
            add_broken(findings, what, icd);
        else if (is_intel_library(name))
            remedy_add(findings, what, REMEDY_COMMAND,
                       "python3 -m pip install intel-cmplr-lib-rt, then put the folder of its libraries on "
                       "LD_LIBRARY_PATH");
        else
            remedy_add(findings, what, REMEDY_FIND_LIBRARY, name);
        break;
    case PROBE_NO_PLATFORM:
    case PROBE_REPEATED:
    case PROBE_HUNG:
        remedy_add(findings, what, icd->path[0] ? REMEDY_SET_ASIDE : REMEDY_UNSET,
                   icd->path[0] ? icd->path : "OCL_ICD_VENDORS");
        break;
    case PROBE_NO_DEVICE:
        if (strstr(probe->fault, "rusticl"))
            remedy_add(findings, what, REMEDY_COMMAND, "export RUSTICL_ENABLE=radeonsi (or iris, nouveau, llvmpipe)");
        else
            remedy_add(findings, what, REMEDY_LET_IN, "");
        break;
    case PROBE_CRASHED:
        if (probe_blames_cache(probe->verdict, probe->fault)) {
            snprintf(command, sizeof command, "rm -rf '%s'", cache->path);
            remedy_add(findings, what, REMEDY_COMMAND, command);
            snprintf(what, sizeof what, "driver %s, if it also crashes with a cleared cache", icd_name(icd));
        }
        add_broken(findings, what, icd);
        break;
    }
    for (int i = 0; i < probe->n_devices; ++i)
        if (probe->device[i].fault[0]) {
            snprintf(what, sizeof what, "device '%s' of driver %s: %s", probe->device[i].name, icd_name(icd),
                     probe->device[i].fault);
            add_broken(findings, what, icd);
        }
}

/* Finds graphics cards that no driver offers, by comparing `makers` with the vendors of the devices. */
static void judge_graphics(const cJSON *facts, cJSON *findings)
{
    bool is_here[N_MAKERS] = {false}, is_offered[N_MAKERS] = {false};
    const cJSON *row, *device;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(facts, "graphics")) for (int m = 0; m < N_MAKERS; ++m)
        is_here[m] = is_here[m] || strcmp(text_at(row, "maker"), makers[m].name) == 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(facts, "drivers")) cJSON_ArrayForEach(
        device, cJSON_GetObjectItemCaseSensitive(
                    row, "devices")) for (int m = 0; m < N_MAKERS;
                                          ++m) for (int w = 0;
                                                    makers[m].words[w] && strcmp(text_at(device, "type"), "GPU") == 0;
                                                    ++w) is_offered[m] =
        is_offered[m] || strstr(text_at(device, "vendor"), makers[m].words[w]);
    for (int m = 0; m < N_MAKERS; ++m)
        if (is_here[m] && !is_offered[m]) {
            char what[128];
            snprintf(what, sizeof what, "there is a graphics card of %s, but no driver offers it", makers[m].name);
            remedy_add(findings, what, makers[m].remedy, "");
        }
}

static void judge_nodes(cJSON *findings)
{
    struct dirent **entry = NULL;
    const int n = scandir("/dev/dri", &entry, NULL, alphasort);
    for (int i = 0; i < n; ++i) {
        char path[300], what[400];
        snprintf(path, sizeof path, "/dev/dri/%s", entry[i]->d_name);
        if (strncmp(entry[i]->d_name, "renderD", 7) == 0 && access(path, R_OK | W_OK) < 0) {
            snprintf(what, sizeof what, "%s: this user may not open it, so no driver can use its GPU", path);
            remedy_add(findings, what, REMEDY_LET_IN, "");
        }
        free(entry[i]);
    }
    free(entry);
}

static void judge(const struct driver_list *drivers, cJSON *facts, int n_usable)
{
    const struct kernel_cache *cache = kernel_cache_prepare();
    cJSON *findings = cJSON_AddArrayToObject(facts, "findings");
    const struct icd_list *icds = &drivers->icds;
    char what[TEXT_LEN];
    if (icds->n == 0 && icds->variable) {
        snprintf(what, sizeof what, "%s names no driver: %s", icds->variable, icds->problem);
        remedy_add(findings, what, REMEDY_UNSET, icds->variable);
    } else if (icds->n == 0) {
        snprintf(what, sizeof what, "no OpenCL driver is installed: %s", icds->problem);
        remedy_add(findings, what, REMEDY_INSTALL_CPU, "");
    }
    for (int i = 0; i < icds->n; ++i)
        judge_driver(&icds->icd[i], &drivers->probe[i], findings);
    if (icds->n > 0 && n_usable == 0)
        remedy_add(findings, "no device can be used; PoCL turns any CPU into one", REMEDY_INSTALL_CPU, "");
    judge_graphics(facts, findings);
    judge_nodes(findings);
    if (cache->problem[0]) {
        snprintf(what, sizeof what, "kernel cache: %s", cache->problem);
        remedy_add(findings, what, REMEDY_COMMAND, cache->mend);
    }
}

static void conclude(const struct driver_list *drivers, cJSON *facts, int n_usable)
{
    char text[256];
    int n_devices = 0;
    for (int i = 0; i < drivers->icds.n; ++i)
        n_devices += drivers->probe[i].n_devices;
    if (drivers->icds.n == 0)
        snprintf(text, sizeof text, "OpenCL does not work here: there is no driver");
    else
        snprintf(text, sizeof text, "OpenCL %s here: %d of %d driver%s good, %d of %d device%s usable",
                 n_usable ? "works" : "does not work", drivers->n_good, drivers->icds.n,
                 drivers->icds.n == 1 ? "" : "s", n_usable, n_devices, n_devices == 1 ? "" : "s");
    cJSON_AddNumberToObject(facts, "usable_devices", n_usable);
    cJSON_AddStringToObject(facts, "verdict", text);
}

static int count_usable(const struct driver_list *drivers)
{
    int n = 0;
    for (int i = 0; i < drivers->icds.n; ++i)
        for (int d = 0; d < drivers->probe[i].n_devices && drivers->probe[i].verdict == PROBE_GOOD; ++d)
            n += !drivers->probe[i].device[d].fault[0];
    return n;
}

static enum dae_status examine(doctor_measure *measure, cJSON *facts, struct error *err)
{
    const struct driver_list *drivers;
    TRY(examine_environment(facts, err)); /* before the choice of the kernel cache adds to it */
    TRY(drivers_find(PROBE_RECALL_NOTHING, &drivers, err));
    examine_system(facts);
    TRY(examine_loader(facts, err));
    cJSON *from = cJSON_AddObjectToObject(facts, "drivers_from");
    cJSON_AddStringToObject(from, "place", drivers->icds.place);
    cJSON_AddStringToObject(from, "variable", drivers->icds.variable ? drivers->icds.variable : "");
    cJSON_AddStringToObject(from, "problem", drivers->icds.problem);
    cJSON *rows = cJSON_AddArrayToObject(facts, "drivers");
    for (int i = 0; i < drivers->icds.n; ++i)
        TRY(examine_driver(drivers, i, measure, rows, err));
    examine_cache(facts);
    examine_graphics(facts);
    const int n_usable = count_usable(drivers);
    judge(drivers, facts, n_usable);
    conclude(drivers, facts, n_usable);
    return DAE_OK;
}

enum dae_status doctor_examine(doctor_measure *measure, cJSON **facts, struct error *err)
{
    *facts = cJSON_CreateObject();
    if (!*facts)
        return error_no_memory(err, "facts", 0);
    enum dae_status status = examine(measure, *facts, err);
    if (status != DAE_OK) {
        cJSON_Delete(*facts);
        *facts = NULL;
    }
    return status;
}
