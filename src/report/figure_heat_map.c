#include <math.h>

#include "base/text.h"
#include "report/figure.h"
#include "report/gnuplot.h"
#include "report/style.h"

/* The layout of a heat map's cells. */
struct cells {
    double left, top, width, height;
    bool turned; /* column names are vertical, because they are wider than a column */
};

static void map_script(struct text *script, const struct figure_heat_map *map, const struct cells *cells,
                       struct style_range range, double width, double height)
{
    char buffer[40];
    double bottom = cells->top + cells->height * (double)map->n_rows;
    double middle_x = cells->left + cells->width * (double)map->n_columns / 2;
    style_add_plane(script, width, height);
    style_add_title(script, map->title, width, height);
    text_add(script, "unset colorbox\nset palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5',"
                     " 1 '#08306b')\n");
    text_printf(script, "set cbrange [%.17g:%.17g]\n", range.low, range.high);
    for (size_t r = 0; r < map->n_rows; ++r) {
        double y = cells->top + cells->height * ((double)r + 0.5);
        style_add_label(script, map->row_names[r], cells->left - 10, y, height, "right", GNUPLOT_FONT, 220, STYLE_INK);
        for (size_t c = 0; c < map->n_columns; ++c) {
            double value = map->values[r * map->n_columns + c];
            double share = (value - range.low) / (range.high - range.low);
            if (isfinite(value))
                style_add_label(script, style_number(value, map->n_digits, buffer, sizeof buffer),
                                cells->left + cells->width * ((double)c + 0.5), y, height, "center", GNUPLOT_FONT,
                                cells->width + GNUPLOT_FONT, share > 0.66 ? "#ffffff" : STYLE_INK_ON_LIGHT);
        }
    }
    for (size_t c = 0; c < map->n_columns; ++c) {
        double x = cells->left + cells->width * ((double)c + 0.5);
        style_add_label(script, map->column_names[c], x, bottom + (cells->turned ? 10 : 14), height,
                        cells->turned ? "right rotate by 90" : "center", GNUPLOT_FONT, 220, STYLE_INK);
    }
    if (map->x_label)
        style_add_label(script, map->x_label, middle_x, height - 16, height, "center", GNUPLOT_FONT,
                        width - 2 * STYLE_EDGE, STYLE_INK);
    if (map->y_label)
        style_add_label(script, map->y_label, 16, (cells->top + bottom) / 2, height, "center rotate by 90",
                        GNUPLOT_FONT, height - 2 * STYLE_EDGE, STYLE_INK);
    text_add(script, "$map << end_of_map\n");
    for (size_t r = map->n_rows; r-- > 0; text_add(script, "\n"))
        for (size_t c = 0; c < map->n_columns; ++c) {
            double value = map->values[r * map->n_columns + c];
            if (isfinite(value))
                text_printf(script, "%.9g ", value);
            else
                text_add(script, "NaN ");
        }
    text_printf(script, "end_of_map\nplot $map matrix using (%.4f+%.9g*$1):(%.4f+%.9g*$2):3 with image notitle\n",
                cells->left + cells->width / 2, cells->width, height - bottom + cells->height / 2, cells->height);
}

enum dae_status figure_draw_heat_map(const char *stem, const struct figure_heat_map *map, struct error *err)
{
    if (map->n_rows == 0 || map->n_rows > FIGURE_MAX_ROWS || map->n_columns == 0 ||
        map->n_columns > FIGURE_MAX_COLUMNS || !style_good_digits(map->n_digits))
        return error_set(err, DAE_BUG, "%s: a heat map of %zu x %zu cells, %d digits", stem, map->n_rows,
                         map->n_columns, map->n_digits);
    char buffer[40];
    struct style_range range = {INFINITY, -INFINITY};
    double row_name = 0, column_name = 0, value_width = 0;
    for (size_t i = 0; i < map->n_rows * map->n_columns; ++i)
        if (isfinite(map->values[i])) {
            range = (struct style_range){fmin(range.low, map->values[i]), fmax(range.high, map->values[i])};
            value_width = style_widest(value_width, style_number(map->values[i], map->n_digits, buffer, sizeof buffer),
                                       GNUPLOT_FONT);
        }
    range = range.low > range.high    ? (struct style_range){0, 1}
            : range.low == range.high ? style_padded(range, 0)
                                      : range;
    for (size_t r = 0; r < map->n_rows; ++r)
        row_name = fmin(style_widest(row_name, map->row_names[r], GNUPLOT_FONT), 220);
    for (size_t c = 0; c < map->n_columns; ++c)
        column_name = fmin(style_widest(column_name, map->column_names[c], GNUPLOT_FONT), 220);
    struct cells cells = {.left = STYLE_EDGE + (map->y_label ? 22 : 0) + row_name + 10,
                          .top = style_title_height(map->title),
                          .height = 36};
    double fitting = floor((STYLE_PAGE - cells.left - STYLE_EDGE) / (double)map->n_columns);
    cells.width = fmax(fmin(fitting, 110), value_width + 10);
    cells.turned = column_name + 8 > cells.width;
    double width = style_width(cells.left + cells.width * (double)map->n_columns + STYLE_EDGE, map->title);
    double height = ceil(cells.top + cells.height * (double)map->n_rows + (cells.turned ? column_name + 10 : 24) +
                         (map->x_label ? 26 : 0) + STYLE_EDGE / 2.0);
    struct text script = {0};
    map_script(&script, map, &cells, range, width, height);
    enum dae_status status = gnuplot_save(stem, (int)width, (int)height, true, &script, NULL, err);
    text_release(&script);
    return status;
}
