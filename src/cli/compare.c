/* dae-cl compare: several runs, as a table on the terminal or in a file, or as a page with their curves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "cli/command.h"
#include "cli/compare_page.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "cli/table_text.h"

enum { SHOWN_SETTINGS = 8 };

/* ---- On the terminal. -------------------------------------------------------------------------------------------- */

static const char *number_cell(double value, const char *format, struct arena *arena)
{
    return isnan(value) ? "-" : arena_printf(arena, format, value);
}

static const char *difference_cell(const struct run_set *set, int i, struct arena *arena)
{
    const struct paired *paired = &set->run[i].less_first;
    if (i == set->first)
        return "(the first)";
    return isnan(paired->margin) ? "-" : arena_printf(arena, "%+.5f +- %.5f", paired->difference, paired->margin);
}

static int fill_header(const struct run_set *set, int n_settings, const char **header)
{
    int n = 0;
    header[n++] = "run";
    for (int k = 0; k < n_settings; ++k)
        header[n++] = set->key[k];
    header[n++] = "validation";
    header[n++] = "test MSE";
    header[n++] = "PSNR (dB)";
    header[n++] = "MSE less the first's";
    return n;
}

static enum dae_status print_table(struct run_set *set, const int *order, struct error *err)
{
    const int n_settings = set->n_settings < SHOWN_SETTINGS ? set->n_settings : SHOWN_SETTINGS;
    const char *header[SHOWN_SETTINGS + 5];
    char align[SHOWN_SETTINGS + 6] = "l";
    const int n = fill_header(set, n_settings, header);
    memset(align + 1, 'r', (size_t)n - 1);
    const char **cell = arena_array(&set->arena, (size_t)set->n * (size_t)n, sizeof *cell);
    for (int r = 0; cell && r < set->n; ++r) {
        const struct run_entry *run = &set->run[order[r]];
        const char **to = cell + (size_t)r * (size_t)n;
        *to++ = run->path;
        for (int k = 0; k < n_settings; ++k)
            *to++ = run->setting[k] ? run->setting[k] : "-";
        *to++ = number_cell(run->value[RUN_validation_loss], "%.5f", &set->arena);
        *to++ = number_cell(run->value[RUN_test_mse], "%.5f", &set->arena);
        *to++ = number_cell(run->value[RUN_test_psnr], "%.2f", &set->arena);
        *to++ = difference_cell(set, order[r], &set->arena);
    }
    for (size_t i = 0; i < (size_t)set->n * (size_t)n; ++i)
        if (!cell || !cell[i])
            return error_no_memory(err, "table", 0);
    output_table(header, align, cell, set->n);
    if (set->n_settings > n_settings)
        printf("%d more settings differ; -o FILE.csv lists them\n", set->n_settings - n_settings);
    for (int r = 0; r < set->n; ++r) {
        const struct run_entry *run = &set->run[order[r]];
        if (*run->problem || *run->pairing)
            output_line("%s: %s\n", run->path, *run->problem ? run->problem : run->pairing);
    }
    return DAE_OK;
}

static void print_notes(const struct run_set *set)
{
    if (set->first >= 0 && set->n > 1)
        output_line(
            "\nThe last column compares the errors on the same test samples with those of %s: the mean difference "
            "and half of its\n95 %% interval, which does not cover how much another training would differ.\n",
            set->run[set->first].path);
    if (set->n > 1 && run_set_ranked_by(set) == RUN_test_mse)
        puts("Ordered by the error on the test samples; the best of many on the same samples looks better than it is.");
}

/* ---- As a CSV file. ---------------------------------------------------------------------------------------------- */

static void add_csv_row(const struct run_set *set, int i, struct text *csv)
{
    const struct run_entry *run = &set->run[i];
    const struct paired *paired = &run->less_first;
    table_text_cell(csv, run->path);
    for (int k = 0; k < set->n_settings; ++k) {
        text_add(csv, ",");
        table_text_cell(csv, run->setting[k]);
    }
    for (int c = 0; c < RUN_COLUMN_N; ++c) {
        text_add(csv, ",");
        table_text_number(csv, run->value[c]);
    }
    const double numbers[] = {paired->difference, paired->error, paired->difference - paired->margin,
                              paired->difference + paired->margin};
    for (size_t c = 0; c < sizeof numbers / sizeof numbers[0]; ++c) {
        text_add(csv, ",");
        table_text_number(csv, numbers[c]);
    }
    text_printf(csv, ",%s,", compare_verdict(set, i));
    table_text_cell(csv, *run->problem ? run->problem : run->pairing);
    text_add(csv, "\n");
}

static enum dae_status save_csv(const struct run_set *set, const int *order, const char *path, struct error *err)
{
    struct text csv CLEANUP(text_release) = {0};
    text_add(&csv, "run");
    for (int k = 0; k < set->n_settings; ++k) {
        text_add(&csv, ",");
        table_text_cell(&csv, set->key[k]);
    }
    for (int c = 0; c < RUN_COLUMN_N; ++c)
        text_printf(&csv, ",%s", run_column_name((enum run_column)c));
    text_add(&csv, ",mse_less_first,standard_error,interval_low,interval_high,against_first,note\n");
    for (int r = 0; r < set->n; ++r)
        add_csv_row(set, order[r], &csv);
    return csv.failed ? error_no_memory(err, "table", csv.len) : atomic_file_save(path, csv.data, csv.len, err);
}

/* ---- The command. ------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *ending)
{
    const size_t len = strlen(text), end = strlen(ending);
    return len > end && strcmp(text + len - end, ending) == 0;
}

static enum dae_status add_all(struct run_set *set, const struct invocation *invocation, struct outputs *outputs,
                               struct error *err)
{
    for (int i = 0; i < invocation->n_arguments; ++i) {
        TRY(run_set_add(set, invocation->argument[i], err));
        TRY(outputs_read(outputs, "run", invocation->argument[i], err));
    }
    int n_results = 0;
    for (int i = 0; i < set->n; ++i) {
        TRY(outputs_read(outputs, "run", set->run[i].path, err));
        n_results += set->run[i].json != NULL;
    }
    if (n_results > 0)
        return DAE_OK;
    const enum dae_status status = error_set(err, DAE_CONFIG, "compare: no run has results");
    for (int i = 0; i < set->n; ++i)
        error_note(err, "%s: %s", set->run[i].path, set->run[i].problem);
    return status;
}

static enum dae_status save(struct run_set *set, const int *order, const char *out, struct error *err)
{
    if (ends_with(out, ".csv"))
        TRY(save_csv(set, order, out, err));
    else
        TRY(compare_page_save(set, order, out, err));
    output_line("%s\n", out);
    return DAE_OK;
}

static enum dae_status carry_out(const struct invocation *invocation, struct run_set *set, struct outputs *outputs,
                                 struct error *err)
{
    const char *out = invocation_value(invocation, "o");
    if (out && !ends_with(out, ".csv") && !ends_with(out, ".html"))
        return error_set(err, DAE_CONFIG, "-o expects a name that ends in .csv or .html, got '%s'", out);
    TRY(add_all(set, invocation, outputs, err));
    if (out)
        TRY(outputs_write(outputs, "compare", "the comparison", out, "give another name to -o", err));
    TRY(run_set_compare(set, err));
    int *order = arena_array(&set->arena, (size_t)set->n + 1, sizeof *order);
    if (!order)
        return error_no_memory(err, "runs", (size_t)set->n * sizeof *order);
    run_set_rank(set, order);
    if (out)
        return save(set, order, out, err);
    TRY(print_table(set, order, err));
    print_notes(set);
    return DAE_OK;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct run_set set CLEANUP(run_set_release) = {0};
    struct outputs outputs CLEANUP(outputs_release) = {0};
    return carry_out(invocation, &set, &outputs, err);
}

static const struct command_option option_o = {
    "o", "FILE", OPTION_VALUE, false,
    "write a table, FILE.csv, or a page with the curves, FILE.html, instead of printing the table"};
static const struct command_option *const options[] = {&option_o, NULL};

static const struct command_row examples[] = {
    {"dae-cl compare runs/conv_mnist runs/fc_mnist", "compare two runs"},
    {"dae-cl compare runs -o runs.html", "all runs of a folder on one page"},
    {NULL, NULL},
};

const struct command command_compare = {
    .name = "compare",
    .arguments = "RUN...",
    .summary = "compare runs: results, settings, paired differences, curves",
    .description =
        "Each RUN is the folder of a run, or a folder of runs such as a sweep's. The table has one row for each "
        "run, in the order of the validation loss or, without one, of the test error, with the settings in which "
        "the runs differ. A run that did not finish or has lost files is a row with the reason.\n\n"
        "Runs that were tested on the same samples are compared in pairs with the first one: the mean difference "
        "of their errors, its standard error and its 95 % interval. With -o FILE.html the page also shows the "
        "curves of validation and training over one another; its tables are sorted by a click.",
    .options = options,
    .examples = examples,
    .run = run,
};
