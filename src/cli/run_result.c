#include "cli/run_result.h"

#include <inttypes.h>
#include <math.h>

#include "base/version.h"
#include "cli/run_pictures.h"

enum { FEW_PER_UNKNOWN = 10 }; /* samples, below which a note says that the affine map is not determined well */

/* "0.00123 +- 0.00004" */
static void add_difference(struct text *text, const char *plus_minus, const struct paired *paired)
{
    text_printf(text, "%.5f %s %.5f", fabs(paired->difference), plus_minus, paired->margin);
}

static void add_against_rivals(const struct evaluation *c, const char *plus_minus, struct text *text)
{
    const enum evaluation_rival strongest = evaluation_strongest(c);
    const struct evaluation_row *rival = &c->row[strongest];
    const char *name = evaluation_phrase(strongest);
    switch (rival->model_less_this.verdict) {
    case PAIRED_LOWER:
        text_printf(text, "The denoising AE is better than %s%s: its MSE is lower by ", name,
                    strongest == RIVAL_NOISY ? "" : ", the strongest of its rivals");
        add_difference(text, plus_minus, &rival->model_less_this);
        break;
    case PAIRED_HIGHER:
        text_printf(text, "The denoising AE is WORSE than %s: its MSE is higher by ", name);
        add_difference(text, plus_minus, &rival->model_less_this);
        break;
    case PAIRED_NO_DIFFERENCE:
        text_printf(text, "No difference is seen between the denoising AE and %s: their MSE differ by ", name);
        add_difference(text, plus_minus, &rival->model_less_this);
        break;
    case PAIRED_UNKNOWN:
        text_printf(text, "The denoising AE and %s cannot be compared: %s", name,
                    c->n_samples < 2 ? "one test sample says nothing about others"
                                     : "the error of a sample is not a finite number");
        break;
    }
    text_add(text, ".");
}

static void add_against_standard(const struct evaluation *c, const char *plus_minus, struct text *text)
{
    const struct evaluation_row *standard = &c->row[RIVAL_STANDARD];
    if (!standard->present || standard->model_less_this.verdict == PAIRED_UNKNOWN)
        return;
    if (standard->model_less_this.verdict == PAIRED_NO_DIFFERENCE) {
        text_add(text, " No difference is seen from the same network trained without noise.");
        return;
    }
    text_printf(text, " Trained without noise, the same network is %s: its MSE is %s by ",
                standard->model_less_this.verdict == PAIRED_LOWER ? "worse" : "better",
                standard->model_less_this.verdict == PAIRED_LOWER ? "higher" : "lower");
    add_difference(text, plus_minus, &standard->model_less_this);
    text_add(text, ".");
}

void run_result_verdict(const struct run_result *result, const char *plus_minus, struct text *text)
{
    const struct evaluation *c = result->evaluation;
    add_against_rivals(c, plus_minus, text);
    add_against_standard(c, plus_minus, text);
    if (c->n_samples >= 2)
        text_printf(text,
                    " (Paired 95 %% intervals over %" PRId64
                    " test samples. They do not cover how much another training "
                    "would differ: this is one, with seed %" PRIu64 ".)",
                    c->n_samples, result->network->seed);
}

/* What a sum of losses consists of. */
static void add_terms(const struct run_result *result, struct text *text)
{
    const struct evaluation_row *row = &result->evaluation->row[RIVAL_MODEL];
    const int n = losses_terms(result->network);
    if (n == 0)
        return;
    text_printf(text, "The denoising AE's loss of %.5f is ", row->loss);
    for (int i = 0; i < n; ++i) {
        text_add(text, i > 0 ? " + " : "");
        if (losses_weight(result->network, i) != 1)
            text_printf(text, "%g x ", losses_weight(result->network, i));
        text_printf(text, "%.5f (%s)", row->term[i], losses_name(result->network, i));
    }
    text_add(text, ". ");
}

void run_result_notes(const struct run_result *result, struct text *text)
{
    const struct evaluation *evaluation = result->evaluation;
    const int64_t n_unknowns = dae_shape_len(&result->network->node[0].plan.output) + 1; /* with the constant */
    const struct affine_choice *choice = &evaluation->affine_choice;
    if (evaluation->only_hidden)
        text_add(text, "Only the numbers that the corruption has hidden are judged, as in the loss. ");
    add_terms(result, text);
    if (evaluation->pca_components > 0)
        text_printf(text, "PCA has %d components, as many as the code%s. ", evaluation->pca_components,
                    evaluation->pca_is_identity ? "; that is all of them, so PCA changes nothing" : "");
    if (evaluation->savitzky_golay[0] > 0)
        text_printf(text, "Savitzky-Golay fits polynomials of order %d to windows of %d points. ",
                    evaluation->savitzky_golay[1], evaluation->savitzky_golay[0]);
    if (evaluation->row[RIVAL_BAND_PASS].present)
        text_printf(text, "The band-pass keeps %.3g to %.3g periods in 1000 points. ", evaluation->band[0],
                    evaluation->band[1]);
    if (evaluation->row[RIVAL_BAND_PASS].present || evaluation->savitzky_golay[0] > 0)
        text_add(text, "Both choices are those that restore the first training samples best. ");
    if (evaluation->volume_size[VOLUME_MEDIAN] > 0)
        text_printf(text, "The 3-D median filter's side of %g voxels is the best on %d training samples. ",
                    evaluation->volume_size[VOLUME_MEDIAN], VOLUME_SAMPLES);
    if (evaluation->volume_size[VOLUME_GAUSSIAN] > 0)
        text_printf(text, "The 3-D Gaussian filter's deviation of %g voxels is the best on %d training samples. ",
                    evaluation->volume_size[VOLUME_GAUSSIAN], VOLUME_SAMPLES);
    if (!evaluation->row[RIVAL_AFFINE].present)
        return;
    text_printf(text, "The affine map's ridge of %g%s was chosen on held-out training samples.", choice->ridge,
                choice->toward_identity ? ", toward the noisy input," : "");
    if (evaluation->n_fitted < FEW_PER_UNKNOWN * n_unknowns)
        text_printf(text,
                    " It has only %" PRId64 " samples for %" PRId64 " unknowns per output, so with more samples this "
                    "rival would become stronger.",
                    evaluation->n_fitted, n_unknowns);
}

static void print_table(const struct evaluation *c, FILE *out)
{
    const bool psnr = isfinite(c->row[RIVAL_MODEL].psnr), snr = isfinite(c->row[RIVAL_MODEL].snr);
    char count[48];
    snprintf(count, sizeof count, "%" PRId64 " test samples", c->n_samples);
    fprintf(out, "\n%-20s %9s  %s%s\n", count, "MSE",
            psnr  ? "PSNR (dB)  "
            : snr ? "SNR (dB)  gained  "
                  : "",
            "above the denoising AE");
    for (int i = 0; i < RIVAL_N; ++i) {
        const struct evaluation_row *row = &c->row[i];
        char above[48] = "", decibels[32] = "";
        if (!row->present)
            continue;
        if (i != RIVAL_MODEL && isfinite(row->model_less_this.margin))
            snprintf(above, sizeof above, "    %+.5f +- %.5f", -row->model_less_this.difference,
                     row->model_less_this.margin);
        if (psnr)
            snprintf(decibels, sizeof decibels, "  %9.2f", row->psnr);
        else if (snr)
            snprintf(decibels, sizeof decibels, "  %8.2f  %6.2f", row->snr, row->snr - c->row[RIVAL_NOISY].snr);
        fprintf(out, "  %-18s %9.5f%s%s\n", evaluation_label((enum evaluation_rival)i), row->mse, decibels, above);
    }
}

void run_result_print(const struct run_result *result, FILE *out)
{
    struct text notes = {0}, verdict = {0};
    print_table(result->evaluation, out);
    run_result_notes(result, &notes);
    run_result_verdict(result, "+-", &verdict);
    if (notes.data)
        fprintf(out, "%s\n", notes.data);
    if (verdict.data && !verdict.failed)
        fprintf(out, "\n%s\n", verdict.data);
    text_release(&notes);
    text_release(&verdict);
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

static void add_paired(cJSON *row, const struct paired *paired)
{
    static const char *const words[] = {[PAIRED_UNKNOWN] = "unknown",
                                        [PAIRED_LOWER] = "better",
                                        [PAIRED_HIGHER] = "worse",
                                        [PAIRED_NO_DIFFERENCE] = "no difference seen"};
    json_number(row, "model_mse_less_this", paired->difference);
    json_number(row, "model_mse_less_this_margin", paired->margin);
    cJSON_AddStringToObject(row, "model_is", words[paired->verdict]);
}

/* Of networks. */
static void add_loss(cJSON *row, const struct network *network, const struct evaluation_row *found)
{
    if (isnan(found->loss))
        return;
    json_number(row, "loss", found->loss);
    cJSON *terms = losses_terms(network) > 0 ? cJSON_AddObjectToObject(row, "loss_terms") : NULL;
    for (int i = 0; i < losses_terms(network); ++i)
        json_number(terms, losses_name(network, i), found->term[i]);
}

static void add_start(cJSON *json, const struct start *start)
{
    cJSON *from = cJSON_AddObjectToObject(json, "from"), *frozen;
    cJSON_AddStringToObject(from, "model", start->path);
    cJSON_AddStringToObject(from, "sha256", start->sha256);
    frozen = cJSON_AddArrayToObject(from, "frozen");
    for (int i = 1; i < start->network->n_nodes; ++i)
        if (start->network->node[i].frozen)
            cJSON_AddItemToArray(frozen, cJSON_CreateString(start->network->node[i].name));
}

static void add_provenance(cJSON *json, const struct provenance *provenance)
{
    cJSON_AddStringToObject(json, "finished", provenance->time);
    cJSON_AddStringToObject(json, "processor", provenance->processor);
    cJSON_AddStringToObject(json, "command", provenance->command.data);
}

cJSON *run_result_json(const struct run_result *result)
{
    cJSON *json = cJSON_CreateObject(), *test, *row;
    char checksum[16];
    cJSON_AddStringToObject(json, "dae_cl_version", DAE_CL_VERSION);
    add_provenance(json, result->provenance);
    cJSON_AddStringToObject(json, "name", result->settings->name);
    cJSON_AddStringToObject(json, "platform", result->device->platform);
    cJSON_AddStringToObject(json, "device", result->device->name);
    cJSON_AddStringToObject(json, "device_type", device_type_text(result->device->type));
    cJSON_AddStringToObject(json, "device_version", result->device->version);
    cJSON_AddStringToObject(json, "driver_version", result->device->driver);
    cJSON_AddStringToObject(json, "data", result->data_line);
    snprintf(checksum, sizeof checksum, "%08x", (unsigned)result->train_checksum);
    cJSON_AddStringToObject(json, "train_checksum", checksum);
    cJSON_AddNumberToObject(json, "train_samples", (double)result->n_train);
    if (result->n_validation > 0)
        cJSON_AddNumberToObject(json, "validation_samples", (double)result->n_validation);
    cJSON_AddNumberToObject(json, "test_samples", (double)result->n_test);
    cJSON_AddNumberToObject(json, "seed", (double)result->network->seed);
    cJSON_AddNumberToObject(json, "parameters", (double)result->network->n_parameters);
    if (result->start)
        add_start(json, result->start);
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
    cJSON_AddBoolToObject(json, "test_of_hidden_numbers_only", result->evaluation->only_hidden);
    test = cJSON_AddObjectToObject(json, "test");
    for (int i = 0; i < RIVAL_N; ++i) {
        const struct evaluation_row *found = &result->evaluation->row[i];
        if (!found->present)
            continue;
        row = cJSON_AddObjectToObject(test, evaluation_key((enum evaluation_rival)i));
        json_number(row, "mse", found->mse);
        json_number(row, "psnr", found->psnr);
        if (isfinite(found->snr))
            json_number(row, "snr", found->snr);
        add_loss(row, result->network, found);
        if (isfinite(found->improvement))
            json_number(row, "improvement_over_standard_ae", found->improvement);
        if (i != RIVAL_MODEL)
            add_paired(row, &found->model_less_this);
    }
    struct text verdict = {0};
    run_result_verdict(result, "+-", &verdict);
    cJSON_AddStringToObject(json, "verdict", verdict.data);
    text_release(&verdict);
    if (result->whole_images)
        cJSON_AddItemToObject(json, "whole_images", run_pictures_json(result->whole_images));
    cJSON *studied = result->n_studies > 0 ? cJSON_AddObjectToObject(json, "studies") : NULL;
    for (int i = 0; i < result->n_studies; ++i)
        cJSON_AddItemToObject(studied, result->study[i].study->name, study_output_json(&result->study[i]));
    return json;
}
