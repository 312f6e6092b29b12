/* A run's results on whole test images, for the terminal, for run.json and for the report. */
#ifndef CLI_RUN_PICTURES_H
#define CLI_RUN_PICTURES_H

#include <stdio.h>

#include "base/json.h"
#include "model/whole_images.h"
#include "report/html.h"

void run_pictures_print(const struct whole_images *whole, FILE *out);

/* The object `whole_images` of run.json; NULL when out of memory. */
cJSON *run_pictures_json(const struct whole_images *whole);

/* A section with two figures, written into folder/figures, and a table. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status run_pictures_section(struct html *html, const struct whole_images *whole, const char *folder,
                                              struct error *err);

#endif
