/* A run's results, in the forms for people and for scripts. */
#ifndef CLI_RUN_RESULT_H
#define CLI_RUN_RESULT_H

#include <stdio.h>

#include "base/json.h"
#include "cli/study_output.h"
#include "config/value.h"
#include "device/platform.h"
#include "graph/network.h"
#include "model/whole_images.h"
#include "train/evaluation.h"
#include "train/settings.h"
#include "train/trainer.h"

struct run_result {
    const struct network *network;
    const struct settings *settings;
    const struct value *config; /* resolved */
    const struct platform_device *device;
    const char *device_line, *data_line;
    const struct trained *model, *standard; /* standard may be NULL */
    const struct evaluation *evaluation;
    const struct whole_images *whole_images; /* or NULL */
    const struct study_outcome *study;       /* n_studies of them */
    int n_studies;
    int64_t n_train, n_validation, n_test; /* n_validation 0: validation was on the test samples */
};

/* The table at the end of a run. */
void run_result_print(const struct run_result *result, FILE *out);

/* "PCA has 64 components, as many as the code."; false without PCA. */
bool run_result_pca_note(const struct evaluation *evaluation, char *text, size_t len);

/* run.json; the keys are described in docs/run_json.md. The caller deletes it; NULL when out of memory. */
cJSON *run_result_json(const struct run_result *result);

/* figures/ and report.html in `folder`. DAE_IO if the plotting program or a file fails. */
MUST_USE enum dae_status run_report_write(const struct run_result *result, const char *folder, struct error *err);

#endif
