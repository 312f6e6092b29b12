/* Where PoCL keeps compiled kernels. It loads whatever library lies there, aborts on a damaged one, and without a home
 * folder it takes a path that anybody can make first. So it is given a folder of our own before the first OpenCL call,
 * and no folder is used that others can write to, that is full, or that cannot hold programs. */
#ifndef DEVICE_KERNEL_CACHE_H
#define DEVICE_KERNEL_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { KERNEL_CACHE_PATH = 1024 };

struct kernel_cache {
    char path[KERNEL_CACHE_PATH]; /* the folder in use; "" when none is fit */
    bool own;                     /* ours, and not one that the user has set */
    char problem[1536];           /* why the first choice is not used: "cannot use /x: it is not a folder"; else "" */
    char mend[KERNEL_CACHE_PATH + 64]; /* the command that mends it; "" when there is none */
    uid_t owner;
    mode_t mode; /* of the folder in use */
    uint64_t free_bytes;
    int n_removed; /* programs that were damaged: cache_sweep */
};

/* Chooses the folder once per process, and sets POCL_CACHE_DIR to it: what the user has set, else a folder of our own
 * below cache_folder, else one for temporary files. The choice lives as long as the process. */
const struct kernel_cache *kernel_cache_prepare(void);

/* At the end of a program: remembers what has been compiled. */
void kernel_cache_finish(void);

/* How many entries the folder in use has: fewer once somebody has cleared it. */
int kernel_cache_count(void);

/* When something was last put into the folder in use, or into one of its folders, in which programs lie: nanoseconds
 * since 1970, by the file system's clock; 0 where there is no folder. */
int64_t kernel_cache_changed(void);

/* Why kernels cannot be kept in the folder `path`, made (mode 0700) when it is missing; NULL when they can. `why` (len
 * bytes) holds the text. */
const char *kernel_cache_fault(const char *path, char *why, size_t len);

#endif
