#include "cli/driver_guard.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/kernel_cache.h"

static char last_words[2 * KERNEL_CACHE_PATH];
static volatile sig_atomic_t is_armed;

/* Nothing but write and _exit is safe in a signal handler. */
static void speak_and_leave(void)
{
    const ssize_t written = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)written;
    _exit(DAE_OPENCL);
}

static void on_signal(int number)
{
    (void)number;
    speak_and_leave();
}

static void on_exit_call(void)
{
    if (is_armed)
        speak_and_leave();
}

void driver_guard_arm(const struct device *device)
{
    static bool is_registered;
    const struct platform_device *facts = device_facts(device);
    const struct kernel_cache *cache = kernel_cache_prepare();
    int n = snprintf(last_words, sizeof last_words,
                     "dae-cl: error: the OpenCL driver of '%s' on '%s' ended the program; dae-cl doctor tests it\n",
                     facts->name, facts->platform);
    if (cache->path[0] && n > 0 && (size_t)n < sizeof last_words)
        snprintf(last_words + n, sizeof last_words - (size_t)n,
                 "note: a damaged or full kernel cache may be the cause; it is safe to clear: rm -rf '%s'\n",
                 cache->path);
    is_armed = true;
    signal(SIGABRT, on_signal);
    signal(SIGBUS, on_signal); /* a library that is cut short */
    if (!is_registered && atexit(on_exit_call) == 0)
        is_registered = true;
}

void driver_guard_disarm(void)
{
    is_armed = false;
}
