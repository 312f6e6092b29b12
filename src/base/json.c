#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/atomic_file.h"
#include "base/text.h"

enum dae_status json_save(const char *path, const cJSON *value, int pretty, struct error *err)
{
    char *printed = value ? (pretty ? cJSON_Print(value) : cJSON_PrintUnformatted(value)) : NULL;
    if (!printed)
        return error_no_memory(err, path, 0);
    struct text text = {0};
    text_add(&text, printed);
    text_add(&text, "\n");
    free(printed);
    enum dae_status status =
        text.failed ? error_no_memory(err, path, text.len) : atomic_file_save(path, text.data, text.len, err);
    text_release(&text);
    return status;
}

cJSON *json_number(cJSON *object, const char *key, double value)
{
    return isfinite(value) ? cJSON_AddNumberToObject(object, key, value) : cJSON_AddNullToObject(object, key);
}
