#include "cli/denoise_compare.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file_names.h"
#include "base/shape.h"
#include "stats/metrics.h"

/* The file of that name in a folder, or else the one whose name differs in its extension alone; when there is none,
 * what it should be. */
static enum dae_status partner_of(const char *folder, const char *name, struct arena *arena, const char **path,
                                  struct error *err)
{
    struct file_names names;
    const char *found = NULL;
    const size_t len = file_names_stem_len(name);
    int n_found = 0;
    enum dae_status status = file_names_list(folder, &names, err);
    for (size_t i = 0; i < names.n && status == DAE_OK; ++i) {
        const bool exact = strcmp(names.name[i], name) == 0;
        if (!exact && (file_names_stem_len(names.name[i]) != len || memcmp(names.name[i], name, len) != 0))
            continue;
        found = names.name[i];
        n_found = exact ? 1 : n_found + 1;
        if (exact)
            break;
    }
    if (status == DAE_OK && n_found > 1)
        status = error_set(err, DAE_BAD_DATA, "--compare: %s contains %d files that could be the clean %s", folder,
                           n_found, name);
    *path = arena_printf(arena, "%s/%s", folder, found ? found : name);
    file_names_release(&names);
    return status;
}

/* CLEAN itself, or the partner in the folder CLEAN. */
static enum dae_status clean_path(const struct denoise_compare *compare, const struct denoise_input *input,
                                  struct arena *arena, const char **path, struct error *err)
{
    const char *slash = strrchr(input->path, '/');
    struct stat info;
    *path = compare->clean;
    if (stat(compare->clean, &info) < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", compare->clean, strerror(errno));
    if (S_ISDIR(info.st_mode))
        TRY(partner_of(compare->clean, slash ? slash + 1 : input->path, arena, path, err));
    else if (compare->inputs->n > 1)
        return error_set(err, DAE_CONFIG, "--compare: %s is one file, but there are %d inputs; give a folder",
                         compare->clean, compare->inputs->n);
    return *path ? DAE_OK : error_no_memory(err, "file name", strlen(compare->clean));
}

static enum dae_status check_shape(const char *path, const struct denoise_input *input, const struct samples_file *file,
                                   const struct samples_file *clean, struct error *err)
{
    char have[96], want[96];
    if (clean->n == file->n && shape_equal(&clean->shape, &file->shape))
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s: %lld samples of %s, but %s has %lld of %s", path, (long long)clean->n,
                     shape_text(&clean->shape, have), input->path, (long long)file->n, shape_text(&file->shape, want));
}

enum dae_status denoise_compare_load(const struct denoise_compare *compare, const struct denoise_input *input,
                                     const struct samples_file *file, struct samples_file *clean, struct error *err)
{
    const char *path;
    struct arena arena = {0};
    enum dae_status status = clean_path(compare, input, &arena, &path, err);
    if (status == DAE_OK)
        status = samples_file_load(path, clean, err);
    if (status == DAE_OK) {
        status = check_shape(path, input, file, clean, err);
        if (status != DAE_OK)
            samples_file_release(clean);
    }
    arena_release(&arena);
    return status;
}

struct denoise_score denoise_compare_score(const struct samples_file *file, const struct samples_file *clean)
{
    struct metrics metrics = {0};
    struct denoise_score score = {.ssim = 0};
    const struct dae_shape *shape = &file->shape;
    const int64_t len = dae_shape_len(shape);
    for (int64_t i = 0; i < file->n; ++i) {
        const float *x = file->values + i * len, *y = clean->values + i * len;
        metrics_add(&metrics, x, y, 1, (size_t)len);
        score.ssim += shape->rank != 3
                          ? NAN
                          : metrics_ssim(x, y, (size_t)shape->dim[0], (size_t)shape->dim[1], (size_t)shape->dim[2]) /
                                (double)file->n;
    }
    score.psnr = metrics_psnr_mean(&metrics);
    return score;
}

static void print_line(const char *name, const double psnr[2], const double ssim[2], const char *remark)
{
    if (isnan(ssim[0]) || isnan(ssim[1]))
        printf("%s: %.2f dB, denoised %.2f dB%s\n", name, psnr[0], psnr[1], remark);
    else
        printf("%s: %.2f dB, SSIM %.4f; denoised %.2f dB, SSIM %.4f%s\n", name, psnr[0], ssim[0], psnr[1], ssim[1],
               remark);
}

void denoise_compare_add(struct denoise_compare *compare, const struct denoise_input *input,
                         const struct denoise_score score[2])
{
    const double psnr[2] = {score[0].psnr, score[1].psnr}, ssim[2] = {score[0].ssim, score[1].ssim};
    const bool has_ssim = !isnan(ssim[0]) && !isnan(ssim[1]);
    print_line(input->path, psnr, ssim, has_ssim ? "" : " (no SSIM: it requires images of at least 11x11 pixels)");
    ++compare->n;
    compare->n_ssim += has_ssim;
    for (int i = 0; i < 2; ++i) {
        compare->psnr_sum[i] += psnr[i];
        compare->ssim_sum[i] += has_ssim ? ssim[i] : 0;
    }
}

void denoise_compare_print_mean(const struct denoise_compare *compare)
{
    double psnr[2], ssim[2];
    char remark[64] = "";
    if (compare->n == 0)
        return;
    for (int i = 0; i < 2; ++i) {
        psnr[i] = compare->psnr_sum[i] / compare->n;
        ssim[i] = compare->n_ssim > 0 ? compare->ssim_sum[i] / compare->n_ssim : NAN;
    }
    if (compare->n_ssim > 0 && compare->n_ssim < compare->n)
        snprintf(remark, sizeof remark, " (SSIM of %d of %d)", compare->n_ssim, compare->n);
    print_line("mean", psnr, ssim, remark);
}
