/* What one driver does when it is used for the first time, found out in a child process that may crash or hang: it is
 * loaded, says its platforms and devices, and each device compiles a kernel, runs it, and is checked. */
#ifndef DRIVER_PROBE_H
#define DRIVER_PROBE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"
#include "driver/icd.h"

enum { PROBE_SECONDS = 6 }; /* that one step of it may take: a small board compiles the first kernel for five */

enum probe_verdict {
    PROBE_GOOD,        /* it may be loaded; a device of it may have a fault all the same */
    PROBE_NO_LIBRARY,  /* there is nothing that could be loaded */
    PROBE_NO_PLATFORM, /* it loads, and the loader gets no platform from it */
    PROBE_NO_DEVICE,
    PROBE_CRASHED, /* or it ended the program */
    PROBE_HUNG,
    PROBE_REPEATED, /* another .icd file names the same library */
};

struct probed_device {
    /* As in struct platform_device. */
    char platform[128], vendor[128], name[256], version[128], driver[128];
    enum device_type type;
    char fault[256]; /* why it cannot be used; "" when it can */
};

struct probe {
    enum probe_verdict verdict;
    char fault[2048];             /* unless good: why, "it crashed (SIGSEGV) while loading its library" */
    char library[ICD_PATH];       /* the real path of what was loaded; "" when nothing was */
    struct probed_device *device; /* n_devices of them, owned */
    int n_devices;
    bool remembered; /* from an earlier run */
};

/* What earlier probes found: all of it counts, or what spoke for a driver, or nothing. */
enum probe_memory { PROBE_RECALL_ALL, PROBE_RECALL_GOOD, PROBE_RECALL_NOTHING };

/* Probes n drivers at once, each in a child process of its own that is limited to it, or recalls what an earlier probe
 * found: a good verdict holds until one of the files that the driver brought, the environment or the system changes; a
 * bad one for an hour at most, as what mends a driver may lie outside of all that. A probe that failed for want of
 * memory, address space or time is not remembered, for it says little about the driver. Needs kernel_cache_prepare
 * before, and the process must not have used OpenCL. probe[i] is released by the caller, also after a failure. */
MUST_USE enum dae_status probe_drivers(const struct icd *icd, int n, enum probe_memory memory, struct probe *probe,
                                       struct error *err);
/* Whether it, or one of its devices, is refused because of what an earlier probe found. */
bool probe_is_old_refusal(const struct probe *probe);
void probe_release(struct probe *probe);

/* Whether a damaged kernel cache may be what a driver crashed on: it was compiling or running a kernel. */
bool probe_blames_cache(enum probe_verdict verdict, const char *fault);

/* Makes the next process or first use forget what is remembered of this driver. */
void probe_forget(const struct icd *icd);

#endif
