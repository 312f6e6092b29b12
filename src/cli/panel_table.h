/* A CSV file whose rows a model of panels takes: its columns found by name, in the model's order and standardised as in
 * training, sent through the network, and the file written again with other numbers. */
#ifndef CLI_PANEL_TABLE_H
#define CLI_PANEL_TABLE_H

#include "base/text.h"
#include "data/panel/panel_columns.h"
#include "device/device.h"
#include "format/safetensors.h"
#include "graph/executor.h"
#include "graph/network.h"

/* What the model's file says of the columns; the caller frees. Not one of a panel, or of windows of several rows:
 * DAE_CHECKPOINT. */
MUST_USE enum dae_status panel_table_columns(const char *model, const struct safetensors *file,
                                             const struct network *network, struct panel_columns **columns,
                                             struct error *err);

/* Zero-initialise. */
struct panel_table {
    struct panel panel; /* (N,d) the file's numbers, in the file's order of columns */
    int *order;         /* (d) where each of the model's columns stands in the file; the panel's arena's */
    struct cells cells; /* (n,d) what the model takes, in its order: standardised, NaN in a hole. With returns n = N - 1
                           and row i leads from the file's row i to row i + 1; else n = N */
};

/* Reads the file; on success the caller releases. A missing, further or unreadable column, numbers far beyond those
 * that the model was trained on: DAE_BAD_DATA at the place; else as panel_csv_load. */
MUST_USE enum dae_status panel_table_load(struct panel_table *table, const char *path,
                                          const struct panel_columns *columns, struct error *err);
void panel_table_release(struct panel_table *table);

/* DAE_BAD_DATA at the first hole, for networks that are not told what is missing. For tables of no returns. */
MUST_USE enum dae_status panel_table_check_whole(const struct panel_table *table, struct error *err);

/* What the network, whose executor takes `batch` rows at once, makes of the rows: output (n,d), standardised. A network
 * that reads the mask is told of the holes. */
MUST_USE enum dae_status panel_table_apply(const struct cells *rows, struct device *device,
                                           const struct network *network, struct executor *executor, int64_t batch,
                                           float *output, struct error *err);

enum { PANEL_TABLE_NUMBER_BYTES = 32 };

/* A number as it is written into a file; returns its argument. */
const char *panel_table_number(double value, char text[PANEL_TABLE_NUMBER_BYTES]);

/* Adds the bytes of the file, unpacked, to `out`, with value (N,d), in the file's order of columns, in place of each
 * cell where it is not NaN; every other byte stays. DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status panel_table_rewrite(const struct panel_table *table, const double *value, struct text *out,
                                             struct error *err);

#endif
