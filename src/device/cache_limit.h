/* A driver's folder of compiled kernels only grows: PoCL removes nothing from it, and each size of image, each edited
 * config and each version adds programs. */
#ifndef DEVICE_CACHE_LIMIT_H
#define DEVICE_CACHE_LIMIT_H

#include <stdint.h>

/* If the programs below the folder (their folders are two levels down) take more than most_bytes, removes those unused
 * for longest until they take three quarters of that. A program used within the last hour stays, because another
 * process may be about to load it. Also removes temporary files that PoCL left there more than an hour ago. Returns the
 * number of programs removed. What cannot be removed stays. */
int cache_limit(const char *folder, int64_t most_bytes);

#endif
