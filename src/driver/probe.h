/* Finds out in a child process, which may crash or hang, what a driver does when it is used: it is loaded, lists its
 * platforms and devices, and each device compiles and runs a kernel whose result is checked. */
#ifndef DRIVER_PROBE_H
#define DRIVER_PROBE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "device/platform.h"
#include "driver/icd.h"

enum { PROBE_SECONDS = 6 }; /* the limit of one step; a small board compiles its first kernel in five */

enum probe_verdict {
    PROBE_GOOD,        /* it may be loaded, even if one of its devices has a fault */
    PROBE_NO_LIBRARY,  /* there is nothing that could be loaded */
    PROBE_NO_PLATFORM, /* it loads, but the loader gets no platform from it */
    PROBE_NO_DEVICE,
    PROBE_CRASHED, /* or it ended the program */
    PROBE_HUNG,
    PROBE_REPEATED, /* another .icd file names the same library */
};

struct probed_device {
    /* As in struct platform_device. */
    char platform[128], vendor[128], name[256], version[128], driver[128];
    enum device_type type;
    char fault[256]; /* why it cannot be used; "" if it can */
};

struct probe {
    enum probe_verdict verdict;
    char fault[2048];             /* unless good: why, "it crashed (SIGSEGV) while loading its library" */
    char library[ICD_PATH];       /* the real path of the loaded library; "" if none was loaded */
    struct probed_device *device; /* n_devices of them, owned */
    int n_devices;
    bool remembered; /* from an earlier run */
};

/* Which results of earlier probes to use: all, only good ones, or none. */
enum probe_memory { PROBE_RECALL_ALL, PROBE_RECALL_GOOD, PROBE_RECALL_NOTHING };

/* Probes n drivers at once, each in its own child process that is limited to it, or recalls what an earlier probe
 * found. A good verdict is valid until one of the driver's files, the environment or the system changes; a bad one for
 * an hour at most, because a repair may change none of these. A probe that failed for lack of memory, address space or
 * time is not remembered, because it says little about the driver. kernel_cache_prepare must come before, and the
 * process must not have used OpenCL. The caller releases probe[i], also after a failure. */
MUST_USE enum dae_status probe_drivers(const struct icd *icd, int n, enum probe_memory memory, struct probe *probe,
                                       struct error *err);
/* Whether the driver or one of its devices is refused because of an earlier probe. */
bool probe_is_old_refusal(const struct probe *probe);
void probe_release(struct probe *probe);

/* Whether a damaged kernel cache may have crashed a driver, which was compiling or running a kernel. */
bool probe_blames_cache(enum probe_verdict verdict, const char *fault);

/* From now on drivers are probed by the program `path`, which calls probe_serve with its arguments, instead of in
 * forked children: for processes that have other threads. NULL: the path is too long. */
const char *probe_by_program(const char *path);
/* Probes one driver in that program and ends it. False for other arguments. */
bool probe_serve(int argc, char **argv);

/* Forgets what is remembered of this driver, so that the next process or first use probes it. */
void probe_forget(const struct icd *icd);

#endif
