/* A study's results as files and text: CSV and JSON for scripts, pictures and a section of a report for people. All
 * files are in FOLDER/studies/NAME. */
#ifndef CLI_STUDY_OUTPUT_H
#define CLI_STUDY_OUTPUT_H

#include <stdio.h>

#include "base/json.h"
#include "cli/session.h"
#include "report/html.h"
#include "study/study.h"

struct study_outcome {
    const struct study *study;
    struct study_result result;
    double seconds;
    bool is_drawn[STUDY_MAX_FIGURES];
};

/* Runs one planned study with a bar on the terminal, and writes its files to the session's folder. */
MUST_USE enum dae_status study_output_run(struct session *session, const struct study_plan *plan, const float *model,
                                          const float *standard, struct study_outcome *outcome, struct error *err);

/* Prints the findings, and where the rest is. */
void study_output_print(const struct study_outcome *outcome, const char *folder, FILE *out);

/* The caller deletes it; NULL when out of memory. docs/studies.md describes the keys. */
cJSON *study_output_json(const struct study_outcome *outcome);

/* Keeps the study's part of the report (cli/report_parts.h), a section with the question, findings, tables and figures
 * (drawn by study_output_run). `title` is the page's title if the study is its only part. */
struct study_facts {
    const struct html_fact *fact; /* (n) of the process that made it */
    size_t n;
    const char *config;
};
MUST_USE enum dae_status study_output_keep(const struct study_outcome *outcome, const char *title, const char *folder,
                                           const struct study_facts *facts, struct error *err);

#endif
