/* dae-cl sweep: one config with many values of some keys, trained one after another on one device. */
#include "config/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/file_names.h"
#include "base/folder.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "cli/sweep_lines.h"
#include "cli/sweep_table.h"
#include "cli/training_run.h"
#include "config/tree.h"

enum { PATH_LEN = 1200, LARGEST_CONFIG = 16 << 20 };

struct sweeper {
    const struct invocation *invocation;
    struct arena arena;
    struct value *file, *base; /* the sweep and its base config, as trees */
    const char *base_path;
    struct sweep sweep;
    struct sweep_table table;
    struct outputs outputs;
    struct session session;   /* of one run after the other */
    struct run_folder folder; /* of the sweep */
    struct progress_line progress;
    int64_t run, n_before; /* the one that is trained; how many of all ended before this process */
    int64_t n_done;        /* in this process */
    struct error first;    /* of the runs that failed */
};

/* ---- What is asked for. ------------------------------------------------------------------------------------------ */

/* A path in the sweep file starts at the file's folder. */
static const char *beside(struct arena *arena, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || !slash)
        return path;
    return arena_printf(arena, "%.*s/%s", (int)(slash - file), file, path);
}

/* Runs that keep less than everything have neither rivals nor studies, unless these are what is swept. */
static enum dae_status drop_extras(struct sweeper *sweeper, struct error *err)
{
    struct value *no_rivals = value_list_new(&sweeper->arena), *no_studies = value_map_new(&sweeper->arena);
    if (!no_rivals || !no_studies)
        return error_no_memory(err, "sweep", sizeof *no_rivals);
    if (sweeper->sweep.keep == SWEEP_EVERYTHING)
        return DAE_OK;
    if (value_map_get(sweeper->base, "compare"))
        TRY(tree_put(sweeper->base, "compare", no_rivals, &sweeper->arena, err));
    if (value_map_get(sweeper->base, "studies"))
        TRY(tree_put(sweeper->base, "studies", no_studies, &sweeper->arena, err));
    return DAE_OK;
}

static enum dae_status read_sweep(struct sweeper *sweeper, struct error *err)
{
    const char *path = sweeper->invocation->argument[0];
    struct sweep *sweep = &sweeper->sweep;
    TRY(tree_parse_file(path, &sweeper->arena, &sweeper->file, err));
    TRY(sweep_read(sweeper->file, &sweeper->arena, sweep, err));
    for (int k = 0; k < sweep->n_keys; ++k)
        if (strcmp(sweep->key[k].path, "device") == 0 || strncmp(sweep->key[k].path, "device.", 7) == 0)
            return error_at(err, DAE_CONFIG, sweep->key[k].mark, "%s: all runs of a sweep use the same device",
                            sweep->key[k].path);
    if (sweep->n > SWEEP_MANY_RUNS && !invocation_has(sweeper->invocation, "yes"))
        return error_set(err, DAE_CONFIG, "%s: this sweep has %s%lld runs; if that is what you want, add --yes", path,
                         sweep->n == INT64_MAX ? "more than " : "", (long long)sweep->n);
    if (sweep->n > SWEEP_MAX_RUNS)
        return error_set(err, DAE_CONFIG, "%s: this sweep has %lld runs; a table has at most %d", path,
                         (long long)sweep->n, SWEEP_MAX_RUNS);
    sweeper->base_path = beside(&sweeper->arena, path, sweep->base);
    if (!sweeper->base_path)
        return error_no_memory(err, "sweep", strlen(path));
    TRY(invocation_config(sweeper->invocation, sweeper->base_path, &sweeper->arena, &sweeper->base, err));
    return drop_extras(sweeper, err);
}

/* Reads the config of a run into the session. */
static enum dae_status turn_to(struct sweeper *sweeper, int64_t run, struct error *err)
{
    struct session *session = &sweeper->session;
    session_turn(session);
    struct value *config = value_copy(&session->arena, sweeper->base);
    if (!config)
        return error_no_memory(err, "config", 0);
    TRY(study_tidy(config, &session->arena, err));
    for (int k = 0; k < sweeper->sweep.n_keys; ++k) {
        struct value *value = sweep_value(&sweeper->sweep, run, k, &session->arena);
        if (!value)
            return error_no_memory(err, "config", 0);
        TRY(tree_put(config, sweeper->sweep.key[k].path, value, &session->arena, err));
    }
    TRY(session_take(session, config, err));
    return training_run_check(session, err);
}

/* Adds the files that the session's config reads, unless the last config read the same. */
static enum dae_status read_inputs(struct sweeper *sweeper, struct text *last, struct error *err)
{
    struct text data = {0};
    enum dae_status status = tree_write(sweeper->session.settings.data, &data, err);
    if (status == DAE_OK && (!last->data || strcmp(last->data, data.data) != 0))
        status = outputs_read_data(&sweeper->outputs, sweeper->session.settings.data, err);
    text_release(last);
    *last = data;
    return status;
}

/* Reads every config, so that a mistake in the last one is found before the first one trains. */
static enum dae_status check_all(struct sweeper *sweeper, struct error *err)
{
    struct text data CLEANUP(text_release) = {0};
    for (int64_t i = 0; i < sweeper->sweep.n; ++i) {
        struct text settings CLEANUP(text_release) = {0};
        struct error ignored = {0};
        const enum dae_status status = turn_to(sweeper, i, err);
        if (status != DAE_OK && sweep_table_settings(&sweeper->sweep, i, &settings, &ignored) == DAE_OK)
            error_note(err, "this is run %lld of %lld: %s", (long long)i + 1, (long long)sweeper->sweep.n,
                       settings.data);
        TRY(status);
        TRY(read_inputs(sweeper, &data, err));
    }
    return DAE_OK;
}

/* ---- Where it goes. ---------------------------------------------------------------------------------------------- */

static enum dae_status choose_folder(struct sweeper *sweeper, struct error *err)
{
    const char *out = invocation_value(sweeper->invocation, "out");
    char path[PATH_LEN];
    if (out)
        snprintf(path, sizeof path, "%s", out);
    else
        snprintf(path, sizeof path, "sweeps/%s", sweeper->sweep.name);
    const struct run_folder_use use = {.resume = invocation_has(sweeper->invocation, "resume"),
                                       .force = invocation_has(sweeper->invocation, "force")};
    return run_folder_choose(&sweeper->folder, path, &use, err);
}

/* No input is in the folder, where everything may be replaced. */
static enum dae_status check_outputs(struct sweeper *sweeper, struct error *err)
{
    static const char advice[] = "give another folder to --out";
    const struct invocation *invocation = sweeper->invocation;
    struct outputs *outputs = &sweeper->outputs;
    TRY(outputs_read(outputs, "sweep", invocation->argument[0], err));
    TRY(outputs_read(outputs, "config", sweeper->base_path, err));
    for (int i = 0; i < invocation_count(invocation, "plugins"); ++i)
        TRY(outputs_read(outputs, "plugins", invocation_nth(invocation, "plugins", i), err));
    TRY(outputs_write_into(outputs, "sweep", sweeper->folder.path, advice, err));
    return outputs_replace(outputs, "sweep", sweeper->folder.path, advice, err);
}

static bool is_run_folder(const char *name)
{
    return strlen(name) >= 4 && strspn(name, "0123456789") == strlen(name);
}

/* Removes what a sweep has left, the table first; other files stay. */
static enum dae_status discard(const struct sweeper *sweeper, const struct file_names *names, struct error *err)
{
    static const char *const files[] = {"table.json", "table.csv", "sweep.yaml", "base.yaml"};
    char path[PATH_LEN];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
        TRY(run_folder_path(&sweeper->folder, files[i], path, sizeof path, err));
        TRY(folder_remove(path, err));
    }
    for (size_t i = 0; i < names->n; ++i)
        if (is_run_folder(names->name[i])) {
            TRY(run_folder_path(&sweeper->folder, names->name[i], path, sizeof path, err));
            TRY(folder_remove(path, err));
        }
    return DAE_OK;
}

/* Refuses a folder with anything in it that the user has not asked to continue or to discard. */
static enum dae_status allow_folder(const struct sweeper *sweeper, const struct file_names *names, struct error *err)
{
    if (names->n == 0 || invocation_has(sweeper->invocation, "resume") || invocation_has(sweeper->invocation, "force"))
        return DAE_OK;
    const enum dae_status status = error_set(
        err, DAE_CONFIG, run_folder_has(&sweeper->folder, "table.json") ? "%s holds a sweep" : "%s is not empty",
        sweeper->folder.path);
    error_note(err, "--resume continues the sweep in it");
    error_note(err, "--force discards the sweep in it and starts from scratch");
    error_note(err, "--out DIR uses another folder");
    return status;
}

/* Writes a tree to a file of the folder. If the file is there, it must be the same: that is what a sweep continues. */
static enum dae_status keep_tree(const struct sweeper *sweeper, const struct value *tree, const char *name, bool same,
                                 struct error *err)
{
    struct text yaml CLEANUP(text_release) = {0};
    char path[PATH_LEN], *there CLEANUP(cleanup_free) = NULL;
    size_t len;
    TRY(tree_write(tree, &yaml, err));
    TRY(run_folder_path(&sweeper->folder, name, path, sizeof path, err));
    if (same && run_folder_has(&sweeper->folder, name)) {
        TRY(file_read(path, LARGEST_CONFIG, DAE_IO, &there, &len, err));
        if (strcmp(there, yaml.data) == 0)
            return DAE_OK;
        const enum dae_status status = error_set(err, DAE_CONFIG, "%s holds a sweep of another base config: %s differs",
                                                 sweeper->folder.path, name);
        error_note(err, "--force discards it and starts from scratch; --out DIR uses another folder");
        return status;
    }
    return atomic_file_save(path, yaml.data, yaml.len, err);
}

/* The folder is looked at again under its lock, because another sweep may have ended there since. */
static enum dae_status open_folder(struct sweeper *sweeper, struct error *err)
{
    struct file_names before CLEANUP(file_names_release) = {0}, names CLEANUP(file_names_release) = {0};
    struct error missing = {0};
    if (file_names_list(sweeper->folder.path, &before, &missing) == DAE_OK)
        TRY(allow_folder(sweeper, &before, err));
    TRY(run_folder_lock(&sweeper->folder, err));
    TRY(file_names_list(sweeper->folder.path, &names, err));
    TRY(allow_folder(sweeper, &names, err));
    if (invocation_has(sweeper->invocation, "force"))
        TRY(discard(sweeper, &names, err));
    TRY(keep_tree(sweeper, sweeper->base, "base.yaml", true, err));
    if (run_folder_has(&sweeper->folder, "table.json"))
        TRY(sweep_table_load(&sweeper->table, sweeper->folder.path, err));
    return keep_tree(sweeper, sweeper->file, "sweep.yaml", false, err);
}

/* ---- Running. ---------------------------------------------------------------------------------------------------- */

static void on_part(void *context, double part)
{
    struct sweeper *sweeper = context;
    char what[64];
    snprintf(what, sizeof what, "run %lld of %lld", (long long)sweeper->run + 1, (long long)sweeper->sweep.n);
    if (sweeper->progress.terminal)
        progress_work(&sweeper->progress,
                      ((double)(sweeper->n_before + sweeper->n_done) + part) / (double)sweeper->sweep.n, what);
}

static enum dae_status train_one(struct sweeper *sweeper, struct training_run *run, struct error *err)
{
    struct session *session = &sweeper->session;
    char path[PATH_LEN];
    TRY(turn_to(sweeper, sweeper->run, err));
    session->use = (struct run_folder_use){.resume = true, .light = sweeper->sweep.keep == SWEEP_RESULTS};
    TRY(sweep_run_path(&sweeper->folder, sweeper->run, path, sizeof path, err));
    TRY(run_folder_choose(&session->folder, path, &session->use, err));
    return training_run_carry_out(run, false, err);
}

/* Whether the sweep goes on after a run that failed like this: the config is to blame, and not the device or disk. */
static bool is_of_the_run(enum dae_status status)
{
    return status == DAE_DIVERGED || status == DAE_CONFIG || status == DAE_BAD_DATA || status == DAE_NO_MEMORY;
}

/* One line, unless a bar is shown and all is well. */
static enum dae_status tell(struct sweeper *sweeper, enum dae_status status, const char *reason, struct error *err)
{
    struct text settings CLEANUP(text_release) = {0};
    const double mse = sweeper->table.row[sweeper->run].value[RUN_test_mse];
    if (sweeper->progress.terminal && status == DAE_OK)
        return DAE_OK;
    TRY(sweep_table_settings(&sweeper->sweep, sweeper->run, &settings, err));
    progress_end(&sweeper->progress);
    output_note("  run %lld of %lld: %s: ", (long long)sweeper->run + 1, (long long)sweeper->sweep.n, settings.data);
    if (status == DAE_OK)
        output_note("test MSE %.5f\n", mse);
    else
        output_note("%s\n", reason);
    return DAE_OK;
}

static enum dae_status run_one(struct sweeper *sweeper, struct error *err)
{
    struct training_run run CLEANUP(training_run_release) = {
        .session = &sweeper->session,
        .keeps_model = sweeper->sweep.keep != SWEEP_RESULTS,
        .reports = sweeper->sweep.keep == SWEEP_EVERYTHING,
        .on_part = on_part,
        .context = sweeper,
    };
    struct error inner = {0};
    const enum dae_status status = train_one(sweeper, &run, &inner);
    if (status != DAE_OK)
        session_log_failure(&sweeper->session, &inner);
    if (status != DAE_OK && !is_of_the_run(status)) {
        *err = inner;
        return status;
    }
    char reason[512];
    const char *message = status == DAE_OK ? "" : error_message(&inner);
    snprintf(reason, sizeof reason, "%.*s", (int)strcspn(message, "\n"), message);
    if (status != DAE_OK && status != DAE_DIVERGED && sweeper->first.status == DAE_OK)
        sweeper->first = inner;
    TRY(sweep_table_set(&sweeper->table, sweeper->run,
                        status == DAE_OK         ? SWEEP_FINISHED
                        : status == DAE_DIVERGED ? SWEEP_DIVERGED
                                                 : SWEEP_FAILED,
                        run.json, reason, err));
    TRY(sweep_table_save(&sweeper->table, sweeper->folder.path, err));
    ++sweeper->n_done;
    return tell(sweeper, status, reason, err);
}

/* What failed is tried again, because its cause may be gone; what diverged would diverge again. */
static bool is_due(const struct sweep_row *row)
{
    return row->state == SWEEP_WAITING || row->state == SWEEP_FAILED;
}

static enum dae_status run_due(struct sweeper *sweeper, struct error *err)
{
    enum dae_status status = DAE_OK;
    for (int64_t i = 0; i < sweeper->sweep.n; ++i)
        sweeper->n_before += !is_due(&sweeper->table.row[i]);
    output_note("sweep: %lld runs of %s into %s", (long long)sweeper->sweep.n, sweeper->base_path,
                sweeper->folder.path);
    if (sweeper->n_before > 0)
        output_note(", %lld of them done before", (long long)sweeper->n_before);
    output_note("\n");
    progress_begin(&sweeper->progress, NULL);
    for (sweeper->run = 0; sweeper->run < sweeper->sweep.n && status == DAE_OK; ++sweeper->run)
        if (is_due(&sweeper->table.row[sweeper->run])) {
            status = run_one(sweeper, err);
            if (status == DAE_OK && sweeper->run + 1 < sweeper->sweep.n)
                status = stop_check(err);
        }
    progress_end(&sweeper->progress);
    if (status_is_stop(status))
        error_note(err, "%lld of %lld runs are in %s; to continue, type the same command with --resume",
                   (long long)(sweeper->n_before + sweeper->n_done), (long long)sweeper->sweep.n, sweeper->folder.path);
    return status;
}

/* The status of a sweep whose runs have all ended. */
static enum dae_status judge(const struct sweeper *sweeper, struct error *err)
{
    const int64_t n = sweeper->sweep.n, diverged = sweep_table_count(&sweeper->table, SWEEP_DIVERGED);
    const int64_t failed = sweep_table_count(&sweeper->table, SWEEP_FAILED);
    if (failed > 0)
        return error_set(err, sweeper->first.status, "%lld of %lld runs failed; the first: %s", (long long)failed,
                         (long long)n, error_message(&sweeper->first));
    if (diverged == n)
        return error_set(err, DAE_DIVERGED, "every run diverged; %s/table.csv has the reasons", sweeper->folder.path);
    if (diverged > 0)
        output_note("%lld of %lld runs diverged\n", (long long)diverged, (long long)n);
    return DAE_OK;
}

static enum dae_status carry_out(struct sweeper *sweeper, struct error *err)
{
    TRY(check_outputs(sweeper, err));
    TRY(sweep_table_new(&sweeper->table, &sweeper->sweep, err));
    TRY(open_folder(sweeper, err));
    const enum dae_status status = run_due(sweeper, err);
    struct error late = {0};
    const enum dae_status shown = invocation_has(sweeper->invocation, "json")
                                      ? sweep_table_print_json(&sweeper->table, &late)
                                      : sweep_table_print(&sweeper->table, sweeper->folder.path, &late);
    TRY(status);
    if (shown != DAE_OK) {
        *err = late;
        return shown;
    }
    return judge(sweeper, err);
}

/* ---- The command. ------------------------------------------------------------------------------------------------ */

static enum dae_status sweep(struct sweeper *sweeper, struct error *err)
{
    TRY(read_sweep(sweeper, err));
    TRY(choose_folder(sweeper, err));
    TRY(check_all(sweeper, err));
    if (!invocation_has(sweeper->invocation, "print"))
        return carry_out(sweeper, err);
    const struct sweep_lines lines = {sweeper->invocation, &sweeper->sweep, sweeper->base, sweeper->base_path,
                                      &sweeper->folder};
    return sweep_lines_print(&lines, err);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct sweeper *sweeper = calloc(1, sizeof *sweeper);
    if (!sweeper)
        return error_no_memory(err, "sweep", sizeof *sweeper);
    sweeper->invocation = invocation;
    sweeper->folder.lock = sweeper->folder.log = -1;
    session_init(&sweeper->session, invocation);
    const enum dae_status status = sweep(sweeper, err);
    session_close(&sweeper->session);
    run_folder_close(&sweeper->folder);
    sweep_table_release(&sweeper->table);
    outputs_release(&sweeper->outputs);
    arena_release(&sweeper->arena);
    free(sweeper);
    return status;
}

static const struct command_option option_print = {
    "print", NULL, OPTION_FLAG, false,
    "train nothing; print one `dae-cl run` a line, for GNU parallel, a Slurm array or a shell"};
static const struct command_option option_yes = {"yes", NULL, OPTION_FLAG, false, "allow more than 5000 runs"};
static const struct command_option option_folder = {"out", "DIR", OPTION_VALUE, false,
                                                    "the sweep's folder; sweeps/NAME, with its name, if not given"};
static const struct command_option option_go_on = {
    "resume", NULL, OPTION_FLAG, false,
    "continue the sweep in the folder: runs that finished or diverged stay as they are"};
static const struct command_option option_discard = {"force", NULL, OPTION_FLAG, false,
                                                     "discard the earlier sweep in the folder, and start from scratch"};

static const struct command_option *const options[] = {
    &option_platform, &option_folder,  &option_go_on, &option_discard, &option_set, &option_print,
    &option_yes,      &option_plugins, &option_trust, &option_json,    NULL,
};

static const struct command_row examples[] = {
    {"dae-cl sweep sweep.yaml --print", "which runs it would make"},
    {"dae-cl sweep sweep.yaml --resume", "continue it after Ctrl-C"},
    {NULL, NULL},
};

const struct command command_sweep = {
    .name = "sweep",
    .arguments = "SWEEP",
    .summary = "train one config with many values of some of its keys",
    .description =
        "SWEEP is a YAML file that names a base config and, for some of its keys, lists, ranges or distributions "
        "of values; docs/sweeps.md explains it. Every config is checked before the first one trains. The runs "
        "share one process, the device, compiled kernels and, while the key data stays the same, the samples.\n\n"
        "Each run leaves its config, its run.json and the errors of its test samples in a folder 0001, 0002, ... "
        "of the sweep's folder, more with keep. After each run table.csv and table.json are complete. At the end "
        "the runs are printed in the order of their validation loss or, without data.validation, of their test "
        "error.\n\n"
        "A run that diverges is a row that says so, and the sweep goes on; the exit status is 8 only if every run "
        "diverged. A run that fails for another reason of its own (its data do not fit, memory is short) is a "
        "row, too, and its status is that of the sweep. Ctrl-C stops after the running step; the same command "
        "with --resume continues.",
    .options = options,
    .examples = examples,
    .run = run,
};
