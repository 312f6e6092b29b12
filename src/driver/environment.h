/* The environment variables that change which drivers are loaded and how they behave. A probe's result depends on them,
 * and they are the first thing to check if a device is missing. */
#ifndef DRIVER_ENVIRONMENT_H
#define DRIVER_ENVIRONMENT_H

#include "base/error.h"

struct environment_variable {
    char *text;          /* "NAME=value", owned */
    const char *meaning; /* "which drivers the loader loads" */
};

struct environment {
    struct environment_variable *variable; /* n of them, owned, sorted by text */
    int n;
};

/* Reads those that are set now. */
MUST_USE enum dae_status environment_read(struct environment *environment, struct error *err);
void environment_release(struct environment *environment);

#endif
