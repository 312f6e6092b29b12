/* What a command says about many files, in few lines: a sentence that is true of several files appears once, and items
 * that are left out are counted. */
#ifndef FORMAT_FILE_NOTES_H
#define FORMAT_FILE_NOTES_H

#include "format/samples_file.h"

enum {
    FILE_NOTES_MAX = 8,        /* different sentences; further ones are only counted */
    FILE_NOTES_KINDS_MAX = 32, /* kinds of images */
};

/* Zero-initialise; file_notes_release, whatever the outcome. */
struct file_notes {
    struct file_note {
        char *path, *sentence; /* of the first file */
        int64_t n;             /* files */
    } note[FILE_NOTES_MAX];
    int n;
    int64_t n_more;                          /* files with other sentences than those */
    int64_t n_other;                         /* items left out: not images */
    int64_t n_refused[FILE_NOTES_KINDS_MAX]; /* files left out, by the kind that is not read */
};

/* Notes a sentence about a file; an empty one is ignored. True if it is new, so that it may be shown at once. */
bool file_notes_add(struct file_notes *notes, const char *path, const char *sentence);
/* Counts an item that is left out, which has this form or none. */
void file_notes_leave_out(struct file_notes *notes, const struct samples_form *form);

/* Appends what was left out of a folder, in sentences after "; ". `what`: what such an item is not, "an image". */
void file_notes_left_out(const struct file_notes *notes, const char *folder, const char *what, struct text *text);
/* Appends all sentences, the first file of each and how many more there are. */
void file_notes_describe(const struct file_notes *notes, struct text *text);
/* Appends only of how many further files the sentences are true. */
void file_notes_repeated(const struct file_notes *notes, struct text *text);

void file_notes_release(struct file_notes *notes);

#endif
