/* The files in an archive, one after the other: .tar and .tar.gz, .zip, by libarchive. Nothing is unpacked to the disk,
 * so that a name is only a name, whatever is in it. The archive is a file, or, except for a zip, which is read by its
 * directory at the end, the output of a command. */
#ifndef FORMAT_ARCHIVE_READER_H
#define FORMAT_ARCHIVE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/shell_output.h"
#include "base/text.h"

/* Zero-initialise; open, then next until *found is false, and close in any case. It stays where it was opened. */
struct archive_reader {
    const char *path; /* borrowed */
    struct archive *archive;
    int64_t index;                /* of the current file; -1: before the first */
    struct text name;             /* the archive's and the file's: "scans.zip/2024/a.png", without control characters */
    size_t inside;                /* where the file's own begins in it */
    struct text bytes;            /* what was read of the file so far */
    bool ended;                   /* bytes are all of it */
    int64_t file_bytes, unpacked; /* of the archive, -1: of a command; of what was read of all files */
    struct shell_output command;  /* whose output it is; else no child */
    unsigned char *block;         /* of that output, owned */
    bool output_ended;
};

/* Whether a file's content is that of an archive, or else its name ends in .tar, .tar.gz, .tgz or .zip. DAE_IO. */
MUST_USE enum dae_status archive_reader_is(const char *path, bool *is, struct error *err);

/* DAE_IO, DAE_NO_MEMORY; without libarchive DAE_BAD_DATA with the package that is missing. */
MUST_USE enum dae_status archive_reader_open(struct archive_reader *reader, const char *path, struct error *err);

/* The same for the output of a shell command. `name` is borrowed. */
MUST_USE enum dae_status archive_reader_open_command(struct archive_reader *reader, const char *name,
                                                     const char *command, struct error *err);

/* Moves to the next regular file, in the archive's order. Folders and links are passed over.
 * Damaged: DAE_BAD_DATA; here and below, a command that has failed: DAE_IO. */
MUST_USE enum dae_status archive_reader_next(struct archive_reader *reader, bool *found, struct error *err);

/* Moves to the file of that index, which next has found before; opens the archive again if the index is passed, so
 * that it must not be the output of a command. */
MUST_USE enum dae_status archive_reader_seek(struct archive_reader *reader, int64_t index, struct error *err);

/* Reads on until `bytes` are at least `least` bytes, or all of the file. */
MUST_USE enum dae_status archive_reader_start(struct archive_reader *reader, size_t least, struct error *err);

/* Reads the rest of the file. Encrypted, damaged, more than max_bytes, or all files together more than 1032 times the
 * archive, which deflate cannot reach, so that they overlap: DAE_BAD_DATA. */
MUST_USE enum dae_status archive_reader_take(struct archive_reader *reader, size_t max_bytes, struct error *err);

void archive_reader_close(struct archive_reader *reader);

#endif
