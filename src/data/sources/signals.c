/* Windows of recordings in WAV, NPY and CSV files. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "data/data_folder.h"
#include "data/signal_windows.h"
#include "data/source.h"

struct options {
    struct source_common common;
    const char *train, *test;
    const struct value *columns; /* NULL: all */
    int64_t window, hop, rate;
};

static const struct dae_row rows[] = {
    ROW_OF(
        struct options, train, ROW_TEXT, NULL, "file or folder",
        "training signals: WAV, NPY with floats (T), (N,T) or (N,T,C), CSV with a row per point, or a folder of such "
        "files; searched as it is, then in the data folders"),
    ROW_OF(struct options, test, ROW_TEXT, NULL, "file or folder", "test signals, of as many channels"),
    DAE_REQUIRED_INT(struct options, window, 1, 16777216, "points of a sample: samples are (window, C)"),
    DAE_INT(struct options, hop, 0, 0, 16777216, "points from the start of a window to that of the next; 0: window"),
    DAE_INT(struct options, rate, 0, 0, INT32_MAX,
            "points per second that WAV files must have; 0: all must have that of the first"),
    ROW_OF(
        struct options, columns, ROW_VALUE, "", "list of words and numbers",
        "columns of CSV files that are the channels: names of the first row, or numbers from 1 on; all if not given"),
    {.key = NULL},
};

static void say_short(const char *path, const struct signal_windows_found *found, struct source_notice *notice)
{
    const size_t len = strlen(notice->text);
    if (found->n_short > 0)
        snprintf(notice->text + len, sizeof notice->text - len, "%s%s: %lld of %lld signals are shorter than a window",
                 len ? "; " : "signals; ", path, (long long)found->n_short, (long long)found->n_signals);
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    struct arena arena CLEANUP(arena_release) = {0};
    struct signal_windows_options windows = {.window = o->window,
                                             .hop = o->hop ? o->hop : o->window,
                                             .rate = o->rate,
                                             .limit = o->common.limit,
                                             .columns = o->columns};
    struct signal_windows_found found;
    const char *path;
    TRY(data_folder_find(o->train, o->common.data_root, &arena, &path, err));
    TRY(signal_windows_load(path, &windows, train, &found, err));
    say_short(path, &found, notice);
    windows.rate = found.rate ? found.rate : windows.rate;
    windows.limit = o->common.test_limit;
    TRY(data_folder_find(o->test, o->common.data_root, &arena, &path, err));
    TRY(signal_windows_load(path, &windows, test, &found, err));
    say_short(path, &found, notice);
    return DAE_OK;
}

const struct source source_signals = {
    .name = "signals",
    .help = "windows of signals in WAV, NPY and CSV files",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .load = load,
};
