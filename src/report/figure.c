#include "report/figure.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "report/colours.h"
#include "report/gnuplot.h"
#include "report/hover.h"
#include "report/style.h"

static const int point_types[FIGURE_MAX_SERIES] = {7, 5, 9, 13, 11, 6, 4, 8};

static size_t colour_index(const struct figure_lines *lines, size_t s)
{
    return lines->series[s].colour > 0 ? (size_t)lines->series[s].colour - 1 : s;
}

static void add_style(struct text *script)
{
    text_add(script, "set border 3 lw 1 lc rgb '" STYLE_AXIS "'\nset tics nomirror out scale 0.6\n"
                     "set xtics textcolor rgb '" STYLE_INK "'\nset ytics textcolor rgb '" STYLE_INK "'\n"
                     "set grid lt 1 lw 0.7 lc rgb '" STYLE_FAINT "' dt solid\nset grid back\n");
}

static bool plottable(const struct figure_lines *lines, size_t series, size_t point)
{
    double x = lines->series[series].x[point], y = lines->series[series].y[point];
    return isfinite(x) && isfinite(y) && (!lines->log_y || y > 0);
}

static double margin_of(const struct figure_series *series, size_t point)
{
    return series->margin && isfinite(series->margin[point]) ? series->margin[point] : 0;
}

static size_t measure(const struct figure_lines *lines, struct style_range *x, struct style_range *y)
{
    size_t n = 0;
    *x = *y = (struct style_range){INFINITY, -INFINITY};
    for (size_t s = 0; s < lines->n_series; ++s)
        for (size_t i = 0; i < lines->series[s].n_points; ++i) {
            if (!plottable(lines, s, i))
                continue;
            ++n;
            x->low = fmin(x->low, lines->series[s].x[i]);
            x->high = fmax(x->high, lines->series[s].x[i]);
            const double margin = margin_of(&lines->series[s], i), low = lines->series[s].y[i] - margin;
            y->low = fmin(y->low, lines->log_y && low <= 0 ? lines->series[s].y[i] : low);
            y->high = fmax(y->high, lines->series[s].y[i] + margin);
        }
    return n;
}

/* Over a few whole numbers, such as epochs, gnuplot would label halves. */
static bool counts_few(const struct figure_lines *lines, struct style_range x)
{
    for (size_t s = 0; s < lines->n_series; ++s)
        for (size_t i = 0; i < lines->series[s].n_points; ++i)
            if (plottable(lines, s, i) && floor(lines->series[s].x[i]) != lines->series[s].x[i])
                return false;
    return x.high - x.low <= 10;
}

/* Below two decades gnuplot would label one or two ticks; 1, 2 and 5 of each decade are easier to read. */
static void add_log_ticks(struct text *script, struct style_range y)
{
    text_add(script, "set logscale y\n");
    if (log10(y.high / y.low) > 2.5)
        return;
    static const char digits[] = "125";
    const char *comma = "";
    text_add(script, "set ytics (");
    for (int decade = (int)floor(log10(y.low)); decade <= (int)ceil(log10(y.high)); ++decade)
        for (int i = 0; i < 3; ++i) {
            text_printf(script, "%s%ce%d", comma, digits[i], decade);
            comma = ",";
        }
    text_add(script, ")\n");
}

static void add_series_data(struct text *script, const struct figure_lines *lines, size_t s)
{
    bool gap = true; /* two blank lines would start another data set */
    text_printf(script, "$series%zu << end_of_series\n", s);
    for (size_t i = 0; i < lines->series[s].n_points; ++i) {
        bool here = plottable(lines, s, i);
        if (here)
            text_printf(script, "%.9g %.9g %.9g\n", lines->series[s].x[i], lines->series[s].y[i],
                        margin_of(&lines->series[s], i));
        else if (!gap)
            text_add(script, "\n");
        gap = !here;
    }
    text_add(script, "end_of_series\n");
}

static void add_series_plot(struct text *script, const struct figure_lines *lines, size_t s)
{
    const struct figure_series *series = &lines->series[s];
    bool any = false;
    for (size_t i = 0; i < series->n_points && !any; ++i)
        any = plottable(lines, s, i);
    const bool bars = any && series->margin;
    if (any)
        text_printf(script, "$series%zu using 1:2%s", s, bars ? ":3" : "");
    else
        text_add(script, "keyentry");
    const size_t c = colour_index(lines, s);
    const char *colour = colour_of_series(c);
    if (series->dashed)
        text_printf(script, " with lines lw 2 dt 2 lc rgb '%s' title ", colour);
    else if (bars)
        text_printf(script, " with yerrorlines lw 2 lc rgb '%s' pt %d ps 0.7 title ", colour, point_types[c]);
    else
        text_printf(script, " with linespoints lw 2 lc rgb '%s' pt %d ps 0.7 pi %zu title ", colour, point_types[c],
                    series->n_points / 12 + 1);
    gnuplot_quote(script, lines->series[s].name, GNUPLOT_FONT, STYLE_PAGE / 2.0);
}

/* The legend below the chart: as many columns as the longest name allows. */
static size_t legend_columns(const struct figure_lines *lines)
{
    double name = 0;
    for (size_t s = 0; s < lines->n_series; ++s)
        name = style_widest(name, lines->series[s].name, GNUPLOT_FONT);
    size_t fitting = (size_t)fmax((STYLE_PAGE - 2 * STYLE_EDGE) / (fmin(name, STYLE_PAGE / 2.0) + 64), 1);
    size_t rows = (lines->n_series + fitting - 1) / fitting;
    return (lines->n_series + rows - 1) / rows;
}

/* The plot in a line chart, in pixels. */
enum { PLOT_LEFT = 92, PLOT_RIGHT = STYLE_PAGE - 24, PLOT_BELOW = 68 };

static void add_axes(struct text *script, const struct figure_lines *lines, double height, double legend_height)
{
    const double below = PLOT_BELOW + legend_height;
    text_printf(script,
                "set lmargin at screen %.6f\nset rmargin at screen %.6f\nset tmargin at screen %.6f\n"
                "set bmargin at screen %.6f\nset format x '%%g'\nset format y '%%g'\n",
                (double)PLOT_LEFT / STYLE_PAGE, (double)PLOT_RIGHT / STYLE_PAGE,
                1 - style_title_height(lines->title) / height, below / height);
    if (lines->n_series > 1)
        text_printf(
            script,
            "set key at screen 0.5, screen %.6f top center horizontal reverse Left samplen 2.5 spacing key_spacing "
            "maxcols %zu tc rgb '" STYLE_INK "'\n",
            (legend_height + 6) / height, legend_columns(lines));
    else
        text_add(script, "unset key\n");
    text_add(script, "set label ");
    gnuplot_quote(script, lines->x_label, GNUPLOT_FONT, STYLE_PAGE - 120);
    text_printf(script, " at graph 0.5, screen %.6f center tc rgb '" STYLE_INK "'\nset ylabel ",
                (legend_height + 20) / height);
    gnuplot_quote(script, lines->y_label, GNUPLOT_FONT, height - below);
    text_add(script, " tc rgb '" STYLE_INK "'\n");
}

/* The axes' ranges; *log if that of y is logarithmic. */
static size_t settle_ranges(const struct figure_lines *lines, struct style_range *x, struct style_range *y, bool *log)
{
    const size_t n = measure(lines, x, y);
    if (n == 0) {
        *x = (struct style_range){0, 1};
        *y = (struct style_range){0.1, 1};
    }
    *x = x->high > x->low ? style_padded(*x, 0.01) : (struct style_range){x->low - 0.5, x->high + 0.5};
    *log = lines->log_y && y->high > 2 * y->low;
    *y = *log ? (struct style_range){y->low / 1.15, y->high * 1.15} : style_padded(*y, 0.04);
    return n;
}

/* The part of the marked range that is on the axis: a line, or a band with two edges. */
static void add_mark(struct text *script, const struct figure_lines *lines, struct style_range x)
{
    if (!lines->marked || !(lines->marked[0] <= x.high && lines->marked[1] >= x.low))
        return;
    const double end[2] = {fmax(lines->marked[0], x.low), fmin(lines->marked[1], x.high)};
    if (end[1] > end[0])
        text_printf(script,
                    "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 behind fc rgb '" STYLE_FAINT
                    "' fs solid 0.5 noborder\n",
                    end[0], end[1]);
    for (int i = 0; i < (end[1] > end[0] ? 2 : 1); ++i)
        text_printf(script,
                    "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead dt 3 lw 1.5 lc rgb '" STYLE_AXIS
                    "'\n",
                    end[i], end[i]);
}

static void lines_script(struct text *script, const struct figure_lines *lines, double height, double legend_height)
{
    struct style_range x, y;
    bool log;
    add_style(script);
    if (settle_ranges(lines, &x, &y, &log) == 0)
        text_add(script, "set label 'no finite values to show' at graph 0.5,0.5 center tc rgb '" STYLE_INK "'\n");
    style_add_title(script, lines->title, STYLE_PAGE, height);
    add_axes(script, lines, height, legend_height);
    if (counts_few(lines, x))
        text_add(script, "set xtics 1\n");
    if (log)
        add_log_ticks(script, y);
    text_printf(script, "set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n", x.low, x.high, y.low, y.high);
    add_mark(script, lines, x);
    for (size_t s = 0; s < lines->n_series; ++s)
        add_series_data(script, lines, s);
    text_add(script, "plot ");
    for (size_t s = 0; s < lines->n_series; ++s) {
        add_series_plot(script, lines, s);
        text_add(script, ", \\\n");
    }
    text_add(script, "1/0 notitle\n"); /* gnuplot draws nothing for key entries only */
}

/* "x 3: 0.0123" or "x 3: 0.0123 ± 0.0004" at each point that is shown, or at every second, third, ... of many. */
static void lines_hover(struct text *hover, const struct figure_lines *lines, double top, double bottom)
{
    struct style_range x, y;
    bool log;
    char value[160];
    settle_ranges(lines, &x, &y, &log);
    for (size_t s = 0; s < lines->n_series; ++s)
        for (size_t i = 0; i < lines->series[s].n_points; i += lines->series[s].n_points / HOVER_MOST + 1) {
            const double at = lines->series[s].x[i], v = lines->series[s].y[i];
            const double margin = margin_of(&lines->series[s], i);
            if (!plottable(lines, s, i))
                continue;
            const double share = log ? log10(v / y.low) / log10(y.high / y.low) : (v - y.low) / (y.high - y.low);
            const int n = snprintf(value, sizeof value, "%.60s %.6g: %.4g", lines->x_label, at, v);
            if (margin > 0)
                snprintf(value + n, sizeof value - (size_t)n, " \u00B1 %.2g", margin);
            hover_add(hover, PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * (at - x.low) / (x.high - x.low),
                      bottom - (bottom - top) * share, lines->series[s].name, value);
        }
}

enum dae_status figure_draw_lines(const char *stem, const struct figure_lines *lines, struct error *err)
{
    if (lines->n_series == 0 || lines->n_series > FIGURE_MAX_SERIES)
        return error_set(err, DAE_BUG, "%s: a line chart of %zu curves", stem, lines->n_series);
    size_t columns = legend_columns(lines), rows = (lines->n_series + columns - 1) / columns;
    int legend_height = lines->n_series > 1 ? 22 * (int)rows + 6 : 0, height = 436 + legend_height;
    struct text script = {0}, hover = {0};
    lines_script(&script, lines, height, legend_height);
    lines_hover(&hover, lines, style_title_height(lines->title), height - PLOT_BELOW - legend_height);
    enum dae_status status = gnuplot_save(stem, STYLE_PAGE, height, false, &script, &hover, err);
    text_release(&script);
    text_release(&hover);
    return status;
}

/* Where bars are, in pixels from the upper left corner. */
struct bar_place {
    double left, top, bottom, height; /* of the plot: its left edge, and what is above and below it; of the figure */
    struct style_range range;         /* of the axis */
};

enum { BAR_PITCH = 34, BAR_EDGE = 24 };

static double bar_margin(const struct figure_bar *bar)
{
    return isfinite(bar->value) && isfinite(bar->margin) && bar->margin > 0 ? bar->margin : 0;
}

static double bar_x(const struct bar_place *place, double value)
{
    return place->left +
           (STYLE_PAGE - place->left - BAR_EDGE) * (value - place->range.low) / (place->range.high - place->range.low);
}

/* The axis has room for the printed values to the right of the longest bar. */
static void settle_bars(const struct figure_bars *bars, struct bar_place *place)
{
    char buffer[40];
    struct style_range range = {0, 0};
    double printed = 0;
    for (size_t i = 0; i < bars->n_bars; ++i) {
        const struct figure_bar *bar = &bars->bars[i];
        printed = style_widest(printed, style_number(bar->value, bars->n_digits, buffer, sizeof buffer), GNUPLOT_FONT);
        if (isfinite(bar->value))
            range = (struct style_range){fmin(range.low, bar->value - bar_margin(bar)),
                                         fmax(range.high, bar->value + bar_margin(bar))};
    }
    if (range.low == range.high)
        range.high = 1;
    const double pixels = STYLE_PAGE - place->left - BAR_EDGE;
    range.high = range.low + (range.high - range.low) * pixels / (pixels - printed - 14);
    place->range = range;
}

static void add_bar(struct text *script, const struct figure_bars *bars, const struct bar_place *place, size_t i)
{
    char buffer[40];
    const struct figure_bar *bar = &bars->bars[i];
    const double value = isfinite(bar->value) ? bar->value : 0, y = (double)i + 0.5, margin = bar_margin(bar);
    const double unit = (place->range.high - place->range.low) / (STYLE_PAGE - place->left - BAR_EDGE);
    text_printf(script,
                "set object rectangle from first %.17g,%.2f to first %.17g,%.2f fc rgb '%s' fs solid noborder\n",
                fmin(value, 0), y - 0.32, fmax(value, 0), y + 0.32,
                bar->colour > 0 ? colour_of_series((size_t)bar->colour - 1) : colours[COLOUR_BAR].light);
    if (margin > 0)
        text_printf(
            script,
            "set arrow from first %.17g,%.2f to first %.17g,%.2f heads size screen 0.004,90 front lw 1.5 lc rgb "
            "'" STYLE_INK "'\n",
            value - margin, y, value + margin, y);
    text_add(script, "set label ");
    gnuplot_quote(script, bar->name, GNUPLOT_FONT, place->left - 12 - STYLE_EDGE);
    text_printf(script,
                " at screen %.6f, first %.2f right tc rgb '" STYLE_INK
                "'\nset label '%s' at first %.17g,%.2f left front "
                "tc rgb '" STYLE_INK "'\n",
                (place->left - 12) / STYLE_PAGE, y, style_number(bar->value, bars->n_digits, buffer, sizeof buffer),
                fmax(value + margin, 0) + 7 * unit, y);
}

static void bars_script(struct text *script, const struct figure_bars *bars, const struct bar_place *place)
{
    const double height = place->height;
    add_style(script);
    style_add_title(script, bars->title, STYLE_PAGE, height);
    text_printf(script,
                "set border 1\nunset ytics\nunset key\nset grid noytics\nset xrange [%.17g:%.17g]\n"
                "set yrange [%zu:0]\n",
                place->range.low, place->range.high, bars->n_bars);
    text_printf(script,
                "set lmargin at screen %.6f\nset rmargin at screen %.6f\nset tmargin at screen %.6f\n"
                "set bmargin at screen %.6f\n",
                place->left / STYLE_PAGE, 1 - (double)BAR_EDGE / STYLE_PAGE, 1 - place->top / height,
                place->bottom / height);
    if (bars->x_label) {
        text_add(script, "set label ");
        gnuplot_quote(script, bars->x_label, GNUPLOT_FONT, STYLE_PAGE - place->left);
        text_printf(script, " at graph 0.5, screen %.6f center tc rgb '" STYLE_INK "'\n", 16 / height);
    }
    for (size_t i = 0; i < bars->n_bars; ++i)
        add_bar(script, bars, place, i);
    text_add(script, "plot 1/0 notitle\n");
}

static void bars_hover(struct text *hover, const struct figure_bars *bars, const struct bar_place *place)
{
    char value[100];
    for (size_t i = 0; i < bars->n_bars; ++i) {
        const struct figure_bar *bar = &bars->bars[i];
        const int n = snprintf(value, sizeof value, "%.6g", bar->value);
        if (bar_margin(bar) > 0)
            snprintf(value + n, sizeof value - (size_t)n, " \u00B1 %.2g", bar_margin(bar));
        hover_add(hover, bar_x(place, isfinite(bar->value) ? bar->value : 0),
                  place->top + BAR_PITCH * ((double)i + 0.5), bar->name, value);
    }
}

enum dae_status figure_draw_bars(const char *stem, const struct figure_bars *bars, struct error *err)
{
    if (bars->n_bars == 0 || bars->n_bars > FIGURE_MAX_ROWS || !style_good_digits(bars->n_digits))
        return error_set(err, DAE_BUG, "%s: %zu bars, %d digits", stem, bars->n_bars, bars->n_digits);
    double name = 0;
    for (size_t i = 0; i < bars->n_bars; ++i)
        name = fmin(style_widest(name, bars->bars[i].name, GNUPLOT_FONT), 300);
    struct bar_place place = {
        .left = STYLE_EDGE + name + 12, .top = style_title_height(bars->title), .bottom = bars->x_label ? 62 : 38};
    place.height = place.top + BAR_PITCH * (double)bars->n_bars + place.bottom;
    settle_bars(bars, &place);
    struct text script = {0}, hover = {0};
    bars_script(&script, bars, &place);
    bars_hover(&hover, bars, &place);
    enum dae_status status = gnuplot_save(stem, STYLE_PAGE, (int)place.height, false, &script, &hover, err);
    text_release(&script);
    text_release(&hover);
    return status;
}
