#include "report/html.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "report/escape.h"
#include "report/inline_svg.h"
#include "report/slider_script.h"
#include "report/sort_script.h"

enum { MAX_FIGURE_BYTES = 64 * 1024 * 1024 };

/* Colours are named once and swapped for the dark scheme. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--paper:#fff;--panel:#f6f8fa;--line:#d1d9e0;"
    "--accent:#0b62a8;--own:#e8f1fa;--card:#fff}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa6b2;--paper:#0f141a;--panel:#171d25;"
    "--line:#303944;--accent:#6cb6ff;--own:#14283b;--card:#171d25}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Helvetica Neue',Arial,sans-serif;overflow-wrap:break-word}\n"
    "header,nav,main,footer{max-width:61rem;margin:0 auto;padding:0 1.25rem}\n"
    "header{padding-top:2.5rem}\n"
    "h1{font-size:2rem;line-height:1.2;letter-spacing:-.015em;margin:0}\n"
    "header p{margin:.5rem 0 0;color:var(--soft);font-size:1.1rem}\n"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.35rem 1.25rem;margin:1.25rem 0 0;padding:.7rem 0;"
    "border:solid var(--line);border-width:1px 0;font-size:.95rem}\n"
    "@media screen and (min-width:40rem){nav{position:sticky;top:0;z-index:1;background:var(--paper)}"
    "section{scroll-margin-top:4rem}}\n"
    "a{color:var(--accent);text-decoration:none}\na:hover,a:focus-visible{text-decoration:underline}\n"
    "h2{font-size:1.35rem;line-height:1.3;letter-spacing:-.01em;margin:2.5rem 0 .5rem}\n"
    "section>p{margin:.5rem 0 1rem;max-width:44rem}\n"
    "dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1px;margin:1.25rem 0;"
    "background:var(--panel);border:1px solid var(--line);border-radius:8px;overflow:hidden}\n"
    "dl div{box-shadow:0 0 0 1px var(--line);padding:.6rem .9rem}\n"
    "dt{color:var(--soft);font-size:.82rem}\n"
    "dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}\n"
    ".verdict{border-left:.3rem solid var(--accent);padding:.6rem 1rem;font-size:1.1rem}\n"
    ".findings{border-left:.3rem solid var(--accent);background:var(--panel);border-radius:0 8px 8px 0;margin:1rem "
    "0;padding:.6rem 1rem .6rem 2rem;max-width:52rem}.findings li{margin:.3rem 0}\n"
    ".wide{overflow-x:auto;margin:1.25rem 0}\n"
    "section>.wide{background:linear-gradient(to right,var(--paper) 30%,transparent),linear-gradient(to "
    "left,var(--paper) 30%,transparent) 100% 0,linear-gradient(to right,var(--line),transparent),linear-gradient(to "
    "left,var(--line),transparent) 100% 0;background-repeat:no-repeat;background-size:2rem 100%,2rem 100%,.7rem "
    "100%,.7rem 100%;background-attachment:local,local,scroll,scroll}tbody th{min-width:8rem}\n"
    "table{border-collapse:collapse;width:100%;font-size:.95rem;line-height:1.4}\n"
    ".caption{color:var(--soft);font-size:.9rem;margin:1.25rem 0 -.75rem}\n"
    "th,td{padding:.5rem .8rem;text-align:left;font-weight:400;border-bottom:1px solid var(--line)}\n"
    "thead th{color:var(--soft);font-size:.85rem;font-weight:600;border-bottom:2px solid var(--line);"
    "vertical-align:bottom}\n"
    "thead button{all:unset;cursor:pointer}thead button:focus-visible{outline:2px solid var(--accent)}\n"
    "th[aria-sort=ascending] button::after{content:' \\2191'}th[aria-sort=descending] button::after{content:' "
    "\\2193'}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".own th,.own td{background:var(--own);font-weight:600}\n"
    ".own th:first-child{box-shadow:inset 3px 0 var(--accent)}\n"
    "mark{background:var(--accent);color:var(--paper);font-size:.75rem;font-weight:600;border-radius:99px;"
    "padding:.1rem .55rem;margin-left:.5rem;white-space:nowrap}\n"
    "figure{margin:1.25rem 0;padding:.75rem;background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "text-align:center}\n"
    "img{max-width:100%;height:auto;vertical-align:middle}\n"
    "figure .wide{margin:0}\n.plot{width:100%;height:auto;vertical-align:middle}\n"
    ".stage{position:relative;width:var(--width);max-width:100%;margin:0 auto}.stage img{display:block;width:100%;"
    "image-rendering:pixelated}\n"
    ".stage .over{position:absolute;inset:0;clip-path:inset(0 calc(100% - var(--cut)) 0 0)}"
    ".stage::after{content:'';position:absolute;top:0;bottom:0;left:var(--cut);border-left:2px solid "
    "#fff;mix-blend-mode:difference}\n"
    ".slider label{display:inline-flex;align-items:center;gap:.5rem;margin:.6rem .6rem 0}"
    ".slider:has(:checked) .stage{width:calc(3*var(--width));max-width:none}\n"
    "figcaption{color:var(--soft);font-size:.9rem;line-height:1.45;text-align:left;border-top:1px solid var(--line);"
    "margin-top:.75rem;padding:.6rem .25rem 0}\n"
    "details{margin:1.25rem 0;border:1px solid var(--line);border-radius:8px;background:var(--panel)}\n"
    "summary{cursor:pointer;padding:.6rem .9rem;font-weight:600}\n"
    "pre{margin:0;padding:.9rem;border-top:1px solid var(--line);overflow-x:auto;font:13px/1.5 ui-monospace,"
    "SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;tab-size:4}\n"
    "footer{margin-top:3rem;padding-bottom:2rem;color:var(--soft);font-size:.85rem}\n"
    "@media print{body{font-size:10.5pt}nav{display:none}header{padding-top:0}"
    "figure,table,dl,tr{break-inside:avoid}h2{break-after:avoid}.wide{overflow:visible}.plot{min-width:0!important}."
    "slider label{display:none}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}pre{white-space:pre-wrap}}\n";

static void add_element(struct text *text, const char *open, const char *string, const char *close)
{
    text_add(text, open);
    escape_add(text, string);
    text_add(text, close);
}

/* Studies write plain ASCII, which terminals and CSV files need as well. */
static const struct {
    const char *ascii, *symbol;
} symbols[] = {
    {"sigma", "\xCF\x83"}, {"+-", "\xC2\xB1"}, {"^2", "\xC2\xB2"}, {"^4", "\xE2\x81\xB4"}, {"->", "\xE2\x86\x92"}};

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The symbol for what stands at `at`, whose length goes to *len; NULL if there is none. A letter's name is a whole
 * word. */
static const char *symbol_at(const char *string, const char *at, size_t *len)
{
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; ++i) {
        *len = strlen(symbols[i].ascii);
        const bool is_name = is_word(*symbols[i].ascii);
        if (strncmp(at, symbols[i].ascii, *len) == 0 &&
            !((is_name && at > string && (is_word(at[-1]) || at[-1] == '.')) || (at[0] != '+' && is_word(at[*len]))))
            return symbols[i].symbol;
    }
    return NULL;
}

/* The same for prose, which is ours: sigma^2 becomes a Greek letter and a raised 2. */
static void add_prose(struct text *text, const char *open, const char *string, const char *close)
{
    struct text prose CLEANUP(text_release) = {0};
    text_add(&prose, "");
    for (const char *at = string; at && *at;) {
        size_t len;
        const char *symbol = symbol_at(string, at, &len);
        if (symbol)
            text_add(&prose, symbol);
        else
            text_add_bytes(&prose, at, len = 1);
        at += len;
    }
    text->failed = text->failed || prose.failed;
    add_element(text, open, prose.data, close);
}

void html_begin(struct html *html, const char *title, const char *subtitle)
{
    text_add(&html->head, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                          "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'");
    text_add(&html->head, html->sorts ? "; script-src '" SORT_SCRIPT_HASH "' '" SLIDER_SCRIPT_HASH "'\">\n"
                                      : "; script-src '" SLIDER_SCRIPT_HASH "'\">\n");
    text_add(&html->head, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                          "<meta name=\"color-scheme\" content=\"light dark\">\n");
    add_element(&html->head, "<title>", title, "</title>\n");
    text_add(&html->head, "<style>\n");
    text_add(&html->head, style);
    inline_svg_style(&html->head);
    text_add(&html->head, "</style>\n</head>\n<body>\n<header>\n");
    add_element(&html->head, "<h1>", title, "</h1>\n");
    if (subtitle)
        add_element(&html->head, "<p>", subtitle, "</p>\n");
    text_add(&html->head, "</header>\n");
}

static const char *next_blank_line(const char *at)
{
    while ((at = strchr(at, '\n'))) {
        const char *line = at + 1;
        size_t blanks = strspn(line, " \t\r");
        if (line[blanks] == '\n')
            return at;
        at = line;
    }
    return NULL;
}

static void add_paragraphs(struct text *text, const char *string)
{
    while (*(string += strspn(string, " \t\r\n"))) {
        const char *end = next_blank_line(string);
        size_t len = end ? (size_t)(end - string) : strlen(string);
        struct text part = {0};
        text_add_bytes(&part, string, len);
        if (part.failed)
            text->failed = true;
        add_prose(text, "<p>", part.data, "</p>\n");
        text_release(&part);
        string += len;
    }
}

void html_section(struct html *html, const char *heading, const char *paragraph)
{
    if (html->n_sections++ > 0)
        text_add(&html->body, "</section>\n");
    const char *id = html->id ? html->id : "section";
    text_printf(&html->contents, "<li><a href=\"#%s-%zu\">", id, html->n_sections);
    add_element(&html->contents, "", heading, "</a></li>\n");
    text_printf(&html->body, "<section id=\"%s-%zu\">\n", id, html->n_sections);
    add_element(&html->body, "<h2>", heading, "</h2>\n");
    if (paragraph)
        add_paragraphs(&html->body, paragraph);
}

void html_verdict(struct html *html, const char *statement)
{
    add_element(&html->body, "<p class=\"verdict\">", statement, "</p>\n");
}

void html_findings(struct html *html, size_t n, const char *const *finding)
{
    text_add(&html->body, n > 0 ? "<ul class=\"findings\">\n" : "");
    for (size_t i = 0; i < n; ++i)
        add_prose(&html->body, "<li>", finding[i], "</li>\n");
    text_add(&html->body, n > 0 ? "</ul>\n" : "");
}

void html_facts(struct html *html, size_t n_facts, const struct html_fact *facts)
{
    text_add(&html->body, "<dl>\n");
    for (size_t i = 0; i < n_facts; ++i) {
        add_element(&html->body, "<div><dt>", facts[i].key, "</dt>");
        add_element(&html->body, "<dd>", facts[i].value, "</dd></div>\n");
    }
    text_add(&html->body, "</dl>\n");
}

/* "-1.5", "+3", "12 %", ".5", "~4", U+2212 minus, and the signs of an absent or impossible number. */
static bool starts_like_number(const char *cell)
{
    static const char *const absent[] = {"-", "\xE2\x80\x93", "\xE2\x80\x94", "n/a", "nan", "-nan", "inf", "-inf"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; ++i)
        if (strcmp(cell, absent[i]) == 0)
            return true;
    if (strncmp(cell, "\xE2\x88\x92", 3) == 0)
        cell += 3;
    cell += strspn(cell, "+-~<> ");
    cell += *cell == '.';
    return *cell >= '0' && *cell <= '9';
}

static bool is_numeric(const struct html_table *table, size_t column)
{
    bool any = false;
    for (size_t r = 0; r < table->n_rows && column > 0; ++r) {
        const char *cell = table->cells[r * table->n_columns + column];
        if (cell && *cell && !starts_like_number(cell))
            return false;
        any = any || (cell && *cell);
    }
    return any;
}

static void add_row(struct text *text, const struct html_table *table, size_t row)
{
    bool marked = table->mark && row == table->marked_row;
    text_add(text, marked ? "<tr class=\"own\">" : "<tr>");
    for (size_t c = 0; c < table->n_columns; ++c) {
        const char *cell = table->cells[row * table->n_columns + c];
        text_add(text, c == 0 ? "<th scope=\"row\">" : is_numeric(table, c) ? "<td class=\"n\">" : "<td>");
        escape_add(text, cell);
        if (marked && c == 0)
            add_element(text, " <mark>", table->mark, "</mark>");
        text_add(text, c == 0 ? "</th>" : "</td>");
    }
    text_add(text, "</tr>\n");
}

void html_table(struct html *html, const struct html_table *table)
{
    struct text *text = &html->body;
    /* A table that is too wide scrolls; its caption does not, and the keyboard reaches it. */
    if (table->caption)
        add_prose(text, "<p class=\"caption\">", table->caption, "</p>\n");
    add_element(text, "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"",
                table->caption ? table->caption : "table", "\"><table>\n<thead><tr>");
    for (size_t c = 0; c < table->n_columns; ++c)
        add_prose(text, is_numeric(table, c) ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">",
                  table->header[c], "</th>");
    text_add(text, "</tr></thead>\n<tbody>\n");
    for (size_t r = 0; r < table->n_rows; ++r)
        add_row(text, table, r);
    text_add(text, "</tbody>\n</table></div>\n");
}

/* RFC 4648, section 4. */
static void add_base64(struct text *text, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char quads[4096];
    size_t at = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t word = (uint32_t)bytes[i] << 16;
        word |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        word |= left > 2 ? bytes[i + 2] : 0;
        quads[at++] = digits[word >> 18];
        quads[at++] = digits[word >> 12 & 63];
        quads[at++] = left > 1 ? digits[word >> 6 & 63] : '=';
        quads[at++] = left > 2 ? digits[word & 63] : '=';
        if (at == sizeof quads) {
            text_add_bytes(text, quads, at);
            at = 0;
        }
    }
    text_add_bytes(text, quads, at);
}

static void add_picture(struct text *text, const char *bytes, size_t len, const char *alt)
{
    add_element(text, "<img alt=\"", alt, "\" src=\"data:image/png;base64,");
    add_base64(text, (const unsigned char *)bytes, len);
    text_add(text, "\">\n");
}

/* A drawing that is wider than the page scrolls, and the keyboard reaches it. */
static bool add_drawing(struct text *text, const struct html *html, const char *svg, const char *alt)
{
    struct text name CLEANUP(text_release) = {0}, drawing CLEANUP(text_release) = {0};
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%.40s-%zu-", html->id ? html->id : "figure", html->n_figures);
    text_add(&name, "");
    escape_add(&name, alt);
    if (name.failed || !inline_svg_add(&drawing, svg, prefix, name.data))
        return name.failed;
    text_printf(text, "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">", name.data);
    text_add_bytes(text, drawing.data ? drawing.data : "", drawing.len);
    text_add(text, "</div>\n");
    text->failed = text->failed || drawing.failed;
    return true;
}

enum dae_status html_figure(struct html *html, const char *path, const char *caption, const char *alt,
                            struct error *err)
{
    static const char png[] = "\x89PNG\r\n\x1a\n";
    struct text figure CLEANUP(text_release) = {0};
    char *bytes CLEANUP(cleanup_free) = NULL;
    size_t len;
    TRY(file_read(path, MAX_FIGURE_BYTES, DAE_IO, &bytes, &len, err));
    if (len > 8 && memcmp(bytes, png, 8) == 0)
        add_picture(&figure, bytes, len, alt);
    else if (!add_drawing(&figure, html, bytes, alt))
        return error_set(err, DAE_BUG, "%s: it is neither PNG nor SVG, so it cannot go into a report", path);
    text_add(&html->body, "<figure>\n");
    text_add_bytes(&html->body, figure.data ? figure.data : "", figure.len);
    html->body.failed = html->body.failed || figure.failed;
    if (caption)
        add_prose(&html->body, "<figcaption>", caption, "</figcaption>\n");
    text_add(&html->body, "</figure>\n");
    ++html->n_figures;
    return DAE_OK;
}

static enum dae_status add_picture_file(struct text *text, const char *path, const char *class, const char *alt,
                                        struct error *err)
{
    char *bytes CLEANUP(cleanup_free) = NULL;
    size_t len;
    TRY(file_read(path, MAX_FIGURE_BYTES, DAE_IO, &bytes, &len, err));
    text_printf(text, "<img%s alt=\"", class);
    escape_add(text, alt);
    text_add(text, "\" src=\"data:image/png;base64,");
    add_base64(text, (const unsigned char *)bytes, len);
    text_add(text, "\">");
    return DAE_OK;
}

enum dae_status html_slider(struct html *html, const struct html_slider *slider, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    text_printf(&text, "<figure>\n<div class=\"slider\" style=\"--cut:50%%;--width:%dpx\">\n", slider->width);
    add_element(&text, "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"", slider->caption,
                "\"><div class=\"stage\">");
    TRY(add_picture_file(&text, slider->right_path, "", slider->right, err));
    TRY(add_picture_file(&text, slider->left_path, " class=\"over\"", slider->left, err));
    add_element(&text, "</div></div>\n<label>", slider->left, " <input type=\"range\" value=\"50\"> ");
    add_element(&text, "", slider->right,
                "</label><label><input type=\"checkbox\">three times as large</label>\n</div>");
    text_printf(&text, "<script>%s</script>\n", slider_script);
    add_prose(&text, "<figcaption>", slider->caption, "</figcaption>\n</figure>\n");
    text_add_bytes(&html->body, text.data ? text.data : "", text.len);
    html->body.failed = html->body.failed || text.failed;
    return DAE_OK;
}

void html_code(struct html *html, const char *summary, const char *string)
{
    add_element(&html->body, "<details>\n<summary>", summary, "</summary>\n");
    add_element(&html->body, "<pre><code>", string, "</code></pre>\n</details>\n");
}

enum dae_status html_save(const struct html *html, const char *path, struct error *err)
{
    struct text page = {0};
    text_add_bytes(&page, html->head.data ? html->head.data : "", html->head.len);
    if (html->n_sections > 1) {
        text_add(&page, "<nav aria-label=\"Contents\"><ul>\n");
        text_add_bytes(&page, html->contents.data, html->contents.len);
        text_add(&page, "</ul></nav>\n");
    }
    text_add(&page, "<main>\n");
    text_add_bytes(&page, html->body.data ? html->body.data : "", html->body.len);
    text_add(&page, html->n_sections > 0 ? "</section>\n" : "");
    text_add(&page, "</main>\n<footer>Written by dae-cl.</footer>\n");
    if (html->sorts) {
        text_add(&page, "<script>");
        text_add(&page, sort_script);
        text_add(&page, "</script>\n");
    }
    text_add(&page, "</body>\n</html>\n");
    bool failed = html->head.failed || html->contents.failed || html->body.failed || page.failed;
    enum dae_status status =
        failed ? error_no_memory(err, path, page.len) : atomic_file_save(path, page.data, page.len, err);
    text_release(&page);
    return status;
}

/* The lengths of head, contents and body, the number of sections, then the three. */
static const char part_format[] = "dae-cl report part %zu %zu %zu %zu\n";

enum dae_status html_part_save(const struct html *html, const char *path, struct error *err)
{
    struct text part = {0};
    const struct text *const texts[] = {&html->head, &html->contents, &html->body};
    text_printf(&part, part_format, html->head.len, html->contents.len, html->body.len, html->n_sections);
    for (int i = 0; i < 3; ++i) {
        text_add_bytes(&part, texts[i]->data ? texts[i]->data : "", texts[i]->len);
        part.failed = part.failed || texts[i]->failed;
    }
    const enum dae_status status =
        part.failed ? error_no_memory(err, path, part.len) : atomic_file_save(path, part.data, part.len, err);
    text_release(&part);
    return status;
}

enum dae_status html_part_add(struct html *html, const char *path, struct error *err)
{
    char *bytes;
    size_t len, head, contents, body, n;
    TRY(file_read(path, (size_t)16 * MAX_FIGURE_BYTES, DAE_IO, &bytes, &len, err));
    const char *at = strchr(bytes, '\n');
    const bool whole = at && sscanf(bytes, part_format, &head, &contents, &body, &n) == 4 && head <= len &&
                       contents <= len && body <= len && (size_t)(++at - bytes) + head + contents + body == len;
    if (whole) {
        if (html->head.len == 0)
            text_add_bytes(&html->head, at, head);
        if (html->n_sections > 0 && n > 0)
            text_add(&html->body, "</section>\n");
        text_add_bytes(&html->contents, at + head, contents);
        text_add_bytes(&html->body, at + head + contents, body);
        html->n_sections += n;
    }
    free(bytes);
    return whole ? DAE_OK : error_set(err, DAE_BAD_DATA, "%s: it is not a part of a report", path);
}

void html_release(struct html *html)
{
    text_release(&html->head);
    text_release(&html->contents);
    text_release(&html->body);
    *html = (struct html){0};
}
