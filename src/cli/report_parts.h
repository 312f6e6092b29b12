/* A run's report, assembled from parts that are kept in the folder's .report/: the run's and that of each later study,
 * so that none of them removes what another has written. */
#ifndef CLI_REPORT_PARTS_H
#define CLI_REPORT_PARTS_H

#include "cli/run_folder.h"
#include "report/html.h"

/* Keeps a part under its name. Parts are assembled in the order of their names: "0-run", "5-STUDY", "9-run". */
MUST_USE enum dae_status report_parts_keep(const char *folder, const char *name, const struct html *part,
                                           struct error *err);
/* Writes INTO/report.html from all existing parts. */
MUST_USE enum dae_status report_parts_join(const char *folder, const char *into, struct error *err);

#endif
