#include "cli/run_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "train/evaluation.h"

enum { PATH_LEN = 128, MOST_PATHS = 128 };

static const char of_test[] = "test.";

static const struct {
    const char *name, *path;
} columns[RUN_COLUMN_N] = {
#define RUN_COLUMN(name, path) {#name, path},
    RUN_COLUMNS(RUN_COLUMN)
#undef RUN_COLUMN
};

const char *run_column_name(enum run_column column)
{
    return columns[column].name;
}

static const cJSON *find(const cJSON *at, const char *path)
{
    while (at && *path) {
        char step[PATH_LEN], *end;
        const size_t len = strcspn(path, ".");
        if (len >= sizeof step)
            return NULL;
        snprintf(step, sizeof step, "%.*s", (int)len, path);
        const long index = cJSON_IsArray(at) ? strtol(step, &end, 10) : 0;
        if (cJSON_IsArray(at))
            at = *step && !*end && index >= 0 && index < cJSON_GetArraySize(at) ? cJSON_GetArrayItem(at, (int)index)
                                                                                : NULL;
        else
            at = cJSON_GetObjectItemCaseSensitive(at, step);
        path += len + (path[len] == '.');
    }
    return at;
}

double run_value(const cJSON *run, const char *path)
{
    char whole[PATH_LEN + 16];
    const size_t n = strlen(of_test);
    const cJSON *found = find(run, path);
    if (!found && strncmp(path, of_test, n) == 0) {
        snprintf(whole, sizeof whole, "test.model.%.*s", PATH_LEN, path + n);
        found = find(run, whole);
    }
    return cJSON_IsNumber(found) ? found->valuedouble : NAN;
}

void run_columns_read(const cJSON *run, double value[RUN_COLUMN_N])
{
    for (int i = 0; i < RUN_COLUMN_N; ++i)
        value[i] = run_value(run, columns[i].path);
}

/* ---- --print. ---------------------------------------------------------------------------------------------------- */

static const char *const numbers[] = {
    "train_samples",
    "validation_samples",
    "test_samples",
    "seed",
    "parameters",
    "batch",
    "epochs",
    "train_seconds",
    "best_epoch",
    "images_per_second",
    "launches_per_step",
    "host_waits_per_step",
    "pca_components",
    "best_validation_loss",
};

/* Of each method. */
static const char *const measures[] = {
    "mse", "psnr", "loss", "improvement_over_standard_ae", "model_mse_less_this", "model_mse_less_this_margin"};

/* What is below these depends on the config. */
static const char *const open_ended[] = {"train_losses.", "validation_losses.", "standard_ae_training.", "studies.",
                                         "whole_images."};

enum dae_status run_values_check(const char *path, struct error *err)
{
    char text[MOST_PATHS][PATH_LEN];
    const char *name[MOST_PATHS];
    int n = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        snprintf(text[n++], PATH_LEN, "%s", numbers[i]);
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; ++i) {
        snprintf(text[n++], PATH_LEN, "test.%s", measures[i]);
        for (int k = 0; k < RIVAL_N; ++k)
            snprintf(text[n++], PATH_LEN, "test.%s.%s", evaluation_key((enum evaluation_rival)k), measures[i]);
    }
    for (int i = 0; i < n; ++i) {
        name[i] = text[i];
        if (strcmp(path, text[i]) == 0)
            return DAE_OK;
    }
    for (size_t i = 0; i < sizeof open_ended / sizeof open_ended[0]; ++i)
        if (strncmp(path, open_ended[i], strlen(open_ended[i])) == 0)
            return DAE_OK;
    if (strncmp(path, of_test, strlen(of_test)) == 0 && strstr(path, ".loss_terms."))
        return DAE_OK;
    char excerpt[VALUE_EXCERPT_BYTES];
    const char *nearest = fields_nearest(path, name, n);
    const enum dae_status status =
        error_set(err, DAE_CONFIG, "--print: run.json has no number '%s'%s%s%s", value_excerpt(path, excerpt),
                  nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
    error_note(err, "docs/run_json.md lists its keys");
    return status;
}

enum dae_status run_values_print(const cJSON *run, const char *path, struct error *err)
{
    char text[VALUE_NUMBER_BYTES], excerpt[VALUE_EXCERPT_BYTES];
    const double value = run_value(run, path);
    if (isnan(value))
        return error_set(err, DAE_CONFIG, "--print: the run.json of this run has no number '%s'",
                         value_excerpt(path, excerpt));
    printf("%s\n", value_number(value, text));
    return DAE_OK;
}
