/* A whole verification of a config's network, as a user asks for it: on one device against double precision, or on two
 * devices against each other. */
#ifndef CHECK_VERIFICATION_H
#define CHECK_VERIFICATION_H

#include "base/json.h"
#include "check/verify.h"
#include "train/settings.h"

/* What is verified, and on what. Zero-initialise. */
struct verification {
    struct value *config;
    struct settings settings;
    struct network network;
    struct device *device[2]; /* the second to compare with the first, or NULL */
    struct verify_options options;
    struct verify_report report;
    double seconds;
};

/* Fills the last three members from the others. Wrong numbers give DAE_OK with failed rows. The arena owns the rows. */
MUST_USE enum dae_status verification_run(struct verification *verification, struct arena *arena, struct error *err);

/* The report, as dae-cl verify --json prints it. The caller frees it with cJSON_Delete; NULL when out of memory. */
cJSON *verification_json(const struct verification *verification);

#endif
