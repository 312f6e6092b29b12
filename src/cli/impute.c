/* dae-cl impute: fills the missing cells of a CSV file with a trained model, says how sure it is, and leaves every
 * other byte of the file as it was. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "cli/command.h"
#include "cli/trust.h"
#include "data/csv.h"
#include "data/loader.h"
#include "study/hiding.h"
#include "train/model_file.h"
#include "train/settings.h"

/* Further cells are hidden this often, and this share of them, to see what the fills depend on and how far off they are
 * where the truth is known. */
enum { PASSES = 20 };
static const double pass_share = 0.2;

struct impute {
    const struct invocation *invocation;
    struct arena arena;
    const char *model, *in, *out, *report;
    struct value *config;
    struct registry *registry;
    struct settings settings;
    struct network network;
    float *parameters; /* (parameters_len) */
    struct panel_columns *columns;
    struct panel panel; /* of the file */
    int *order;         /* (d) where each of the model's columns stands in the file */
    struct cells cells; /* (n,d) in the model's order, standardised */
    struct device *device;
    struct executor *executor;
    double *fill, *sum, *squares; /* (n,d) of the first pass; sums over the others */
    double *error_squares;        /* (d) of known cells that were hidden */
    int64_t *n_errors;            /* (d) */
    int64_t n_filled;
};

/* ---- The model and the file. --------------------------------------------------------------------------------------
 */

static enum dae_status build_network(struct impute *m, struct error *err)
{
    enum dae_status status = settings_read(m->registry, m->config, &m->arena, &m->settings, err);
    if (status == DAE_OK)
        status = network_build(m->registry, m->config, &m->arena, false, &m->network, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line is one of the config that is stored in the model");
    return status;
}

static enum dae_status load_parameters(struct impute *m, const struct safetensors *file, struct error *err)
{
    TRY(build_network(m, err));
    TRY(model_file_columns(m->model, file, &m->columns, err));
    if (!m->network.takes_holes)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: the model is not told what is missing; train one whose layers read the mask", m->model);
    if (dae_shape_len(&m->network.node[0].plan.output) != m->columns->d)
        return error_set(err, DAE_CHECKPOINT, "%s: the model takes windows of several rows; train one with window: 1",
                         m->model);
    if (m->columns->returns != PANEL_NONE)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: the model was trained on returns that were taken of prices; to fill a file of returns, "
                         "train one on returns (returns: none)",
                         m->model);
    m->parameters = calloc((size_t)m->network.parameters_len + 1, sizeof *m->parameters);
    if (!m->parameters)
        return error_no_memory(err, "parameters", (unsigned long long)m->network.parameters_len * sizeof(float));
    return model_file_parameters(m->model, file, &m->network, m->parameters, err);
}

static enum dae_status load_model(struct impute *m, struct error *err)
{
    struct safetensors file;
    TRY(invocation_registry(m->invocation, &m->registry, err));
    TRY(model_file_open(m->model, &m->arena, &file, &m->config, err));
    enum dae_status status = load_parameters(m, &file, err);
    safetensors_close(&file);
    return status;
}

static enum dae_status check_names(struct impute *m, struct error *err)
{
    struct stat in, out;
    const char *const results[] = {m->out, m->report};
    for (int i = 0; i < 2 && stat(m->in, &in) == 0; ++i)
        if (stat(results[i], &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return error_set(err, DAE_CONFIG, "impute: %s would overwrite the input %s; give another name to -o",
                             results[i], m->in);
    if (strcmp(m->out, m->report) == 0)
        return error_set(err, DAE_CONFIG, "impute: both results would be %s; give another name to --uncertainty",
                         m->out);
    return DAE_OK;
}

static enum dae_status load_file(struct impute *m, struct error *err)
{
    const struct panel_columns *columns = m->columns;
    const int d = columns->d;
    TRY(panel_load(&m->panel, m->in, PANEL_NONE, err));
    TRY(panel_columns_match(columns, &m->panel, &m->order, err));
    const int64_t n = m->panel.cells.n;
    const size_t len = (size_t)n * (size_t)d;
    TRY(cells_init(&m->cells, n, d, err));
    m->fill = calloc(3 * len, sizeof *m->fill);
    m->error_squares = calloc((size_t)d, sizeof *m->error_squares);
    m->n_errors = calloc((size_t)d, sizeof *m->n_errors);
    if (!m->fill || !m->error_squares || !m->n_errors)
        return error_no_memory(err, m->in, 3 * len * sizeof *m->fill);
    m->sum = m->fill + len;
    m->squares = m->sum + len;
    for (int64_t i = 0; i < n; ++i)
        for (int j = 0; j < d; ++j) {
            const int64_t from = i * m->panel.cells.d + m->order[j], to = i * d + j;
            const double x = (m->panel.cells.x[from] - columns->mean[j]) / columns->sd[j];
            m->cells.seen[to] = m->panel.cells.seen[from];
            m->n_filled += !m->cells.seen[to];
            m->cells.x[to] = x; /* NaN in a hole stays NaN */
            if (columns->clip > 0)
                m->cells.x[to] = x < -columns->clip ? -columns->clip : x > columns->clip ? columns->clip : x;
            if (isinf((float)m->cells.x[to]))
                return error_at(err, DAE_BAD_DATA, m->panel.column[m->order[j]],
                                "column '%s' holds numbers far beyond those that the model was trained on",
                                columns->name[j]);
        }
    return DAE_OK;
}

/* ---- Filling. -----------------------------------------------------------------------------------------------------
 */

static enum dae_status open_device(struct impute *m, struct error *err)
{
    const int64_t n = m->cells.n, batch = n < m->settings.batch ? n : m->settings.batch;
    const struct executor_options options = {.batch = batch, .infer = true, .join = true, .fold = true};
    char notice[512];
    TRY(invocation_device(m->invocation, m->config, &m->device, err));
    fprintf(stderr, "%s\n", device_line(m->device));
    TRY(trust_check(m->invocation, &m->network, &m->settings, m->device, err));
    TRY(executor_new(m->device, &m->network, &options, notice, sizeof notice, &m->executor, err));
    if (notice[0])
        fprintf(stderr, "  %s\n", notice);
    m->settings.batch = batch;
    return executor_set_parameters(m->executor, m->parameters, err);
}

static enum dae_status run_batches(struct impute *m, struct loader *loader, float *output, struct error *err)
{
    for (int64_t first = 0; first < m->cells.n; first += m->settings.batch) {
        struct batch batch;
        TRY(loader_batch(loader, first, 0, 0, &batch, err));
        TRY(executor_forward(m->executor, SCHEDULE_INFER, &batch, err));
        TRY(executor_read(m->executor, SCHEDULE_INFER, m->network.output, batch.n, output + first * m->cells.d, err));
    }
    return DAE_OK;
}

/* What the model makes of the rows, (n,d). */
static enum dae_status apply(struct impute *m, const struct cells *rows, float *output, struct error *err)
{
    const size_t len = (size_t)rows->n * (size_t)rows->d;
    struct dataset set = {.n = rows->n, .shape = {1, {rows->d}}, .kind = DATASET_FLOAT};
    struct loader *loader = NULL;
    float *values = malloc(len * sizeof *values);
    set.values = values;
    if (!values)
        return error_no_memory(err, "rows", len * sizeof *values);
    for (size_t i = 0; i < len; ++i)
        values[i] = (float)rows->x[i];
    enum dae_status status = loader_new(m->device, &set, m->settings.batch, &loader, err);
    if (status == DAE_OK)
        status = run_batches(m, loader, output, err);
    loader_free(loader);
    dataset_release(&set);
    return status;
}

/* One more pass with further cells hidden: what it says of the missing cells, and how far off it is on those hidden. */
static enum dae_status add_pass(struct impute *m, int number, float *output, struct error *err)
{
    const struct hiding hiding = {.pattern = HIDING_RANDOM, .share = pass_share, .seed = (uint64_t)number};
    struct cells rows = {0};
    TRY(cells_copy(&rows, &m->cells, err));
    hiding_apply(&hiding, &rows);
    enum dae_status status = apply(m, &rows, output, err);
    for (int64_t at = 0; at < rows.n * rows.d && status == DAE_OK; ++at) {
        const double y = (double)output[at];
        if (!m->cells.seen[at]) {
            m->sum[at] += y;
            m->squares[at] += y * y;
        } else if (!rows.seen[at]) {
            m->error_squares[at % rows.d] += pow(y - m->cells.x[at], 2);
            ++m->n_errors[at % rows.d];
        }
    }
    cells_release(&rows);
    return status;
}

static enum dae_status fill(struct impute *m, struct error *err)
{
    const size_t len = (size_t)m->cells.n * (size_t)m->cells.d;
    float *output = calloc(len, sizeof *output);
    enum dae_status status = output ? apply(m, &m->cells, output, err) : error_no_memory(err, "rows", len);
    for (size_t i = 0; i < len && status == DAE_OK; ++i) {
        m->fill[i] = (double)output[i];
        if (!m->cells.seen[i] && !isfinite(m->fill[i]))
            status = error_set(err, DAE_BAD_DATA, "%s: the model's output is not finite; train it again", m->in);
    }
    for (int pass = 1; pass <= PASSES && status == DAE_OK; ++pass)
        status = add_pass(m, pass, output, err);
    free(output);
    return status;
}

/* ---- Writing. -----------------------------------------------------------------------------------------------------
 */

/* Where the bytes of a line begin, from the place of another line before it. */
static size_t find_line(const char *bytes, size_t at, int from, int line)
{
    for (; from < line; ++from)
        at = (size_t)(strchr(bytes + at, '\n') - bytes) + 1;
    return at;
}

static void add_field(struct text *text, const char *field)
{
    if (!strpbrk(field, ",\"")) {
        text_add(text, field);
        return;
    }
    text_add(text, "\"");
    for (; *field; ++field)
        text_printf(text, *field == '"' ? "\"\"" : "%c", *field);
    text_add(text, "\"");
}

/* One line of the second file, in the unit of the column. */
static void report_cell(const struct impute *m, int64_t at, const char *date, const char *value, struct text *report)
{
    const int j = (int)(at % m->cells.d);
    const double mean = m->sum[at] / PASSES, variance = m->squares[at] / PASSES - mean * mean;
    const double spread = variance > 0 ? sqrt(variance * PASSES / (PASSES - 1)) : 0;
    add_field(report, date);
    text_add(report, ",");
    add_field(report, m->columns->name[j]);
    text_printf(report, ",%s,%.4g,", value, spread * m->columns->sd[j]);
    if (m->n_errors[j] > 0)
        text_printf(report, "%.4g", sqrt(m->error_squares[j] / (double)m->n_errors[j]) * m->columns->sd[j]);
    text_add(report, "\n");
}

/* Copies the file, and puts a number where each hole stood. */
static enum dae_status splice(struct impute *m, struct csv *csv, const char *bytes, struct text *out,
                              struct text *report, struct error *err)
{
    size_t copied = 0, line_at = 0;
    int line = 1;
    bool more;
    TRY(csv_next(csv, &more, err)); /* the names */
    int *column = arena_array(&m->arena, (size_t)m->cells.d, sizeof *column);
    if (!column)
        return error_no_memory(err, "columns", 0);
    for (int j = 0; j < m->cells.d; ++j)
        column[m->order[j]] = j;
    for (int64_t i = 0; i < m->cells.n; ++i) {
        TRY(csv_next(csv, &more, err));
        for (int k = 0; k < m->cells.d; ++k) {
            const int64_t at = i * m->cells.d + column[k];
            const struct csv_field *field = &csv->fields[k + 1];
            if (m->cells.seen[at])
                continue;
            char value[32];
            const int j = column[k];
            snprintf(value, sizeof value, "%.6g", m->fill[at] * m->columns->sd[j] + m->columns->mean[j]);
            line_at = find_line(bytes, line_at, line, field->mark.line);
            line = field->mark.line;
            const size_t begin = line_at + (size_t)field->mark.column - 1;
            text_add_bytes(out, bytes + copied, begin - copied);
            text_add(out, value);
            copied = begin + strlen(field->text) + (bytes[begin] == '"' ? 2 : 0);
            report_cell(m, at, csv->fields[0].text, value, report);
        }
    }
    text_add(out, bytes + copied);
    return out->failed || report->failed ? error_no_memory(err, m->in, out->len) : DAE_OK;
}

static enum dae_status write_results(struct impute *m, struct error *err)
{
    struct csv csv;
    struct text bytes = {0}, out = {0}, report = {0};
    TRY(csv_open(&csv, m->in, err));
    text_add_bytes(&bytes, csv.bytes, (size_t)(csv.end - csv.bytes)); /* reading rows writes into them */
    text_add(&report, "date,column,value,spread,error\n");
    enum dae_status status =
        bytes.failed ? error_no_memory(err, m->in, bytes.len) : splice(m, &csv, bytes.data, &out, &report, err);
    if (status == DAE_OK)
        status = atomic_file_save(m->report, report.data, report.len, err);
    if (status == DAE_OK)
        status = atomic_file_save(m->out, out.data, out.len, err);
    text_release(&bytes);
    text_release(&out);
    text_release(&report);
    csv_close(&csv);
    return status;
}

static void release(struct impute *m)
{
    executor_free(m->executor);
    device_close(m->device);
    free(m->fill);
    free(m->error_squares);
    free(m->n_errors);
    free(m->parameters);
    cells_release(&m->cells);
    panel_release(&m->panel);
    panel_columns_free(m->columns);
    registry_close(m->registry);
    arena_release(&m->arena);
}

/* OUT.csv -> OUT.uncertainty.csv */
static const char *default_report(struct arena *arena, const char *out)
{
    size_t len = strlen(out);
    if (len > 4 && strcmp(out + len - 4, ".csv") == 0)
        len -= 4;
    return arena_printf(arena, "%.*s.uncertainty.csv", (int)len, out);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct impute m = {.invocation = invocation,
                       .model = invocation->argument[0],
                       .in = invocation->argument[1],
                       .out = invocation_value(invocation, "o"),
                       .report = invocation_value(invocation, "uncertainty")};
    if (!m.report)
        m.report = default_report(&m.arena, m.out);
    enum dae_status status = m.report ? check_names(&m, err) : error_no_memory(err, "file name", 0);
    if (status == DAE_OK)
        status = load_model(&m, err);
    if (status == DAE_OK)
        status = load_file(&m, err);
    if (status == DAE_OK)
        status = open_device(&m, err);
    if (status == DAE_OK)
        status = fill(&m, err);
    if (status == DAE_OK)
        status = write_results(&m, err);
    if (status == DAE_OK)
        printf("%lld of %lld cells filled: %s; how sure: %s\n", (long long)m.n_filled,
               (long long)(m.cells.n * m.cells.d), m.out, m.report);
    release(&m);
    return status;
}

static const struct command_option option_o = {"o", "FILE.csv", OPTION_VALUE, true, "the filled file"};
static const struct command_option option_uncertainty = {
    "uncertainty", "FILE.csv", OPTION_VALUE, false,
    "how sure each filled cell is; the name of -o with .uncertainty.csv when not given"};

static const struct command_option *const options[] = {&option_o,       &option_uncertainty, &option_platform,
                                                       &option_plugins, &option_trust,       NULL};

const struct command command_impute = {
    .name = "impute",
    .arguments = "MODEL FILE.csv",
    .summary = "fill the missing cells of a table with a trained model",
    .description =
        "MODEL is a model.safetensors that dae-cl run trained on a panel (data.source: csv, returns: none) and whose "
        "layers "
        "read the mask. FILE.csv, plain or .gz, is a table of the same columns, found by name, in any order: a row of "
        "names, then a date and a number per column in each row. Empty cells, NA, NaN and the like are filled; every "
        "other byte of the file stays as it is.\n"
        "\n"
        "A second file has a line for each filled cell: date, column, value, spread, error. To see how sure the fills "
        "are, twenty passes hide a fifth of the known cells as well. spread is the standard deviation of this cell's "
        "fill "
        "over them: how much it depends on which other cells are known. error is the root of the mean squared error of "
        "the fills of this column's hidden cells, whose truth is known: how far off a fill is. Both are in the unit of "
        "the column. The two files appear whole or not at all.",
    .options = options,
    .run = run,
};
