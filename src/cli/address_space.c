/* OpenBLAS, which is loaded with the program, starts a thread for each processor, and each asks for 128 MiB until it
 * gets them. If the address space is limited (ulimit -v), they take what the other libraries need in order to start, or
 * ask forever, and the program cannot end, because OpenBLAS then waits for them. So in a small address space the
 * program starts again with one thread, before OpenBLAS has been initialised. */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A thread's buffer, its stack and the C library's arena for it take 128, 8 and up to 128 MiB; a driver's compiler
 * needs as much as the rest. */
static const rlim_t of_a_thread = 512 << 20, of_the_rest = 1 << 30;
enum { MOST_VARIABLES = 4096 };
static const char THREADS[] = "OPENBLAS_NUM_THREADS=", ONE_THREAD[] = "OPENBLAS_NUM_THREADS=1";

static bool is_too_small(void)
{
    struct rlimit limit;
    cpu_set_t processors;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    const int n = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    return limit.rlim_cur < of_the_rest + (rlim_t)n * of_a_thread;
}

/* The loader calls it before any library's constructor, so it may use nothing but system calls. */
static void fit(int argc, char **argv, char **variables)
{
    const char *with[MOST_VARIABLES + 2];
    char path[PATH_MAX];
    int n = 0;
    (void)argc;
    if (!is_too_small())
        return;
    for (; variables[n] && n < MOST_VARIABLES; ++n) {
        if (strncmp(variables[n], THREADS, sizeof THREADS - 1) == 0)
            return;
        with[n] = variables[n];
    }
    with[n] = ONE_THREAD;
    with[n + 1] = NULL;
    const ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0 || variables[n])
        return;
    path[len] = '\0';
    execve(path, argv, (char *const *)with); /* returns only if it failed: then the program goes on as it is */
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = fit;
