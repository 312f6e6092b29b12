/* The files that dae-cl denoise reads, and where each result goes. */
#ifndef CLI_DENOISE_INPUTS_H
#define CLI_DENOISE_INPUTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "cli/invocation.h"
#include "format/archive_reader.h"
#include "format/file_notes.h"
#include "format/samples_file.h"

struct denoise_input {
    const char *path, *out;
    const char *archive;        /* that the file is in, else NULL; path is then "scans.zip/2024/a.png" */
    int64_t index;              /* of the file in it */
    const char *subfolder;      /* of the archive, or of the folder that was named, with --recursive: "2024/may" */
    struct samples_form result; /* in which the result is written */
    bool is_table;              /* CSV, by its name; else a file of samples */
    const char *problem;        /* why it is not denoised, with --keep-going; else NULL */
};

struct denoise_inputs {
    struct denoise_input *input; /* (n) */
    int n, n_tables, n_wav, capacity;
    int n_existing;     /* files that were left out because their results exist */
    const char *folder; /* of the results; borrowed */
    bool recursive, skip_existing, keep_going;
    bool has_subfolders;             /* that were left out */
    const struct image_kind *format; /* of the results that are images; NULL: each its own */
    const char *ending;              /* of their names: "tif" */
    struct archive_reader reader;    /* of the archive that was read last */
    struct arena arena;
};

/* Takes the arguments after the first one, as the options say: files, folders, of which it takes all files of samples
 * in order of name, archives, of which it takes all images in their order, and lists of these (@FILE, one path in each
 * line). The caller releases the list in any case.
 * DAE_CONFIG for an option's value; DAE_BAD_DATA for a folder or archive without samples; DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status denoise_inputs_list(struct denoise_inputs *list, const struct invocation *invocation,
                                             const char *folder, struct error *err);

/* samples_file_load; of an archive's files each is read once if they are asked for in their order. */
MUST_USE enum dae_status denoise_inputs_load(struct denoise_inputs *list, const struct denoise_input *input,
                                             struct samples_file *file, struct error *err);

/* With --keep-going, a file's failure becomes its problem, unless it concerns more than the file. Returns DAE_OK then,
 * else records the failure in err. */
MUST_USE enum dae_status denoise_inputs_failed(struct denoise_inputs *list, struct denoise_input *input,
                                               const struct error *failure, struct error *err);
/* Prints the problems. DAE_BAD_DATA if there are any. */
MUST_USE enum dae_status denoise_inputs_judge(const struct denoise_inputs *list, struct error *err);

void denoise_inputs_release(struct denoise_inputs *list); /* harmless on a zeroed one */

#endif
