/* dae-cl study: runs one experiment on the network of a config, or lists the studies. */
#include <stdio.h>
#include <stdlib.h>

#include "base/version.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/output.h"
#include "cli/report_parts.h"
#include "cli/session.h"
#include "cli/study_output.h"
#include "config/tree.h"
#include "report/html.h"

enum { PATH_LEN = 1200 };

static bool row_of(int index, const char **name, const char **meaning)
{
    if (!studies[index])
        return false;
    *name = studies[index]->name;
    *meaning = studies[index]->help;
    return true;
}

static void print_list(void)
{
    static const char *const header[] = {"study", "question"};
    const char *cell[2 * STUDY_MAX];
    int n = 0;
    while (row_of(n, &cell[2 * n], &cell[2 * n + 1]))
        ++n;
    output_table(header, "ll", cell, n);
    puts("\ndae-cl study NAME prints the options of a study; dae-cl study NAME CONFIG runs it.");
}

static void print_options(const struct study *study)
{
    printf("%s: %s\n", study->name, study->help);
    output_rows(study->rows);
    if (study->rows)
        printf("\nIn a config:   studies: [{%s: {%s: %s}}]\nOn this line:  --set studies.%s.%s=...\n", study->name,
               study->rows->key, *study->rows->default_text ? study->rows->default_text : "...", study->name,
               study->rows->key);
    else
        puts("It takes no options.");
}

/* The study's config and its part of the report are added to the folder. If a run of an older version has left its
 * report in one piece, that stays and the study gets its own report. */
static enum dae_status write_report(const struct session *session, const struct study_outcome *outcome,
                                    char path[PATH_LEN], struct error *err)
{
    struct text yaml = {0};
    char text[3][64], folder[PATH_LEN];
    const struct platform_device *device = device_facts(session->device);
    const bool is_old =
        run_folder_has(&session->folder, "run.json") && !run_folder_has(&session->folder, ".report/0-run");
    snprintf(text[0], sizeof text[0], "%lld training, %lld test", (long long)session->train_set.n,
             (long long)session->test_set.n);
    snprintf(text[1], sizeof text[1], "%llu", (unsigned long long)session->network.seed);
    snprintf(text[2], sizeof text[2], "%.1f s", outcome->seconds);
    const struct html_fact facts[] = {
        {"device", device->name},   {"platform", device->platform},
        {"driver", device->driver}, {"data", session->data_line},
        {"samples", text[0]},       {"seed", text[1]},
        {"time", text[2]},          {"dae-cl", DAE_CL_VERSION},
    };
    snprintf(folder, sizeof folder, is_old ? "%s/studies/%s" : "%s", session->folder.path, outcome->study->name);
    snprintf(path, PATH_LEN, "%.*s/report.html", PATH_LEN - 16, folder);
    enum dae_status status = tree_write(session->config, &yaml, err);
    if (status == DAE_OK)
        status = study_output_keep(outcome, session->settings.name, session->folder.path,
                                   &(struct study_facts){facts, sizeof facts / sizeof facts[0], yaml.data}, err);
    text_release(&yaml);
    return status == DAE_OK ? report_parts_join(session->folder.path, folder, err) : status;
}

static enum dae_status carry_out(struct session *session, const struct study *study, struct error *err)
{
    struct study_plan plan;
    struct study_outcome outcome;
    char report[PATH_LEN];
    TRY(session_read(session, session->invocation->argument[1], study->name, err));
    const struct study_task task = session_task(session, NULL, NULL); /* the data are in it once they are loaded */
    TRY(study_plan_one(&task, study, &plan, err));
    TRY(session_load(session, err));
    figures_expect();
    TRY(study_check_data(&task, &plan, 1, err));
    TRY(session_open_devices(session, false, err));
    TRY(session_open_folder(session, err));
    enum dae_status status = study_output_run(session, &plan, NULL, NULL, &outcome, err);
    if (status_is_stop(status))
        error_note(err, "checkpoints are in %s; to continue, type the same command with --resume",
                   session->folder.path);
    TRY(status);
    TRY(write_report(session, &outcome, report, err));
    if (invocation_has(session->invocation, "json"))
        return output_json(study_output_json(&outcome), err);
    study_output_print(&outcome, session->folder.path, stdout);
    output_line("\nreport: %s\n", report);
    return DAE_OK;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    const struct study *study;
    if (invocation->n_arguments == 0) {
        print_list();
        return DAE_OK;
    }
    TRY(study_find(invocation->argument[0], (struct mark){0}, &study, err));
    if (invocation->n_arguments == 1) {
        print_options(study);
        return DAE_OK;
    }
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return error_no_memory(err, "study", sizeof *session);
    session_init(session, invocation);
    enum dae_status status = carry_out(session, study, err);
    if (status != DAE_OK)
        session_log_failure(session, err);
    session_close(session);
    free(session);
    return status;
}

static const struct command_option *const options[] = {
    &option_platform, &option_out,   &option_resume, &option_force, &option_set,
    &option_plugins,  &option_trust, &option_json,   NULL,
};

static const struct command_row examples[] = {
    {"dae-cl study", "the studies"},
    {"dae-cl study level_sweep", "the options of one"},
    {"dae-cl study level_sweep fc_mnist --set studies.level_sweep.levels=[0.1,0.5]",
     "run it with levels of noise of your own"},
    {NULL, NULL},
};

static const struct command_row files[] = {
    {"runs/NAME/studies/", "tables, figures and findings of each study"},
    {"runs/NAME/report.html", "the report, in which each study has a section"},
    {NULL, NULL},
};

const struct command command_study = {
    .name = "study",
    .arguments = "[NAME] [CONFIG]",
    .summary = "run an experiment on the network of a config",
    .description = "Trains the networks that the study NAME needs, measures them, writes tables (CSV and JSON), "
                   "figures and findings to studies/NAME in the run's folder, and adds a section to its report.html. "
                   "Options of the study go in the config's key studies, or are given by --set studies.NAME.KEY=VALUE. "
                   "dae-cl run runs all studies that the config lists, on the network that it has trained.\n\n"
                   "Without CONFIG, this command describes the study's options. The studies are:",
    .options = options,
    .row = row_of,
    .examples = examples,
    .files = files,
    .run = run,
};
