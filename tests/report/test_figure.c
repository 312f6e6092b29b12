/* Figures: both files are complete and have the right content; hostile text is only text; failures leave nothing. */
#include "base/file.h"
#include "report/figure.h"
#include "report/inline_svg.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>

#include "folder.h"
#include "markup.h"

struct picture {
    unsigned width, height;
    unsigned char *rgb; /* (height,width,3), NULL unless asked for */
    char *svg;
};

static size_t count(const char *text, const char *piece)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, piece)); at += strlen(piece))
        ++n;
    return n;
}

/* As part of a page: the same elements but for empty groups, every id and every reference to one with the prefix, no
 * ink of its own. */
static void goes_into_a_page(const char *svg)
{
    struct text page = {0};
    assert_true(inline_svg_add(&page, svg, "run-3-", "a figure"));
    assert_false(page.failed);
    assert_true(markup_is_well_formed(page.data, "svg"));
    const char *const kept[] = {
        "<path", "<text>", "<image", "<rect", "data:image/png;base64,", "image-rendering:pixelated"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i)
        assert_int_equal(count(page.data, kept[i]), count(svg, kept[i]));
    assert_true(count(svg, " id=") > 10);
    assert_int_equal(count(page.data, " id='run-3-") + count(page.data, " id=\"run-3-"), count(svg, " id="));
    assert_int_equal(count(page.data, "href='#run-3-"), count(svg, "href='#"));
    assert_int_equal(count(page.data, "url(#run-3-"), count(svg, "url(#"));
    assert_int_equal(count(page.data, "rgb(36,41,47)"), 0);
    text_release(&page);
}

/* Reads STEM.png (to its last pixel) and STEM.svg, which must be the only files in the folder, and must agree. */
static struct picture load(const char *stem)
{
    char name[100];
    struct error err = {0};
    struct picture picture = {0};
    size_t len;
    assert_int_equal(folder_count(), 2);
    snprintf(name, sizeof name, "%s.png", stem);
    png_image png = {.version = PNG_IMAGE_VERSION};
    assert_int_not_equal(png_image_begin_read_from_file(&png, folder_path(name)), 0);
    png.format = PNG_FORMAT_RGB;
    picture.width = png.width;
    picture.height = png.height;
    picture.rgb = malloc(PNG_IMAGE_SIZE(png));
    assert_non_null(picture.rgb);
    assert_int_not_equal(png_image_finish_read(&png, NULL, picture.rgb, 0, NULL), 0);
    assert_false(png.warning_or_error);
    snprintf(name, sizeof name, "%s.svg", stem);
    assert_int_equal(file_read(folder_path(name), 1 << 26, DAE_IO, &picture.svg, &len, &err), DAE_OK);
    assert_true(markup_is_well_formed(picture.svg, "svg"));
    goes_into_a_page(picture.svg);
    snprintf(name, sizeof name, "width=\"%u\" height=\"%u\"", picture.width, picture.height);
    assert_non_null(strstr(picture.svg, name));
    folder_empty();
    return picture;
}

static void release(struct picture *picture)
{
    free(picture->rgb);
    free(picture->svg);
}

/* The number of PNG pixels of exactly that colour, and the mean of their places. */
static long find_colour(const struct picture *picture, unsigned rgb, double *mean_x, double *mean_y)
{
    long n = 0;
    *mean_x = *mean_y = 0;
    for (unsigned y = 0; y < picture->height; ++y)
        for (unsigned x = 0; x < picture->width; ++x) {
            const unsigned char *at = picture->rgb + 3 * (y * (size_t)picture->width + x);
            if (((unsigned)at[0] << 16 | (unsigned)at[1] << 8 | at[2]) != rgb)
                continue;
            ++n;
            *mean_x += x;
            *mean_y += y;
        }
    *mean_x /= n > 0 ? (double)n : 1;
    *mean_y /= n > 0 ? (double)n : 1;
    return n;
}

static void draw_lines_of(size_t n_series, bool log_y, double scale)
{
    static const char *const names[] = {"one", "two", "a rather long name of a curve", "4", "5", "6", "7", "eight"};
    double x[40], y[40];
    struct figure_series series[8];
    struct error err = {0};
    for (int i = 0; i < 40; ++i) {
        x[i] = i + 1;
        y[i] = scale * exp(-i / 9.0);
    }
    for (int s = 0; s < 8; ++s)
        series[s] = (struct figure_series){.name = names[s], .n_points = 40 - 5 * (size_t)s, .x = x, .y = y};
    const double marked[] = {3, n_series % 2 ? 3 : 5};
    struct figure_lines lines = {"Loss", "epoch", "error", log_y, n_series, series, marked};
    assert_int_equal(figure_draw_lines(folder_path("lines"), &lines, &err), DAE_OK);
    struct picture picture = load("lines");
    assert_int_equal(picture.width, 900);
    for (size_t s = 0; s < n_series && n_series > 1; ++s)
        assert_non_null(strstr(picture.svg, names[s]));
    double mx, my;
    assert_true(find_colour(&picture, 0x0072B2, &mx, &my) > 20); /* the first curve's colour */
    release(&picture);
}

static void lines_of_every_number(void **state)
{
    (void)state;
    for (size_t n = 1; n <= FIGURE_MAX_SERIES; ++n)
        draw_lines_of(n, n % 2 == 0, 0.3);
    draw_lines_of(2, true, 1e-12);
    draw_lines_of(2, false, 1e30);
}

/* A diverged run still gets its figure. */
static void lines_with_gaps(void **state)
{
    (void)state;
    struct error err = {0};
    const double x[] = {1, 2, 3, 4, 5, 6}, some[] = {1, NAN, NAN, INFINITY, 0, 2}, none[] = {NAN, NAN, -1, 0, NAN, NAN};
    struct figure_series series[] = {{.name = "some", .n_points = 6, .x = x, .y = some, .margin = some},
                                     {.name = "none", .n_points = 6, .x = x, .y = none},
                                     {.name = "empty", .x = x, .y = some, .dashed = true}};
    struct figure_lines lines = {"t", "x", "y", true, 3, series, NULL};
    assert_int_equal(figure_draw_lines(folder_path("a"), &lines, &err), DAE_OK);
    struct picture picture = load("a");
    assert_non_null(strstr(picture.svg, ">none<"));
    assert_non_null(strstr(picture.svg, ">empty<"));
    release(&picture);
    series[0].y = none;
    assert_int_equal(figure_draw_lines(folder_path("a"), &lines, &err), DAE_OK);
    picture = load("a");
    assert_non_null(strstr(picture.svg, "no finite values to show"));
    release(&picture);
}

static void tiles_of_every_shape(void **state)
{
    (void)state;
    static float images[12 * 28 * 28];
    static const char *const labels[] = {"clean", "noisy", "denoised DAE", "standard AE"};
    const char *notes[12];
    for (int i = 0; i < 12; ++i)
        notes[i] = i == 3 ? NULL : "21.3 dB";
    for (size_t i = 0; i < sizeof images / sizeof *images; ++i)
        images[i] = (float)(i % 29) / 14 - 0.5f;
    for (size_t rows = 1; rows <= 4; ++rows)
        for (size_t columns = 1; columns <= 12; columns += rows == 4 ? 1 : 11) {
            struct error err = {0};
            struct figure_tile_row row[4];
            for (size_t r = 0; r < 4; ++r)
                row[r] = (struct figure_tile_row){labels[r], images, r % 2 ? notes : NULL};
            struct figure_tiles tiles = {rows > 2 ? "Digits" : NULL, rows, columns, 28, 28, 1, row};
            assert_int_equal(figure_draw_tiles(folder_path("tiles"), &tiles, &err), DAE_OK);
            struct picture picture = load("tiles");
            assert_in_range(picture.width, 320, 960);
            for (size_t r = 0; r < rows; ++r)
                assert_non_null(strstr(picture.svg, labels[r]));
            release(&picture);
        }
}

/* A 2 x 2 image in four colours: each pixel becomes one square of its exact colour, in its corner. */
static void tiles_are_sharp_and_upright(void **state)
{
    (void)state;
    struct error err = {0};
    const float image[] = {1, 0, 0, /**/ 0, 1, 0, /**/ 0, 0, 1, /**/ 7, -3, 1 /* clipped: magenta */};
    struct figure_tile_row row = {NULL, image, NULL};
    struct figure_tiles tiles = {NULL, 1, 1, 2, 2, 3, &row};
    assert_int_equal(figure_draw_tiles(folder_path("t"), &tiles, &err), DAE_OK);
    struct picture picture = load("t");
    double x[4], y[4];
    const unsigned colours[] = {0xFF0000, 0x00FF00, 0x0000FF, 0xFF00FF};
    for (int i = 0; i < 4; ++i)
        assert_int_equal(find_colour(&picture, colours[i], &x[i], &y[i]), 98 * 98);
    assert_true(x[0] < x[1] && fabs(x[0] - x[2]) < 1e-9 && fabs(x[1] - x[3]) < 1e-9);
    assert_true(y[0] < y[2] && fabs(y[0] - y[1]) < 1e-9 && fabs(y[2] - y[3]) < 1e-9);
    assert_non_null(strstr(picture.svg, "image-rendering:pixelated"));
    release(&picture);
    const float nothing[4] = {NAN, -INFINITY, -1, 0};
    row.images = nothing;
    tiles.channels = 1;
    assert_int_equal(figure_draw_tiles(folder_path("t"), &tiles, &err), DAE_OK);
    picture = load("t");
    assert_int_equal(find_colour(&picture, 0x000000, &x[0], &y[0]), 196 * 196);
    release(&picture);
}

/* All maps have one scale: its end is bright in any row; larger values are not brighter, NaN counts as 0. */
static void maps_share_one_scale(void **state)
{
    (void)state;
    struct error err = {0};
    static float first[2 * 64], second[2 * 64];
    first[0] = 0.25f;
    first[9] = 0.125f;
    second[64 + 63] = 7; /* the last pixel of the last tile */
    second[5] = NAN;
    const char *notes[] = {"a", "b"};
    const struct figure_tile_row rows[] = {{.label = "one", .images = first},
                                           {.label = "two", .images = second, .notes = notes}};
    struct figure_maps maps = {
        .scale_label = "|x|", .n_rows = 2, .n_columns = 2, .height = 8, .width = 8, .limit = 0.25, .rows = rows};
    assert_int_equal(figure_draw_maps(folder_path("m"), &maps, &err), DAE_OK);
    struct picture picture = load("m");
    assert_non_null(strstr(picture.svg, ">0.25<"));
    assert_non_null(strstr(picture.svg, ">|x|<"));
    double x, y;
    /* 8 pixels in 196; a tile between two pixels has one blended row and column on each side; the bar's end. */
    const long side = 24, bright = find_colour(&picture, 0xFCFDBF, &x, &y);
    const long dark = find_colour(&picture, 0x000004, &x, &y), n_dark = 4 * 64 - 3, rim = 4 * 8 * side;
    assert_in_range(bright, 2 * (side - 2) * (side - 2), 2 * side * side + 200);
    assert_in_range(dark, n_dark * side * side - 4 * rim, n_dark * side * side + 200);
    release(&picture);
    maps.limit = 0;
    assert_int_equal(figure_draw_maps(folder_path("m"), &maps, &err), DAE_BUG);
}

static void filters_are_symmetric_about_zero(void **state)
{
    (void)state;
    static float weights[64 * 9];
    struct error err = {0};
    weights[0] = -0.5f;
    weights[1] = 0.25f;
    weights[2] = NAN;
    struct figure_filters filters = {"Filters", 64, 0, 3, 3, weights};
    assert_int_equal(figure_draw_filters(folder_path("f"), &filters, &err), DAE_OK);
    struct picture picture = load("f");
    assert_non_null(strstr(picture.svg, ">-0.5<"));
    assert_non_null(strstr(picture.svg, ">0.5<"));
    double x, y;
    assert_in_range(find_colour(&picture, 0x2166AC, &x, &y), 28 * 28,
                    28 * 28 + 200); /* the lowest; and the bar's end */
    release(&picture);
    weights[0] = weights[1] = 0;
    for (size_t n = 1; n <= 5; ++n) {
        filters = (struct figure_filters){NULL, n, n > 2 ? 2 : 0, 3, 3, weights};
        assert_int_equal(figure_draw_filters(folder_path("f"), &filters, &err), DAE_OK);
        picture = load("f");
        release(&picture);
    }
}

static void heat_map_prints_its_values(void **state)
{
    (void)state;
    static const char *const names[] = {"0.1", "0.2", "a long name of a noise level"};
    const double values[] = {0.00123456, 20, NAN, 12345, -0.5, 1};
    struct error err = {0};
    struct figure_heat_map map = {"Levels", "tested", "trained", 2, 3, names, names, values, 3};
    assert_int_equal(figure_draw_heat_map(folder_path("h"), &map, &err), DAE_OK);
    struct picture picture = load("h");
    static const char *const printed[] = {">0.00123<", ">20.0<", ">12345<", ">-0.500<", ">1.00<", ">tested<"};
    for (size_t i = 0; i < sizeof printed / sizeof *printed; ++i)
        assert_non_null(strstr(picture.svg, printed[i]));
    release(&picture);
    map = (struct figure_heat_map){NULL, NULL, NULL, 1, 1, names, names, values + 2, 1};
    assert_int_equal(figure_draw_heat_map(folder_path("h"), &map, &err), DAE_OK);
    picture = load("h");
    release(&picture);
}

static void bars_print_their_values(void **state)
{
    (void)state;
    struct error err = {0};
    const struct figure_bar bar[] = {
        {"noisy", 0.0899, 0.001, 0}, {"ours", 0.00884, 0, 2}, {"diverged", NAN, 1, 0}, {"negative", -0.01, NAN, 0}};
    struct figure_bars bars = {"Error", "mean squared error", 4, bar, 3};
    assert_int_equal(figure_draw_bars(folder_path("b"), &bars, &err), DAE_OK);
    struct picture picture = load("b");
    static const char *const printed[] = {">0.0899<", ">0.00884<", ">not a number<", ">-0.0100<", ">diverged<"};
    for (size_t i = 0; i < sizeof printed / sizeof *printed; ++i)
        assert_non_null(strstr(picture.svg, printed[i]));
    assert_int_equal(count(picture.svg, "pointer-events"), 4);
    assert_non_null(strstr(picture.svg, "<title>noisy, 0.0899 \u00B1 0.001</title>"));
    assert_non_null(strstr(picture.svg, "<title>diverged, nan</title>"));
    double ours_x, ours_y, other_x, other_y;
    assert_true(find_colour(&picture, 0xD55E00, &ours_x, &ours_y) > 500);
    assert_true(find_colour(&picture, 0x7A9CC0, &other_x, &other_y) > 5000);
    release(&picture);
    const struct figure_bar zero = {"zero", 0, 0, 0};
    bars = (struct figure_bars){NULL, NULL, 1, &zero, 1};
    assert_int_equal(figure_draw_bars(folder_path("b"), &bars, &err), DAE_OK);
    picture = load("b");
    release(&picture);
}

/* Blanks everything to the right of the plot. */
static void without_legend(const struct picture *picture)
{
    for (unsigned row = 0; row < picture->height; ++row)
        memset(picture->rgb + 3 * (row * (size_t)picture->width + picture->width - 88), 255, 3 * 88);
}

/* A coloured cross: the right class is drawn at the right, the upper one at the top, with equal units on both axes. */
static void scatter_is_true_to_scale(void **state)
{
    (void)state;
    struct error err = {0};
    const float far = 2;
    float points[4 * 2 + 2] = {far, 0, 0, far, -far, 0, 0, -far, NAN, 1};
    const unsigned char labels[] = {0, 1, 2, 200, 4};
    struct figure_scatter scatter = {"Codes", "first", "second", 5, points, labels, 0, NULL};
    assert_int_equal(figure_draw_scatter(folder_path("s"), &scatter, &err), DAE_OK);
    struct picture picture = load("s");
    static const unsigned colours[] = {0x332288, 0xCC6677, 0x117733, 0xBBBBBB};
    without_legend(&picture);
    double x[4], y[4];
    for (int i = 0; i < 4; ++i)
        assert_true(find_colour(&picture, colours[i], &x[i], &y[i]) > 10);
    const double unit = (x[0] - x[2]) / 2;
    assert_true(unit > 50);
    assert_true(fabs(y[3] - y[1] - 2 * unit) < 1.5 && y[1] < y[3]);
    assert_true(fabs(x[1] - (x[0] + x[2]) / 2) < 1 && fabs(y[0] - (y[1] + y[3]) / 2) < 1);
    static const char *const legend[] = {">Codes<", ">first<", ">second<", ">0<", ">1<", ">2<", ">other<"};
    for (size_t i = 0; i < sizeof legend / sizeof *legend; ++i)
        assert_non_null(strstr(picture.svg, legend[i]));
    assert_null(strstr(picture.svg, "#DDCC77")); /* no point of class 3, and none of the NaN's class */
    assert_null(strstr(picture.svg, "#88CCEE"));
    release(&picture);
    scatter = (struct figure_scatter){NULL, NULL, NULL, 1, points + 8, NULL, 0, NULL};
    assert_int_equal(figure_draw_scatter(folder_path("s"), &scatter, &err), DAE_OK);
    picture = load("s");
    assert_non_null(strstr(picture.svg, "no finite values to show"));
    release(&picture);
}

/* Classes with enough points have their number at their median, which an outlier does not move. */
static void scatter_numbers_its_classes(void **state)
{
    (void)state;
    struct error err = {0};
    float points[2 * 61];
    unsigned char labels[61];
    for (int i = 0; i < 61; ++i) {
        labels[i] = i < 30 ? 3 : 7;
        points[2 * i] = (float)(i < 30 ? -10 : 10) + 0.1f * (float)(i % 7);
        points[2 * i + 1] = 0.1f * (float)(i % 5);
    }
    points[120] = -10; /* an outlier */
    const struct figure_scatter scatter = {"t", "x", "y", 61, points, labels, 0, NULL};
    assert_int_equal(figure_draw_scatter(folder_path("s"), &scatter, &err), DAE_OK);
    struct picture picture = load("s");
    int n = 0;
    for (const char *at = picture.svg; (at = strstr(at, ">7<")); ++at)
        ++n;
    assert_int_equal(n, 2); /* in the legend and in the plot */
    release(&picture);
    /* Two classes at one place: one's disc does not cover the other's ring. */
    memset(points, 0, sizeof points);
    assert_int_equal(figure_draw_scatter(folder_path("s"), &scatter, &err), DAE_OK);
    picture = load("s");
    without_legend(&picture);
    double x[2], y;
    assert_true(find_colour(&picture, 0xDDCC77, &x[0], &y) > 40);
    assert_true(find_colour(&picture, 0x999933, &x[1], &y) > 40);
    assert_true(fabs(x[1] - x[0]) >= 24);
    release(&picture);
}

static void field_of_arrows(void **state)
{
    (void)state;
    struct error err = {0};
    float arrows[4 * 100], points[] = {4.75f, 5.6f, NAN, 1};
    for (int i = 0; i < 100; ++i) {
        const float arrow[] = {(float)(i % 10), (float)(i / 10), 0.5f, 0.25f};
        memcpy(arrows + 4 * i, arrow, sizeof arrow);
    }
    arrows[2] = INFINITY;
    struct figure_field field = {"Field", "x", "y", 100, arrows, 2, points};
    assert_int_equal(figure_draw_field(folder_path("f"), &field, &err), DAE_OK);
    struct picture picture = load("f");
    double x, y;
    assert_in_range(find_colour(&picture, 0xE69F00, &x, &y), 5, 30); /* one small point */
    assert_non_null(strstr(picture.svg, ">length<"));
    assert_null(strstr(picture.svg, "of their length")); /* short enough as they are */
    release(&picture);
    for (int i = 0; i < 100; ++i) {
        arrows[4 * i + 2] = 40;
        arrows[4 * i + 3] = -30;
    }
    field.n_points = 0;
    field.points = NULL;
    assert_int_equal(figure_draw_field(folder_path("f"), &field, &err), DAE_OK);
    picture = load("f");
    /* 100 starts over 9 x 9: 0.9 apart; lengths of 50. */
    assert_non_null(strstr(picture.svg, ">arrows drawn at 0.018 of their length<"));
    release(&picture);
    arrows[0] = NAN;
    field.n_arrows = 1;
    assert_int_equal(figure_draw_field(folder_path("f"), &field, &err), DAE_OK);
    picture = load("f");
    assert_non_null(strstr(picture.svg, "no finite values to show"));
    release(&picture);
}

/* Texts that would run a command, end the string, start markup, or be read as a format or as "enhanced" text. */
static void hostile_text_is_only_text(void **state)
{
    (void)state;
    char hostile[600];
    static const char words[] = "''<script> \"q\" 'a' \\n _^{x}@& %d \xC3\xA9 \xFF";
    static const char escaped[] = "&lt;script> \"q\" 'a' \\n _^{x}@&amp; %d \xC3\xA9 \xEF\xBF\xBD";
    snprintf(hostile, sizeof hostile, "%s`touch %s`", words, folder_path("ran"));
    const double x[] = {1, 2};
    const struct figure_series series[] = {
        {.name = hostile, .n_points = 2, .x = x, .y = x},
        {.name = hostile, .n_points = 2, .x = x, .y = x, .dashed = true, .colour = 8}};
    const struct figure_lines lines = {hostile, hostile, hostile, false, 2, series, NULL};
    const float image[] = {1};
    const char *const names[] = {hostile};
    const struct figure_tile_row row = {hostile, image, names};
    const struct figure_tiles tiles = {hostile, 1, 1, 1, 1, 1, &row};
    const struct figure_heat_map map = {hostile, hostile, hostile, 1, 1, names, names, x, 3};
    const struct figure_bar bar = {hostile, 1, 0, 0};
    const struct figure_bars bars = {hostile, hostile, 1, &bar, 3};
    const struct figure_filters filters = {hostile, 1, 0, 1, 1, image};
    const float four[] = {0, 0, 1, 1};
    const struct figure_scatter scatter = {hostile, hostile, hostile, 2, four, NULL, 0, NULL};
    const struct figure_field field = {hostile, hostile, hostile, 1, four, 0, NULL};
    for (int kind = 0; kind < 7; ++kind) {
        struct error err = {0};
        const char *stem = folder_path("x");
        assert_int_equal(kind == 0   ? figure_draw_lines(stem, &lines, &err)
                         : kind == 1 ? figure_draw_tiles(stem, &tiles, &err)
                         : kind == 2 ? figure_draw_heat_map(stem, &map, &err)
                         : kind == 3 ? figure_draw_bars(stem, &bars, &err)
                         : kind == 4 ? figure_draw_scatter(stem, &scatter, &err)
                         : kind == 5 ? figure_draw_field(stem, &field, &err)
                                     : figure_draw_filters(stem, &filters, &err),
                         DAE_OK);
        struct picture picture = load("x"); /* two files: "ran" is not there */
        assert_non_null(strstr(picture.svg, "script> \"q\" 'a' \\n"));
        assert_null(strstr(picture.svg, "<script"));
        if (kind == 0 || kind == 3 || kind == 4)
            assert_non_null(strstr(picture.svg, escaped));
        release(&picture);
    }
}

static enum dae_status draw_bar(const char *stem, struct error *err)
{
    const struct figure_bar bar = {"one", 1, 0, 0};
    return figure_draw_bars(stem, &(struct figure_bars){NULL, NULL, 1, &bar, 3}, err);
}

static void missing_gnuplot_is_named(void **state)
{
    (void)state;
    char *path = strdup(getenv("PATH"));
    struct error err = {0};
    setenv("PATH", folder, 1);
    enum dae_status status = draw_bar(folder_path("b"), &err);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(status, DAE_IO);
    assert_non_null(strstr(err.text, "gnuplot-nox"));
    assert_int_equal(folder_count(), 0);
}

/* A misbehaving stand-in for gnuplot: its message is passed on, and an older figure stays. */
static void failing_gnuplot_leaves_the_old_figure(void **state)
{
    (void)state;
    static const struct {
        const char *script, *says;
    } cases[] = {
        {"#!/bin/sh\necho boom >&2\nexit 3\n", "boom"},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
        {"#!/bin/sh\nexit 0\n", "0 bytes"},
        {"#!/bin/sh\nprintf '\\211PNG\\r\\n\\032\\n and then nothing'\n", "no complete PNG"},
    };
    char *path = strdup(getenv("PATH"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct error err = {0};
        folder_write("gnuplot", cases[i].script, strlen(cases[i].script), 0700);
        folder_write("b.png", "old", 3, 0600);
        folder_write("b.svg", "old", 3, 0600);
        setenv("PATH", folder, 1);
        enum dae_status status = draw_bar(folder_path("b"), &err);
        setenv("PATH", path, 1);
        assert_int_equal(status, DAE_IO);
        assert_non_null(strstr(err.text, cases[i].says));
        assert_int_equal(folder_count(), 3);
        char *old;
        size_t len;
        assert_int_equal(file_read(folder_path("b.svg"), 100, DAE_IO, &old, &len, &err), DAE_OK);
        assert_string_equal(old, "old");
        free(old);
        folder_empty();
    }
    free(path);
}

static void unwritable_folder_leaves_nothing(void **state)
{
    (void)state;
    struct error missing = {0}, file = {0};
    assert_int_equal(draw_bar(folder_path("none/b"), &missing), DAE_IO);
    assert_non_null(strstr(missing.text, "none/b"));
    folder_write("plain", "", 0, 0600);
    assert_int_equal(draw_bar(folder_path("plain/b"), &file), DAE_IO);
    assert_int_equal(folder_count(), 1);
    folder_empty();
    if (geteuid() == 0)
        return; /* root ignores modes */
    struct error mode = {0};
    assert_int_equal(chmod(folder, 0500), 0);
    assert_int_equal(draw_bar(folder_path("b"), &mode), DAE_IO);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(folder_count(), 0);
}

static void second_file_failing_discards_the_first(void **state)
{
    (void)state;
    struct error err = {0};
    /* A folder in place of the SVG, which therefore cannot be written. */
    assert_int_equal(mkdir(folder_path("b.svg"), 0700), 0);
    assert_int_equal(draw_bar(folder_path("b"), &err), DAE_IO);
    assert_int_equal(folder_count(), 1);
}

static void impossible_counts_are_our_bug(void **state)
{
    (void)state;
    const float image[1] = {0};
    const char *const names[] = {"a"};
    const double value[] = {1};
    const struct figure_tile_row row = {NULL, image, NULL};
    const struct figure_bar bar = {"one", 1, 0, 0};
    struct error err[8] = {{0}};
    const char *stem = folder_path("x");
    assert_int_equal(figure_draw_lines(stem, &(struct figure_lines){.n_series = 0}, &err[0]), DAE_BUG);
    assert_int_equal(figure_draw_lines(stem, &(struct figure_lines){.n_series = 9}, &err[1]), DAE_BUG);
    assert_int_equal(figure_draw_tiles(stem, &(struct figure_tiles){NULL, 1, 1, 1, 1, 2, &row}, &err[2]), DAE_BUG);
    assert_int_equal(figure_draw_filters(stem, &(struct figure_filters){NULL, 100, 1, 1, 1, image}, &err[3]), DAE_BUG);
    assert_int_equal(
        figure_draw_heat_map(stem, &(struct figure_heat_map){NULL, NULL, NULL, 1, 1, names, names, value, 0}, &err[4]),
        DAE_BUG);
    assert_int_equal(figure_draw_bars(stem, &(struct figure_bars){NULL, NULL, 65, &bar, 3}, &err[5]), DAE_BUG);
    assert_int_equal(figure_draw_scatter(stem, &(struct figure_scatter){.n_points = 0}, &err[6]), DAE_BUG);
    assert_int_equal(figure_draw_field(stem, &(struct figure_field){.n_arrows = 0}, &err[7]), DAE_BUG);
    assert_int_equal(folder_count(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(lines_of_every_number),
        TEST(lines_with_gaps),
        TEST(tiles_of_every_shape),
        TEST(tiles_are_sharp_and_upright),
        TEST(maps_share_one_scale),
        TEST(filters_are_symmetric_about_zero),
        TEST(heat_map_prints_its_values),
        TEST(bars_print_their_values),
        TEST(scatter_is_true_to_scale),
        TEST(scatter_numbers_its_classes),
        TEST(field_of_arrows),
        TEST(hostile_text_is_only_text),
        TEST(missing_gnuplot_is_named),
        TEST(failing_gnuplot_leaves_the_old_figure),
        TEST(unwritable_folder_leaves_nothing),
        TEST(second_file_failing_discards_the_first),
        TEST(impossible_counts_are_our_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
