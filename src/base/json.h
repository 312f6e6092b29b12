/* JSON by cJSON, which only this header includes. Files are written completely or not at all. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>

#include "base/error.h"

/* Writes the value, indented when `pretty`, with a newline at the end. Does not take ownership. A NULL value (how cJSON
 * reports a lack of memory) is DAE_NO_MEMORY. */
MUST_USE enum dae_status json_save(const char *path, const cJSON *value, int pretty, struct error *err);

/* A number as JSON can hold it: NaN and infinities become null. Returns the new item added to object. */
cJSON *json_number(cJSON *object, const char *key, double value);

#endif
