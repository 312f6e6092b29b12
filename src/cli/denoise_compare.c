#include "cli/denoise_compare.h"
#include "cli/output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/shape.h"
#include "base/utf8.h"
#include "stats/metrics.h"

/* ---- Partners. ----------------------------------------------------------------------------------------------------
 */

enum dae_status denoise_compare_open(struct denoise_compare *compare, const char *clean,
                                     const struct denoise_inputs *inputs, struct error *err)
{
    struct stat info;
    *compare = (struct denoise_compare){.clean = clean, .inputs = inputs};
    if (!clean)
        return DAE_OK;
    if (stat(clean, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", clean, strerror(errno));
    compare->is_folder = S_ISDIR(info.st_mode);
    if (!compare->is_folder && inputs->n > 1)
        return error_set(err, DAE_CONFIG, "--compare: %s is one file, but there are %d inputs; give a folder", clean,
                         inputs->n);
    return DAE_OK;
}

static int by_stem(const void *a, const void *b)
{
    const char *p = *(char *const *)a, *q = *(char *const *)b;
    const size_t n = file_names_stem_len(p), m = file_names_stem_len(q);
    const int order = memcmp(p, q, n < m ? n : m);
    return order ? order : n != m ? (n < m ? -1 : 1) : strcmp(p, q);
}

/* Lists a folder once, although many inputs have their partners in it. */
static enum dae_status list(struct denoise_compare *compare, const char *folder, struct error *err)
{
    if (compare->listed && strcmp(compare->listed, folder) == 0)
        return DAE_OK;
    file_names_release(&compare->names);
    compare->listed = NULL;
    TRY(file_names_list(folder, &compare->names, err));
    if (compare->names.n > 0)
        qsort(compare->names.name, compare->names.n, sizeof *compare->names.name, by_stem);
    compare->listed = arena_text(&compare->arena, folder, strlen(folder));
    return compare->listed ? DAE_OK : error_no_memory(err, "file name", strlen(folder));
}

/* The first name whose stem is not before that of `name`. */
static size_t first_with_stem(const struct file_names *names, const char *name)
{
    size_t low = 0, high = names->n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const char *other = names->name[middle];
        const size_t n = file_names_stem_len(other), m = file_names_stem_len(name);
        const int order = memcmp(other, name, n < m ? n : m);
        if (order < 0 || (order == 0 && n < m))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_samples(const char *path)
{
    struct error ignored = {0};
    struct samples_form form;
    return samples_file_form(path, &form, &ignored) == DAE_OK && samples_form_is_read(&form);
}

/* The file of that name in a folder, or else the file of samples whose name differs in its extension alone: a sidecar
 * such as a.xmp is none. If there is none, what it should be. */
static enum dae_status partner_of(struct denoise_compare *compare, const char *folder, const char *name,
                                  const char **path, struct error *err)
{
    const size_t len = file_names_stem_len(name);
    int n_found = 0;
    *path = arena_printf(&compare->arena, "%s/%s", folder, name);
    TRY(list(compare, folder, err));
    for (size_t i = first_with_stem(&compare->names, name); i < compare->names.n; ++i) {
        const char *other = compare->names.name[i];
        if (file_names_stem_len(other) != len || memcmp(other, name, len) != 0)
            break;
        const char *candidate = arena_printf(&compare->arena, "%s/%s", folder, other);
        if (!candidate)
            return error_no_memory(err, "file name", strlen(other));
        if (strcmp(other, name) == 0) {
            *path = candidate;
            return DAE_OK;
        }
        if (has_samples(candidate)) {
            *path = candidate;
            ++n_found;
        }
    }
    if (n_found > 1)
        return error_set(err, DAE_BAD_DATA, "--compare: %s contains %d files that could be the clean %s", folder,
                         n_found, name);
    return *path ? DAE_OK : error_no_memory(err, "file name", strlen(name));
}

/* CLEAN itself, or the partner in the folder CLEAN. */
enum dae_status denoise_compare_path(struct denoise_compare *compare, const struct denoise_input *input,
                                     const char **path, struct error *err)
{
    const char *slash = strrchr(input->path, '/');
    *path = compare->clean;
    if (!compare->is_folder)
        return DAE_OK;
    const char *folder =
        *input->subfolder ? arena_printf(&compare->arena, "%s/%s", compare->clean, input->subfolder) : compare->clean;
    if (!folder)
        return error_no_memory(err, "file name", strlen(compare->clean));
    return partner_of(compare, folder, slash ? slash + 1 : input->path, path, err);
}

static enum dae_status check_partner(const struct denoise_compare *compare, const char *path,
                                     const struct denoise_input *input, const struct samples_file *file,
                                     const struct samples_file *clean, struct error *err)
{
    char have[96], want[96];
    if (clean->orientation != file->orientation)
        return error_set(err, DAE_BAD_DATA, "%s has the EXIF orientation %d, but %s has %d; --orient apply turns both",
                         path, clean->orientation, input->path, file->orientation);
    if (!transfer_is_none(compare->transfer) && clean->largest != file->largest)
        return error_set(err, DAE_BAD_DATA,
                         "%s and %s store different kinds of numbers, but the model's data.range is one of stored "
                         "numbers",
                         path, input->path);
    if (clean->n == file->n && shape_equal(&clean->shape, &file->shape))
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s: %lld samples of %s, but %s has %lld of %s", path, (long long)clean->n,
                     shape_text(&clean->shape, have), input->path, (long long)file->n, shape_text(&file->shape, want));
}

enum dae_status denoise_compare_load(struct denoise_compare *compare, const struct denoise_input *input,
                                     const struct samples_file *file, struct samples_file *clean, struct error *err)
{
    const char *path;
    TRY(denoise_compare_path(compare, input, &path, err));
    TRY(samples_file_load(path, clean, err));
    if (file->shape.rank == 4)
        samples_file_as_volumes(clean);
    enum dae_status status = compare->apply_orientation ? samples_file_orient(path, clean, err) : DAE_OK;
    if (status == DAE_OK)
        status = check_partner(compare, path, input, file, clean, err);
    if (status != DAE_OK)
        samples_file_release(clean);
    return status;
}

/* ---- Scores. ------------------------------------------------------------------------------------------------------
 */

enum dae_status denoise_compare_measure(const struct denoise_compare *compare, struct denoise_score *score, int which,
                                        const struct samples_file *file, const struct samples_file *clean,
                                        struct error *err)
{
    struct metrics metrics = {0};
    double ssim = 0;
    const struct dae_shape *shape = &file->shape;
    const int64_t len = dae_shape_len(shape);
    float *x CLEANUP(cleanup_free) = malloc((size_t)len * 2 * sizeof *x), *y = x + len;
    if (!x)
        return error_no_memory(err, "comparison", (size_t)len * 2 * sizeof *x);
    for (int64_t i = 0; i < file->n; ++i) {
        memcpy(x, file->values + i * len, (size_t)len * sizeof *x);
        memcpy(y, clean->values + i * len, (size_t)len * sizeof *y);
        transfer_to_unit(compare->transfer, clean->largest, x, 2 * len);
        metrics_add(&metrics, x, y, 1, (size_t)len);
        ssim += shape->rank != 3
                    ? NAN
                    : metrics_ssim(x, y, (size_t)shape->dim[0], (size_t)shape->dim[1], (size_t)shape->dim[2]) /
                          (double)file->n;
    }
    score->psnr[which] = metrics_psnr_mean(&metrics);
    score->ssim[which] = ssim;
    return DAE_OK;
}

static bool has_ssim(const struct denoise_score *score)
{
    return !isnan(score->ssim[0]) && !isnan(score->ssim[1]);
}

static void print_line(const char *name, const struct denoise_score *score, const char *remark)
{
    if (!has_ssim(score))
        output_line("%s: %.2f dB, denoised %.2f dB%s\n", name, score->psnr[0], score->psnr[1], remark);
    else
        output_line("%s: %.2f dB, SSIM %.4f; denoised %.2f dB, SSIM %.4f%s\n", name, score->psnr[0], score->ssim[0],
                    score->psnr[1], score->ssim[1], remark);
}

enum dae_status denoise_compare_add(struct denoise_compare *compare, const struct denoise_score *score,
                                    struct error *err)
{
    if (compare->n_scores == compare->capacity) {
        const int capacity = compare->capacity ? 2 * compare->capacity : 16;
        struct denoise_score *grown = realloc(compare->score, (size_t)capacity * sizeof *grown);
        if (!grown)
            return error_no_memory(err, "scores", (unsigned long long)capacity * sizeof *grown);
        compare->score = grown;
        compare->capacity = capacity;
    }
    compare->score[compare->n_scores++] = *score;
    print_line(score->input->path, score,
               has_ssim(score) ? "" : " (no SSIM: it requires images of at least 11x11 pixels)");
    return DAE_OK;
}

/* Means over the files; SSIM over the *n_ssim files that have one. */
static struct denoise_score mean_of(const struct denoise_compare *compare, int *n_ssim)
{
    struct denoise_score mean = {.input = NULL};
    *n_ssim = 0;
    for (int i = 0; i < compare->n_scores; ++i) {
        const struct denoise_score *score = &compare->score[i];
        *n_ssim += has_ssim(score);
        mean.seconds += score->seconds / compare->n_scores;
        for (int k = 0; k < 2; ++k) {
            mean.psnr[k] += score->psnr[k] / compare->n_scores;
            mean.ssim[k] += has_ssim(score) ? score->ssim[k] : 0;
        }
    }
    for (int k = 0; k < 2; ++k)
        mean.ssim[k] = *n_ssim > 0 ? mean.ssim[k] / *n_ssim : NAN;
    return mean;
}

void denoise_compare_print_mean(const struct denoise_compare *compare)
{
    int n_ssim;
    char remark[64] = "";
    if (compare->n_scores == 0)
        return;
    const struct denoise_score mean = mean_of(compare, &n_ssim);
    if (n_ssim > 0 && n_ssim < compare->n_scores)
        snprintf(remark, sizeof remark, " (SSIM of %d of %d)", n_ssim, compare->n_scores);
    print_line("mean", &mean, remark);
}

/* ---- Files of scores. ---------------------------------------------------------------------------------------------
 */

static bool ends_with(const char *path, const char *ending)
{
    const size_t len = strlen(path), n = strlen(ending);
    return len > n && strcasecmp(path + len - n, ending) == 0;
}

enum dae_status denoise_compare_check_path(const char *path, struct error *err)
{
    if (ends_with(path, ".csv") || ends_with(path, ".json"))
        return DAE_OK;
    return error_set(err, DAE_CONFIG, "--scores expects a name that ends in .csv or .json, got '%s'", path);
}

/* A field in quotes, in which a quote is doubled (RFC 4180). */
static void add_quoted(struct text *text, const char *field)
{
    text_add(text, "\"");
    for (; *field; ++field)
        text_printf(text, *field == '"' ? "\"\"" : "%c", *field);
    text_add(text, "\"");
}

static void add_number(struct text *text, double value)
{
    if (isnan(value))
        text_add(text, ",");
    else
        text_printf(text, ",%.9g", value);
}

static enum dae_status save_csv(const struct denoise_compare *compare, const char *path, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    text_add(&text, "file,result,psnr_noisy,psnr_denoised,ssim_noisy,ssim_denoised,seconds\n");
    for (int i = 0; i < compare->n_scores; ++i) {
        const struct denoise_score *score = &compare->score[i];
        add_quoted(&text, score->input->path);
        text_add(&text, ",");
        add_quoted(&text, score->input->out);
        for (int k = 0; k < 2; ++k)
            add_number(&text, score->psnr[k]);
        for (int k = 0; k < 2; ++k)
            add_number(&text, score->ssim[k]);
        add_number(&text, score->seconds);
        text_add(&text, "\n");
    }
    if (text.failed)
        return error_no_memory(err, path, text.len);
    return atomic_file_save(path, text.data, text.len, err);
}

/* JSON is UTF-8, and a file's name need not be. */
static bool add_name(cJSON *object, const char *key, const char *name)
{
    char *copy CLEANUP(cleanup_free) = strdup(name);
    if (!copy)
        return false;
    utf8_clean(copy);
    return cJSON_AddStringToObject(object, key, copy) != NULL;
}

static bool add_numbers(cJSON *object, const struct denoise_score *score)
{
    return json_number(object, "psnr_noisy", score->psnr[0]) && json_number(object, "psnr_denoised", score->psnr[1]) &&
           json_number(object, "ssim_noisy", score->ssim[0]) && json_number(object, "ssim_denoised", score->ssim[1]) &&
           json_number(object, "seconds", score->seconds);
}

static bool fill_json(const struct denoise_compare *compare, cJSON *root)
{
    int n_ssim;
    const struct denoise_score mean = mean_of(compare, &n_ssim);
    cJSON *files = root ? cJSON_AddArrayToObject(root, "files") : NULL;
    bool added = files != NULL;
    for (int i = 0; i < compare->n_scores && added; ++i) {
        const struct denoise_score *score = &compare->score[i];
        cJSON *file = cJSON_CreateObject();
        added = file && cJSON_AddItemToArray(files, file) && add_name(file, "file", score->input->path) &&
                add_name(file, "result", score->input->out) && add_numbers(file, score);
    }
    cJSON *object = added && compare->n_scores > 0 ? cJSON_AddObjectToObject(root, "mean") : NULL;
    return added && (compare->n_scores == 0 || (object && add_numbers(object, &mean)));
}

enum dae_status denoise_compare_save(const struct denoise_compare *compare, const char *path, struct error *err)
{
    if (ends_with(path, ".csv"))
        return save_csv(compare, path, err);
    cJSON *root = cJSON_CreateObject();
    const enum dae_status status =
        fill_json(compare, root) ? json_save(path, root, 1, err) : error_no_memory(err, path, 0);
    cJSON_Delete(root);
    return status;
}

void denoise_compare_release(struct denoise_compare *compare)
{
    file_names_release(&compare->names);
    arena_release(&compare->arena);
    free(compare->score);
    *compare = (struct denoise_compare){0};
}
