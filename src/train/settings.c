#include "train/settings.h"

#include <math.h>
#include <string.h>

#include "config/fields.h"
#include "config/tree.h"
#include "data/validation_set.h"
#include "graph/params.h"

static const char *const root_keys[] = {"name",  "seed",  "device",  "data",   "corruption",
                                        "model", "train", "compare", "studies"};
static const char *const train_keys[] = {"loss",     "optimizer", "batch",         "epochs",  "contractive",
                                         "schedule", "warm_up",   "clip_gradient", "average", "early_stop"};

/* Far within the range of float, in which a device compares. */
#define MIN_CLIP 1e-12
#define MAX_CLIP 1e12

enum {
    MAX_BATCH = 65536,
    MAX_EPOCHS = 1000000,
    MAX_CONTRACTIVE = 1000000,
    DEFAULT_BATCH = 128,
    DEFAULT_EPOCHS = 10,
};

static const double default_decay = 0.999;

static enum dae_status read_number(struct value *map, const char *key, long long max, long long otherwise,
                                   struct arena *arena, int64_t *out, struct error *err)
{
    long long number = otherwise;
    const struct value *value = value_map_get(map, key);
    if (value)
        TRY(field_int(value, 1, max, &number, err));
    else if (!value_map_put(arena, map, key, value_int_new(arena, number)))
        return error_no_memory(err, "config", 0);
    *out = number;
    return DAE_OK;
}

static enum dae_status read_compare(const struct value *compare, struct settings *settings, struct error *err)
{
    bool *const flags[] = {&settings->compare_standard, &settings->compare_affine, &settings->compare_pca};
    if (!compare)
        return DAE_OK;
    TRY(field_list(compare, 0, -1, err));
    for (int i = 0; i < compare->n; ++i) {
        int choice;
        TRY(field_choice(compare->items[i], "standard_ae|affine|pca", &choice, err));
        *flags[choice] = true;
    }
    return DAE_OK;
}

static enum dae_status read_average(struct value *average, struct arena *arena, double *decay, struct error *err)
{
    static const char *const keys[] = {"decay"};
    TRY(fields_check_keys(average, keys, 1, "average", err));
    const struct value *given = value_map_get(average, "decay");
    *decay = default_decay;
    if (!given)
        return value_map_put(arena, average, "decay", value_float_new(arena, default_decay))
                   ? DAE_OK
                   : error_no_memory(err, "config", 0);
    TRY(field_float(given, 0, 1, decay, err));
    return *decay > 0 && *decay < 1 ? DAE_OK : field_refuse(given, "a number above 0 and below 1", err);
}

/* Samples that are trained on tell nothing about the next epoch's worth, and those of the test set must not. */
static enum dae_status read_early_stop(struct value *map, const struct value *data, struct arena *arena,
                                       struct early_stop *stop, struct error *err)
{
    static const char *const keys[] = {"patience", "min_delta"};
    const struct value *patience, *min_delta;
    long long epochs;
    TRY(fields_check_keys(map, keys, 2, "early_stop", err));
    TRY(fields_need(map, "patience", "early_stop", &patience, err));
    TRY(field_int(patience, 1, MAX_EPOCHS, &epochs, err));
    stop->patience = epochs;
    if ((min_delta = value_map_get(map, "min_delta")))
        TRY(field_float(min_delta, 0, INFINITY, &stop->min_delta, err));
    else if (!value_map_put(arena, map, "min_delta", value_float_new(arena, 0)))
        return error_no_memory(err, "config", 0);
    if (!validation_set_wanted(data))
        return error_at(err, DAE_CONFIG, map->mark,
                        "train.early_stop needs samples that are neither trained on nor the test set: say with "
                        "data.validation how many to hold out");
    return DAE_OK;
}

enum dae_status settings_read(const struct registry *registry, struct value *config, struct arena *arena,
                              struct settings *settings, struct error *err)
{
    *settings = (struct settings){.name = "run"};
    TRY(fields_check_keys(config, root_keys, sizeof root_keys / sizeof root_keys[0], "the config", err));
    const struct value *name = value_map_get(config, "name"), *found;
    if (name)
        TRY(field_name(name, &settings->name, err));
    else if (!value_map_put(arena, config, "name", value_scalar_new(arena, settings->name, false)))
        return error_no_memory(err, "config", 0);
    TRY(fields_need(config, "data", "the config", &settings->data, err));
    TRY(dataset_check(settings->data, err));
    TRY(fields_need(config, "train", "the config", &found, err));
    struct value *train = value_map_get(config, "train");
    TRY(fields_check_keys(train, train_keys, sizeof train_keys / sizeof train_keys[0], "train", err));
    TRY(read_number(train, "batch", MAX_BATCH, DEFAULT_BATCH, arena, &settings->batch, err));
    TRY(read_number(train, "epochs", MAX_EPOCHS, DEFAULT_EPOCHS, arena, &settings->epochs, err));
    if ((found = value_map_get(train, "contractive")))
        TRY(field_float(found, 0, MAX_CONTRACTIVE, &settings->contractive, err));
    TRY(fields_need(train, "optimizer", "train", &found, err));
    TRY(params_read(registry, PLUGIN_OPTIMIZER, value_map_get(train, "optimizer"), NULL, 0, arena, &settings->optimizer,
                    &settings->optimizer_state, err));
    TRY(lr_schedule_read(train, arena, &settings->rate, err));
    found = value_map_get(train, "clip_gradient");
    if (found)
        TRY(field_float(found, MIN_CLIP, MAX_CLIP, &settings->clip_gradient, err));
    struct value *map = value_map_get(train, "average");
    if (map)
        TRY(read_average(map, arena, &settings->average, err));
    if ((map = value_map_get(train, "early_stop")))
        TRY(read_early_stop(map, settings->data, arena, &settings->early_stop, err));
    settings->studies = value_map_get(config, "studies");
    return read_compare(value_map_get(config, "compare"), settings, err);
}

/* A part under its name; a scalar on the same line, so that a difference is shown with its name. */
static enum dae_status add_part(const struct value *map, const char *key, struct text *text, struct error *err)
{
    const struct value *part = value_map_get(map, key);
    text_printf(text, part && part->kind == VALUE_SCALAR ? "%s: " : "%s:\n", key);
    return part ? tree_write(part, text, err) : DAE_OK;
}

enum dae_status settings_fingerprint(const struct value *config, const struct dataset *train_set, bool corrupt,
                                     struct text *text, struct error *err)
{
    static const char *const parts[] = {"seed", "data", "corruption", "model"};
    static const char *const train_parts[] = {"loss", "optimizer", "batch"};
    static const char *const optional_parts[] = {"schedule", "warm_up", "clip_gradient", "average"};
    const struct value *train = value_map_get(config, "train");
    text_add(text, corrupt ? "denoising\n" : "standard\n");
    text_printf(text, "training samples: checksum %08x\n", (unsigned)train_set->checksum);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i)
        TRY(add_part(config, parts[i], text, err));
    for (size_t i = 0; i < sizeof train_parts / sizeof train_parts[0]; ++i)
        TRY(add_part(train, train_parts[i], text, err));
    for (size_t i = 0; i < sizeof optional_parts / sizeof optional_parts[0]; ++i)
        if (value_map_get(train, optional_parts[i]))
            TRY(add_part(train, optional_parts[i], text, err));
    /* The standard autoencoder is trained without the penalty, as it is without the noise. */
    if (corrupt && value_map_get(train, "contractive"))
        TRY(add_part(train, "contractive", text, err));
    const struct value *schedule = value_map_get(train, "schedule");
    if (schedule && value_map_get(schedule, "cosine")) /* more epochs are another curve */
        TRY(add_part(train, "epochs", text, err));
    return text->failed ? error_no_memory(err, "fingerprint", text->len) : DAE_OK;
}
