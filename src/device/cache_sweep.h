/* A driver loads and runs whatever it finds in the folder of its compiled kernels. PoCL aborts on a truncated file, and
 * runs a scrambled one. So a checksum of each file is remembered, and a program with a changed file is removed before
 * the driver sees it, so that it is compiled again. */
#ifndef DEVICE_CACHE_SWEEP_H
#define DEVICE_CACHE_SWEEP_H

#include <stdint.h>

/* In one walk, checks every library and bitcode file below the folder, of which it reads only new and touched ones,
 * removes damaged programs, and then what exceeds a limit of most_bytes (0: none; cache_limit.h). Returns the number of
 * damaged programs. Files that it cannot check stay as they are. */
int cache_sweep(const char *folder, int64_t most_bytes);

#endif
