/* dae-cl schema: what a config or a sweep may contain, as JSON Schema, from the tables that read it. */
#include "config/schema.h"

#include "cli/command.h"
#include "cli/output.h"
#include "config/root.h"
#include "config/sweep.h"
#include "graph/build.h"
#include "graph/losses.h"
#include "study/study.h"

/* ---- NAME, or NAME: {keys}. -------------------------------------------------------------------------------------- */

/* A choice of names; those without a required key may be written without a map. */
struct named {
    cJSON *names, *maps, *one_of;
};

static struct named named_new(void)
{
    return (struct named){cJSON_CreateArray(), cJSON_CreateObject(), cJSON_CreateArray()};
}

static cJSON *requires(const char *key)
{
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddItemToObject(schema, "required", cJSON_CreateStringArray(&key, 1));
    return schema;
}

static void named_add(struct named *named, const char *name, const char *help, const struct dae_row *rows)
{
    const struct dae_row *row = rows;
    cJSON *map = schema_rows(rows);
    while (row && row->key && row->default_text)
        ++row;
    if (!row || !row->key) {
        map = schema_either(map, schema_type("null"));
        cJSON_AddItemToArray(named->names, cJSON_CreateString(name));
    }
    cJSON_AddStringToObject(map, "description", help);
    cJSON_AddItemToObject(named->maps, name, map);
    cJSON_AddItemToArray(named->one_of, requires(name));
}

static struct named named_plugins(const struct registry *registry, enum plugin_kind kind)
{
    struct named named = named_new();
    for (int i = 0; i < registry_count(registry); ++i) {
        const struct plugin *plugin = registry_at(registry, i);
        if (plugin->kind == kind)
            named_add(&named, plugin->name, plugin->help, plugin->rows);
    }
    return named;
}

static cJSON *only(cJSON *properties)
{
    cJSON *map = schema_type("object");
    cJSON_AddItemToObject(map, "properties", properties);
    cJSON_AddFalseToObject(map, "additionalProperties");
    return map;
}

static cJSON *named_schema(struct named named)
{
    cJSON *name = cJSON_CreateObject(), *map = only(named.maps);
    cJSON_AddItemToObject(name, "enum", named.names);
    cJSON_AddItemToObject(map, "oneOf", named.one_of);
    return schema_either(name, map);
}

/* ---- The parts of a config. -------------------------------------------------------------------------------------- */

static cJSON *layers(const struct registry *registry)
{
    const struct named named = named_plugins(registry, PLUGIN_LAYER);
    cJSON_AddItemToObject(named.maps, "name", schema_type("string"));
    cJSON_AddItemToObject(named.maps, "from",
                          schema_either(schema_type("string"), schema_list(schema_type("string"), 1, DAE_MAX_INPUTS)));
    return schema_list(named_schema(named), 1, 0);
}

static cJSON *corruption(const struct registry *registry)
{
    const struct named named = named_plugins(registry, PLUGIN_CORRUPTION);
    cJSON_AddItemToObject(named.maps, "one_of", schema_list(schema_reference("corruption"), 2, 0));
    cJSON_AddItemToArray(named.one_of, requires("one_of"));
    return named_schema(named);
}

/* A list, or a map of the requested ones. */
static cJSON *study_list(void)
{
    struct named named = named_new();
    for (int i = 0; studies[i]; ++i)
        named_add(&named, studies[i]->name, studies[i]->help, studies[i]->rows);
    cJSON *map = only(cJSON_Duplicate(named.maps, true));
    return schema_either(schema_list(named_schema(named), 0, 0), map);
}

/* The keys depend on the source. */
static cJSON *data(void)
{
    cJSON *schema = schema_rows(source_common_rows), *rules = cJSON_AddArrayToObject(schema, "allOf");
    cJSON_DeleteItemFromObject(schema, "additionalProperties");
    for (int i = 0; sources[i]; ++i) {
        struct dae_row rows[SOURCE_MAX_ROWS + 1];
        cJSON *rule = cJSON_CreateObject(), *is = cJSON_AddObjectToObject(rule, "if");
        cJSON *source = cJSON_AddObjectToObject(cJSON_AddObjectToObject(is, "properties"), "source");
        source_rows(sources[i], rows);
        cJSON_AddStringToObject(source, "const", sources[i]->name);
        cJSON_AddItemToObject(rule, "then", schema_rows(rows));
        cJSON_AddItemToArray(rules, rule);
    }
    return schema;
}

static cJSON *titled(const struct dae_row *rows, const char *title)
{
    cJSON *schema = schema_rows(rows);
    cJSON_AddStringToObject(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    cJSON_AddStringToObject(schema, "title", title);
    return schema;
}

static cJSON *sweep_schema(void)
{
    cJSON *schema = titled(sweep_rows, "a sweep of dae-cl"), *definitions = cJSON_AddObjectToObject(schema, "$defs");
    cJSON *keys = schema_type("object");
    cJSON_AddItemToObject(keys, "additionalProperties",
                          schema_either(schema_reference("list"), schema_rows(sweep_key_rows)));
    cJSON_AddNumberToObject(keys, "minProperties", 1);
    cJSON_AddNumberToObject(keys, "maxProperties", SWEEP_MAX_KEYS);
    schema_define(definitions, "map of swept keys", keys);
    schema_define(definitions, "list", schema_list(cJSON_CreateObject(), 1, 0));
    return schema;
}

static cJSON *config_schema(const struct registry *registry)
{
    cJSON *schema = titled(root_rows, "a config of dae-cl"), *properties = cJSON_GetObjectItem(schema, "properties");
    cJSON *definitions = cJSON_AddObjectToObject(schema, "$defs");
    cJSON_ReplaceItemInObject(properties, "data", data());
    cJSON_ReplaceItemInObject(properties, "model", schema_rows(network_model_rows));
    cJSON_ReplaceItemInObject(properties, "train", schema_rows(settings_train_rows));
    schema_define(definitions, "text or map", schema_either(schema_type("string"), schema_rows(device_request_rows)));
    schema_define(definitions, "number", schema_type("number"));
    schema_define(definitions, "date", schema_type("string"));
    schema_define(definitions, "list of maps", schema_list(schema_type("object"), 1, 0));
    schema_define(definitions, "list of layers", layers(registry));
    schema_define(definitions, "corruption", corruption(registry));
    schema_define(definitions, "corruption, or list of them",
                  schema_either(schema_reference("corruption"), schema_list(schema_reference("corruption"), 1, 0)));
    schema_define(definitions, "path, or list of paths",
                  schema_either(schema_type("string"), schema_list(schema_type("string"), 1, 0)));
    schema_define(definitions, "list of corruptions",
                  schema_list(schema_reference("corruption, or list of them"), 1, 0));
    schema_define(definitions, "loss, or list of them",
                  schema_either(schema_reference("loss"), schema_list(schema_reference("loss"), 1, LOSSES_MAX)));
    schema_define(definitions, "loss", named_schema(named_plugins(registry, PLUGIN_LOSS)));
    schema_define(definitions, "optimizer", named_schema(named_plugins(registry, PLUGIN_OPTIMIZER)));
    schema_define(definitions, "list of studies, or map", study_list());
    return schema;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct registry *registry;
    if (invocation_has(invocation, "sweep"))
        return output_json(sweep_schema(), err);
    TRY(invocation_registry(invocation, &registry, err));
    const enum dae_status status = output_json(config_schema(registry), err);
    registry_close(registry);
    return status;
}

static const struct command_option option_sweep = {"sweep", NULL, OPTION_FLAG, false,
                                                   "print the schema of the files of dae-cl sweep"};
static const struct command_option *const options[] = {&option_sweep, &option_plugins, NULL};

static const struct command_row examples[] = {
    {"dae-cl schema > schema.json", "a file for editors: # yaml-language-server: $schema=schema.json"},
    {NULL, NULL},
};

const struct command command_schema = {
    .name = "schema",
    .arguments = "",
    .summary = "print the JSON Schema of a config",
    .description = "Editors use the schema to complete and check a config while you type; it also helps programs that "
                   "write configs. It covers the plugins of the build tree or, without one, the installed plugins, and "
                   "those of --plugins.",
    .options = options,
    .examples = examples,
    .run = run,
};
