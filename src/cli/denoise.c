/* dae-cl denoise: sends files of samples through a trained model and writes each back in its own form. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/folder.h"
#include "base/shape.h"
#include "cli/command.h"
#include "cli/denoise_compare.h"
#include "cli/denoise_numbers.h"
#include "cli/denoise_results.h"
#include "cli/denoise_wav.h"
#include "cli/output.h"
#include "cli/panel_table.h"
#include "cli/progress.h"
#include "cli/saved_model.h"
#include "cli/stop.h"
#include "format/image_extras.h"
#include "model/denoiser.h"
#include "stats/metrics.h"

/* Everything that denoising opens, in that order. */
struct denoise {
    const struct invocation *invocation;
    struct denoise_inputs inputs;
    const char *folder;
    struct saved_model saved;
    const struct network *network;       /* the saved model's */
    const struct panel_columns *columns; /* the saved model's, for tables */
    struct model *model;                 /* for tables; NULL without tables */
    struct denoiser *denoiser;           /* for everything else */
    struct receptive_field field;        /* the reason if not */
    uint64_t memory_bytes;
    int64_t batch, n_samples; /* batch 0: no sample has the model's own shape */
    int n_written;
    bool apply_orientation;
    struct denoise_compare compare;
    struct progress_line progress;
    struct file_notes notes;
    /* Numbers that the network computes: for all inputs, for the finished ones, and for the current one. */
    int64_t work, work_done, work_here;
    const struct denoise_input *current;
};

/* ---- The model. -------------------------------------------------------------------------------------------------- */

/* --memory, in bytes; 0 if it was not given. */
static enum dae_status read_memory(const struct invocation *invocation, uint64_t *bytes, struct error *err)
{
    const char *text = invocation_value(invocation, "memory");
    char *end = NULL;
    const long mib = text ? strtol(text, &end, 10) : 0;
    *bytes = (uint64_t)mib << 20;
    if (text && (*text < '0' || *text > '9' || *end || mib < 1 || mib > 1 << 24))
        return error_set(err, DAE_CONFIG, "--memory expects a number of MiB from 1 to 16777216, got '%s'", text);
    return DAE_OK;
}

static enum dae_status check_columns(const struct denoise *d, struct error *err)
{
    TRY(panel_table_check_model(d->saved.path, &d->saved.file, err));
    if (d->columns->returns == PANEL_NONE)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT,
                     "%s: the model was trained on returns computed from prices; to denoise a file of returns, "
                     "train one on returns (returns: none)",
                     d->saved.path);
}

static enum dae_status load_model(struct denoise *d, struct error *err)
{
    TRY(saved_model_read(&d->saved, d->invocation, d->invocation->argument[0], err));
    d->network = &d->saved.file.network;
    d->columns = d->saved.file.columns;
    TRY(receptive_field_find(d->network, &d->field, err));
    return d->inputs.n_tables > 0 ? check_columns(d, err) : DAE_OK;
}

/* ---- The samples. ------------------------------------------------------------------------------------------------ */

/* Whether a colour model gets a grey image, as three equal channels. */
static bool is_grey_for_colour(const struct denoise *d, const struct samples_file *file)
{
    const struct dae_shape *want = &d->network->node[0].plan.output;
    return file->form.kind == SAMPLES_IMAGE && file->shape.dim[2] == 1 && want->rank == 3 && want->dim[2] == 3;
}

/* The shape of a file's samples as the network gets them. */
static struct dae_shape shape_for_network(const struct denoise *d, const struct samples_file *file)
{
    struct dae_shape shape = file->shape;
    if (is_grey_for_colour(d, file))
        shape.dim[2] = 3;
    return shape;
}

/* Turns an image, or says that it stays as it is. */
static enum dae_status orient(const struct denoise *d, const char *path, struct samples_file *file, struct error *err)
{
    if (file->form.kind != SAMPLES_IMAGE || file->orientation == 1)
        return DAE_OK;
    if (d->apply_orientation)
        return samples_file_orient(path, file, err);
    text_printf(&file->notice,
                "%sits pixels are not turned, and its EXIF orientation stays %d; --orient apply turns them",
                file->notice.len ? "; " : "", file->orientation);
    return DAE_OK;
}

/* Reads a file whose samples fit the model; the caller releases, whatever the outcome. */
static enum dae_status load_samples(struct denoise *d, const struct denoise_input *input, struct samples_file *file,
                                    struct error *err)
{
    const struct dae_shape *want = &d->network->node[0].plan.output;
    const char *path = input->path;
    TRY(denoise_inputs_load(&d->inputs, input, file, err));
    TRY(orient(d, path, file, err));
    samples_file_as(file, want);
    TRY(denoise_numbers_check(&d->saved.file.transfer, path, file, err));
    const struct dae_shape shape = shape_for_network(d, file);
    if (is_grey_for_colour(d, file))
        text_printf(&file->notice, "%sit is grey: denoised as three equal channels, and written grey",
                    file->notice.len ? "; " : "");
    if (denoiser_accepts(d->network, d->field.any_size, &shape))
        return DAE_OK;
    char have_text[96], want_text[96];
    const enum dae_status status =
        error_set(err, DAE_BAD_DATA, "%s: samples of %s, but %s takes %s", path, shape_text(&file->shape, have_text),
                  d->saved.path, shape_text(want, want_text));
    static const char *const own[] = {"", "", "signals of its own length", "images of its own size",
                                      "volumes of its own size"};
    if (!d->field.any_size && want->rank > 1 && want->rank == file->shape.rank)
        error_note(err, "the network only takes %s: %s", own[want->rank], d->field.problem);
    return status;
}

/* Reads a table that the model takes; the caller releases, whatever the outcome. */
static enum dae_status load_table(const struct denoise *d, const char *path, struct panel_table *table,
                                  struct error *err)
{
    TRY(panel_table_load(table, path, &d->saved.file, err));
    return d->network->takes_holes ? DAE_OK : panel_table_check_whole(table, err);
}

static enum dae_status check_table(struct denoise *d, const char *path, int64_t *n, struct error *err)
{
    struct panel_table table CLEANUP(panel_table_release) = {0};
    if (d->compare.clean)
        return error_set(err, DAE_CONFIG, "--compare: %s is a table; only images and arrays are compared", path);
    TRY(load_table(d, path, &table, err));
    *n = table.cells.n;
    d->work += table.cells.n * table.cells.d;
    return DAE_OK;
}

static enum dae_status check_samples(struct denoise *d, const struct denoise_input *input, int64_t *n,
                                     struct error *err)
{
    struct samples_file file CLEANUP(samples_file_release) = {0}, clean CLEANUP(samples_file_release) = {0};
    TRY(load_samples(d, input, &file, err));
    TRY(denoise_results_check_kind(input, &file, err));
    const struct dae_shape shape = shape_for_network(d, &file);
    *n = shape_equal(&shape, &d->network->node[0].plan.output) ? file.n : 0;
    d->work += file.n * dae_shape_len(&file.shape);
    return d->compare.clean ? denoise_compare_load(&d->compare, input, &file, &clean, err) : DAE_OK;
}

static enum dae_status check_wav(struct denoise *d, const struct denoise_input *input, struct error *err)
{
    struct text notice CLEANUP(text_release) = {0};
    struct wav_form form;
    TRY(denoise_wav_check(input->path, &d->saved, &d->field, &form, &notice, err));
    d->work += form.n * form.channels;
    return d->compare.clean ? denoise_wav_check_clean(&d->compare, input, err) : DAE_OK;
}

static enum dae_status check_input(struct denoise *d, const struct denoise_input *input, int64_t *n, struct error *err)
{
    return input->is_table                     ? check_table(d, input->path, n, err)
           : input->result.kind == SAMPLES_WAV ? check_wav(d, input, err)
                                               : check_samples(d, input, n, err);
}

/* Checks every input before any output is written. */
static enum dae_status check_inputs(struct denoise *d, struct error *err)
{
    int64_t most = 0;
    for (int i = 0; i < d->inputs.n; ++i) {
        struct denoise_input *input = &d->inputs.input[i];
        struct error failure = {0};
        int64_t n = 0;
        if (input->problem)
            continue;
        if (check_input(d, input, &n, &failure) != DAE_OK)
            TRY(denoise_inputs_failed(&d->inputs, input, &failure, err));
        most = n > most ? n : most;
    }
    d->batch = shape_min(most, d->saved.settings.batch);
    return DAE_OK;
}

/* Reports that `share` of the current input is done. Ctrl-C takes effect here. */
static enum dae_status tell(struct denoise *d, double share, const char *what, struct error *err)
{
    const double done = (double)d->work_done + share * (double)d->work_here;
    progress_work(&d->progress, d->work > 0 ? done / (double)d->work : 1, what);
    return stop_check(err);
}

static enum dae_status on_part(void *context, int64_t done, int64_t n, bool tiles, struct error *err)
{
    struct denoise *d = context;
    const char *slash = strrchr(d->current->path, '/');
    char what[128];
    snprintf(what, sizeof what, "%.60s: %lld of %lld tile%s", slash ? slash + 1 : d->current->path, (long long)done,
             (long long)n, n == 1 ? "" : "s");
    return tell(d, (double)done / (double)n, tiles ? what : d->current->path, err);
}

static enum dae_status open_denoiser(struct denoise *d, struct error *err)
{
    const struct denoiser_options options = {
        .device = d->saved.device,
        .registry = d->saved.registry,
        .config = d->saved.file.config,
        .network = d->network,
        .parameters = d->saved.file.parameters,
        .batch = d->batch,
        .memory_bytes = d->memory_bytes == 0 && d->inputs.n_wav > 0 ? DENOISE_WAV_MEMORY : d->memory_bytes,
        .on_part = on_part,
        .context = d};
    TRY(denoiser_new(&options, &d->denoiser, err));
    return denoiser_expect(d->denoiser, d->batch, err);
}

static enum dae_status open_device(struct denoise *d, struct error *err)
{
    TRY(saved_model_open_device(&d->saved, d->invocation, err));
    if (d->inputs.n_tables > 0)
        TRY(model_open(d->saved.device, d->network, d->saved.file.parameters, d->batch, &d->model, err));
    if (d->inputs.n > d->inputs.n_tables)
        TRY(open_denoiser(d, err));
    if (d->batch > 0 && network_layers_read_mask(d->network) && d->inputs.n > d->inputs.n_tables)
        fprintf(stderr, "  the model was trained with a mask of what is missing, but here nothing is masked\n");
    stop_listen();
    return DAE_OK;
}

/* Denoises n samples of a shape in place: those of the model's own shape at once, images of another size one by one. */
static enum dae_status denoise_samples(struct denoise *d, float *values, int64_t n, const struct dae_shape *shape,
                                       struct error *err)
{
    const int64_t len = dae_shape_len(shape);
    const int64_t each = shape_equal(shape, &d->network->node[0].plan.output) ? n : 1;
    for (int64_t first = 0; first < n; first += each) {
        TRY(denoiser_run(d->denoiser, values + first * len, each, shape, err));
        d->work_done += d->work_here;
    }
    return DAE_OK;
}

/* Denoises grey images as colour ones; the result becomes grey by Rec. 601, as in training. */
static enum dae_status denoise_grey(struct denoise *d, const struct samples_file *file, struct error *err)
{
    const struct dae_shape shape = shape_for_network(d, file);
    const int64_t len = file->n * dae_shape_len(&file->shape);
    float *colour CLEANUP(cleanup_free) = malloc((size_t)len * 3 * sizeof *colour);
    if (!colour)
        return error_no_memory(err, "image", (size_t)len * 3 * sizeof *colour);
    for (int64_t i = 0; i < 3 * len; ++i)
        colour[i] = file->values[i / 3];
    TRY(denoise_samples(d, colour, file->n, &shape, err));
    for (int64_t i = 0; i < len; ++i)
        file->values[i] = image_grey(colour + 3 * i);
    return DAE_OK;
}

/* Denoises a file. */
static enum dae_status denoise_values(struct denoise *d, const struct samples_file *file, struct error *err)
{
    const struct dae_shape shape = shape_for_network(d, file);
    const bool whole = shape_equal(&shape, &d->network->node[0].plan.output);
    const int64_t each = dae_shape_len(&file->shape), len = file->n * each;
    d->work_here = whole ? len : each;
    transfer_apply(&d->saved.file.transfer, true, file->largest, file->values, len);
    TRY(is_grey_for_colour(d, file) ? denoise_grey(d, file, err)
                                    : denoise_samples(d, file->values, file->n, &file->shape, err));
    transfer_restore(&d->saved.file.transfer, file->largest, file->values, len);
    return DAE_OK;
}

/* Prints what was ignored or could not be kept, above a progress bar; of equal sentences only the first. */
static void say_notice(struct denoise *d, const struct denoise_input *input, const struct text *notice)
{
    if (!file_notes_add(&d->notes, input->path, notice->data))
        return;
    progress_end(&d->progress);
    output_note("%s: %s\n", input->path, notice->data);
}

static void say_repeated(const struct denoise *d)
{
    struct text text CLEANUP(text_release) = {0};
    file_notes_repeated(&d->notes, &text);
    if (text.len > 0)
        output_note("%s\n", text.data);
}

/* Reads the result back, so that what is measured is what was written. */
static enum dae_status compare_result(struct denoise *d, const struct samples_file *clean, struct denoise_score *score,
                                      struct error *err)
{
    struct samples_file result CLEANUP(samples_file_release) = {0};
    TRY(samples_file_load(score->input->out, &result, err));
    if (clean->shape.rank == 4)
        samples_file_as_volumes(&result);
    TRY(denoise_compare_measure(&d->compare, score, 1, &result, clean, err));
    progress_end(&d->progress);
    return denoise_compare_add(&d->compare, score, err);
}

/* The part that reads: its failures concern only this file. */
static enum dae_status read_samples(struct denoise *d, const struct denoise_input *input, struct samples_file *file,
                                    struct samples_file *clean, struct error *err)
{
    TRY(load_samples(d, input, file, err));
    if (file->notice.failed)
        return error_no_memory(err, input->path, file->notice.len);
    return d->compare.clean ? denoise_compare_load(&d->compare, input, file, clean, err) : DAE_OK;
}

/* The folder that a result goes into. */
static enum dae_status make_subfolder(const char *out, struct error *err)
{
    char *folder CLEANUP(cleanup_free) = strdup(out);
    if (!folder)
        return error_no_memory(err, "file name", strlen(out));
    *strrchr(folder, '/') = '\0';
    return folder_make(folder, err);
}

static enum dae_status denoise_file(struct denoise *d, struct denoise_input *input, struct error *err)
{
    struct samples_file file CLEANUP(samples_file_release) = {0}, clean CLEANUP(samples_file_release) = {0};
    struct denoise_score score = {.input = input};
    struct error failure = {0};
    const double began = clock_seconds();
    if (read_samples(d, input, &file, &clean, &failure) != DAE_OK)
        return denoise_inputs_failed(&d->inputs, input, &failure, err);
    if (input->result.image)
        samples_file_say_losses(&file, input->result.image);
    say_notice(d, input, &file.notice);
    if (d->compare.clean)
        TRY(denoise_compare_measure(&d->compare, &score, 0, &file, &clean, err));
    TRY(denoise_values(d, &file, err));
    if (denoise_numbers_check_output(input->path, &file, &failure) != DAE_OK)
        return denoise_inputs_failed(&d->inputs, input, &failure, err);
    file.form = input->result;
    if (*input->subfolder)
        TRY(make_subfolder(input->out, err));
    TRY(samples_file_save(input->out, &file, err));
    d->n_samples += file.n;
    ++d->n_written;
    score.seconds = clock_seconds() - began;
    return d->compare.clean ? compare_result(d, &clean, &score, err) : DAE_OK;
}

static enum dae_status denoise_wav(struct denoise *d, struct denoise_input *input, struct error *err)
{
    struct text notice CLEANUP(text_release) = {0};
    struct error failure = {0};
    struct wav_form form;
    bool concerns_input;
    const double began = clock_seconds();
    if (denoise_wav_check(input->path, &d->saved, &d->field, &form, &notice, &failure) != DAE_OK)
        return denoise_inputs_failed(&d->inputs, input, &failure, err);
    say_notice(d, input, &notice);
    d->work_here = form.n * form.channels;
    if (*input->subfolder)
        TRY(make_subfolder(input->out, err));
    if (denoise_wav_run(d->denoiser, input->path, input->out, &concerns_input, &failure) != DAE_OK) {
        if (concerns_input)
            return denoise_inputs_failed(&d->inputs, input, &failure, err);
        *err = failure;
        return err->status;
    }
    d->work_done += d->work_here;
    ++d->n_samples;
    ++d->n_written;
    progress_end(&d->progress);
    return d->compare.clean ? denoise_wav_compare(&d->compare, input, clock_seconds() - began, err) : DAE_OK;
}

/* Writes the network's rows in the file's order and units. */
static enum dae_status denoise_rows(struct denoise *d, const struct panel_table *table, float *output, double *value,
                                    struct error *err)
{
    const int width = d->columns->d;
    TRY(panel_table_apply(&table->cells, d->model, output, err));
    for (int64_t i = 0; i < table->cells.n; ++i)
        for (int j = 0; j < width; ++j) {
            const double y = (double)output[i * width + j];
            if (!isfinite(y))
                return error_set(err, DAE_BAD_DATA,
                                 "%s: row %lld: the model's output is not finite; use values like those it was trained "
                                 "on, or train it again",
                                 table->panel.path, (long long)i + 1);
            value[i * width + table->order[j]] = panel_columns_restore(d->columns, j, y);
        }
    return DAE_OK;
}

static enum dae_status denoise_table(struct denoise *d, struct denoise_input *input, struct error *err)
{
    struct panel_table table CLEANUP(panel_table_release) = {0};
    struct text text CLEANUP(text_release) = {0};
    struct error failure = {0};
    if (load_table(d, input->path, &table, &failure) != DAE_OK)
        return denoise_inputs_failed(&d->inputs, input, &failure, err);
    d->work_done += table.cells.n * table.cells.d;
    const size_t len = (size_t)table.cells.n * (size_t)table.cells.d;
    float *output CLEANUP(cleanup_free) = malloc(len * sizeof *output);
    double *value CLEANUP(cleanup_free) = malloc(len * sizeof *value);
    if (!output || !value)
        return error_no_memory(err, input->path, len * sizeof *value);
    TRY(denoise_rows(d, &table, output, value, err));
    TRY(panel_table_rewrite(&table, value, &text, err));
    TRY(atomic_file_save(input->out, text.data, text.len, err));
    d->n_samples += table.cells.n;
    ++d->n_written;
    return DAE_OK;
}

static enum dae_status denoise_all(struct denoise *d, struct error *err)
{
    enum dae_status status = DAE_OK;
    progress_begin(&d->progress, NULL);
    for (int i = 0; i < d->inputs.n && status == DAE_OK; ++i) {
        struct denoise_input *input = &d->inputs.input[i];
        d->current = input;
        if (input->problem)
            continue;
        status = stop_check(err);
        if (status == DAE_OK)
            status = input->is_table                     ? denoise_table(d, input, err)
                     : input->result.kind == SAMPLES_WAV ? denoise_wav(d, input, err)
                                                         : denoise_file(d, input, err);
        progress_end(&d->progress);
        if (status == DAE_OK && !input->problem && d->progress.terminal)
            output_note("  %d/%d  %s\n", d->n_written, d->inputs.n, input->out);
    }
    if (status != DAE_OK)
        error_note(err, "%d of %d files were written into %s", d->n_written, d->inputs.n, d->folder);
    return status;
}

static void release(struct denoise *d)
{
    denoiser_free(d->denoiser);
    model_close(d->model);
    saved_model_release(&d->saved);
    denoise_compare_release(&d->compare);
    denoise_inputs_release(&d->inputs);
    file_notes_release(&d->notes);
}

/* --orient and --scores. */
static enum dae_status read_options(struct denoise *d, struct error *err)
{
    const char *orient = invocation_value(d->invocation, "orient");
    d->apply_orientation = orient && strcmp(orient, "apply") == 0;
    if (orient && !d->apply_orientation && strcmp(orient, "keep") != 0)
        return error_set(err, DAE_CONFIG, "--orient expects keep or apply, got '%s'", orient);
    for (int i = 0; i < invocation_count(d->invocation, "scores"); ++i)
        TRY(denoise_compare_check_path(invocation_nth(d->invocation, "scores", i), err));
    if (invocation_has(d->invocation, "scores") && !invocation_value(d->invocation, "compare"))
        return error_set(err, DAE_CONFIG, "--scores requires --compare, which says what the clean files are");
    return read_memory(d->invocation, &d->memory_bytes, err);
}

static enum dae_status report(const struct denoise *d, struct error *err)
{
    say_repeated(d);
    denoise_compare_print_mean(&d->compare);
    for (int i = 0; i < invocation_count(d->invocation, "scores"); ++i)
        TRY(denoise_compare_save(&d->compare, invocation_nth(d->invocation, "scores", i), err));
    if (d->inputs.n_existing > 0)
        output_line("%d file%s left out: %s in %s\n", d->inputs.n_existing, d->inputs.n_existing == 1 ? "" : "s",
                    d->inputs.n_existing == 1 ? "its result exists" : "their results exist", d->folder);
    output_line("%d file%s, %lld sample%s denoised into %s\n", d->n_written, d->n_written == 1 ? "" : "s",
                (long long)d->n_samples, d->n_samples == 1 ? "" : "s", d->folder);
    return denoise_inputs_judge(&d->inputs, err);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct denoise d CLEANUP(release) = {.invocation = invocation, .folder = invocation_value(invocation, "o")};
    TRY(read_options(&d, err));
    TRY(denoise_inputs_list(&d.inputs, invocation, d.folder, err));
    TRY(denoise_compare_open(&d.compare, invocation_value(invocation, "compare"), &d.inputs, err));
    d.compare.apply_orientation = d.apply_orientation;
    d.compare.transfer = &d.saved.file.transfer;
    TRY(denoise_results_check(invocation, &d.inputs, d.compare.clean, err));
    TRY(load_model(&d, err));
    TRY(check_inputs(&d, err));
    TRY(folder_make(d.folder, err));
    TRY(open_device(&d, err));
    TRY(denoise_all(&d, err));
    return report(&d, err);
}

static const struct command_option option_o = {"o", "DIR", OPTION_VALUE, true,
                                               "the folder of the results, created if it does not exist"};

static const struct command_option option_compare = {"compare", "CLEAN", OPTION_VALUE, false,
                                                     "print PSNR and SSIM compared with a clean file, or with files of "
                                                     "the same names in a folder (extensions may differ)"};
static const struct command_option option_memory = {"memory", "MIB", OPTION_VALUE, false,
                                                    "MiB of the device for tiles of images, signals and volumes whose "
                                                    "size differs from the model's; 256 if not given, 32 "
                                                    "with WAV files"};

static const struct command_option option_scores = {
    "scores", "FILE", OPTION_LIST, false,
    "with --compare, write PSNR, SSIM and seconds of each file to FILE, which ends in .csv or .json"};
static const struct command_option option_format = {
    "format", "ENDING", OPTION_VALUE, false,
    "write images as png, tif, ... (dae-cl help formats); same, the default, keeps each file's kind"};
static const struct command_option option_orient = {
    "orient", "keep|apply", OPTION_VALUE, false,
    "whether images are turned as their EXIF says (apply) or stay as stored, with the same EXIF (keep, the default)"};
static const struct command_option option_recursive = {
    "recursive", NULL, OPTION_FLAG, false, "also take the folders in a folder; the results get the same folders"};
static const struct command_option option_skip_existing = {"skip-existing", NULL, OPTION_FLAG, false,
                                                           "leave out files whose results exist"};
static const struct command_option option_keep_going = {
    "keep-going", NULL, OPTION_FLAG, false,
    "denoise the other files if some cannot be read, and list those at the end; the exit status is then 4"};

static const struct command_option *const options[] = {
    &option_o,      &option_compare,   &option_scores,        &option_format,
    &option_orient, &option_recursive, &option_skip_existing, &option_keep_going,
    &option_memory, &option_platform,  &option_plugins,       &option_trust,
    NULL,
};

static const struct command_row examples[] = {
    {"dae-cl denoise runs/image_gray scans -o clean", "denoise a folder of images"},
    {"dae-cl denoise runs/image_gray scans.zip -o clean", "denoise the images in an archive"},
    {"dae-cl denoise runs/image_gray a.png -o clean --compare original.png",
     "denoise an image, and print its PSNR and SSIM"},
    {NULL, NULL},
};

const struct command command_denoise = {
    .name = "denoise",
    .arguments = "MODEL INPUT...",
    .summary = "denoise images, signals, volumes, arrays and tables with a model",
    .description =
        "MODEL is a model.safetensors that dae-cl run wrote, or the folder of such a run; nothing else of that run is "
        "needed. Each INPUT is an image (dae-cl help formats lists the kinds), an IDX (plain or .gz), NPY or WAV "
        "file, a folder of them, an archive of images (.tar, .tar.gz, .zip), which is read without unpacking it to the "
        "disk and whose folders the results get, or @FILE, a list of these with one path in each line. Its content "
        "tells its kind, or "
        "else its name does. An image is one sample; arrays are (n,h,w), (n,h,w,c) or (n,d). A model whose layers "
        "treat all pixels the same (convolutions that keep height and width or divide them by their stride, poolings, "
        "enlargements) denoises images of any size, in tiles that overlap so far that the bits are those of the whole "
        "image. If its strides do not divide the size, the image is mirrored at the bottom and right. A model with "
        "one channel processes the channels of a colour image one by one; a colour model takes a grey image as three "
        "equal channels, and the result is grey.\n\n"
        "With a model of a panel (data.source: csv, returns: none, window: 1) an INPUT whose name ends in .csv or "
        ".csv.gz is a table of the same columns, found by name, in any order: a row of names, then a date and a "
        "number per column in each row. Each row is one sample, standardised as in training; names and dates stay as "
        "they are. A row with a hole is refused, unless the model's layers read the mask: then the hole also gets a "
        "number.\n\n"
        "With a model of signals (T,C) an array is (T) or (T,C), one signal, or (N,T) or (N,T,C), N of them; a WAV "
        "file is one, PCM of 8 to 32 bits as numbers from -1 to 1. If its layers treat all points the same, it "
        "denoises signals of any length in the same way as images, and the channels one by one if it has one; a WAV "
        "file of any length takes little memory. The result has the same rate and bits; chunks besides the sound are "
        "not kept.\n\n"
        "With a model of volumes (D,H,W,C) an array is (D,H,W), one volume, or (N,D,H,W), N of them; a stack of grey "
        "images is one, of which each page is a slice. If its layers treat all voxels the same, it denoises volumes of "
        "any size in the same way as images, in tiles along three axes.\n\n"
        "The model gets bytes and pixels as numbers from 0 to 1 and floats unchanged, or, if it was trained with "
        "data.range, both as in training, and its results are taken back; no noise is added.\n\n"
        "The results are files of the same kind and name in DIR: images with the same number of bits, arrays of bytes "
        "or 32-bit floats like the input; JPEG becomes PNG; bytes and pixels are clamped to their range. What else an "
        "image contains comes back as dae-cl help formats says; a damaged profile is left out, and a line says so. A "
        "compressed IDX file or table comes out plain, without .gz. All inputs are checked before the first result is "
        "written, and each result appears whole or not at all. Ctrl-C stops after the running tiles; finished files "
        "stay.",
    .options = options,
    .examples = examples,
    .run = run,
};
