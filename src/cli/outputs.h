/* What a command reads against what it will write. Before work begins every output is compared with every file that is
 * read, by device and inode and with links followed: a file that is read is never written over. */
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

/* Adds a file that is read, or a folder with the files in it; what is not there is read by nobody. `what` names it,
 * "model", "input". DAE_NO_MEMORY. */
MUST_USE enum dae_status outputs_read(struct outputs *outputs, const char *what, const char *path, struct error *err);
/* Adds every file and folder that the `data` map of a config names. */
MUST_USE enum dae_status outputs_read_data(struct outputs *outputs, const struct value *data, struct error *err);

/* Each is DAE_CONFIG, and `advice` ends the message ("give another name to -o"), when: a file, made of `from`, would
 * replace one that is read; two would be one file; files would be put into a folder that is read; something that is
 * read lies below a folder whose content is replaced. `who` begins it, the command's name. */
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
