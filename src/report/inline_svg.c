#include "report/inline_svg.h"

#include <stdio.h>
#include <string.h>

#include "report/colours.h"

/* At 360 pixels of page a chart of 900 scrolls, and its text of 14 pixels is 10 high. */
static const double least_scale = 0.7;

void inline_svg_style(struct text *style)
{
    for (int dark = 0; dark < 2; ++dark) {
        text_add(style, dark ? "@media screen and (prefers-color-scheme:dark){:root{" : ":root{");
        for (int i = 0; i < COLOUR_N; ++i)
            if (colours[i].dark)
                text_printf(style, "--f%d:%s;", i, dark ? colours[i].dark : colours[i].light);
        text_add(style, dark ? "}}\n" : "}\n");
    }
}

/* rgb(r, g, b) at `at` as the scheme's colour. Returns the characters read, or 0 if it stays as it is. */
static size_t add_colour(struct text *out, const char *at)
{
    unsigned red, green, blue;
    int len = 0;
    char name[32];
    if (sscanf(at, "rgb( %u , %u , %u )%n", &red, &green, &blue, &len) != 3 || len == 0)
        return 0;
    snprintf(name, sizeof name, "#%02x%02x%02x", red, green, blue);
    for (int i = 0; i < COLOUR_N; ++i)
        if (colours[i].dark && strcmp(colours[i].light, name) == 0) {
            text_printf(out, "var(--f%d)", i);
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
    {" color=\"black\"", " color=\"var(--f0)\"", false},
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

/* Past a group without content, of which gnuplot writes one for each change of colour; NULL if `at` is something else.
 */
static const char *skip_empty_group(const char *at)
{
    static const char open[] = "<g ", close[] = "</g>";
    const char *end = strncmp(at, open, sizeof open - 1) == 0 ? strchr(at, '>') : NULL;
    if (!end)
        return NULL;
    end += 1 + strspn(end + 1, " \t\r\n");
    return strncmp(end, close, sizeof close - 1) == 0 ? end + sizeof close - 1 : NULL;
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
        const char *past = in_tag ? NULL : skip_empty_group(at);
        if (past) {
            at = past;
            continue;
        }
        const size_t replaced = in_tag ? add_replaced(out, at, prefix) : 0;
        in_tag = *at == '<' || (in_tag && *at != '>');
        if (*at && !replaced)
            text_add_bytes(out, at, 1);
        at += replaced ? replaced : *at != '\0';
    }
    return true;
}
