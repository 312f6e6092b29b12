/* Figures in a report. They adorn results that are there already: where none can be drawn, a warning says so once, and
 * the report does without. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include "report/html.h"

/* Before long work: says when the program that draws is not there. */
void figures_expect(void);

/* Whether a figure was drawn, by what its drawing returned: true after DAE_OK; false, with a warning, after DAE_IO (the
 * program is missing, fails or hangs; no file can be written). Any other failure goes to err, as status. */
bool figures_drawn(enum dae_status status, const struct error *drawing, struct error *err);

/* Embeds STEM.svg, if it was drawn, as vectors. */
MUST_USE enum dae_status figures_embed(struct html *html, enum dae_status status, const struct error *drawing,
                                       const char *stem, const char *caption, const char *alt, struct error *err);

#endif
