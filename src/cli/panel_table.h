/* A CSV file as input of a model of panels: its columns are found by name, put into the model's order, standardised as
 * in training and sent through the network, and the file is written with new numbers. */
#ifndef CLI_PANEL_TABLE_H
#define CLI_PANEL_TABLE_H

#include "base/text.h"
#include "data/panel/panel_columns.h"
#include "data/panel/panel_format.h"
#include "model/model.h"
#include "model/model_file.h"

/* DAE_CHECKPOINT for a model that takes no rows: not one of a panel, or of windows of several rows. */
MUST_USE enum dae_status panel_table_check_model(const char *path, const struct model_file *file, struct error *err);

/* Zero-initialise. */
struct panel_table {
    struct arena arena;
    struct panel panel; /* (N,d) the file's numbers, in the file's order of columns */
    int *order;         /* (d) the index of each of the model's columns in the file, in the panel's arena */
    const struct panel_columns *columns; /* the model's */
    struct panel_format format;          /* as the model's config says */
    struct cells cells; /* (n,d) the model's input, in its order: standardised, NaN in a hole. With returns n = N - 1
                         * and row i is the return from the file's row i to row i + 1; else n = N */
};

/* Reads the file; the caller releases it, whatever the outcome. DAE_BAD_DATA at the place for a missing, additional or
 * unreadable column and for numbers far outside those of training; else as panel_csv_load. */
MUST_USE enum dae_status panel_table_load(struct panel_table *table, const char *path, const struct model_file *model,
                                          struct error *err);
void panel_table_release(struct panel_table *table);

/* DAE_BAD_DATA at the first hole, for networks that do not read the mask. For tables without returns. */
MUST_USE enum dae_status panel_table_check_whole(const struct panel_table *table, struct error *err);

/* Runs the model (model_open) on the rows: output (n,d), standardised. A network that reads the mask sees the holes. */
MUST_USE enum dae_status panel_table_apply(const struct cells *rows, struct model *model, float *output,
                                           struct error *err);

/* Adds the bytes of the file, unpacked, to `out`, with each cell replaced by value (N,d), in the file's order of
 * columns, unless that is NaN; every other byte stays. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status panel_table_rewrite(const struct panel_table *table, const double *value, struct text *out,
                                             struct error *err);

#endif
