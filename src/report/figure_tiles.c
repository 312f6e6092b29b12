#include <math.h>

#include "base/text.h"
#include "report/figure.h"
#include "report/gnuplot.h"
#include "report/style.h"

/* The layout of tiles. */
struct tiling {
    size_t n_columns;
    double left;
    double pitch_x; /* from tile to tile */
    double row_top[FIGURE_MAX_ROWS];
    double pixel; /* side of one image pixel */
    double image_width, image_height;
};

enum { GAP = 6, NOTE_ROOM = 28, LARGEST_TILE = 196, LARGEST_FILTER = 84, SMALLEST_TILE = 28 };

/* Tiles of images (height,width) for that many columns in the pixels available. */
static struct tiling tile(size_t n_columns, double available, double largest, size_t height, size_t width)
{
    double longest = (double)(height > width ? height : width);
    double side = floor((available + GAP) / (double)n_columns) - GAP;
    side = fmax(fmin(side, fmax(largest, longest)), SMALLEST_TILE);
    if (longest <= side)
        side = floor(side / longest) * longest; /* whole pixels have equal sizes */
    else if (longest <= 1.35 * side)
        side = longest;
    double pixel = side / longest;
    return (struct tiling){.n_columns = n_columns,
                           .pitch_x = pixel * (double)width + GAP,
                           .pixel = pixel,
                           .image_width = pixel * (double)width,
                           .image_height = pixel * (double)height};
}

static double tile_x(const struct tiling *tiling, size_t index)
{
    return tiling->left + tiling->pitch_x * (double)(index % tiling->n_columns) + (tiling->pitch_x - GAP) / 2;
}

static double tile_y(const struct tiling *tiling, size_t index)
{
    return tiling->row_top[index / tiling->n_columns] + tiling->image_height / 2;
}

/* A thin outline, so that the border of a pale image shows. */
static void add_outline(struct text *script, const struct tiling *tiling, size_t index, double figure_height)
{
    text_printf(script,
                "set object rectangle center first %.2f,%.2f size first %.2f,%.2f back fc rgb '" STYLE_FAINT
                "' fs solid noborder\n",
                tile_x(tiling, index), figure_height - tile_y(tiling, index), tiling->image_width + 2,
                tiling->image_height + 2);
}

/* One image of the plot command. Its data, rows from the bottom up, follow the command in the same order. */
static void add_image_plot(struct text *script, const struct tiling *tiling, size_t index, double figure_height,
                           size_t height, size_t width, const char *format, const char *style)
{
    text_add(script, index ? ", \\\n" : "plot ");
    text_printf(script, "'-' binary array=(%zu,%zu) format='%s' origin=(%.6f,%.6f) dx=%.9g dy=%.9g with %s notitle",
                width, height, format, tile_x(tiling, index) - (tiling->image_width - tiling->pixel) / 2,
                figure_height - tile_y(tiling, index) - (tiling->image_height - tiling->pixel) / 2, tiling->pixel,
                tiling->pixel, style);
}

static void add_image_bytes(struct text *script, const struct figure_tiles *tiles, const float *image /* (H,W,C) */)
{
    for (size_t y = tiles->height; y-- > 0;)
        for (size_t x = 0; x < tiles->width; ++x) {
            const float *pixel = image + (y * tiles->width + x) * tiles->channels;
            unsigned char rgb[3];
            for (size_t c = 0; c < 3; ++c) {
                float value = pixel[tiles->channels == 3 ? c : 0];
                rgb[c] = (unsigned char)(value > 0 ? fmin(value, 1) * 255 + 0.5 : 0);
            }
            text_add_bytes(script, rgb, 3);
        }
}

/* Rows of tiles with labels at the left and notes below, and their surroundings. */
struct grid {
    const char *title;
    size_t n_rows, n_columns;
    const struct figure_tile_row *rows;
    struct tiling tiling;
    double bottom; /* of the last row's notes */
};

/* `right` pixels are left free to the right of the tiles. */
static void grid_settle(struct grid *grid, size_t height, size_t width, double right)
{
    double label = 0, note = 0;
    for (size_t r = 0; r < grid->n_rows; ++r) {
        label = style_widest(label, grid->rows[r].label, GNUPLOT_FONT);
        for (size_t c = 0; grid->rows[r].notes && c < grid->n_columns; ++c)
            note = style_widest(note, grid->rows[r].notes[c], GNUPLOT_SMALL_FONT);
    }
    double left = label > 0 ? fmin(label, 220) + 12 + STYLE_EDGE : STYLE_EDGE;
    grid->tiling = tile(grid->n_columns, STYLE_PAGE - left - STYLE_EDGE - right, LARGEST_TILE, height, width);
    grid->tiling.left = left;
    grid->bottom = style_title_height(grid->title);
    for (size_t r = 0; r < grid->n_rows; ++r) {
        grid->tiling.row_top[r] = grid->bottom;
        grid->bottom += grid->tiling.image_height + (grid->rows[r].notes ? NOTE_ROOM : GAP);
    }
    grid->bottom -= GAP;
    grid->tiling.pitch_x = fmax(grid->tiling.pitch_x, fmin(note, 160) + GAP);
}

/* The right edge of the last tile. */
static double grid_right(const struct grid *grid)
{
    return grid->tiling.left + grid->tiling.pitch_x * (double)grid->n_columns - GAP;
}

static void add_grid(struct text *script, const struct grid *grid, double width, double height)
{
    const struct tiling *tiling = &grid->tiling;
    style_add_plane(script, width, height);
    style_add_title(script, grid->title, width, height);
    for (size_t r = 0; r < grid->n_rows; ++r) {
        const struct figure_tile_row *row = &grid->rows[r];
        for (size_t c = 0; c < grid->n_columns; ++c) {
            size_t index = r * grid->n_columns + c;
            add_outline(script, tiling, index, height);
            if (row->notes && row->notes[c])
                style_add_label(script, row->notes[c], tile_x(tiling, index),
                                tile_y(tiling, index) + tiling->image_height / 2 + 11, height, "center",
                                GNUPLOT_SMALL_FONT, tiling->pitch_x, STYLE_INK);
        }
        if (row->label)
            style_add_label(script, row->label, tiling->left - 12, tile_y(tiling, r * grid->n_columns), height, "right",
                            GNUPLOT_FONT, tiling->left - 12 - STYLE_EDGE, STYLE_INK);
    }
}

enum dae_status figure_draw_tiles(const char *stem, const struct figure_tiles *tiles, struct error *err)
{
    if (tiles->n_rows == 0 || tiles->n_rows > FIGURE_MAX_ROWS || tiles->n_columns == 0 ||
        tiles->n_columns > FIGURE_MAX_COLUMNS || tiles->height == 0 || tiles->width == 0 ||
        (tiles->channels != 1 && tiles->channels != 3))
        return error_set(err, DAE_BUG, "%s: %zu x %zu tiles of %zu x %zu x %zu", stem, tiles->n_rows, tiles->n_columns,
                         tiles->height, tiles->width, tiles->channels);
    struct grid grid = {
        .title = tiles->title, .n_rows = tiles->n_rows, .n_columns = tiles->n_columns, .rows = tiles->rows};
    grid_settle(&grid, tiles->height, tiles->width, 0);
    const double width = style_width(grid_right(&grid) + STYLE_EDGE, tiles->title);
    const double height = ceil(grid.bottom + STYLE_EDGE);
    const size_t n = tiles->n_rows * tiles->n_columns, len = tiles->height * tiles->width * tiles->channels;
    struct text script = {0};
    add_grid(&script, &grid, width, height);
    for (size_t i = 0; i < n; ++i)
        add_image_plot(&script, &grid.tiling, i, height, tiles->height, tiles->width, "%uchar", "rgbimage");
    text_add(&script, "\n");
    for (size_t i = 0; i < n; ++i)
        add_image_bytes(&script, tiles, tiles->rows[i / tiles->n_columns].images + i % tiles->n_columns * len);
    enum dae_status status = gnuplot_save(stem, (int)width, (int)height, grid.tiling.pixel >= 1, &script, NULL, err);
    text_release(&script);
    return status;
}

/* The place of a colour bar on a figure of width x height pixels. */
struct bar {
    double x, y, length, width, height;
};

static void add_bar(struct text *script, const struct bar *bar)
{
    text_printf(script, "set colorbox vertical user origin %.6f,%.6f size %.6f,%.6f noborder\n", bar->x / bar->width,
                1 - (bar->y + bar->length) / bar->height, 16 / bar->width, bar->length / bar->height);
    text_printf(script, "set cbtics scale 0 textcolor rgb '" STYLE_INK "' (");
}

static void add_map_values(struct text *script, const float *map /* (H,W) */, size_t height, size_t width)
{
    for (size_t y = height; y-- > 0;)
        for (size_t x = 0; x < width; ++x) {
            float value = map[y * width + x];
            value = isfinite(value) ? value : 0;
            text_add_bytes(script, &value, sizeof value);
        }
}

enum dae_status figure_draw_maps(const char *stem, const struct figure_maps *maps, struct error *err)
{
    if (maps->n_rows == 0 || maps->n_rows > FIGURE_MAX_ROWS || maps->n_columns == 0 ||
        maps->n_columns > FIGURE_MAX_COLUMNS || maps->height == 0 || maps->width == 0 || !(maps->limit > 0))
        return error_set(err, DAE_BUG, "%s: %zu x %zu maps of %zu x %zu up to %g", stem, maps->n_rows, maps->n_columns,
                         maps->height, maps->width, maps->limit);
    const double bar_room = maps->scale_label ? 100 : 80;
    struct grid grid = {.title = maps->title, .n_rows = maps->n_rows, .n_columns = maps->n_columns, .rows = maps->rows};
    grid_settle(&grid, maps->height, maps->width, bar_room);
    const double width = style_width(grid_right(&grid) + bar_room + STYLE_EDGE, maps->title);
    const double height = ceil(grid.bottom + STYLE_EDGE), top = style_title_height(maps->title);
    const struct tiling *tiling = &grid.tiling;
    const struct bar bar = {grid_right(&grid) + 20, top, tiling->row_top[maps->n_rows - 1] + tiling->image_height - top,
                            width, height};
    const size_t n = maps->n_rows * maps->n_columns, len = maps->height * maps->width;
    struct text script = {0};
    add_grid(&script, &grid, width, height);
    text_add(&script,
             "set palette defined (0 '#000004', 0.25 '#51127c', 0.5 '#b73779', 0.75 '#fc8961', 1 '#fcfdbf')\n");
    text_printf(&script, "set cbrange [0:%.9g]\n", maps->limit);
    add_bar(&script, &bar);
    for (int i = 0; i <= 2; ++i)
        text_printf(&script, "%s'%.2g' %.9g", i > 0 ? ", " : "", maps->limit * i / 2, maps->limit * i / 2);
    text_add(&script, ")\n");
    if (maps->scale_label)
        style_add_label(&script, maps->scale_label, width - STYLE_EDGE, top + bar.length / 2, height,
                        "center rotate by 90", GNUPLOT_FONT, bar.length, STYLE_INK);
    for (size_t i = 0; i < n; ++i)
        add_image_plot(&script, tiling, i, height, maps->height, maps->width, "%float", "image");
    text_add(&script, "\n");
    for (size_t i = 0; i < n; ++i)
        add_map_values(&script, maps->rows[i / maps->n_columns].images + i % maps->n_columns * len, maps->height,
                       maps->width);
    enum dae_status status = gnuplot_save(stem, (int)width, (int)height, tiling->pixel >= 1, &script, NULL, err);
    text_release(&script);
    return status;
}

static void add_colour_bar(struct text *script, double limit, const struct bar *bar)
{
    text_add(script, "set palette defined (-1 '#2166ac', -0.5 '#67a9cf', 0 '#f7f7f7', 0.5 '#ef8a62', 1 '#b2182b')\n");
    text_printf(script, "set cbrange [%.9g:%.9g]\n", -limit, limit);
    add_bar(script, bar);
    for (int i = -2; i <= 2; ++i)
        text_printf(script, "%s'%.3g' %.9g", i > -2 ? ", " : "", limit * i / 2, limit * i / 2);
    text_add(script, ")\n");
}

/* About twice as wide as high, preferably with full rows. */
static size_t choose_columns(size_t n)
{
    size_t most = (size_t)fmin(ceil(sqrt(2 * (double)n)), FIGURE_MAX_COLUMNS);
    for (size_t columns = most; columns > most / 2; --columns)
        if (n % columns == 0)
            return columns;
    return most;
}

enum dae_status figure_draw_filters(const char *stem, const struct figure_filters *filters, struct error *err)
{
    size_t n = filters->n_filters, columns = filters->n_columns;
    if (n == 0 || n > FIGURE_MAX_ROWS * FIGURE_MAX_COLUMNS || columns > FIGURE_MAX_COLUMNS || filters->height == 0 ||
        filters->width == 0)
        return error_set(err, DAE_BUG, "%s: %zu filters of %zu x %zu in %zu columns", stem, n, filters->height,
                         filters->width, columns);
    if (columns == 0)
        columns = choose_columns(n);
    const size_t rows = (n + columns - 1) / columns;
    if (rows > FIGURE_MAX_ROWS)
        return error_set(err, DAE_BUG, "%s: %zu rows of filters", stem, rows);
    if (columns > n)
        columns = n;
    double limit = 0;
    for (size_t i = 0; i < n * filters->height * filters->width; ++i)
        limit = isfinite(filters->weights[i]) ? fmax(limit, fabs(filters->weights[i])) : limit;
    limit = limit > 0 ? limit : 1;
    const double bar_room = 100;
    struct tiling tiling =
        tile(columns, STYLE_PAGE - 2 * STYLE_EDGE - bar_room, LARGEST_FILTER, filters->height, filters->width);
    tiling.left = STYLE_EDGE;
    double top = style_title_height(filters->title);
    for (size_t r = 0; r < rows; ++r)
        tiling.row_top[r] = top + (tiling.image_height + GAP) * (double)r;
    double grid_width = tiling.pitch_x * (double)columns - GAP;
    double grid_height = (tiling.image_height + GAP) * (double)rows - GAP;
    double bar_height = fmax(grid_height, 110);
    double width = style_width(STYLE_EDGE + grid_width + bar_room + STYLE_EDGE, filters->title);
    double height = ceil(top + bar_height + STYLE_EDGE);
    struct text script = {0};
    style_add_plane(&script, width, height);
    style_add_title(&script, filters->title, width, height);
    add_colour_bar(&script, limit, &(struct bar){STYLE_EDGE + grid_width + 20, top, bar_height, width, height});
    for (size_t i = 0; i < n; ++i)
        add_outline(&script, &tiling, i, height);
    for (size_t i = 0; i < n; ++i)
        add_image_plot(&script, &tiling, i, height, filters->height, filters->width, "%float", "image");
    text_add(&script, "\n");
    for (size_t i = 0; i < n; ++i)
        add_map_values(&script, filters->weights + i * filters->height * filters->width, filters->height,
                       filters->width);
    enum dae_status status = gnuplot_save(stem, (int)width, (int)height, tiling.pixel >= 1, &script, NULL, err);
    text_release(&script);
    return status;
}
