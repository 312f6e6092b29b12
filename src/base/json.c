#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/utf8.h"

/* Whether an allocation of this thread has failed since json_print asked. */
static _Thread_local bool memory_failed;

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    memory_failed = memory_failed || !memory;
    return memory;
}

void json_watch_memory(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = free});
}

enum dae_status json_print(const cJSON *value, bool pretty, const char *what, struct text *out, struct error *err)
{
    char *printed CLEANUP(cleanup_free) = NULL;
    if (value && !memory_failed)
        printed = pretty ? cJSON_Print(value) : cJSON_PrintUnformatted(value);
    memory_failed = false;
    if (!printed)
        return error_no_memory(err, what, 0);
    utf8_add(out, printed);
    return out->failed ? error_no_memory(err, what, out->len) : DAE_OK;
}

enum dae_status json_save(const char *path, const cJSON *value, int pretty, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    TRY(json_print(value, pretty, path, &text, err));
    text_add(&text, "\n");
    return text.failed ? error_no_memory(err, path, text.len) : atomic_file_save(path, text.data, text.len, err);
}

cJSON *json_parse(const char *text, size_t len, const char **end)
{
    const bool before = memory_failed;
    cJSON *value = cJSON_ParseWithLengthOpts(text, len, end, false);
    memory_failed = before;
    return value;
}

cJSON *json_number(cJSON *object, const char *key, double value)
{
    return isfinite(value) ? cJSON_AddNumberToObject(object, key, value) : cJSON_AddNullToObject(object, key);
}
