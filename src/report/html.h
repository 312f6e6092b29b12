/* A self-contained HTML page: one file, nothing fetched, and no scripts but the one that sorts tables where that is
 * asked for and the one of sliders (a content security policy forbids all else), figures inside. It follows the
 * reader's setting for light or dark and prints well. All text is UTF-8 and escaped; bytes that are not UTF-8 become
 * U+FFFD.
 *
 *     struct html html = {0};
 *     html_begin(&html, title, subtitle);
 *     html_section(...); html_facts(...); html_table(...); html_figure(...); html_code(...);   any number, any order
 *     status = html_save(&html, path, err);
 *     html_release(&html);
 *
 * Appending needs no checks: lack of memory is remembered and reported by html_save. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

/* Zero-initialise with {0}; set id first if sections of several pages will be combined, and sorts if the reader shall
 * sort tables. */
struct html {
    const char *id; /* begins the names of the sections, "section" when NULL */
    bool sorts;     /* a table's headings sort its rows */
    struct text head, contents, body;
    size_t n_sections, n_figures;
};

/* Starts the page; before anything else. subtitle may be NULL. */
void html_begin(struct html *html, const char *title, const char *subtitle);

/* Starts a section, listed in the contents at the top. Blank lines in the text separate paragraphs; it may be NULL. */
void html_section(struct html *html, const char *heading, const char *paragraph);

/* The page's main statement, set apart from other text. */
void html_verdict(struct html *html, const char *statement);

/* What was found, as a list set apart from other text; nothing if there is none. */
void html_findings(struct html *html, size_t n, const char *const *finding /* (n) */);

struct html_fact {
    const char *key, *value;
};
/* A list of names and values, such as device, seed, seconds. */
void html_facts(struct html *html, size_t n_facts, const struct html_fact *facts /* (n_facts) */);

/* A table. The first column names the rows; a later column in which every filled cell starts like a number has tabular
 * digits and is aligned right. */
struct html_table {
    const char *caption; /* or NULL */
    size_t n_columns, n_rows;
    const char *const *header; /* (n_columns) */
    const char *const *cells;  /* (n_rows,n_columns), entries may be NULL: empty */
    const char *mark;          /* a word that highlights the row: "best", "ours"; NULL: no highlight */
    size_t marked_row;
};
void html_table(struct html *html, const struct html_table *table);

/* Embeds a .png file, or an .svg file of report/figure.h, whose colours then follow the page's. caption may be NULL;
 * alt describes the figure in words. The page is unchanged after an error: DAE_IO when the file cannot be read or is
 * larger than 64 MiB, DAE_BUG when it is neither PNG nor SVG. */
MUST_USE enum dae_status html_figure(struct html *html, const char *path, const char *caption, const char *alt,
                                     struct error *err);

/* Two pictures of the same thing on top of each other, with an edge between them that the reader moves, and a switch
 * that enlarges them. */
struct html_slider {
    const char *left_path, *right_path; /* PNG files of the same size */
    const char *left, *right;           /* what they are: "noisy", "denoised" */
    const char *caption;
    int width; /* of the pictures */
};
/* As html_figure. */
MUST_USE enum dae_status html_slider(struct html *html, const struct html_slider *slider, struct error *err);

/* Text in a fixed-width font that a click on the summary shows. */
void html_code(struct html *html, const char *summary, const char *text);

/* Writes the page atomically. DAE_IO, DAE_NO_MEMORY. The page stays as it is and may be appended to. */
MUST_USE enum dae_status html_save(const struct html *html, const char *path, struct error *err);

/* Parts of a page that are made at different times: a part is the output of html_begin and everything after it.
 * html_part_save keeps it in a file, atomically. html_part_add appends a kept part's sections to a page; the title and
 * subtitle are those of the first part, so the page needs no html_begin. DAE_IO, DAE_NO_MEMORY; DAE_BAD_DATA for a file
 * that is not a part. */
MUST_USE enum dae_status html_part_save(const struct html *html, const char *path, struct error *err);
MUST_USE enum dae_status html_part_add(struct html *html, const char *path, struct error *err);

void html_release(struct html *html);

#endif
