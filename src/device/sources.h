/* The host's own kernel files, embedded at build. DAE_CL_KERNELS, a folder, overrides them while developing. */
#ifndef DEVICE_SOURCES_H
#define DEVICE_SOURCES_H

#include "base/error.h"
#include "base/text.h"

struct kernel_source {
    const char *name; /* "gemm.cl" */
    const char *text;
};
extern const struct kernel_source kernel_sources[]; /* ends with name NULL */

/* The embedded text of a file, or NULL. */
const char *sources_text(const char *name);

/* Appends the file with a #line that puts its own name into build logs. An unknown name is DAE_BUG. */
MUST_USE enum dae_status sources_add(struct text *text, const char *name, struct error *err);

/* The same for a text that came from elsewhere (a plugin's), unless the override folder holds `name`. */
MUST_USE enum dae_status sources_add_text(struct text *text, const char *name, const char *source, struct error *err);

/* Appends an #undef for each line of `source` that begins with #define. */
void sources_undefine(struct text *text, const char *source);

#endif
