#include "driver/drivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/kernel_cache.h"

static void drivers_release(struct driver_list *drivers)
{
    for (int i = 0; i < drivers->icds.n && drivers->probe; ++i)
        probe_release(&drivers->probe[i]);
    free(drivers->probe);
    icd_list_release(&drivers->icds);
    *drivers = (struct driver_list){0};
}

/* The loader would list the devices of a library once for each file that names it. */
static void set_aside_repeated(struct driver_list *drivers, int index)
{
    struct probe *probe = &drivers->probe[index];
    for (int i = 0; i < index && probe->verdict == PROBE_GOOD; ++i)
        if (drivers->probe[i].verdict == PROBE_GOOD && probe->library[0] &&
            strcmp(drivers->probe[i].library, probe->library) == 0) {
            probe->verdict = PROBE_REPEATED;
            snprintf(probe->fault, sizeof probe->fault, "it names the same library as %.400s",
                     icd_name(&drivers->icds.icd[i]));
        }
}

static enum dae_status find(enum probe_memory memory, struct driver_list *drivers, struct error *err)
{
    kernel_cache_prepare();
    TRY(icd_list_read(&drivers->icds, err));
    const int n = drivers->icds.n;
    drivers->probe = calloc((size_t)n + 1, sizeof *drivers->probe);
    if (!drivers->probe)
        return error_no_memory(err, "driver list", (size_t)n * sizeof *drivers->probe);
    TRY(probe_drivers(drivers->icds.icd, n, memory, drivers->probe, err));
    for (int i = 0; i < n; ++i) {
        set_aside_repeated(drivers, i);
        drivers->n_good += drivers->probe[i].verdict == PROBE_GOOD;
    }
    return DAE_OK;
}

static struct driver_list found;
static bool is_found;

enum dae_status drivers_find(enum probe_memory memory, const struct driver_list **out, struct error *err)
{
    if (!is_found) {
        enum dae_status status = find(memory, &found, err);
        if (status != DAE_OK) {
            drivers_release(&found);
            return status;
        }
        is_found = true;
    }
    *out = &found;
    return DAE_OK;
}

enum dae_status drivers_retry(struct error *err)
{
    const struct driver_list *unused;
    drivers_release(&found);
    is_found = false;
    return drivers_find(PROBE_RECALL_GOOD, &unused, err);
}

enum dae_status drivers_limit(const struct driver_list *drivers, struct driver_limit *limit, struct error *err)
{
    *limit = (struct driver_limit){0};
    if (drivers->n_good == drivers->icds.n)
        return DAE_OK;
    const char *vendors = getenv("OCL_ICD_VENDORS");
    const struct icd **good = calloc((size_t)drivers->n_good + 1, sizeof *good);
    limit->vendors = vendors ? strdup(vendors) : NULL;
    enum dae_status status = good && (limit->vendors || !vendors)
                                 ? DAE_OK
                                 : error_no_memory(err, "driver list", (size_t)drivers->n_good * sizeof *good);
    int n = 0;
    for (int i = 0; i < drivers->icds.n && status == DAE_OK; ++i)
        if (drivers->probe[i].verdict == PROBE_GOOD)
            good[n++] = &drivers->icds.icd[i];
    if (status == DAE_OK)
        status = icd_folder_make(good, n, limit->folder, err);
    free(good);
    if (status == DAE_OK)
        setenv("OCL_ICD_VENDORS", limit->folder, 1);
    else
        free(limit->vendors);
    return status;
}

void drivers_unlimit(struct driver_limit *limit)
{
    if (!limit->folder[0])
        return;
    if (limit->vendors)
        setenv("OCL_ICD_VENDORS", limit->vendors, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
    free(limit->vendors);
    icd_folder_remove(limit->folder);
    *limit = (struct driver_limit){0};
}
