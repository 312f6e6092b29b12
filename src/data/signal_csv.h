/* A signal in a CSV file: a row per point in time, a column per channel. */
#ifndef DATA_SIGNAL_CSV_H
#define DATA_SIGNAL_CSV_H

#include <stdint.h>

#include "base/error.h"
#include "config/value.h"

struct signal_csv {
    int64_t n, channels;
    float *values; /* (n, channels), finite; malloc'ed */
};

/* Reads the columns that a list names, in its order: by the name in the first row, or by number from 1 on; one may
 * stand without a list; NULL: all columns. A first row that contains something else than numbers has names. The caller
 * releases, whatever the outcome. A column that is not there: DAE_CONFIG at its place; a row of another length, a cell
 * that is no finite number, no row: DAE_BAD_DATA at the place in the file; DAE_IO, DAE_NO_MEMORY. */
MUST_USE enum dae_status signal_csv_load(const char *path, const struct value *columns, struct signal_csv *signal,
                                         struct error *err);
void signal_csv_release(struct signal_csv *signal);

#endif
