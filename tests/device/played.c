/* A processor with fewer instructions: preloaded before PoCL, it hides from LLVM the instructions beyond PLAYED = avx2
 * | avx | sse42. PoCL only asks LLVM, so it names the device, chooses its kernel library, compiles and reports its
 * vector width as on such a machine. Built and used by tests/cli/processors.sh.
 *
 * Both functions are LLVM's, in C++: getHostCPUName() returns a pointer and a length, which a struct of two words
 * matches; getHostCPUFeatures(StringMap<bool> &) fills a hash table of features, in which a feature that is hidden
 * becomes false. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct string_ref {
    const char *text;
    size_t len;
};

/* llvm::StringMapEntry<bool>; its key follows. */
struct entry {
    size_t key_len;
    bool value;
};

/* llvm::StringMapImpl. Empty buckets are NULL, removed ones -1 shifted by some bits; getHostCPUFeatures removes none.
 */
struct string_map {
    struct entry **bucket;
    unsigned n_buckets, n_items;
};

/* What each of them has beyond the next one. A feature means all features with that beginning. */
static const struct {
    const char *name, *processor;
    const char *beyond[8]; /* what is hidden for the next */
} played[] = {
    {"avx512", "skylake-avx512", {"avx512", "amx", "vaes", "vpclmulqdq", "gfni", "avxvnni", "evex512"}},
    {"avx2", "haswell", {"avx2", "fma", "bmi", "lzcnt", "f16c", "movbe"}},
    {"avx", "sandybridge", {"avx", "xop", "fma4"}},
    {"sse42", "nehalem", {0}},
};
enum { N_PLAYED = sizeof played / sizeof played[0] };

static int level(void)
{
    const char *name = getenv("PLAYED");
    for (int i = 0; name && i < N_PLAYED; ++i)
        if (strcmp(name, played[i].name) == 0)
            return i;
    abort();
}

static bool is_hidden(const char *feature, size_t len)
{
    for (int i = 0; i < level(); ++i)
        for (int j = 0; played[i].beyond[j]; ++j) {
            const size_t n = strlen(played[i].beyond[j]);
            if (n <= len && memcmp(feature, played[i].beyond[j], n) == 0)
                return true;
        }
    return false;
}

struct string_ref _ZN4llvm3sys14getHostCPUNameEv(void);
struct string_ref _ZN4llvm3sys14getHostCPUNameEv(void)
{
    const char *name = played[level()].processor;
    return (struct string_ref){name, strlen(name)};
}

bool _ZN4llvm3sys18getHostCPUFeaturesERNS_9StringMapIbNS_15MallocAllocatorEEE(struct string_map *features);
bool _ZN4llvm3sys18getHostCPUFeaturesERNS_9StringMapIbNS_15MallocAllocatorEEE(struct string_map *features)
{
    /* LLVM is loaded locally, only for the calling library. */
    Dl_info caller;
    void *library =
        dladdr(__builtin_return_address(0), &caller) ? dlopen(caller.dli_fname, RTLD_NOW | RTLD_NOLOAD) : NULL;
    void *found = library ? dlsym(library, __func__) : NULL;
    bool (*real)(struct string_map *);
    if (!found)
        abort();
    memcpy(&real, &found, sizeof real); /* void pointers may not be cast to functions in plain C */
    const bool known = real(features);
    for (unsigned i = 0; i < features->n_buckets; ++i) {
        struct entry *entry = features->bucket[i];
        if (entry && is_hidden((const char *)(entry + 1), entry->key_len))
            entry->value = false;
    }
    return known;
}
