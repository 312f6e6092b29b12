#include "report/figure.h"

#include <math.h>

#include "base/text.h"
#include "report/gnuplot.h"
#include "report/style.h"

/* Okabe and Ito's palette (2008), distinguishable with any colour vision; Tol's wine and a grey replace its yellow,
 * which is too pale on white. */
static const char *const palette[FIGURE_MAX_SERIES] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                       "#56B4E9", "#E69F00", "#882255", "#666666"};
static const int point_types[FIGURE_MAX_SERIES] = {7, 5, 9, 13, 11, 6, 4, 8};

static void add_style(struct text *script)
{
    text_add(script, "set border 3 lw 1 lc rgb '#8c959f'\nset tics nomirror out scale 0.6\n"
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
    if (series->expected)
        text_printf(script, " with lines lw 2 dt 2 lc rgb '%s' title ", palette[s]);
    else if (bars)
        text_printf(script, " with yerrorlines lw 2 lc rgb '%s' pt %d ps 0.7 title ", palette[s], point_types[s]);
    else
        text_printf(script, " with linespoints lw 2 lc rgb '%s' pt %d ps 0.7 pi %zu title ", palette[s], point_types[s],
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

static void add_axes(struct text *script, const struct figure_lines *lines, double height, double legend_height)
{
    const double below = 68 + legend_height;
    text_printf(script,
                "set lmargin at screen %.6f\nset rmargin at screen %.6f\nset tmargin at screen %.6f\n"
                "set bmargin at screen %.6f\nset format x '%%g'\nset format y '%%g'\n",
                92.0 / STYLE_PAGE, 1 - 24.0 / STYLE_PAGE, 1 - style_title_height(lines->title) / height,
                below / height);
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

static void lines_script(struct text *script, const struct figure_lines *lines, double height, double legend_height)
{
    struct style_range x, y;
    size_t n = measure(lines, &x, &y);
    if (n == 0) {
        x = (struct style_range){0, 1};
        y = (struct style_range){0.1, 1};
        text_add(script, "set label 'no finite values to show' at graph 0.5,0.5 center tc rgb '" STYLE_INK "'\n");
    }
    add_style(script);
    style_add_title(script, lines->title, STYLE_PAGE, height);
    add_axes(script, lines, height, legend_height);
    if (counts_few(lines, x))
        text_add(script, "set xtics 1\n");
    x = x.high > x.low ? style_padded(x, 0.01) : (struct style_range){x.low - 0.5, x.high + 0.5};
    if (lines->log_y && y.high > 2 * y.low) {
        y = (struct style_range){y.low / 1.15, y.high * 1.15};
        add_log_ticks(script, y);
    } else {
        y = style_padded(y, 0.04);
    }
    text_printf(script, "set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n", x.low, x.high, y.low, y.high);
    for (size_t s = 0; s < lines->n_series; ++s)
        add_series_data(script, lines, s);
    text_add(script, "plot ");
    for (size_t s = 0; s < lines->n_series; ++s) {
        add_series_plot(script, lines, s);
        text_add(script, ", \\\n");
    }
    text_add(script, "1/0 notitle\n"); /* gnuplot draws nothing for key entries only */
}

enum dae_status figure_draw_lines(const char *stem, const struct figure_lines *lines, struct error *err)
{
    if (lines->n_series == 0 || lines->n_series > FIGURE_MAX_SERIES)
        return error_set(err, DAE_BUG, "%s: a line chart of %zu curves", stem, lines->n_series);
    size_t columns = legend_columns(lines), rows = (lines->n_series + columns - 1) / columns;
    int legend_height = lines->n_series > 1 ? 22 * (int)rows + 6 : 0, height = 436 + legend_height;
    struct text script = {0};
    lines_script(&script, lines, height, legend_height);
    enum dae_status status = gnuplot_save(stem, STYLE_PAGE, height, false, &script, err);
    text_release(&script);
    return status;
}

static void bars_script(struct text *script, const struct figure_bars *bars, double left, double bottom, double height)
{
    char buffer[40];
    struct style_range range = {0, 0};
    double printed = 0;
    for (size_t i = 0; i < bars->n_bars; ++i) {
        printed = style_widest(printed, style_number(bars->bars[i].value, bars->n_digits, buffer, sizeof buffer),
                               GNUPLOT_FONT);
        if (isfinite(bars->bars[i].value))
            range = (struct style_range){fmin(range.low, bars->bars[i].value), fmax(range.high, bars->bars[i].value)};
    }
    if (range.low == range.high)
        range.high = 1;
    /* Room for the printed values to the right of the longest bar. */
    double pixels = STYLE_PAGE - left - 24;
    double high = range.low + (range.high - range.low) * pixels / (pixels - printed - 14);
    double unit = (high - range.low) / pixels;
    add_style(script);
    style_add_title(script, bars->title, STYLE_PAGE, height);
    text_printf(script,
                "set border 1\nunset ytics\nunset key\nset grid noytics\nset xrange [%.17g:%.17g]\n"
                "set yrange [%zu:0]\n",
                range.low, high, bars->n_bars);
    text_printf(script,
                "set lmargin at screen %.6f\nset rmargin at screen %.6f\nset tmargin at screen %.6f\n"
                "set bmargin at screen %.6f\n",
                left / STYLE_PAGE, 1 - 24.0 / STYLE_PAGE, 1 - style_title_height(bars->title) / height,
                bottom / height);
    if (bars->x_label) {
        text_add(script, "set label ");
        gnuplot_quote(script, bars->x_label, GNUPLOT_FONT, STYLE_PAGE - left);
        text_printf(script, " at graph 0.5, screen %.6f center tc rgb '" STYLE_INK "'\n", 16 / height);
    }
    for (size_t i = 0; i < bars->n_bars; ++i) {
        double value = isfinite(bars->bars[i].value) ? bars->bars[i].value : 0, y = (double)i + 0.5;
        text_printf(script,
                    "set object rectangle from first %.17g,%.2f to first %.17g,%.2f fc rgb '%s' fs solid "
                    "noborder\n",
                    fmin(value, 0), y - 0.32, fmax(value, 0), y + 0.32, bars->bars[i].marked ? palette[1] : "#7a9cc0");
        text_add(script, "set label ");
        gnuplot_quote(script, bars->bars[i].name, GNUPLOT_FONT, left - 12 - STYLE_EDGE);
        text_printf(script,
                    " at screen %.6f, first %.2f right tc rgb '" STYLE_INK "'\nset label '%s' at first %.17g,%.2f "
                    "left front tc rgb '" STYLE_INK "'\n",
                    (left - 12) / STYLE_PAGE, y,
                    style_number(bars->bars[i].value, bars->n_digits, buffer, sizeof buffer), fmax(value, 0) + 7 * unit,
                    y);
    }
    text_add(script, "plot 1/0 notitle\n");
}

enum dae_status figure_draw_bars(const char *stem, const struct figure_bars *bars, struct error *err)
{
    if (bars->n_bars == 0 || bars->n_bars > FIGURE_MAX_ROWS || !style_good_digits(bars->n_digits))
        return error_set(err, DAE_BUG, "%s: %zu bars, %d digits", stem, bars->n_bars, bars->n_digits);
    double name = 0, bottom = bars->x_label ? 62 : 38;
    for (size_t i = 0; i < bars->n_bars; ++i)
        name = fmin(style_widest(name, bars->bars[i].name, GNUPLOT_FONT), 300);
    double height = style_title_height(bars->title) + 34 * (double)bars->n_bars + bottom;
    struct text script = {0};
    bars_script(&script, bars, STYLE_EDGE + name + 12, bottom, height);
    enum dae_status status = gnuplot_save(stem, STYLE_PAGE, (int)height, false, &script, err);
    text_release(&script);
    return status;
}
