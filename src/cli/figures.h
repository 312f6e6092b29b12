/* Figures in a report. They illustrate existing results: if none can be drawn, one warning says so, and the report has
 * none. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include "report/html.h"

/* Warns before long work if the plotting program is missing. */
void figures_expect(void);

/* Whether a figure was drawn, from the status of drawing: true after DAE_OK; false, with a warning, after DAE_IO (the
 * program is missing, fails or hangs; no file can be written). Any other failure is passed on in err. */
bool figures_drawn(enum dae_status status, const struct error *drawing, struct error *err);

/* Embeds STEM.svg, if it was drawn, as vectors. */
MUST_USE enum dae_status figures_embed(struct html *html, enum dae_status status, const struct error *drawing,
                                       const char *stem, const char *caption, const char *alt, struct error *err);

#endif
