#include "cli/denoise_wav.h"

#include <math.h>
#include <stdlib.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/shape.h"

/* The points per second that the model was trained on, if its config says so, else 0. */
static double rate_of(const struct saved_model *saved)
{
    const struct value *data = value_map_get(saved->file.config, "data");
    const struct value *rate = data ? value_map_get(data, "rate") : NULL;
    return rate && rate->kind == VALUE_SCALAR ? strtod(rate->text, NULL) : 0;
}

static enum dae_status check_form(const char *path, const struct saved_model *saved,
                                  const struct receptive_field *field, const struct wav_form *form, struct error *err)
{
    const struct dae_shape *want = &saved->file.network.node[0].plan.output;
    const struct dae_shape shape = {2, {form->n, form->channels}};
    char have_text[SHAPE_TEXT], want_text[SHAPE_TEXT];
    if (field->any_size && denoiser_accepts(&saved->file.network, true, &shape))
        return DAE_OK;
    const enum dae_status status = error_set(err, DAE_BAD_DATA, "%s: a signal of %s, but %s takes %s", path,
                                             shape_text(&shape, have_text), saved->path, shape_text(want, want_text));
    if (want->rank == 2 && !field->any_size)
        error_note(err, "the network only takes signals of its own length: %s", field->problem);
    return status;
}

enum dae_status denoise_wav_check(const char *path, const struct saved_model *saved,
                                  const struct receptive_field *field, struct wav_form *form, struct text *notice,
                                  struct error *err)
{
    struct wav wav;
    const double rate = rate_of(saved);
    TRY(wav_open(path, &wav, err));
    *form = wav.form;
    if (rate > 0 && rate != (double)wav.form.rate)
        text_printf(notice,
                    "%d points per second, but the model was trained on %g; resample it first, or the model takes it "
                    "for a slower or faster signal",
                    wav.form.rate, rate);
    if (wav.n_skipped > 0)
        text_printf(notice, "%s%d chunk%s besides its sound not kept", notice->len ? "; " : "", wav.n_skipped,
                    wav.n_skipped == 1 ? " is" : "s are");
    wav_close(&wav);
    if (notice->failed)
        return error_no_memory(err, path, notice->len);
    return check_form(path, saved, field, form, err);
}

/* ---- Running. ---------------------------------------------------------------------------------------------------- */

struct recording {
    struct wav in;
    struct atomic_file out;
    int64_t written; /* points */
    bool is_bad;     /* the input, or what the model makes of it */
};

static enum dae_status read_points(void *context, int64_t first, int64_t len, float *x, struct error *err)
{
    struct recording *r = context;
    const enum dae_status status = wav_read(&r->in, first, len, x, err);
    r->is_bad = r->is_bad || status != DAE_OK;
    return status;
}

static enum dae_status write_points(void *context, const float *y, int64_t len, struct error *err)
{
    struct recording *r = context;
    const int64_t channels = r->in.form.channels, bad = denoiser_first_bad(y, len, channels);
    r->is_bad = r->is_bad || bad >= 0;
    if (bad >= 0)
        return error_set(
            err, DAE_BAD_DATA,
            "%s: point %lld: the model's output is not finite; use values like those it was trained on, or "
            "train it again",
            r->in.path, (long long)(r->written + bad));
    r->written += len;
    return wav_write(&r->out, &r->in.form, y, len, err);
}

static enum dae_status run(struct denoiser *denoiser, struct recording *r, struct error *err)
{
    const struct tiler_signal signal = {r->in.form.n, r->in.form.channels, read_points, write_points, r};
    TRY(wav_write_header(&r->out, &r->in.form, err));
    TRY(denoiser_run_signal(denoiser, &signal, err));
    TRY(wav_write_end(&r->out, &r->in.form, err));
    return atomic_file_commit(&r->out, err);
}

enum dae_status denoise_wav_run(struct denoiser *denoiser, const char *path, const char *out, bool *concerns_input,
                                struct error *err)
{
    struct recording r = {.in = {.fd = -1}, .out = {.fd = -1}};
    *concerns_input = true;
    TRY(wav_open(path, &r.in, err));
    enum dae_status status = atomic_file_begin(&r.out, out, err);
    if (status == DAE_OK)
        status = run(denoiser, &r, err);
    *concerns_input = r.is_bad;
    atomic_file_discard(&r.out);
    wav_close(&r.in);
    return status;
}

/* ---- Comparing. -------------------------------------------------------------------------------------------------- */

/* Adds up what two files of the same shape differ by. */
static enum dae_status add_squares(const struct wav *a, const struct wav *b, double *squares, struct error *err)
{
    enum { POINTS = 4096 };
    const int64_t channels = a->form.channels;
    float *x CLEANUP(cleanup_free) = malloc(2 * POINTS * (size_t)channels * sizeof *x);
    if (!x)
        return error_no_memory(err, a->path, 2 * POINTS * (size_t)channels * sizeof *x);
    for (int64_t first = 0; first < a->form.n; first += POINTS) {
        const int64_t n = shape_min(POINTS, a->form.n - first);
        float *y = x + n * channels;
        TRY(wav_read(a, first, n, x, err));
        TRY(wav_read(b, first, n, y, err));
        for (int64_t i = 0; i < n * channels; ++i)
            *squares += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    }
    return DAE_OK;
}

/* The PSNR of a file, or, if it is not asked for, only whether the two have the same shape. */
static enum dae_status compare_files(const struct wav *a, const struct wav *clean, double *psnr, struct error *err)
{
    double squares = 0;
    if (a->form.n != clean->form.n || a->form.channels != clean->form.channels)
        return error_set(err, DAE_BAD_DATA, "%s: %lld points of %d channels, but %s has %lld of %d", clean->path,
                         (long long)clean->form.n, clean->form.channels, a->path, (long long)a->form.n,
                         a->form.channels);
    if (psnr) {
        TRY(add_squares(a, clean, &squares, err));
        *psnr = 10 * log10((double)(a->form.n * a->form.channels) / squares);
    }
    return DAE_OK;
}

static enum dae_status psnr_of(const char *path, const char *clean_path, double *psnr, struct error *err)
{
    struct wav wav, clean = {.fd = -1};
    TRY(wav_open(path, &wav, err));
    enum dae_status status = wav_open(clean_path, &clean, err);
    if (status == DAE_OK)
        status = compare_files(&wav, &clean, psnr, err);
    wav_close(&clean);
    wav_close(&wav);
    return status;
}

enum dae_status denoise_wav_check_clean(struct denoise_compare *compare, const struct denoise_input *input,
                                        struct error *err)
{
    const char *clean;
    TRY(denoise_compare_path(compare, input, &clean, err));
    return psnr_of(input->path, clean, NULL, err);
}

enum dae_status denoise_wav_compare(struct denoise_compare *compare, const struct denoise_input *input, double seconds,
                                    struct error *err)
{
    struct denoise_score score = {.input = input, .ssim = {NAN, NAN}, .seconds = seconds};
    const char *clean;
    TRY(denoise_compare_path(compare, input, &clean, err));
    TRY(psnr_of(input->path, clean, &score.psnr[0], err));
    TRY(psnr_of(input->out, clean, &score.psnr[1], err));
    return denoise_compare_add(compare, &score, err);
}
