/* A run's results, in the forms for people and for scripts. */
#ifndef CLI_RUN_RESULT_H
#define CLI_RUN_RESULT_H

#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/provenance.h"
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
    const struct start *start;              /* what training started from; NULL: random numbers */
    const struct evaluation *evaluation;
    const struct whole_images *whole_images; /* or NULL */
    const struct study_outcome *study;       /* n_studies of them */
    int n_studies;
    int64_t n_train, n_validation, n_test; /* n_validation 0: validation was on the test samples */
    uint32_t train_checksum;               /* of the training samples as they were loaded (struct dataset) */
    const struct provenance *provenance;
};

/* The table at the end of a run. */
void run_result_print(const struct run_result *result, FILE *out);

/* What the run found, in a few sentences: the network against the strongest rival and against the same network trained
 * without noise, by how much, and how sure that is. Appended to text; plus_minus is the sign before a margin. */
void run_result_verdict(const struct run_result *result, const char *plus_minus, struct text *text);

/* "PCA has 64 components, as many as the code. The affine map ...": what is to be known of the rivals that were fitted;
 * nothing if none was. Appended to text. */
void run_result_notes(const struct run_result *result, struct text *text);

/* run.json; the keys are described in docs/run_json.md. The caller deletes it; NULL when out of memory. */
cJSON *run_result_json(const struct run_result *result);

/* figures/ and report.html in `folder`. DAE_IO if the plotting program or a file fails. */
MUST_USE enum dae_status run_report_write(const struct run_result *result, const char *folder, struct error *err);

#endif
