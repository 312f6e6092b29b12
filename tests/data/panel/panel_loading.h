/* Shared by the tests of panels: a file in a folder of its own, loaded into one panel. */
#ifndef TESTS_PANEL_LOADING_H
#define TESTS_PANEL_LOADING_H

#include "data/panel/panel_csv.h"

#include <math.h>

#include "../../format/files.h"
#include "format/date.h"

static char folder[PATH_BYTES], path[PATH_BYTES + 16];
static struct panel panel;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    snprintf(path, sizeof path, "%s/p.csv", folder);
    err = (struct error){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    panel_release(&panel);
    unlink(path);
    close_folder(folder);
    return 0;
}

static void load(const char *text, enum panel_returns returns)
{
    panel_release(&panel);
    write_file(path, text, strlen(text));
    if (panel_csv_load(&panel, path, returns, NULL, NULL, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

/* NAN means a hole. */
static void assert_cells(const struct cells *cells, int64_t n, int d, const double *x)
{
    assert_int_equal(cells->n, n);
    assert_int_equal(cells->d, d);
    for (int64_t i = 0; i < n * d; ++i) {
        assert_int_equal(cells->seen[i], !isnan(x[i]));
        if (isnan(x[i]))
            assert_true(isnan(cells->x[i]));
        else
            assert_true(cells->x[i] == x[i]);
    }
}

#endif
