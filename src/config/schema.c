#include "config/schema.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/tree.h"

enum { NAME_BYTES = 128 };

/* ---- Parts. ------------------------------------------------------------------------------------------------------ */

cJSON *schema_type(const char *type)
{
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", type);
    return schema;
}

cJSON *schema_list(cJSON *item, int min, int max)
{
    cJSON *schema = schema_type("array");
    cJSON_AddItemToObject(schema, "items", item);
    cJSON_AddNumberToObject(schema, "minItems", min);
    if (max > 0)
        cJSON_AddNumberToObject(schema, "maxItems", max);
    return schema;
}

cJSON *schema_either(cJSON *first, cJSON *second)
{
    cJSON *schema = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(schema, "anyOf");
    cJSON_AddItemToArray(any, first);
    cJSON_AddItemToArray(any, second);
    return schema;
}

/* "corruption, or list of them": corruption_or_list_of_them */
static const char *definition_name(const char *words, char name[NAME_BYTES])
{
    size_t n = 0;
    for (; *words && n + 1 < NAME_BYTES; ++words)
        if (isalnum((unsigned char)*words))
            name[n++] = *words;
        else if (n > 0 && name[n - 1] != '_')
            name[n++] = '_';
    name[n] = '\0';
    return name;
}

cJSON *schema_reference(const char *words)
{
    char name[NAME_BYTES], path[2 * NAME_BYTES];
    cJSON *schema = cJSON_CreateObject();
    snprintf(path, sizeof path, "#/$defs/%s", definition_name(words, name));
    cJSON_AddStringToObject(schema, "$ref", path);
    return schema;
}

void schema_define(cJSON *definitions, const char *words, cJSON *schema)
{
    char name[NAME_BYTES];
    cJSON_AddItemToObject(definitions, definition_name(words, name), schema);
}

/* ---- A row. ------------------------------------------------------------------------------------------------------ */

static cJSON *number(const char *type, double min, double max)
{
    cJSON *schema = schema_type(type);
    if (isfinite(min))
        cJSON_AddNumberToObject(schema, "minimum", min);
    if (isfinite(max))
        cJSON_AddNumberToObject(schema, "maximum", max);
    return schema;
}

static cJSON *one_or_list(const char *type, const struct dae_row *row, int min, int max)
{
    return schema_either(number(type, row->min, row->max), schema_list(number(type, row->min, row->max), min, max));
}

static cJSON *one_word(const char *choices)
{
    cJSON *schema = cJSON_CreateObject(), *words = cJSON_AddArrayToObject(schema, "enum");
    while (*choices) {
        char word[NAME_BYTES];
        const size_t len = strcspn(choices, "|");
        snprintf(word, sizeof word, "%.*s", (int)len, choices);
        cJSON_AddItemToArray(words, cJSON_CreateString(word));
        choices += len + (choices[len] == '|');
    }
    return schema;
}

static cJSON *text(bool is_name)
{
    static const char *const types[] = {"string", "number", "boolean"}; /* how YAML reads a text without quotes */
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddItemToObject(schema, "type", cJSON_CreateStringArray(types, 3));
    if (is_name)
        cJSON_AddStringToObject(schema, "pattern", "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$");
    return schema;
}

static cJSON *value_schema(const struct dae_row *row)
{
    switch ((int)row->type) {
    case DAE_TYPE_INT:
        return number("integer", row->min, row->max);
    case DAE_TYPE_INTS:
        return one_or_list("integer", row, row->count, row->count);
    case DAE_TYPE_FLOAT:
        return number("number", row->min, row->max);
    case DAE_TYPE_BOOL:
        return schema_type("boolean");
    case DAE_TYPE_INTERVAL:
        return schema_list(number("number", row->min, row->max), 2, 2);
    case DAE_TYPE_LEVEL:
        return one_or_list("number", row, 2, 2);
    case DAE_TYPE_CHOICE:
    case ROW_WORD:
        return one_word(row->choices);
    case ROW_WORDS:
        return schema_list(one_word(row->choices), 0, 0);
    case DAE_TYPE_SHAPE:
        return schema_list(number("integer", 1, INT32_MAX), 1, DAE_MAX_RANK);
    case ROW_NUMBERS:
        return one_or_list("number", row, 1, row->count);
    case ROW_INTEGERS:
        return one_or_list("integer", row, 1, row->count);
    case ROW_VALUE:
        return schema_reference(row->choices);
    default:
        return text((int)row->type == ROW_NAME);
    }
}

static cJSON *json_of(const struct value *value)
{
    struct error err = {0};
    double real;
    bool truth;
    if (value->kind != VALUE_SCALAR) {
        cJSON *json = value->kind == VALUE_MAP ? cJSON_CreateObject() : cJSON_CreateArray();
        for (int i = 0; i < value->n; ++i)
            if (value->kind == VALUE_MAP)
                cJSON_AddItemToObject(json, value->entries[i].key, json_of(value->entries[i].value));
            else
                cJSON_AddItemToArray(json, json_of(value->items[i]));
        return json;
    }
    if (field_float(value, -INFINITY, INFINITY, &real, &err) == DAE_OK)
        return cJSON_CreateNumber(real);
    return field_bool(value, &truth, &err) == DAE_OK ? cJSON_CreateBool(truth) : cJSON_CreateString(value->text);
}

static void add_default(cJSON *schema, const struct dae_row *row)
{
    struct arena arena = {0};
    struct error err = {0};
    struct value *value;
    const char *otherwise = row->default_text ? row->default_text : "";
    if (*otherwise && tree_parse_text(row->key, otherwise, strlen(otherwise), &arena, &value, &err) == DAE_OK)
        cJSON_AddItemToObject(schema, "default", json_of(value));
    arena_release(&arena);
}

/* ---- A table. ---------------------------------------------------------------------------------------------------- */

/* For the rows whose keys begin with the prefix: "", or the key of a map and a dot. */
static cJSON *map_schema(const struct dae_row *rows, const char *prefix)
{
    const size_t len = strlen(prefix);
    cJSON *schema = schema_type("object"), *properties = cJSON_AddObjectToObject(schema, "properties");
    cJSON *required = cJSON_AddArrayToObject(schema, "required");
    cJSON_AddFalseToObject(schema, "additionalProperties");
    for (const struct dae_row *row = rows; row && row->key; ++row) {
        const char *key = row->key + len;
        char inner[NAME_BYTES];
        if (strncmp(row->key, prefix, len) != 0 || strchr(key, '.'))
            continue;
        snprintf(inner, sizeof inner, "%s.", row->key);
        cJSON *property = (int)row->type == ROW_MAP ? map_schema(rows, inner) : value_schema(row);
        cJSON_AddStringToObject(property, "description", row->help);
        add_default(property, row);
        cJSON_AddItemToObject(properties, key, property);
        if (!row->default_text)
            cJSON_AddItemToArray(required, cJSON_CreateString(key));
    }
    return schema;
}

cJSON *schema_rows(const struct dae_row *rows)
{
    return map_schema(rows, "");
}
