/* An OpenCL GPU that is only played: it accepts every program and every launch, computes nothing and writes down both.
 * Linked into a program, its functions take the place of the loader's, so that neither a driver nor a GPU is needed.
 *
 * Buffers of at most PLAYED_KEPT_BYTES keep their bytes; larger ones take no memory and read as zeros. */
#ifndef PLAYED_GPU_H
#define PLAYED_GPU_H

#include "base/json.h"

enum {
    PLAYED_UNITS = 132,
    PLAYED_GROUP = 1024, /* work-items of a group */
    PLAYED_LOCAL_BYTES = 48 << 10,
    PLAYED_KEPT_BYTES = 1 << 16,
};

/* Programs that are built from now on belong to `label`, a text that lives as long as the process. */
void played_gpu_label(const char *label);

/* Writes the source of each program to FOLDER/NUMBER.cl and returns {"units": ..., "programs": [{"label", "file",
 * "options", "kernels": [{"name", "launches": [{"global", "local"}]}]}]}; equal launches are listed once, and equal
 * programs with the first one's label. NULL if a file cannot be written. The caller frees it with cJSON_Delete. */
cJSON *played_gpu_programs(const char *folder);

#endif
