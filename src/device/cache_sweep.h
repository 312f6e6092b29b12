/* What a driver finds in the folder of its compiled kernels it loads and runs. PoCL aborts on a file that is cut short,
 * and runs one that is scrambled. So each file is remembered with a sum over its bytes, and a program of which a file
 * is no longer what it was is removed before the driver sees it: it is compiled again. */
#ifndef DEVICE_CACHE_SWEEP_H
#define DEVICE_CACHE_SWEEP_H

/* Looks at every library and bitcode file below the folder, of which only those that are new or were touched are read;
 * removes damaged programs and returns how many. Whatever fails here is left as it is: the driver is then on its own.
 */
int cache_sweep(const char *folder);

#endif
