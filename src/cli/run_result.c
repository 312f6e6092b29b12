#include "cli/run_result.h"

#include <inttypes.h>
#include <math.h>

#include "base/version.h"
#include "cli/run_pictures.h"

bool run_result_pca_note(const struct evaluation *evaluation, char *text, size_t len)
{
    snprintf(text, len, "PCA has %d components, as many as the code%s.", evaluation->pca_components,
             evaluation->pca_is_identity ? "; that is all of them, so PCA changes nothing" : "");
    return evaluation->pca_components > 0;
}

void run_result_print(const struct run_result *result, FILE *out)
{
    const struct evaluation *c = result->evaluation;
    fprintf(out, "\n%" PRId64 " test samples        MSE  PSNR (dB)    vs standard AE\n", c->n_samples);
    for (int i = 0; i < RIVAL_N; ++i) {
        const struct evaluation_row *row = &c->row[i];
        char factor[32] = "";
        if (!row->present)
            continue;
        if (isfinite(row->improvement))
            snprintf(factor, sizeof factor, "%.2fx", row->improvement);
        fprintf(out, "  %-16s %9.5f  %9.2f  %16s\n", evaluation_label((enum evaluation_rival)i), row->mse, row->psnr,
                factor);
    }
    char note[160];
    if (run_result_pca_note(c, note, sizeof note))
        fprintf(out, "%s\n", note);
    const struct evaluation_row *affine = &c->row[RIVAL_AFFINE];
    if (affine->present)
        fprintf(out, "The denoising AE is %s than the best affine map (MSE %.5f and %.5f).\n",
                c->row[RIVAL_MODEL].mse < affine->mse ? "better" : "WORSE", c->row[RIVAL_MODEL].mse, affine->mse);
    if (result->whole_images)
        run_pictures_print(result->whole_images, out);
}

static void add_numbers(cJSON *object, const char *key, const double *values, int64_t n)
{
    cJSON *array = cJSON_AddArrayToObject(object, key);
    for (int64_t i = 0; array && i < n; ++i)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(values[i]));
}

static void add_training(cJSON *object, const struct trained *trained)
{
    add_numbers(object, "train_losses", trained->train_losses, trained->n_epochs);
    add_numbers(object, "validation_losses", trained->validation_losses, trained->n_epochs);
    if (trained->best_epoch == 0)
        return;
    cJSON_AddNumberToObject(object, "best_epoch", (double)trained->best_epoch);
    json_number(object, "best_validation_loss", trained->validation_losses[trained->best_epoch - 1]);
    cJSON_AddBoolToObject(object, "stopped_early", trained->stopped_early);
}

cJSON *run_result_json(const struct run_result *result)
{
    cJSON *json = cJSON_CreateObject(), *test, *row;
    cJSON_AddStringToObject(json, "dae_cl_version", DAE_CL_VERSION);
    cJSON_AddStringToObject(json, "name", result->settings->name);
    cJSON_AddStringToObject(json, "platform", result->device->platform);
    cJSON_AddStringToObject(json, "device", result->device->name);
    cJSON_AddStringToObject(json, "device_type", device_type_text(result->device->type));
    cJSON_AddStringToObject(json, "device_version", result->device->version);
    cJSON_AddStringToObject(json, "driver_version", result->device->driver);
    cJSON_AddStringToObject(json, "data", result->data_line);
    cJSON_AddNumberToObject(json, "train_samples", (double)result->n_train);
    if (result->n_validation > 0)
        cJSON_AddNumberToObject(json, "validation_samples", (double)result->n_validation);
    cJSON_AddNumberToObject(json, "test_samples", (double)result->n_test);
    cJSON_AddNumberToObject(json, "seed", (double)result->network->seed);
    cJSON_AddNumberToObject(json, "parameters", (double)result->network->n_parameters);
    cJSON_AddNumberToObject(json, "batch", (double)result->settings->batch);
    cJSON_AddNumberToObject(json, "epochs", (double)result->model->n_epochs);
    json_number(json, "train_seconds", result->model->seconds);
    json_number(json, "images_per_second", result->model->images_per_second);
    json_number(json, "launches_per_step", result->model->launches_per_step);
    json_number(json, "host_waits_per_step", result->model->waits_per_step);
    add_training(json, result->model);
    if (result->standard) {
        cJSON *standard = cJSON_AddObjectToObject(json, "standard_ae_training");
        json_number(standard, "train_seconds", result->standard->seconds);
        add_training(standard, result->standard);
    }
    json_number(json, "pca_components", result->evaluation->pca_components);
    test = cJSON_AddObjectToObject(json, "test");
    for (int i = 0; i < RIVAL_N; ++i) {
        const struct evaluation_row *found = &result->evaluation->row[i];
        if (!found->present)
            continue;
        row = cJSON_AddObjectToObject(test, evaluation_key((enum evaluation_rival)i));
        json_number(row, "mse", found->mse);
        json_number(row, "psnr", found->psnr);
        if (!isnan(found->loss))
            json_number(row, "loss", found->loss);
        if (isfinite(found->improvement))
            json_number(row, "improvement_over_standard_ae", found->improvement);
    }
    if (result->whole_images)
        cJSON_AddItemToObject(json, "whole_images", run_pictures_json(result->whole_images));
    cJSON *studied = result->n_studies > 0 ? cJSON_AddObjectToObject(json, "studies") : NULL;
    for (int i = 0; i < result->n_studies; ++i)
        cJSON_AddItemToObject(studied, result->study[i].study->name, study_output_json(&result->study[i]));
    return json;
}
