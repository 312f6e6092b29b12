/* A driver's folder of compiled kernels only grows: PoCL removes nothing from it, and each size of image, each edited
 * config and each version adds programs. These two functions are the part of a walk (cache_sweep.h) that keeps it
 * within a limit; there is one walk at a time in a process. */
#ifndef DEVICE_CACHE_LIMIT_H
#define DEVICE_CACHE_LIMIT_H

#include <ftw.h>
#include <stdint.h>

#include "base/text.h"

/* Notes what nftw has found, and removes a temporary file that PoCL left more than an hour ago. The folders of programs
 * are two levels below the folder. */
void cache_limit_note(const char *path, const struct stat *info, int kind, const struct FTW *place);

/* Ends the walk. If the programs take more than most_bytes (0: no limit), removes those unused for longest until they
 * take three quarters of that, and appends each one's path, from byte folder_len on and with its NUL, to `removed`. A
 * program used within the last hour stays, because another process may be about to load it. What cannot be removed
 * stays. */
void cache_limit_apply(int64_t most_bytes, size_t folder_len, struct text *removed);

#endif
