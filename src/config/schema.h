/* Tables of keys as JSON Schema (draft 2020-12), for editors and for programs that write configs. When memory is short,
 * all of these are NULL or incomplete, as in cJSON. Functions take ownership of the items that are passed to them. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "base/json.h"
#include "config/rows.h"

/* A map of these keys and no others. A ROW_VALUE is a reference to the definition that its `choices` name. */
cJSON *schema_rows(const struct dae_row *rows);

cJSON *schema_type(const char *type);
cJSON *schema_list(cJSON *item, int min, int max); /* max 0: no limit */
cJSON *schema_either(cJSON *first, cJSON *second);

/* Definitions are named by the words for a type: "corruption, or list of them". */
cJSON *schema_reference(const char *words);
void schema_define(cJSON *definitions, const char *words, cJSON *schema);

#endif
