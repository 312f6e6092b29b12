/* Where PoCL keeps compiled kernels. PoCL loads every library that it finds there, aborts on a damaged one, and without
 * a home folder uses a path that anybody can create first. So we give it our own folder before the first OpenCL call,
 * and never use a folder that others can write to, that is full, or from which programs cannot be run. */
#ifndef DEVICE_KERNEL_CACHE_H
#define DEVICE_KERNEL_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { KERNEL_CACHE_PATH = 1024 };

struct kernel_cache {
    char path[KERNEL_CACHE_PATH]; /* the folder in use; "" if none is suitable */
    bool own;                     /* our own folder, not one that the user has set */
    char problem[1536];           /* why the first choice is not used: "cannot use /x: it is not a folder"; else "" */
    char mend[KERNEL_CACHE_PATH + 64]; /* the command that repairs it; "" if there is none */
    uid_t owner;
    mode_t mode; /* of the folder in use */
    uint64_t free_bytes;
    int n_removed; /* number of damaged programs that cache_sweep removed */
};

/* Chooses the folder once per process, and sets POCL_CACHE_DIR to it: what the user has set, else a folder of our own
 * below cache_folder, else one for temporary files. The choice lives as long as the process. */
const struct kernel_cache *kernel_cache_prepare(void);

/* If something has been compiled: removes the programs unused for longest from our own folder if it has outgrown 256
 * MiB, and remembers what the folder holds. To be called at the end of a program. */
void kernel_cache_finish(void);

/* How many entries the folder in use has: fewer once somebody has cleared it. */
int kernel_cache_count(void);

/* When something was last added to the folder in use, or to one of its folders, which contain the programs: nanoseconds
 * since 1970, by the file system's clock; 0 if there is no folder. */
int64_t kernel_cache_changed(void);

/* Why kernels cannot be kept in the folder `path`, which is created (mode 0700) if it is missing; NULL if they can.
 * `why` (len bytes) is the buffer for the text. */
const char *kernel_cache_fault(const char *path, char *why, size_t len);

#endif
