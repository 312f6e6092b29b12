/* Progress on stderr while training: a bar on a terminal, never wider than it, otherwise one plain line per epoch. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

#include "train/trainer.h"

struct progress_line {
    bool terminal;               /* progress_on_terminal() */
    const char *title;           /* what is being trained */
    double shown_at;             /* seconds; the bar is drawn only a few times per second */
    char part[128];              /* the last name given to progress_part */
    double began_at, began_with; /* seconds and part done at the first progress_work */
};

/* Whether stderr is a terminal on which a line can be drawn over: not in a pipe, not with TERM=dumb. */
bool progress_on_terminal(void);

/* Prints the title, unless it is NULL. */
void progress_begin(struct progress_line *line, const char *title);
void progress_draw(struct progress_line *line, const struct progress *progress);
void progress_epoch(struct progress_line *line, const struct epoch_record *record);
/* Shows a part in [0, 1] of long work; without a terminal, a line whenever `what` changes. */
void progress_part(struct progress_line *line, double done, const char *what);
/* The same with the remaining time, only on a terminal; the first call starts the clock. */
void progress_work(struct progress_line *line, double done, const char *what);
/* Leaves the cursor on an empty line. */
void progress_end(struct progress_line *line);

#endif
