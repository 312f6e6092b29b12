#include "driver/environment.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

/* A name that ends with '*' means all names with that beginning. */
static const struct {
    const char *name, *meaning;
} known[] = {
    {"OCL_ICD_VENDORS", "which drivers the OpenCL loader loads, instead of those of /etc/OpenCL/vendors"},
    {"OPENCL_VENDOR_PATH", "the folder of .icd files, instead of /etc/OpenCL/vendors"},
    {"OCL_ICD_*", "the OpenCL loader"},
    {"OPENCL_LAYERS", "layers that the loader inserts between programs and drivers"},
    {"LD_LIBRARY_PATH", "where libraries are searched first"},
    {"LD_PRELOAD", "libraries that are loaded into every program"},
    {"LD_BIND_NOW", "whether a driver with a missing function already fails when it is loaded"},
    {"POCL_CACHE_DIR", "where PoCL keeps compiled kernels"},
    {"POCL_DEVICES", "which devices PoCL offers"},
    {"POCL_*", "PoCL"},
    {"RUSTICL_ENABLE", "for which of Mesa's drivers rusticl offers devices"},
    {"RUSTICL_*", "Mesa's rusticl"},
    {"OCLGRIND_*", "the simulator oclgrind"},
    {"CUDA_VISIBLE_DEVICES", "which NVIDIA GPUs are offered"},
    {"CUDA_*", "NVIDIA's driver"},
    {"NVIDIA_VISIBLE_DEVICES", "which NVIDIA GPUs a container gets"},
    {"ROCR_VISIBLE_DEVICES", "which AMD GPUs are offered"},
    {"HIP_VISIBLE_DEVICES", "which AMD GPUs are offered"},
    {"GPU_DEVICE_ORDINAL", "which AMD GPUs are offered"},
    {"GPU_*", "AMD's driver"},
    {"HSA_*", "AMD's runtime"},
    {"ZE_*", "Intel's level zero"},
    {"NEO*", "Intel's GPU driver"},
    {"CL_CONFIG_*", "Intel's CPU runtime"},
    {"MESA_*", "Mesa"},
    {"LIBGL_*", "Mesa"},
    {"GALLIUM_*", "Mesa's drivers"},
    {"LP_*", "Mesa's llvmpipe"},
    {"DAE_CL_KERNELS", "the kernels of dae-cl itself, including that of the probe"},
    {"DRI_PRIME", "which GPU Mesa uses"},
};

static const char *meaning_of(const char *text)
{
    const size_t len = strcspn(text, "=");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        const size_t known_len = strlen(known[i].name);
        if (known[i].name[known_len - 1] == '*' ? strncmp(text, known[i].name, known_len - 1) == 0
                                                : known_len == len && strncmp(text, known[i].name, len) == 0)
            return known[i].meaning;
    }
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct environment_variable *)a)->text, ((const struct environment_variable *)b)->text);
}

enum dae_status environment_read(struct environment *environment, struct error *err)
{
    *environment = (struct environment){0};
    size_t n = 0;
    while (environ && environ[n])
        ++n;
    environment->variable = calloc(n + 1, sizeof *environment->variable);
    if (!environment->variable)
        return error_no_memory(err, "environment", (n + 1) * sizeof *environment->variable);
    for (size_t i = 0; i < n; ++i) {
        const char *meaning = meaning_of(environ[i]);
        if (!meaning)
            continue;
        struct environment_variable *variable = &environment->variable[environment->n];
        *variable = (struct environment_variable){strdup(environ[i]), meaning};
        if (!variable->text) {
            environment_release(environment);
            return error_no_memory(err, "environment", strlen(environ[i]));
        }
        ++environment->n;
    }
    qsort(environment->variable, (size_t)environment->n, sizeof *environment->variable, by_text);
    return DAE_OK;
}

void environment_release(struct environment *environment)
{
    for (int i = 0; i < environment->n; ++i)
        free(environment->variable[i].text);
    free(environment->variable);
    *environment = (struct environment){0};
}
