#include "device/properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"

#ifdef __aarch64__
enum { NARROW_REGISTERS = 32 }; /* NEON, SVE */
#else
enum { NARROW_REGISTERS = 16 }; /* AVX2, AVX, SSE */
#endif

static const struct properties table[] = {
    {16, 32, true}, /* AVX-512 */
    {8, NARROW_REGISTERS, true},
    {4, NARROW_REGISTERS, true},
};
static const struct properties middle = {8, 16, false};

struct properties properties_of(const struct platform_device *device)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i)
        if (device->type == DEVICE_CPU && table[i].vector_floats == device->vector_floats)
            return table[i];
    return middle;
}

/* Whether the flags of /proc/cpuinfo, with a blank before and after each, contain this one. */
static bool has_flag(const char *flags, const char *name)
{
    char word[32];
    snprintf(word, sizeof word, " %s ", name);
    return strstr(flags, word) != NULL;
}

void properties_processor(char *line, size_t len)
{
    static const char *const sets[] = {"sse4_2", "avx", "fma", "avx2", "avx512f", "avx512vl", "asimd", "sve", "sve2"};
    static const char *const switches[] = {"POCL_KERNELLIB_NAME", "POCL_LLVM_CPU_NAME", "CL_CONFIG_CPU_TARGET_ARCH"};
    char flags[8192] = "";
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(flags, sizeof flags, file) && strncmp(flags, "flags", 5) != 0 &&
           strncmp(flags, "Features", 8) != 0)
        flags[0] = '\0';
    if (file)
        fclose(file);
    flags[strcspn(flags, "\n")] = ' ';
    size_t at = (size_t)snprintf(line, len, "processor");
    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && at < len; ++i)
        if (has_flag(flags, sets[i]))
            at += (size_t)snprintf(line + at, len - at, " %s", sets[i]);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0] && at < len; ++i)
        if (getenv(switches[i]))
            at += (size_t)snprintf(line + at, len - at, " %s=%.64s", switches[i], getenv(switches[i]));
}

void properties_identity(const struct platform_device *device, char line[PROPERTIES_LINE])
{
    char processor[512] = "";
    if (device->type == DEVICE_CPU)
        properties_processor(processor, sizeof processor);
    snprintf(line, PROPERTIES_LINE, "dae-cl %s, %s, %s, %s, driver %s, %d units, vectors of %d%s%s%s", DAE_CL_VERSION,
             device->platform, device->name, device->version, device->driver, device->compute_units,
             device->vector_floats, device->fused ? ", fused" : "", processor[0] ? ", " : "", processor);
}
