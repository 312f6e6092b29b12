#include "cli/driver_guard.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/kernel_cache.h"

static char last_words[2 * KERNEL_CACHE_PATH + 2048], late_words[1024], driver[512],
    cache_note[KERNEL_CACHE_PATH + 128];
static volatile sig_atomic_t is_armed;

/* Nothing but write and _exit is safe in a signal handler. */
static void speak_and_leave(const char *words)
{
    const ssize_t written = write(STDERR_FILENO, words, strlen(words));
    (void)written;
    _exit(DAE_OPENCL);
}

static void on_signal(int number)
{
    speak_and_leave(number == SIGALRM ? late_words : last_words);
}

static void on_exit_call(void)
{
    if (is_armed)
        speak_and_leave(last_words);
}

void driver_guard_arm(const struct device *device)
{
    static bool is_registered;
    const struct platform_device *facts = device_facts(device);
    const struct kernel_cache *cache = kernel_cache_prepare();
    snprintf(driver, sizeof driver, "the OpenCL driver of '%s' on '%s'", facts->name, facts->platform);
    if (cache->path[0])
        snprintf(cache_note, sizeof cache_note,
                 "note: a damaged or full kernel cache may be the cause; it is safe to clear: rm -rf '%s'\n",
                 cache->path);
    snprintf(last_words, sizeof last_words, "dae-cl: error: %s ended the program; dae-cl doctor tests it\n%s", driver,
             cache_note);
    is_armed = true;
    signal(SIGABRT, on_signal);
    signal(SIGBUS, on_signal); /* a truncated library */
#ifndef __SANITIZE_ADDRESS__
    signal(SIGSEGV, on_signal); /* a scrambled library */
#endif
    if (!is_registered && atexit(on_exit_call) == 0)
        is_registered = true;
}

void driver_guard_suspect(const struct plugin *plugin)
{
    if (plugin)
        snprintf(last_words, sizeof last_words,
                 "dae-cl: error: plugin '%s' (%.1024s), which is not part of dae-cl, or %s ended the program\n"
                 "note: a debugger shows which; a plugin's functions, such as its reference, may access only the "
                 "memory that they are given\n%s",
                 plugin->name, plugin->stranger, driver, cache_note);
}

void driver_guard_disarm(void)
{
    is_armed = false;
}

void driver_guard_wait(const struct device *device, const char *what, unsigned seconds)
{
    const struct platform_device *facts = device_facts(device);
    snprintf(late_words, sizeof late_words,
             "dae-cl: error: the OpenCL driver of '%s' on '%s' has not finished %s within %u s\n"
             "note: dae-cl doctor tests it; choose another device by --platform\n",
             facts->name, facts->platform, what, seconds);
    signal(SIGALRM, on_signal);
    alarm(seconds);
}

void driver_guard_in_time(void)
{
    alarm(0);
}
