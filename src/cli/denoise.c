/* dae-cl denoise: sends files of samples through a trained model and writes each back in its own form. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/folder.h"
#include "base/shape.h"
#include "cli/command.h"
#include "cli/denoise_compare.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "cli/panel_table.h"
#include "cli/progress.h"
#include "cli/stop.h"
#include "cli/trust.h"
#include "format/image_extras.h"
#include "graph/executor.h"
#include "model/model_file.h"
#include "model/receptive_field.h"
#include "model/tiler.h"
#include "stats/metrics.h"
#include "train/settings.h"

/* Everything that denoising opens, in the order in which it does. */
struct denoise {
    const struct invocation *invocation;
    struct arena arena;
    struct denoise_inputs inputs;
    const char *model, *folder;
    struct value *config;
    struct registry *registry;
    struct settings settings;
    struct network network;
    float *parameters;             /* (parameters_len) */
    struct panel_columns *columns; /* for tables; NULL when none came */
    struct device *device;
    struct executor *executor;
    struct buffer *data, *order; /* (batch, input) floats; (batch) int32 */
    struct tiler *tiler;         /* for images of another size; NULL when none came or the network cannot take them */
    bool any_size;
    struct receptive_field field; /* why not, if not */
    uint64_t memory_bytes;
    int64_t batch, n_samples; /* batch 0: no sample has the model's own shape */
    int n_written;
    struct denoise_compare compare;
    struct progress_line progress;
    /* Numbers that come out of the network: of all inputs, of those that are done, and of the current one. */
    int64_t work, work_done, work_here;
    const struct denoise_input *current;
    int64_t pass, n_passes; /* through its channels */
};

/* ---- The model. -------------------------------------------------------------------------------------------------- */

static enum dae_status build_network(struct denoise *d, struct error *err)
{
    struct device_request request;
    enum dae_status status = settings_read(d->registry, d->config, &d->arena, &d->settings, err);
    if (status == DAE_OK)
        status = network_build(d->registry, d->config, &d->arena, false, &d->network, err);
    if (status == DAE_OK)
        status = invocation_request(d->invocation, d->config, &request, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line is one of the config that is stored in the model");
    return status;
}

/* --memory, in bytes; 0 when it was not given. */
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

static enum dae_status load_columns(struct denoise *d, const struct safetensors *file, struct error *err)
{
    TRY(panel_table_columns(d->model, file, &d->network, &d->columns, err));
    if (d->columns->returns == PANEL_NONE)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT,
                     "%s: the model was trained on returns that were taken of prices; to denoise a file of returns, "
                     "train one on returns (returns: none)",
                     d->model);
}

static enum dae_status load_parameters(struct denoise *d, const struct safetensors *file, struct error *err)
{
    TRY(build_network(d, err));
    if (d->inputs.n_tables > 0)
        TRY(load_columns(d, file, err));
    d->any_size = receptive_field_find(&d->network, &d->field);
    d->parameters = calloc((size_t)d->network.parameters_len + 1, sizeof *d->parameters);
    if (!d->parameters)
        return error_no_memory(err, d->model, (unsigned long long)d->network.parameters_len * sizeof *d->parameters);
    return model_file_parameters(d->model, file, &d->network, d->parameters, err);
}

static enum dae_status load_model(struct denoise *d, struct error *err)
{
    struct safetensors file;
    TRY(model_file_open(d->model, &d->arena, &file, &d->config, err));
    enum dae_status status = invocation_registry(d->invocation, &d->registry, err);
    if (status == DAE_OK)
        status = load_parameters(d, &file, err);
    safetensors_close(&file);
    return status;
}

/* Every result against all that is read. */
static enum dae_status check_results(const struct denoise *d, struct error *err)
{
    static const char advice[] = "give another folder to -o";
    struct outputs outputs = {0};
    const struct denoise_inputs *inputs = &d->inputs;
    enum dae_status status = outputs_read(&outputs, "model", d->model, err);
    for (int i = 1; i < d->invocation->n_arguments && status == DAE_OK; ++i)
        status = outputs_read(&outputs, "input", d->invocation->argument[i], err);
    if (status == DAE_OK && d->compare.clean)
        status = outputs_read(&outputs, "clean files", d->compare.clean, err);
    for (int i = 0; i < invocation_count(d->invocation, "plugins") && status == DAE_OK; ++i)
        status = outputs_read(&outputs, "plugins", invocation_nth(d->invocation, "plugins", i), err);
    for (int i = 0; i < inputs->n && status == DAE_OK; ++i)
        status = outputs_write(&outputs, "denoise", inputs->input[i].path, inputs->input[i].out, advice, err);
    if (status == DAE_OK)
        status = outputs_differ(&outputs, "denoise", "denoise them into two folders", err);
    if (status == DAE_OK)
        status = outputs_write_into(&outputs, "denoise", d->folder, advice, err);
    outputs_release(&outputs);
    return status;
}

/* ---- The samples. ------------------------------------------------------------------------------------------------ */

/* Of any height and width; a model of one channel takes the channels of a colour image one by one. */
static bool fits_tiles(const struct denoise *d, const struct dae_shape *shape)
{
    const int64_t channels = d->network.node[0].plan.output.dim[2];
    return d->any_size && shape->rank == 3 && (channels == 1 || channels == shape->dim[2]);
}

/* Reads a file whose samples fit the model; the caller releases. */
static enum dae_status load_samples(const struct denoise *d, const char *path, struct samples_file *file,
                                    struct error *err)
{
    const struct dae_shape *want = &d->network.node[0].plan.output;
    TRY(samples_file_load(path, file, err));
    if (shape_equal(&file->shape, want) || fits_tiles(d, &file->shape))
        return DAE_OK;
    char have_text[96], want_text[96];
    enum dae_status status = error_set(err, DAE_BAD_DATA, "%s: samples of %s, but %s takes %s", path,
                                       shape_text(&file->shape, have_text), d->model, shape_text(want, want_text));
    if (!d->any_size && want->rank == 3 && file->shape.rank == 3)
        error_note(err, "the network takes images of its own size alone: %s", d->field.problem);
    samples_file_release(file);
    return status;
}

/* Reads a table that the model takes; the caller releases. */
static enum dae_status load_table(const struct denoise *d, const char *path, struct panel_table *table,
                                  struct error *err)
{
    TRY(panel_table_load(table, path, d->columns, err));
    enum dae_status status = d->network.takes_holes ? DAE_OK : panel_table_check_whole(table, err);
    if (status != DAE_OK)
        panel_table_release(table);
    return status;
}

static enum dae_status check_table(struct denoise *d, const char *path, int64_t *n, struct error *err)
{
    struct panel_table table;
    if (d->compare.clean)
        return error_set(err, DAE_CONFIG, "--compare: %s is a table; only images and arrays are compared", path);
    TRY(load_table(d, path, &table, err));
    *n = table.cells.n;
    d->work += table.cells.n * table.cells.d;
    panel_table_release(&table);
    return DAE_OK;
}

static enum dae_status check_samples(struct denoise *d, const struct denoise_input *input, int64_t *n,
                                     struct error *err)
{
    struct samples_file file;
    TRY(load_samples(d, input->path, &file, err));
    *n = shape_equal(&file.shape, &d->network.node[0].plan.output) ? file.n : 0;
    d->work += file.n * dae_shape_len(&file.shape);
    enum dae_status status = DAE_OK;
    if (d->compare.clean) {
        struct samples_file clean;
        status = denoise_compare_load(&d->compare, input, &file, &clean, err);
        if (status == DAE_OK)
            samples_file_release(&clean);
    }
    samples_file_release(&file);
    return status;
}

/* No output is written before every input is known to be sound. */
static enum dae_status check_inputs(struct denoise *d, struct error *err)
{
    int64_t most = 0;
    for (int i = 0; i < d->inputs.n; ++i) {
        const struct denoise_input *input = &d->inputs.input[i];
        int64_t n = 0;
        TRY(input->is_table ? check_table(d, input->path, &n, err) : check_samples(d, input, &n, err));
        most = n > most ? n : most;
    }
    d->batch = most < d->settings.batch ? most : d->settings.batch;
    return DAE_OK;
}

static int64_t sample_len(const struct denoise *d)
{
    return dae_shape_len(&d->network.node[0].plan.output);
}

/* The order 0, 1, 2, ...: a batch is copied to the start of `data`. */
static enum dae_status write_order(struct denoise *d, struct error *err)
{
    uint64_t bytes = (uint64_t)d->batch * sizeof(int32_t);
    TRY(buffer_new(d->device, bytes, "order of samples", &d->order, err));
    int32_t *order = malloc(bytes);
    if (!order)
        return error_no_memory(err, "order of samples", bytes);
    for (int64_t i = 0; i < d->batch; ++i)
        order[i] = (int32_t)i;
    enum dae_status status = buffer_write(d->order, 0, order, bytes, err);
    free(order);
    return status;
}

/* `share` of the current input is done. Ctrl-C is heard here. */
static enum dae_status tell(struct denoise *d, double share, const char *what, struct error *err)
{
    const double done = (double)d->work_done + share * (double)d->work_here;
    progress_work(&d->progress, d->work > 0 ? done / (double)d->work : 1, what);
    return stop_check(err);
}

static enum dae_status on_tiles(void *context, int64_t done, int64_t n, struct error *err)
{
    struct denoise *d = context;
    const char *slash = strrchr(d->current->path, '/');
    char what[128];
    done += d->pass * n;
    n *= d->n_passes;
    snprintf(what, sizeof what, "%.60s: %lld of %lld tile%s", slash ? slash + 1 : d->current->path, (long long)done,
             (long long)n, n == 1 ? "" : "s");
    return tell(d, (double)done / (double)n, what, err);
}

static enum dae_status open_tiler(struct denoise *d, struct error *err)
{
    const struct tiler_options options = {.device = d->device,
                                          .registry = d->registry,
                                          .config = d->config,
                                          .network = &d->network,
                                          .parameters = d->parameters,
                                          .memory_bytes = d->memory_bytes,
                                          .on_tiles = on_tiles,
                                          .context = d};
    return tiler_new(&options, &d->tiler, err);
}

static enum dae_status open_executor(struct denoise *d, struct error *err)
{
    const struct executor_options options = {.batch = d->batch, .infer = true, .join = true, .fold = true};
    TRY(executor_new(d->device, &d->network, &options, &d->executor, err));
    if (network_layers_read_mask(&d->network) && d->inputs.n > d->inputs.n_tables)
        fprintf(stderr, "  the model was trained with a mask of what is missing; here it is told that nothing is\n");
    TRY(executor_set_parameters(d->executor, d->parameters, err));
    uint64_t bytes = (uint64_t)d->batch * (uint64_t)sample_len(d) * sizeof(float);
    TRY(device_check_memory(d->device, bytes, "a batch of samples", "choose another device", err));
    TRY(buffer_new(d->device, bytes, "samples", &d->data, err));
    return write_order(d, err);
}

static enum dae_status open_device(struct denoise *d, struct error *err)
{
    TRY(invocation_device(d->invocation, d->config, &d->device, err));
    fprintf(stderr, "%s\n", device_line(d->device));
    TRY(trust_check(d->invocation, &d->network, &d->settings, d->device, err));
    if (d->any_size)
        TRY(open_tiler(d, err));
    if (d->batch > 0)
        TRY(open_executor(d, err));
    stop_listen();
    return DAE_OK;
}

/* Replaces n samples, (n, input), by what the model makes of them. */
static enum dae_status denoise_batch(struct denoise *d, float *values, int64_t n, struct error *err)
{
    const struct batch batch = {.data = d->data, .order = d->order, .n = n};
    TRY(buffer_write(d->data, 0, values, (uint64_t)n * (uint64_t)sample_len(d) * sizeof *values, err));
    TRY(executor_forward(d->executor, SCHEDULE_INFER, &batch, err));
    return executor_read(d->executor, SCHEDULE_INFER, d->network.output, n, values, err);
}

/* An image would show NaN as black. */
static enum dae_status check_output(const struct denoise_input *input, const struct samples_file *file,
                                    struct error *err)
{
    const int64_t len = dae_shape_len(&file->shape);
    for (int64_t i = 0; i < file->n * len; ++i)
        if (!isfinite(file->values[i]))
            return error_set(err, DAE_BAD_DATA,
                             "%s: sample %lld: the model's output is not finite; give values like those it was trained "
                             "on, or train it again",
                             input->path, (long long)(i / len));
    return DAE_OK;
}

/* Replaces one image by what the model makes of it; channel by channel when the model has one and the image more. */
static enum dae_status denoise_image(struct denoise *d, float *values, const struct dae_shape *shape, struct error *err)
{
    const int64_t height = shape->dim[0], width = shape->dim[1], channels = shape->dim[2], pixels = height * width;
    const int64_t each = d->network.node[0].plan.output.dim[2];
    const bool at_once = each == channels;
    const size_t bytes = (size_t)(pixels * each) * sizeof *values;
    float *y = malloc(bytes), *x = at_once ? values : malloc(bytes);
    enum dae_status status = x && y ? DAE_OK : error_no_memory(err, "image", 2 * bytes);
    d->n_passes = channels / each;
    for (int64_t c = 0; c < channels && status == DAE_OK; c += each) {
        d->pass = c / each;
        for (int64_t i = 0; i < pixels && !at_once; ++i)
            x[i] = values[i * channels + c];
        status = tiler_run(d->tiler, x, height, width, y, err);
        if (status == DAE_OK && at_once)
            memcpy(values, y, bytes);
        for (int64_t i = 0; i < pixels && !at_once && status == DAE_OK; ++i)
            values[i * channels + c] = y[i];
    }
    if (!at_once)
        free(x);
    free(y);
    return status;
}

static void hold(const struct samples_file *file)
{
    if (!file->is_float)
        metrics_clamp(file->values, (size_t)(file->n * dae_shape_len(&file->shape)), 0, 1);
}

/* The model's work on a file. */
static enum dae_status denoise_values(struct denoise *d, const struct samples_file *file, struct error *err)
{
    const int64_t len = dae_shape_len(&file->shape);
    const bool whole = shape_equal(&file->shape, &d->network.node[0].plan.output);
    const int64_t size = len * file->n;
    d->work_here = whole ? size : len;
    for (int64_t first = 0; first < file->n; first += whole ? d->batch : 1) {
        const int64_t left = file->n - first;
        if (whole)
            TRY(tell(d, (double)first / (double)file->n, d->current->path, err));
        TRY(whole ? denoise_batch(d, file->values + first * len, left < d->batch ? left : d->batch, err)
                  : denoise_image(d, file->values + first * len, &file->shape, err));
        d->work_done += whole ? 0 : len;
    }
    d->work_done += whole ? size : 0;
    return DAE_OK;
}

/* What could not be kept, above a progress bar. */
static void say_notice(struct denoise *d, const struct denoise_input *input, const struct samples_file *file)
{
    if (!file->extras || !file->extras->notice[0])
        return;
    progress_end(&d->progress);
    output_note("%s: %s\n", input->path, file->extras->notice);
}

static enum dae_status denoise_and_compare(struct denoise *d, const struct denoise_input *input,
                                           const struct samples_file *file, struct error *err)
{
    struct samples_file clean = {0};
    struct denoise_score score[2];
    if (d->compare.clean) {
        TRY(denoise_compare_load(&d->compare, input, file, &clean, err));
        score[0] = denoise_compare_score(file, &clean);
    }
    enum dae_status status = denoise_values(d, file, err);
    if (status == DAE_OK)
        status = check_output(input, file, err);
    if (status == DAE_OK && d->compare.clean) {
        hold(file);
        score[1] = denoise_compare_score(file, &clean);
        progress_end(&d->progress);
        denoise_compare_add(&d->compare, input, score);
    }
    samples_file_release(&clean);
    return status;
}

static enum dae_status denoise_file(struct denoise *d, const struct denoise_input *input, struct error *err)
{
    struct samples_file file;
    TRY(load_samples(d, input->path, &file, err));
    say_notice(d, input, &file);
    enum dae_status status = denoise_and_compare(d, input, &file, err);
    if (status == DAE_OK)
        status = samples_file_save(input->out, &file, err);
    d->n_samples += status == DAE_OK ? file.n : 0;
    samples_file_release(&file);
    return status;
}

/* The network's rows, back in the file's order and units. */
static enum dae_status denoise_rows(struct denoise *d, const struct panel_table *table, float *output, double *value,
                                    struct error *err)
{
    const int width = d->columns->d;
    TRY(panel_table_apply(&table->cells, d->device, &d->network, d->executor, d->batch, output, err));
    for (int64_t i = 0; i < table->cells.n; ++i)
        for (int j = 0; j < width; ++j) {
            const double y = (double)output[i * width + j];
            if (!isfinite(y))
                return error_set(err, DAE_BAD_DATA,
                                 "%s: row %lld: the model's output is not finite; give values like those it was "
                                 "trained on, or train it again",
                                 table->panel.path, (long long)i + 1);
            value[i * width + table->order[j]] = y * d->columns->sd[j] + d->columns->mean[j];
        }
    return DAE_OK;
}

static enum dae_status denoise_table(struct denoise *d, const struct denoise_input *input, struct error *err)
{
    struct panel_table table;
    struct text text = {0};
    TRY(load_table(d, input->path, &table, err));
    d->work_done += table.cells.n * table.cells.d;
    const size_t len = (size_t)table.cells.n * (size_t)table.cells.d;
    float *output = malloc(len * sizeof *output);
    double *value = malloc(len * sizeof *value);
    enum dae_status status = output && value ? denoise_rows(d, &table, output, value, err)
                                             : error_no_memory(err, input->path, len * sizeof *value);
    if (status == DAE_OK)
        status = panel_table_rewrite(&table, value, &text, err);
    if (status == DAE_OK)
        status = atomic_file_save(input->out, text.data, text.len, err);
    d->n_samples += status == DAE_OK ? table.cells.n : 0;
    text_release(&text);
    free(output);
    free(value);
    panel_table_release(&table);
    return status;
}

static enum dae_status denoise_all(struct denoise *d, struct error *err)
{
    enum dae_status status = DAE_OK;
    progress_begin(&d->progress, NULL);
    for (int i = 0; i < d->inputs.n && status == DAE_OK; ++i) {
        const struct denoise_input *input = d->current = &d->inputs.input[i];
        status = stop_check(err);
        if (status == DAE_OK)
            status = input->is_table ? denoise_table(d, input, err) : denoise_file(d, input, err);
        d->n_written += status == DAE_OK;
        progress_end(&d->progress);
        if (status == DAE_OK && d->progress.terminal)
            output_note("  %d/%d  %s\n", d->n_written, d->inputs.n, input->out);
    }
    if (status != DAE_OK)
        error_note(err, "%d of %d files were written into %s", d->n_written, d->inputs.n, d->folder);
    return status;
}

static void release(struct denoise *d)
{
    buffer_free(d->data);
    buffer_free(d->order);
    tiler_free(d->tiler);
    executor_free(d->executor);
    invocation_close(d->device);
    free(d->parameters);
    panel_columns_free(d->columns);
    registry_close(d->registry);
    denoise_inputs_release(&d->inputs);
    arena_release(&d->arena);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct denoise d = {.invocation = invocation,
                        .model = invocation->argument[0],
                        .folder = invocation_value(invocation, "o"),
                        .compare = {.clean = invocation_value(invocation, "compare"), .inputs = &d.inputs}};
    enum dae_status status = read_memory(invocation, &d.memory_bytes, err);
    if (status == DAE_OK)
        status = denoise_inputs_list(&d.inputs, invocation, d.folder, err);
    if (status == DAE_OK)
        status = check_results(&d, err);
    if (status == DAE_OK)
        status = load_model(&d, err);
    if (status == DAE_OK)
        status = check_inputs(&d, err);
    if (status == DAE_OK)
        status = folder_make(d.folder, err);
    if (status == DAE_OK)
        status = open_device(&d, err);
    if (status == DAE_OK)
        status = denoise_all(&d, err);
    if (status == DAE_OK)
        denoise_compare_print_mean(&d.compare);
    if (status == DAE_OK)
        printf("%d file%s, %lld sample%s denoised into %s\n", d.n_written, d.n_written == 1 ? "" : "s",
               (long long)d.n_samples, d.n_samples == 1 ? "" : "s", d.folder);
    release(&d);
    return status;
}

static const struct command_option option_o = {"o", "DIR", OPTION_VALUE, true,
                                               "the folder of the results, made when it is not there"};

static const struct command_option option_compare = {
    "compare", "CLEAN", OPTION_VALUE, false,
    "print PSNR and SSIM against a clean file, or those of the same names in a folder (extensions may differ)"};
static const struct command_option option_memory = {
    "memory", "MIB", OPTION_VALUE, false, "of the device, for tiles of images of another size than the model's; 256"};

static const struct command_option *const options[] = {
    &option_o, &option_compare, &option_memory, &option_platform, &option_plugins, &option_trust, NULL};

const struct command command_denoise = {
    .name = "denoise",
    .arguments = "MODEL INPUT...",
    .summary = "denoise images, arrays and tables with a trained model",
    .description =
        "MODEL is a model.safetensors that dae-cl run wrote; nothing else of that run is needed. Each INPUT is a PNG, "
        "PGM, "
        "PPM, JPEG, IDX (plain or .gz) or NPY file, or a folder of them. An image is one sample; arrays are (n,h,w), "
        "(n,h,w,c) or "
        "(n,d). A model whose layers work alike at every pixel (convolutions that keep height and width or divide them "
        "by their stride, poolings, enlargements) denoises images of any size, in tiles that overlap by what an output "
        "reads of its input: the bits are those of the image as a whole. Where its strides do not divide the size, the "
        "image is mirrored at the bottom and right. With one channel it takes the channels of a colour image one by "
        "one.\n"
        "\n"
        "With a model of a panel (data.source: csv, returns: none, window: 1) an INPUT whose name ends in .csv or "
        ".csv.gz "
        "is a table of the same columns, found by name, in any order: a row of names, then a date and a number per "
        "column in each row. Each row is one sample, standardised as in training; names and dates stay as they are. A "
        "row with a hole is refused, unless the model's layers read the mask: then the hole gets a number too.\n"
        "\n"
        "The model gets bytes and pixels as numbers from 0 to 1 and floats as they are; no noise is added.\n"
        "\n"
        "The results are files of the same kind and name in DIR: images with as many bits, arrays of bytes or 32-bit "
        "floats as they came; JPEG becomes PNG; bytes and pixels are clamped to their range. Transparency is copied, "
        "and "
        "so are a PNG's text, colour profile, gamma, pixel size and EXIF, and a JPEG's profile and EXIF; a profile "
        "that "
        "is damaged is left out, and a line says so. A compressed IDX file or table comes out plain, without .gz. All "
        "inputs are checked before the first result is written, and each result appears whole or not at all. Ctrl-C "
        "stops after the running tiles; what was finished stays.",
    .options = options,
    .run = run,
};
