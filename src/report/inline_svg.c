#include "report/inline_svg.h"

#include <stdio.h>
#include <string.h>

/* The colours that figures draw with, on light and on dark ground; those of report/figure.c and figure_plane.c. */
static const struct {
    int red, green, blue;
    const char *name, *light, *dark;
} colours[] = {
    {0x24, 0x29, 0x2f, "--ink", NULL, NULL}, /* the page's own */
    {0xd8, 0xde, 0xe4, "--line", NULL, NULL},          {0x8c, 0x95, 0x9f, "--axis", "#8c959f", "#768390"},
    {0x7a, 0x9c, 0xc0, "--bar", "#7a9cc0", "#5b7ea3"}, {0x00, 0x72, 0xb2, "--c1", "#0072b2", "#4aa8e8"},
    {0xd5, 0x5e, 0x00, "--c2", "#d55e00", "#ff8a3d"},  {0x00, 0x9e, 0x73, "--c3", "#009e73", "#2cc495"},
    {0xcc, 0x79, 0xa7, "--c4", "#cc79a7", "#e09bc3"},  {0x88, 0x22, 0x55, "--c7", "#882255", "#d977a8"},
    {0x66, 0x66, 0x66, "--c8", "#666666", "#a8a8a8"},  {0x33, 0x22, 0x88, "--k0", "#332288", "#8f83e0"},
    {0x11, 0x77, 0x33, "--k2", "#117733", "#4cba70"},  {0x99, 0x99, 0x33, "--k7", "#999933", "#b9b94d"},
    {0xaa, 0x44, 0x99, "--k8", "#aa4499", "#cf78c2"},
};
enum { N_COLOURS = sizeof colours / sizeof *colours };

/* At 360 pixels of page a chart of 900 scrolls, and its text of 14 pixels is 10 high. */
static const double least_scale = 0.7;

void inline_svg_style(struct text *style)
{
    for (int dark = 0; dark < 2; ++dark) {
        text_add(style, dark ? "@media screen and (prefers-color-scheme:dark){:root{" : ":root{");
        for (int i = 0; i < N_COLOURS; ++i)
            if (colours[i].light)
                text_printf(style, "%s:%s;", colours[i].name, dark ? colours[i].dark : colours[i].light);
        text_add(style, dark ? "}}\n" : "}\n");
    }
}

/* rgb(r, g, b) at `at` as the scheme's colour. Returns the characters read, or 0 if it stays as it is. */
static size_t add_colour(struct text *out, const char *at)
{
    int red, green, blue, len = 0;
    if (sscanf(at, "rgb( %d , %d , %d )%n", &red, &green, &blue, &len) != 3 || len == 0)
        return 0;
    for (int i = 0; i < N_COLOURS; ++i)
        if (red == colours[i].red && green == colours[i].green && blue == colours[i].blue) {
            text_printf(out, "var(%s)", colours[i].name);
            return (size_t)len;
        }
    return 0;
}

/* What is replaced, and what follows the replacement: gnuplot writes an attribute after a blank, so none of these
 * occurs in the base64 text of an image. */
static const struct {
    const char *from, *to;
    bool prefix; /* the prefix follows */
} replacements[] = {
    {" id=\"", " id=\"", true},
    {" id='", " id='", true},
    {"href='#", "href='#", true},
    {"href=\"#", "href=\"#", true},
    {"url(#", "url(#", true},
    {" fill=\"#ffffff\"", " fill=\"none\"", false}, /* the ground of the whole figure */
    {" color=\"black\"", " color=\"var(--ink)\"", false},
};

static size_t add_replaced(struct text *out, const char *at, const char *prefix)
{
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; ++i) {
        const size_t len = strlen(replacements[i].from);
        if (strncmp(at, replacements[i].from, len) == 0) {
            text_add(out, replacements[i].to);
            text_add(out, replacements[i].prefix ? prefix : "");
            return len;
        }
    }
    return strncmp(at, "rgb(", 4) == 0 ? add_colour(out, at) : 0;
}

/* Past an element without attributes that gnuplot writes before the drawing: <title>Gnuplot</title>. */
static const char *skip_element(const char *at, const char *open, const char *close)
{
    at += strspn(at, " \t\r\n");
    const char *end = strncmp(at, open, strlen(open)) == 0 ? strstr(at, close) : NULL;
    return end ? end + strlen(close) : at;
}

bool inline_svg_add(struct text *out, const char *svg, const char *prefix, const char *alt)
{
    const char *open = strstr(svg, "<svg"), *box = open ? strstr(open, "viewBox=\"") : NULL;
    const char *at = open ? strchr(open, '>') : NULL;
    double x, y, width, height;
    if (!at || !box || box > at || sscanf(box, "viewBox=\"%lf %lf %lf %lf\"", &x, &y, &width, &height) != 4)
        return false;
    const char *pixelated = strstr(open, "image-rendering:pixelated"); /* images in it are enlarged pixel by pixel */
    const bool sharp = pixelated && pixelated < at;
    text_printf(out,
                "<svg class=\"plot\" role=\"img\" aria-label=\"%s\" viewBox=\"%g %g %g %g\" "
                "style=\"max-width:%.0fpx;min-width:%.0fpx%s\">",
                alt, x, y, width, height, width, least_scale * width, sharp ? ";image-rendering:pixelated" : "");
    at = skip_element(at + 1, "<title>", "</title>");
    at = skip_element(at, "<desc>", "</desc>");
    for (bool in_tag = false; *at;) { /* texts between tags stay as they are */
        const size_t plain = strcspn(at, in_tag ? " hur>" : "<");
        text_add_bytes(out, at, plain);
        at += plain;
        const size_t replaced = in_tag ? add_replaced(out, at, prefix) : 0;
        in_tag = *at == '<' || (in_tag && *at != '>');
        if (*at && !replaced)
            text_add_bytes(out, at, 1);
        at += replaced ? replaced : *at != '\0';
    }
    return true;
}
