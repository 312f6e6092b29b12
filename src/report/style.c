#include "report/style.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/gnuplot.h"

enum { TITLE_HEIGHT = 44 };

double style_title_height(const char *title)
{
    return title ? TITLE_HEIGHT : STYLE_EDGE;
}

double style_widest(double so_far, const char *string, double font)
{
    return fmax(so_far, gnuplot_text_width(string, font));
}

void style_add_title(struct text *script, const char *title, double width, double height)
{
    if (!title)
        return;
    text_add(script, "set label ");
    gnuplot_quote(script, title, GNUPLOT_TITLE_FONT, width - 2 * STYLE_EDGE);
    text_printf(script, " at screen %.6f,%.6f left font ',%d' tc rgb '" STYLE_INK "' front\n", STYLE_EDGE / width,
                1 - 22 / height, GNUPLOT_TITLE_FONT);
}

void style_add_plane(struct text *script, double width, double height)
{
    text_printf(script,
                "set lmargin at screen 0\nset rmargin at screen 1\nset bmargin at screen 0\nset tmargin at screen 1\n"
                "set xrange [0:%.0f]\nset yrange [0:%.0f]\nunset border\nunset tics\nunset key\n",
                width, height);
}

void style_add_label(struct text *script, const char *string, double x, double y, double height, const char *align,
                     int font, double max_width, const char *colour)
{
    text_add(script, "set label ");
    gnuplot_quote(script, string, font, max_width);
    text_printf(script, " at first %.2f,%.2f %s font ',%d' tc rgb '%s' front\n", x, height - y, align, font, colour);
}

struct style_range style_padded(struct style_range range, double share)
{
    double pad = range.high > range.low ? share * (range.high - range.low) : fmax(0.05 * fabs(range.high), 1e-300);
    return (struct style_range){range.low - pad, range.high + pad};
}

const char *style_number(double value, int n_digits, char *buffer, size_t size)
{
    if (!isfinite(value))
        snprintf(buffer, size, "%s", isnan(value) ? "not a number" : value > 0 ? "infinite" : "minus infinite");
    else if (fabs(value) >= pow(10, n_digits) && fabs(value) < 1e9)
        snprintf(buffer, size, "%.0f", value);
    else
        snprintf(buffer, size, "%#.*g", n_digits, value);
    size_t len = strlen(buffer);
    if (len > 0 && buffer[len - 1] == '.')
        buffer[len - 1] = '\0';
    return buffer;
}

bool style_good_digits(int n_digits)
{
    return n_digits >= 1 && n_digits <= 9;
}

double style_width(double content, const char *title)
{
    double wanted = fmin(gnuplot_text_width(title, GNUPLOT_TITLE_FONT) + 2 * STYLE_EDGE, STYLE_PAGE);
    return ceil(fmax(fmax(content, STYLE_NARROWEST), wanted));
}
