/* Figures, drawn by gnuplot run as a child process: line charts, image tiles, weight filters, heat maps, bars, points
 * and arrows in the plane.
 *
 * Each function writes STEM.png (raster) and STEM.svg (the same figure as vectors) into an existing folder. Both are
 * drawn and checked for completeness before either is written, to temporary files that are then renamed. All text is
 * UTF-8 and printed literally, without markup; text that is too long for its place ends in an ellipsis. Only pointers
 * marked "or NULL" may be NULL.
 *
 * Errors of all functions: DAE_IO if gnuplot is missing (Debian package gnuplot-nox) or fails (its message becomes a
 * note), or if a file cannot be written; DAE_NO_MEMORY; DAE_BUG if a count is zero or exceeds its limit below. After a
 * drawing error, older files with these names are intact and no temporary file remains. */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    FIGURE_MAX_SERIES = 8, /* as many as the palette has colours */
    FIGURE_MAX_ROWS = 64,
    FIGURE_MAX_COLUMNS = 64,
    FIGURE_MAX_CLASSES = 10,
};

/* One curve. A point that is not finite, or not positive on a logarithmic axis, leaves a gap. */
struct figure_series {
    const char *name;
    size_t n_points;
    const double *x, *y;  /* (n_points) */
    const double *margin; /* (n_points) half of each error bar's length, or NULL: no error bars */
    bool dashed;          /* a line without points: a theory, or what is not compared */
    int colour;           /* 1 to FIGURE_MAX_SERIES: a colour of its own, whatever its place; 0: that of its place */
};

/* A line chart of 1 to FIGURE_MAX_SERIES curves; the legend appears from two curves on. A logarithmic axis is used only
 * for values that differ by more than a factor of two. */
struct figure_lines {
    const char *title, *x_label, *y_label;
    bool log_y;
    size_t n_series;
    const struct figure_series *series; /* (n_series) */
    const double *marked;               /* (2) a range of x behind the curves, or one x twice; NULL or NaN: none */
};
MUST_USE enum dae_status figure_draw_lines(const char *stem, const struct figure_lines *lines, struct error *err);

/* One row of images under one label. */
struct figure_tile_row {
    const char *label;        /* at the left: "clean", "noisy", ...; or NULL */
    const float *images;      /* (n_columns,H,W,C), 0 black to 1 white; clipped, not a number is black */
    const char *const *notes; /* (n_columns), text under each tile, entries or all may be NULL */
};

/* Rows of images. Pixels are enlarged as sharp squares by a whole factor; images larger than their tile are shrunk. */
struct figure_tiles {
    const char *title; /* or NULL */
    size_t n_rows, n_columns;
    size_t height, width, channels;     /* H, W, C of every image; C is 1 (grey) or 3 (red, green, blue) */
    const struct figure_tile_row *rows; /* (n_rows) */
};
MUST_USE enum dae_status figure_draw_tiles(const char *stem, const struct figure_tiles *tiles, struct error *err);

/* Rows of maps of a magnitude, such as an error, all on one colour scale from 0 (dark) to `limit` (bright), which the
 * colour bar shows; larger values are drawn as the limit, values that are not finite as 0. */
struct figure_maps {
    const char *title, *scale_label; /* each or NULL */
    size_t n_rows, n_columns;
    size_t height, width;
    double limit;                       /* above 0 */
    const struct figure_tile_row *rows; /* (n_rows); their images are (n_columns,H,W) */
};
MUST_USE enum dae_status figure_draw_maps(const char *stem, const struct figure_maps *maps, struct error *err);

/* Filters (weights of one unit each) next to each other, all on one colour scale that is symmetric about zero and ends
 * at the largest magnitude; values that are not finite count as zero. The colour bar shows the values. */
struct figure_filters {
    const char *title; /* or NULL */
    size_t n_filters;  /* at most FIGURE_MAX_ROWS * FIGURE_MAX_COLUMNS */
    size_t n_columns;  /* filters per row; 0 chooses */
    size_t height, width;
    const float *weights; /* (n_filters,H,W) */
};
MUST_USE enum dae_status figure_draw_filters(const char *stem, const struct figure_filters *filters, struct error *err);

/* A matrix as coloured cells with its values printed in them. A value that is not finite is an empty cell. */
struct figure_heat_map {
    const char *title, *x_label, *y_label; /* each or NULL */
    size_t n_rows, n_columns;
    const char *const *row_names;    /* (n_rows), first row on top */
    const char *const *column_names; /* (n_columns) */
    const double *values;            /* (n_rows,n_columns) */
    int n_digits;                    /* significant digits printed, 1 to 9 */
};
MUST_USE enum dae_status figure_draw_heat_map(const char *stem, const struct figure_heat_map *map, struct error *err);

/* One bar of a bar chart. */
struct figure_bar {
    const char *name;
    double value;  /* not finite: printed, drawn without length */
    double margin; /* half of the error bar's length; 0: no error bar */
    int colour;    /* 1 to FIGURE_MAX_SERIES, as for curves; 0: neutral */
};

/* Horizontal bars from zero, the first on top, each with its value printed at its end. In the SVG, curves and bars show
 * their values under the pointer. */
struct figure_bars {
    const char *title;   /* or NULL */
    const char *x_label; /* what the values are, with the unit; or NULL */
    size_t n_bars;       /* at most FIGURE_MAX_ROWS */
    const struct figure_bar *bars;
    int n_digits; /* significant digits printed, 1 to 9 */
};
MUST_USE enum dae_status figure_draw_bars(const char *stem, const struct figure_bars *bars, struct error *err);

/* Points in the plane, with equal units on both axes. With labels, each class has its own colour, its number at the
 * median of its points or next to it, and a line of the legend; labels from FIGURE_MAX_CLASSES on are one class,
 * "other". Points that are not finite are left out. */
struct figure_scatter {
    const char *title, *x_label, *y_label; /* each or NULL */
    size_t n_points;
    const float *points;         /* (n_points,2) */
    const unsigned char *labels; /* (n_points), or NULL: one colour */
    size_t n_frame;
    const float *frame; /* (n_frame,2) points that the axes cover as well, so that two plots have the same; or NULL */
};
MUST_USE enum dae_status figure_draw_scatter(const char *stem, const struct figure_scatter *scatter, struct error *err);

/* Arrows in the plane, coloured by their length, with points behind them and equal units on both axes. If arrows are so
 * long that they would hide each other, all are shortened by one factor, which the figure states; the colour bar shows
 * true lengths. Arrows and points that are not finite are left out. */
struct figure_field {
    const char *title, *x_label, *y_label; /* each or NULL */
    size_t n_arrows;                       /* at least 1 */
    const float *arrows;                   /* (n_arrows,4): x, y, dx, dy */
    size_t n_points;
    const float *points; /* (n_points,2), or NULL if there are none */
};
MUST_USE enum dae_status figure_draw_field(const char *stem, const struct figure_field *field, struct error *err);

#endif
