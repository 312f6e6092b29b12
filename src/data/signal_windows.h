/* Windows cut from signals of any length, in files: WAV, NPY arrays (T), (N,T) and (N,T,C), and CSV. */
#ifndef DATA_SIGNAL_WINDOWS_H
#define DATA_SIGNAL_WINDOWS_H

#include "config/value.h"
#include "data/dataset.h"

struct signal_windows_options {
    int64_t window, hop;         /* points of a window, and from the start of one to that of the next */
    int64_t rate;                /* points per second that WAV files must have; 0: what the first one has */
    int64_t limit;               /* most windows */
    const struct value *columns; /* of CSV files: see signal_csv_load; NULL: all */
};

/* What was found, for the user. */
struct signal_windows_found {
    int64_t n_signals, n_short; /* signals; those shorter than a window, which were left out */
    int64_t rate;               /* of the WAV files; 0: there was none */
};

/* Fills a set of samples (window, C) from a file, or from all files of a folder whose names end in .wav, .npy, .csv or
 * .csv.gz, in the order of their names. Windows begin at 0, hop, 2 hop, ... of each signal. The caller releases the
 * set, whatever the outcome. No file, files that differ in channels or rate, no signal as long as a window, damage, NaN
 * or infinity: DAE_BAD_DATA; missing or unreadable: DAE_IO; DAE_NO_MEMORY. */
MUST_USE enum dae_status signal_windows_load(const char *path, const struct signal_windows_options *options,
                                             struct dataset *set, struct signal_windows_found *found,
                                             struct error *err);

#endif
