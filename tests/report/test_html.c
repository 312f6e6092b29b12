/* The report page: escaping, structure, embedding, and what happens when a file cannot be read or written. */
#include "base/file.h"
#include "report/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "markup.h"

static const char hostile[] = "<script>alert('x')</script> \"q\" & _^{} \xC3\xA9 \xE6\x97\xA5 \xFF\xC0\x80 \x01";
static const char hostile_escaped[] = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;q&quot; &amp; _^{} "
                                      "\xC3\xA9 \xE6\x97\xA5 \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD";

static char *saved(const struct html *html)
{
    struct error err = {0};
    char *bytes;
    size_t len;
    assert_int_equal(html_save(html, folder_path("report.html"), &err), DAE_OK);
    assert_int_equal(folder_count(), 1);
    assert_int_equal(file_read(folder_path("report.html"), 1 << 24, DAE_IO, &bytes, &len, &err), DAE_OK);
    assert_int_equal(strlen(bytes), len);
    assert_true(markup_is_well_formed(bytes, "html"));
    remove(folder_path("report.html"));
    return bytes;
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        ++n;
    return n;
}

static void the_checker_tells_good_from_bad(void **state)
{
    (void)state;
    assert_true(markup_is_well_formed("<?xml version='1.0'?><a x='>'><b/><meta>&amp;</a>", "a"));
    static const char *const bad[] = {"<a><b></a></b>", "<a>",          "</a>",   "<a></a><a></a>",
                                      "<a>&</a>",       "<a>x < y</a>", "<b></b>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        assert_false(markup_is_well_formed(bad[i], "a"));
}

static void text_is_escaped_everywhere(void **state)
{
    (void)state;
    struct html html = {0};
    struct error err = {0};
    static const char png[] = "\x89PNG\r\n\x1a\n body";
    folder_write("f.png", png, sizeof png - 1, 0600);
    html_begin(&html, hostile, hostile);
    html_section(&html, hostile, hostile);
    html_section(&html, hostile, NULL);
    html_facts(&html, 1, &(struct html_fact){hostile, hostile});
    html_table(&html, &(struct html_table){.caption = hostile,
                                           .n_columns = 1,
                                           .n_rows = 1,
                                           .header = (const char *const[]){hostile},
                                           .cells = (const char *const[]){hostile},
                                           .mark = hostile});
    assert_int_equal(html_figure(&html, folder_path("f.png"), hostile, hostile, &err), DAE_OK);
    html_code(&html, hostile, hostile);
    html_verdict(&html, hostile);
    remove(folder_path("f.png"));
    char *page = saved(&html);
    /* title, h1, subtitle; contents, headings, paragraph; fact; caption (also as the name of the table's
     * region), header, cell, mark; alt, caption; code; verdict */
    assert_int_equal(count(page, hostile_escaped), 3 + 5 + 2 + 5 + 2 + 2 + 1);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "\xFF"));
    free(page);
    html_release(&html);
}

/* tests/cli/compare.sh computes the hash. */
static void only_a_page_that_sorts_has_a_script(void **state)
{
    (void)state;
    for (int sorts = 0; sorts < 2; ++sorts) {
        struct html html = {.sorts = sorts == 1};
        html_begin(&html, "run", NULL);
        char *page = saved(&html);
        assert_int_equal(count(page, "<script>"), sorts);
        assert_int_equal(count(page, "sha256-"), 1 + sorts); /* sliders have one, too, where there are any */
        assert_int_equal(count(page, "form-action 'none'"), 1);
        free(page);
        html_release(&html);
    }
}

static void page_fetches_nothing_and_has_its_parts(void **state)
{
    (void)state;
    struct html html = {0};
    html_begin(&html, "run", NULL);
    html_section(&html, "One", "first\nstill first\n \n\n  second\n");
    html_section(&html, "Two", "");
    html_code(&html, "config.yaml", "a:\n\tb: 1\n");
    char *page = saved(&html);
    assert_non_null(strstr(page, "\"default-src 'none'; img-src data:; style-src 'unsafe-inline'"));
    assert_non_null(strstr(page, "<title>run</title>"));
    assert_non_null(strstr(page, "<p>first\nstill first</p>\n<p>second\n</p>\n</section>"));
    assert_non_null(strstr(page, "<a href=\"#section-2\">Two</a>"));
    assert_non_null(strstr(page, "<section id=\"section-2\">"));
    assert_non_null(strstr(page, "<pre><code>a:\n\tb: 1\n</code></pre>"));
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "src="));
    assert_non_null(strstr(page, "prefers-color-scheme:dark"));
    assert_non_null(strstr(page, "@media print"));
    free(page);
    html_release(&html);
}

static void table_aligns_numbers_and_marks_a_row(void **state)
{
    (void)state;
    static const char *const header[] = {"method", "error", "gain", "note"};
    static const char *const cells[] = {"1st",
                                        "0.5",
                                        "\xE2\x88\x92"
                                        "1 dB",
                                        "1 a",
                                        "2nd",
                                        ".25",
                                        NULL,
                                        "b",
                                        "3rd",
                                        "-",
                                        "+2",
                                        "c"};
    struct html html = {0};
    html_begin(&html, "run", NULL);
    html_table(&html,
               &(struct html_table){
                   .n_columns = 4, .n_rows = 3, .header = header, .cells = cells, .mark = "best", .marked_row = 1});
    char *page = saved(&html);
    assert_non_null(strstr(page, "<th scope=\"col\">method</th><th scope=\"col\" class=\"n\">error</th>"
                                 "<th scope=\"col\" class=\"n\">gain</th><th scope=\"col\">note</th>"));
    assert_non_null(strstr(page, "<tr class=\"own\"><th scope=\"row\">2nd <mark>best</mark></th>"
                                 "<td class=\"n\">.25</td><td class=\"n\"></td><td>b</td></tr>"));
    assert_int_equal(count(page, "class=\"own\""), 1);
    free(page);
    html_table(&html, &(struct html_table){.n_columns = 4, .n_rows = 3, .header = header, .cells = cells});
    page = saved(&html);
    assert_int_equal(count(page, "class=\"own\""), 1);
    free(page);
    html_release(&html);
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return c == '=' ? 0 : (int)(strchr(digits, c) - digits);
}

/* Every remainder of three, and lengths around the encoder's block. */
static void figure_bytes_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {9, 10, 11, 12, 3071, 3072, 3073, 9000};
    char bytes[9000] = "\x89PNG\r\n\x1a\n";
    for (size_t i = 8; i < sizeof bytes; ++i)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; ++k) {
        struct html html = {0};
        struct error err = {0};
        folder_write("f.png", bytes, lengths[k], 0600);
        html_begin(&html, "run", NULL);
        assert_int_equal(html_figure(&html, folder_path("f.png"), NULL, "a figure", &err), DAE_OK);
        remove(folder_path("f.png"));
        char *page = saved(&html), *at = strstr(page, "<img alt=\"a figure\" src=\"data:image/png;base64,");
        assert_non_null(at);
        at = strchr(at, ',') + 1;
        assert_int_equal(strcspn(at, "\""), (lengths[k] + 2) / 3 * 4);
        for (size_t i = 0; i < lengths[k]; ++i) {
            const char *quad = at + i / 3 * 4;
            int word = digit(quad[0]) << 18 | digit(quad[1]) << 12 | digit(quad[2]) << 6 | digit(quad[3]);
            assert_int_equal((unsigned char)bytes[i], word >> (16 - 8 * (int)(i % 3)) & 255);
        }
        assert_int_equal(count(at, "=\">"), lengths[k] % 3 != 0);
        free(page);
        html_release(&html);
    }
}

static const char drawing[] =
    "<?xml version=\"1.0\"?>\n<svg width=\"90\" height=\"50\" viewBox=\"0 0 90 "
    "50\">\n<title>Gnuplot</title>\n<desc>x</desc>"
    "<rect width=\"90\" fill=\"#ffffff\"/><path id='dot' d='M0,0'/><use xlink:href='#dot' stroke='rgb(  0, 114, 178)'/>"
    "<text fill=\"rgb(36,41,47)\">an id='dot', rgb(1, 2, 3)</text><g color=\"black\" fill='rgb(1, 2, 3)'/></svg>\n";

static void drawings_follow_the_scheme_of_the_page(void **state)
{
    (void)state;
    struct html html = {.id = "run"};
    struct error err = {0};
    html_begin(&html, "run", NULL);
    folder_write("f.svg", drawing, sizeof drawing - 1, 0600);
    for (int i = 0; i < 2; ++i)
        assert_int_equal(html_figure(&html, folder_path("f.svg"), "two of them", "a \"figure\"", &err), DAE_OK);
    folder_empty();
    char *page = saved(&html);
    assert_int_equal(count(page,
                           "<svg class=\"plot\" role=\"img\" aria-label=\"a &quot;figure&quot;\" viewBox=\"0 0 90 50\" "
                           "style=\"max-width:90px;min-width:63px\">"),
                     2);
    assert_non_null(strstr(
        page,
        "<rect width=\"90\" fill=\"none\"/><path id='run-0-dot' d='M0,0'/>"
        "<use xlink:href='#run-0-dot' stroke='var(--f4)'/><text fill=\"var(--f0)\">an id='dot', rgb(1, 2, 3)</text>"));
    assert_non_null(strstr(page, "<path id='run-1-dot' d='M0,0'/><use xlink:href='#run-1-dot'"));
    assert_int_equal(count(page, "<g color=\"var(--f0)\" fill='rgb(1, 2, 3)'/></svg>"), 2);
    assert_int_equal(count(page, "Gnuplot"), 0);
    assert_int_equal(count(page, "--f4:"), 2); /* defined for light and for dark */
    free(page);
    html_release(&html);
}

static void prose_has_real_symbols(void **state)
{
    (void)state;
    struct html html = {0};
    const char *const header[] = {"sigma^4", "MSE +- seeds"}, *const cells[] = {"sigma", "1 +- 2"};
    html_begin(&html, "run", NULL);
    html_section(
        &html, "Score",
        "r = x + sigma^2 s, sigma 0.2; R^2 0.5 +- 0.1, 1 -> 2. sigmas, my_sigma, gaussian.sigma, x^20, a+-b: sigma");
    html_table(&html, &(struct html_table){.n_columns = 2, .n_rows = 1, .header = header, .cells = cells});
    char *page = saved(&html);
    assert_non_null(strstr(page,
                           "<p>r = x + \xCF\x83\xC2\xB2 s, \xCF\x83 0.2; R\xC2\xB2 0.5 \xC2\xB1 0.1, 1 \xE2\x86\x92 2. "
                           "sigmas, my_sigma, gaussian.sigma, x^20, a\xC2\xB1"
                           "b: \xCF\x83</p>"));
    assert_non_null(strstr(page, ">\xCF\x83\xE2\x81\xB4</th>"));
    assert_non_null(strstr(page, ">MSE \xC2\xB1 seeds</th>"));
    assert_non_null(strstr(page, ">sigma</th>")); /* a name of a row, which may be the user's */
    free(page);
    html_release(&html);
}

static void bad_figures_leave_the_page_as_it_was(void **state)
{
    (void)state;
    struct html html = {0};
    struct error missing = {0}, text = {0};
    html_begin(&html, "run", NULL);
    size_t before = html.body.len;
    assert_int_equal(html_figure(&html, folder_path("none.png"), NULL, "", &missing), DAE_IO);
    assert_non_null(strstr(missing.text, "none.png"));
    folder_write("f.png", "plain text, no picture", 22, 0600);
    assert_int_equal(html_figure(&html, folder_path("f.png"), NULL, "", &text), DAE_BUG);
    folder_write("f.svg", "<svg width=\"3\" height=\"3\"><g viewBox=\"0 0 3 3\"/></svg>", 54, 0600);
    assert_int_equal(html_figure(&html, folder_path("f.svg"), NULL, "", &text), DAE_BUG);
    assert_int_equal(html.body.len, before);
    folder_empty();
    html_release(&html);
}

static void failure_to_save_leaves_nothing(void **state)
{
    (void)state;
    struct html html = {0};
    struct error missing = {0}, memory = {0};
    html_begin(&html, "run", NULL);
    assert_int_equal(html_save(&html, folder_path("none/report.html"), &missing), DAE_IO);
    html.body.failed = true;
    assert_int_equal(html_save(&html, folder_path("report.html"), &memory), DAE_NO_MEMORY);
    assert_int_equal(folder_count(), 0);
    html_release(&html);
}

/* A page of parts that were kept at different times equals one that was made at once. */
static void parts_join(void **state)
{
    (void)state;
    struct error err = {0};
    struct html page = {0}, empty = {0};
    static const char *const ids[] = {"run", "study"}, *const headings[] = {"First", "Second"};
    for (int i = 0; i < 2; ++i) {
        struct html part = {.id = ids[i]};
        html_begin(&part, headings[i], NULL);
        html_section(&part, headings[i], "A paragraph.");
        html_section(&part, "More", NULL);
        assert_int_equal(html_part_save(&part, folder_path(ids[i]), &err), DAE_OK);
        html_release(&part);
    }
    html_begin(&empty, "Nothing", NULL);
    assert_int_equal(html_part_save(&empty, folder_path("empty"), &err), DAE_OK);
    html_release(&empty);
    for (int i = 0; i < 2; ++i)
        assert_int_equal(html_part_add(&page, folder_path(ids[i]), &err), DAE_OK);
    assert_int_equal(html_part_add(&page, folder_path("empty"), &err), DAE_OK);
    folder_write("no_part", "dae-cl report part 9 9 9 1\nshort", 31, 0600);
    assert_int_equal(html_part_add(&page, folder_path("no_part"), &err), DAE_BAD_DATA);
    err = (struct error){0};
    assert_int_equal(html_part_add(&page, folder_path("missing"), &err), DAE_IO);
    for (size_t i = 0; i < 2; ++i)
        remove(folder_path(ids[i]));
    remove(folder_path("empty"));
    remove(folder_path("no_part"));
    char *bytes = saved(&page);
    assert_int_equal(count(bytes, "<section"), 4);
    assert_int_equal(count(bytes, "</section>"), 4);
    assert_int_equal(count(bytes, "<h1>First</h1>"), 1);
    assert_int_equal(count(bytes, "<h1>"), 1);
    for (int i = 0; i < 2; ++i) {
        char link[64];
        snprintf(link, sizeof link, "href=\"#%s-2\"", ids[i]);
        assert_int_equal(count(bytes, link), 1);
        snprintf(link, sizeof link, "id=\"%s-2\"", ids[i]);
        assert_int_equal(count(bytes, link), 1);
    }
    free(bytes);
    html_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checker_tells_good_from_bad),
        cmocka_unit_test_setup_teardown(text_is_escaped_everywhere, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(only_a_page_that_sorts_has_a_script, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(page_fetches_nothing_and_has_its_parts, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(table_aligns_numbers_and_marks_a_row, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(figure_bytes_come_back, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(drawings_follow_the_scheme_of_the_page, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(prose_has_real_symbols, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(bad_figures_leave_the_page_as_it_was, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(failure_to_save_leaves_nothing, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(parts_join, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
