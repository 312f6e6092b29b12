/* Compares what a command will write with what it reads, before work begins: every output with every input, by device
 * and inode and with links followed, so that no input is ever overwritten. */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/value.h"

/* Zero-initialise; outputs_release, whatever the outcome. */
struct outputs {
    struct arena arena;
    struct outputs_file {
        const char *what, *path;
        dev_t device;
        ino_t number;
        bool is_folder, is_named; /* named: by the user, not found in a folder */
    } * read;                     /* n_read of them */
    int n_read, capacity;
    bool sorted;
    struct outputs_result {
        const char *real, *path, *from; /* real: the folder's real path with the name */
        int order;
    } * written; /* n_written of them */
    int n_written, written_capacity;
};

/* Adds an input file, or a folder with the files in it; a missing one is ignored. `what` names it, "model", "input".
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status outputs_read(struct outputs *outputs, const char *what, const char *path, struct error *err);
/* Adds every file and folder that the `data` map of a config names. */
MUST_USE enum dae_status outputs_read_data(struct outputs *outputs, const struct value *data, struct error *err);

/* Each fails with DAE_CONFIG if a file, made from `from`, would replace an input; if two outputs would be the same
 * file; if files would go into a folder that is read; or if an input is below a folder whose content is replaced.
 * `who`, the command's name, begins the message, and `advice` ends it ("give another name to -o"). */
MUST_USE enum dae_status outputs_write(struct outputs *outputs, const char *who, const char *from, const char *path,
                                       const char *advice, struct error *err);
MUST_USE enum dae_status outputs_differ(struct outputs *outputs, const char *who, const char *advice,
                                        struct error *err);
MUST_USE enum dae_status outputs_write_into(struct outputs *outputs, const char *who, const char *folder,
                                            const char *advice, struct error *err);
MUST_USE enum dae_status outputs_replace(struct outputs *outputs, const char *who, const char *folder,
                                         const char *advice, struct error *err);

void outputs_release(struct outputs *outputs);

#endif
