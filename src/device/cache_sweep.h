/* A driver loads and runs whatever it finds in the folder of its compiled kernels. PoCL aborts on a truncated file, and
 * runs a scrambled one. So a checksum of each file is remembered, and a program with a changed file is removed before
 * the driver sees it, so that it is compiled again. */
#ifndef DEVICE_CACHE_SWEEP_H
#define DEVICE_CACHE_SWEEP_H

/* Checks every library and bitcode file below the folder, of which it reads only new and touched ones; removes damaged
 * programs and returns their number. Files that it cannot check stay as they are. */
int cache_sweep(const char *folder);

#endif
