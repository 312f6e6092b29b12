/* The page that `compare` writes. */
#ifndef CLI_COMPARE_PAGE_H
#define CLI_COMPARE_PAGE_H

#include "cli/run_set.h"

/* What the interval says about run `i` against the first: "better", "worse", "no difference seen"; "" if unknown. */
const char *compare_verdict(const struct run_set *set, int i);

/* Writes the runs in the order of `order` (n) to an HTML file. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status compare_page_save(struct run_set *set, const int *order, const char *path, struct error *err);

#endif
