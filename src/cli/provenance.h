/* When, where and by which command results were made. */
#ifndef CLI_PROVENANCE_H
#define CLI_PROVENANCE_H

#include "base/error.h"
#include "base/text.h"

/* Zero-initialise with {0}, release with provenance_release. What the system does not tell is "". */
struct provenance {
    char time[24];       /* now, "2026-07-24T09:30:15Z" */
    char processor[128]; /* the host's, by its own name */
    struct text command; /* the command line of this process, as it can be typed */
};

/* Fails only without memory: what cannot be read is announced and left out. */
MUST_USE enum dae_status provenance_take(struct provenance *provenance, struct error *err);
void provenance_release(struct provenance *provenance);

#endif
