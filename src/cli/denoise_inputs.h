/* The files that dae-cl denoise reads, and where each result goes. */
#ifndef CLI_DENOISE_INPUTS_H
#define CLI_DENOISE_INPUTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "cli/invocation.h"
#include "format/file_notes.h"

struct denoise_input {
    const char *path, *out;
    struct samples_form result; /* in which the result is written */
    bool is_table;              /* CSV, by its name; else a file of samples */
};

struct denoise_inputs {
    struct denoise_input *input; /* (n) */
    int n, n_tables, capacity;
    const char *folder; /* of the results; borrowed */
    struct arena arena;
};

/* Takes the arguments after the first one: files, and folders, of which it takes all files of samples in order of name.
 * The caller releases the list in any case. DAE_BAD_DATA for a folder without samples; DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_inputs_list(struct denoise_inputs *list, const struct invocation *invocation,
                                             const char *folder, struct error *err);
void denoise_inputs_release(struct denoise_inputs *list); /* harmless on a zeroed one */

#endif
