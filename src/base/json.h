/* JSON by cJSON, which only this header includes. Files are written completely or not at all.
 *
 * cJSON's functions return NULL when memory is short, and whoever adds to NULL adds nothing: a key would be missing in
 * a file that looks whole. In a program that calls json_watch_memory, a failed allocation is remembered instead, and
 * json_print, through which every value leaves, asks once. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

/* Makes failed allocations of cJSON sticky, for the whole process. It belongs to a program's first lines; a library
 * must not change how its program allocates. */
void json_watch_memory(void);

/* Appends the value as text: in one line, or indented if `pretty`. Bytes of texts that are not UTF-8 become U+FFFD, so
 * that every reader accepts it. DAE_NO_MEMORY, naming `what`, if the value is NULL or if an allocation has failed since
 * the last call. */
MUST_USE enum dae_status json_print(const cJSON *value, bool pretty, const char *what, struct text *out,
                                    struct error *err);

/* Writes the value, printed and with a newline at the end. Does not take ownership. */
MUST_USE enum dae_status json_save(const char *path, const cJSON *value, int pretty, struct error *err);

/* Parses text[0..len); *end, unless NULL, is where the value ends. NULL if it is not JSON or memory is short, which is
 * not remembered, since the caller knows. The caller frees. */
cJSON *json_parse(const char *text, size_t len, const char **end);

/* A number as JSON can hold it: NaN and infinities become null. Returns the new item added to object. */
cJSON *json_number(cJSON *object, const char *key, double value);

#endif
