#include "device/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { MAX_SOURCE_BYTES = 1 << 20 };

enum dae_status sources_add_text(struct text *text, const char *name, const char *source, struct error *err)
{
    const char *folder = getenv("DAE_CL_KERNELS");
    char path[4096];
    char *loaded = NULL;
    size_t len;
    if (folder) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (access(path, R_OK) == 0)
            TRY(file_read(path, MAX_SOURCE_BYTES, DAE_CONFIG, &loaded, &len, err));
    }
    text_printf(text, "#line 1 \"kernels/%s\"\n", name);
    text_add(text, loaded ? loaded : source);
    free(loaded);
    return DAE_OK;
}

const char *sources_text(const char *name)
{
    for (const struct kernel_source *source = kernel_sources; source->name; ++source)
        if (strcmp(source->name, name) == 0)
            return source->text;
    return NULL;
}

enum dae_status sources_add(struct text *text, const char *name, struct error *err)
{
    const char *source = sources_text(name);
    return source ? sources_add_text(text, name, source, err)
                  : error_set(err, DAE_BUG, "no embedded kernel file '%s'", name);
}

void sources_undefine(struct text *text, const char *source)
{
    static const char define[] = "#define ";
    for (const char *line = source; (line = strstr(line, define)) != NULL;) {
        const bool begins = line == source || line[-1] == '\n';
        line += sizeof define - 1;
        if (begins)
            text_printf(text, "#undef %.*s\n", (int)strcspn(line, " (\n"), line);
    }
}
