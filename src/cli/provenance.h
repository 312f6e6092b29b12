/* When, where and by which command results were made. */
#ifndef CLI_PROVENANCE_H
#define CLI_PROVENANCE_H

#include "base/text.h"

/* Release with provenance_release. What the system does not tell is "". */
struct provenance {
    char time[24];       /* now, "2026-07-24T09:30:15Z" */
    char processor[128]; /* the host's, by its own name */
    struct text command; /* the command line of this process, as it can be typed; data NULL when out of memory */
};

void provenance_take(struct provenance *provenance);
void provenance_release(struct provenance *provenance);

#endif
