#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "report/colours.h"
#include "report/figure.h"
#include "report/gnuplot.h"
#include "report/style.h"

/* The axes, in pixels, and their ranges: one unit has the same length on both. */
struct plane {
    double left, top, width, height; /* of the plot */
    double page_width, page_height;
    struct style_range x, y;
};

enum { PLOT = 640, LEFT = 84, BELOW = 64, LEGEND = 92 };

enum { ENOUGH_TO_COVER = 20 }; /* a class with this many points may be partly hidden by its number */

static bool finite_row(const float *row, int n)
{
    for (int i = 0; i < n; ++i)
        if (!isfinite(row[i]))
            return false;
    return true;
}

static void cover(struct plane *plane, double x, double y)
{
    plane->x = (struct style_range){fmin(plane->x.low, x), fmax(plane->x.high, x)};
    plane->y = (struct style_range){fmin(plane->y.low, y), fmax(plane->y.high, y)};
}

static struct style_range widened(struct style_range range, double length)
{
    double middle = (range.low + range.high) / 2;
    return (struct style_range){middle - length / 2, middle + length / 2};
}

/* Sets the size of the plot after everything was covered: PLOT pixels wide, and between half and all of that high. */
static void plane_settle(struct plane *plane, const char *title)
{
    if (!(plane->x.low <= plane->x.high))
        plane->x = plane->y = (struct style_range){-1, 1};
    plane->x = style_padded(plane->x, 0.03);
    plane->y = style_padded(plane->y, 0.03);
    const double wide = plane->x.high - plane->x.low, high = plane->y.high - plane->y.low;
    const double share = fmin(fmax(high / wide, 0.55), 0.95);
    plane->x = widened(plane->x, fmax(wide, high / share));
    plane->y = widened(plane->y, fmax(high, wide * share));
    plane->left = LEFT;
    plane->top = style_title_height(title);
    plane->width = PLOT;
    plane->height = round(PLOT * share);
    plane->page_width = LEFT + PLOT + LEGEND;
    plane->page_height = plane->top + plane->height + BELOW;
}

static void add_plane(struct text *script, const struct plane *plane, const char *title, const char *x_label,
                      const char *y_label)
{
    style_add_title(script, title, plane->page_width, plane->page_height);
    text_printf(script,
                "set border 3 lw 1 lc rgb '" STYLE_AXIS "'\nset tics nomirror out scale 0.6\n"
                "set xtics textcolor rgb '" STYLE_INK "'\nset ytics textcolor rgb '" STYLE_INK "'\n"
                "set grid lt 1 lw 0.7 lc rgb '" STYLE_FAINT "' dt solid\nset grid back\n"
                "set format x '%%g'\nset format y '%%g'\nunset key\n"
                "set lmargin at screen %.6f\nset rmargin at screen %.6f\nset tmargin at screen %.6f\n"
                "set bmargin at screen %.6f\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n",
                plane->left / plane->page_width, (plane->left + plane->width) / plane->page_width,
                1 - plane->top / plane->page_height, BELOW / plane->page_height, plane->x.low, plane->x.high,
                plane->y.low, plane->y.high);
    if (x_label) {
        text_add(script, "set label ");
        gnuplot_quote(script, x_label, GNUPLOT_FONT, plane->width);
        text_printf(script, " at graph 0.5, screen %.6f center tc rgb '" STYLE_INK "'\n", 14 / plane->page_height);
    }
    if (y_label) {
        text_add(script, "set label ");
        gnuplot_quote(script, y_label, GNUPLOT_FONT, plane->height);
        text_printf(script, " at screen %.6f, graph 0.5 center rotate by 90 tc rgb '" STYLE_INK "'\n",
                    18 / plane->page_width);
    }
}

static void add_nothing_to_show(struct text *script)
{
    text_add(script, "set label 'no finite values to show' at graph 0.5,0.5 center tc rgb '" STYLE_INK "'\n"
                     "plot 1/0 notitle\n");
}

/* The size of points falls with their number: 1 for few, 0.35 for ten thousand. */
static double point_size(size_t n)
{
    return fmax(fmin(4.5 / pow((double)n + 1, 0.28), 1), 0.35);
}

static enum dae_status save(const char *stem, const struct plane *plane, struct text *script, struct error *err)
{
    enum dae_status status =
        gnuplot_save(stem, (int)plane->page_width, (int)plane->page_height, false, script, NULL, err);
    text_release(script);
    return status;
}

/* ---- Points. ----------------------------------------------------------------------------------------------------- */

static int class_of(const struct figure_scatter *scatter, size_t i)
{
    return scatter->labels[i] < FIGURE_MAX_CLASSES ? scatter->labels[i] : FIGURE_MAX_CLASSES;
}

static int by_value(const void *a, const void *b)
{
    float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

/* The median of coordinate j of a class, which outliers affect less than the mean. */
static double class_median(const struct figure_scatter *scatter, int class, int j, float *room, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < scatter->n_points; ++i)
        if (class_of(scatter, i) == class && finite_row(scatter->points + 2 * i, 2))
            room[(*n)++] = scatter->points[2 * i + (size_t)j];
    if (*n == 0)
        return NAN;
    qsort(room, *n, sizeof *room, by_value);
    return (double)room[*n / 2];
}

/* A class's number on a white disc; in pixels from the plot's upper left corner. */
struct disc {
    int class;
    double x, y;
};

enum { DISC_RADIUS = 12, DISC_APART = 2 * DISC_RADIUS + 3 };

/* Moves discs that would hide each other's number apart, each by half. */
static void separate(struct disc *disc, int n)
{
    bool moved = true;
    for (int round = 0; moved && round < 200; ++round) {
        moved = false;
        for (int i = 0; i < n; ++i)
            for (int j = 0; j < i; ++j) {
                double dx = disc[i].x - disc[j].x, dy = disc[i].y - disc[j].y, apart = hypot(dx, dy);
                if (apart >= DISC_APART - 0.01)
                    continue;
                if (apart < 0.01) { /* at the same place: any direction is fine */
                    dx = apart = 0.01;
                    dy = 0;
                }
                const double push = (DISC_APART - apart) / 2 / apart;
                disc[i].x += push * dx;
                disc[i].y += push * dy;
                disc[j].x -= push * dx;
                disc[j].y -= push * dy;
                moved = true;
            }
    }
}

static void add_discs(struct text *script, const struct plane *plane, const struct disc *disc, int n)
{
    for (int i = 0; i < n; ++i)
        text_printf(script,
                    "set object circle at graph %.6f,%.6f size screen %.6f front fc rgb 'white' fs solid border lc rgb "
                    "'%s' lw 2\nset label '%d' at graph %.6f,%.6f center front font ',%d' tc rgb '" STYLE_INK_ON_LIGHT
                    "'\n",
                    disc[i].x / plane->width, 1 - disc[i].y / plane->height, DISC_RADIUS / plane->page_width,
                    colour_of_class(disc[i].class), disc[i].class, disc[i].x / plane->width,
                    1 - disc[i].y / plane->height, GNUPLOT_FONT);
}

/* The legend, right of the plot, and the classes' numbers. */
static void add_classes(struct text *script, const struct figure_scatter *scatter, const struct plane *plane,
                        float *room)
{
    const double left = plane->left + plane->width + 22;
    struct disc disc[FIGURE_MAX_CLASSES];
    int n_discs = 0;
    double y = plane->top + 12;
    size_t n;
    for (int class = 0; class <= FIGURE_MAX_CLASSES; ++class) {
        const bool other = class == FIGURE_MAX_CLASSES;
        const double x_median = class_median(scatter, class, 0, room, &n);
        if (n == 0)
            continue;
        if (n >= ENOUGH_TO_COVER && !other) {
            const double y_median = class_median(scatter, class, 1, room, &n);
            disc[n_discs++] =
                (struct disc){class, plane->width * (x_median - plane->x.low) / (plane->x.high - plane->x.low),
                              plane->height * (plane->y.high - y_median) / (plane->y.high - plane->y.low)};
        }
        text_printf(script,
                    "set label '' at screen %.6f,%.6f point pt 7 ps point_scale*1.1 lc rgb '%s'\n"
                    "set label '%.*s%.*d' at screen %.6f,%.6f left tc rgb '" STYLE_INK "'\n",
                    left / plane->page_width, 1 - y / plane->page_height, colour_of_class(class), other ? 5 : 0,
                    "other", other ? 0 : 1, other ? 0 : class, (left + 16) / plane->page_width,
                    1 - (y + 1) / plane->page_height);
        y += 24;
    }
    separate(disc, n_discs);
    add_discs(script, plane, disc, n_discs);
}

static enum dae_status scatter_script(struct text *script, const struct figure_scatter *scatter, struct plane *plane,
                                      struct error *err)
{
    size_t n = 0;
    *plane = (struct plane){.x = {INFINITY, -INFINITY}, .y = {INFINITY, -INFINITY}};
    for (size_t i = 0; i < scatter->n_points; ++i)
        if (finite_row(scatter->points + 2 * i, 2)) {
            cover(plane, scatter->points[2 * i], scatter->points[2 * i + 1]);
            ++n;
        }
    for (size_t i = 0; i < scatter->n_frame; ++i)
        if (finite_row(scatter->frame + 2 * i, 2))
            cover(plane, scatter->frame[2 * i], scatter->frame[2 * i + 1]);
    plane_settle(plane, scatter->title);
    if (!scatter->labels)
        plane->page_width -= LEGEND - 24;
    add_plane(script, plane, scatter->title, scatter->x_label, scatter->y_label);
    if (n == 0) {
        add_nothing_to_show(script);
        return DAE_OK;
    }
    if (scatter->labels) {
        float *room = calloc(scatter->n_points, sizeof *room);
        if (!room)
            return error_no_memory(err, "scatter plot", scatter->n_points * sizeof *room);
        add_classes(script, scatter, plane, room);
        free(room);
    }
    /* In the order of the data, because in the order of classes the last class would hide the first. */
    text_add(script, "$points << end_of_points\n");
    for (size_t i = 0; i < scatter->n_points; ++i)
        if (finite_row(scatter->points + 2 * i, 2))
            text_printf(script, "%.6g %.6g 0x%s\n", (double)scatter->points[2 * i], (double)scatter->points[2 * i + 1],
                        (scatter->labels ? colour_of_class(class_of(scatter, i)) : colour_of_series(0)) + 1);
    text_printf(script,
                "end_of_points\nplot $points using 1:2:(int($3)) with points pt 7 ps point_scale*%.3f lc rgb variable "
                "notitle\n",
                point_size(n));
    return DAE_OK;
}

enum dae_status figure_draw_scatter(const char *stem, const struct figure_scatter *scatter, struct error *err)
{
    if (scatter->n_points == 0)
        return error_set(err, DAE_BUG, "%s: a scatter plot of no points", stem);
    struct text script = {0};
    struct plane plane;
    enum dae_status status = scatter_script(&script, scatter, &plane, err);
    if (status == DAE_OK)
        return save(stem, &plane, &script, err);
    text_release(&script);
    return status;
}

/* ---- Arrows. ----------------------------------------------------------------------------------------------------- */

struct lengths {
    size_t n;
    double longest;
    double factor; /* by which all are scaled */
};

/* Nine of ten arrows should be no longer than the distance between arrows. */
static enum dae_status measure_arrows(const struct figure_field *field, struct lengths *lengths, struct error *err)
{
    struct plane starts = {.x = {INFINITY, -INFINITY}, .y = {INFINITY, -INFINITY}};
    float *length = calloc(field->n_arrows, sizeof *length);
    if (!length)
        return error_no_memory(err, "field of arrows", field->n_arrows * sizeof *length);
    lengths->factor = 1;
    for (size_t i = 0; i < field->n_arrows; ++i) {
        const float *arrow = field->arrows + 4 * i;
        if (!finite_row(arrow, 4))
            continue;
        length[lengths->n++] = hypotf(arrow[2], arrow[3]);
        cover(&starts, arrow[0], arrow[1]);
    }
    if (lengths->n > 0) {
        qsort(length, lengths->n, sizeof *length, by_value);
        lengths->longest = (double)length[lengths->n - 1];
        const double most = (double)length[(lengths->n - 1) * 9 / 10];
        const double apart = sqrt((starts.x.high - starts.x.low) * (starts.y.high - starts.y.low) / (double)lengths->n);
        if (apart > 0 && most > 1.05 * apart)
            lengths->factor = apart / most;
    }
    free(length);
    return DAE_OK;
}

static void add_length_bar(struct text *script, const struct lengths *lengths, const struct plane *plane)
{
    const double longest = lengths->longest > 0 ? lengths->longest : 1;
    text_printf(script,
                "set palette defined (0 '#9ecae1', 0.35 '#4292c6', 0.7 '#08519c', 1 '#08306b')\nset cbrange [0:%.9g]\n"
                "set colorbox vertical user origin %.6f,%.6f size %.6f,%.6f noborder\n"
                "set cbtics scale 0 format '%%.2g' textcolor rgb '" STYLE_INK "'\n"
                "set label 'length' at screen %.6f,%.6f left tc rgb '" STYLE_INK "'\n",
                longest, (plane->left + plane->width + 20) / plane->page_width,
                1 - (plane->top + 220) / plane->page_height, 14 / plane->page_width, 190 / plane->page_height,
                (plane->left + plane->width + 20) / plane->page_width, 1 - (plane->top + 14) / plane->page_height);
    if (lengths->factor < 1)
        text_printf(
            script,
            "set label 'arrows drawn at %.2g of their length' at screen %.6f,%.6f right font ',%d' tc rgb '" STYLE_INK
            "'\n",
            lengths->factor, (plane->page_width - STYLE_EDGE) / plane->page_width, 14 / plane->page_height,
            GNUPLOT_SMALL_FONT);
}

static void add_field_data(struct text *script, const struct figure_field *field, double factor)
{
    text_add(script, "$points << end_of_points\n");
    for (size_t i = 0; i < field->n_points; ++i)
        if (finite_row(field->points + 2 * i, 2))
            text_printf(script, "%.6g %.6g\n", (double)field->points[2 * i], (double)field->points[2 * i + 1]);
    text_add(script, "end_of_points\n$arrows << end_of_arrows\n");
    for (size_t i = 0; i < field->n_arrows; ++i) {
        const float *arrow = field->arrows + 4 * i;
        if (finite_row(arrow, 4))
            text_printf(script, "%.6g %.6g %.6g %.6g %.6g\n", (double)arrow[0], (double)arrow[1],
                        factor * (double)arrow[2], factor * (double)arrow[3],
                        hypot((double)arrow[2], (double)arrow[3]));
    }
    text_add(script, "end_of_arrows\n");
}

enum dae_status figure_draw_field(const char *stem, const struct figure_field *field, struct error *err)
{
    if (field->n_arrows == 0)
        return error_set(err, DAE_BUG, "%s: a field of no arrows", stem);
    struct lengths lengths = {0};
    TRY(measure_arrows(field, &lengths, err));
    struct plane plane = {.x = {INFINITY, -INFINITY}, .y = {INFINITY, -INFINITY}};
    size_t n_points = 0;
    for (size_t i = 0; i < field->n_arrows; ++i)
        if (finite_row(field->arrows + 4 * i, 4)) {
            const float *arrow = field->arrows + 4 * i;
            cover(&plane, arrow[0], arrow[1]);
            cover(&plane, (double)arrow[0] + lengths.factor * (double)arrow[2],
                  (double)arrow[1] + lengths.factor * (double)arrow[3]);
        }
    for (size_t i = 0; i < field->n_points; ++i)
        if (finite_row(field->points + 2 * i, 2)) {
            cover(&plane, field->points[2 * i], field->points[2 * i + 1]);
            ++n_points;
        }
    plane_settle(&plane, field->title);
    struct text script = {0};
    add_plane(&script, &plane, field->title, field->x_label, field->y_label);
    if (lengths.n == 0) {
        add_nothing_to_show(&script);
        return save(stem, &plane, &script, err);
    }
    /* The shortest arrows are pale and the longest dark: one ground for both schemes. */
    text_add(&script, "set object rectangle from graph 0,0 to graph 1,1 behind fc rgb '#fdfdfd' fs solid noborder\n"
                      "set grid lt 1 lw 0.7 lc rgb '#e1e6eb' dt solid\n");
    add_length_bar(&script, &lengths, &plane);
    add_field_data(&script, field, lengths.factor);
    text_add(&script, "plot ");
    if (n_points > 0)
        text_printf(&script, "$points using 1:2 with points pt 7 ps point_scale*%.3f lc rgb '%s' notitle, ",
                    0.8 * point_size(n_points), colour_of_series(5));
    text_add(&script,
             "$arrows using 1:2:3:4:5 with vectors head filled size graph 0.011,22,60 lw 1.3 lc palette notitle\n");
    return save(stem, &plane, &script, err);
}
