/* Separated values as spreadsheets and vendors write them, and where each refusal points. */
#include "format/csv.h"

#include "one_file.h"

/* All rows of the text: fields in <>, rows on lines of their own, each after its line's number. */
static const char *rows_of(const char *text, size_t len)
{
    static char out[1024];
    struct error err = {0};
    struct csv csv;
    bool more;
    size_t at = 0;
    write_file(path, text, len);
    if (csv_open(&csv, path, &err) != DAE_OK) {
        snprintf(out, sizeof out, "%s", err.text + strlen(path));
        return out;
    }
    out[0] = '\0';
    while (csv_next(&csv, &more, &err) == DAE_OK && more) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%d", csv.fields[0].mark.line);
        for (int i = 0; i < csv.n_fields; ++i)
            at += (size_t)snprintf(out + at, sizeof out - at, "<%s>", csv.fields[i].text);
        at += (size_t)snprintf(out + at, sizeof out - at, "\n");
    }
    if (err.status != DAE_OK)
        snprintf(out + at, sizeof out - at, "%s", err.text + strlen(path));
    csv_close(&csv);
    return out;
}

static void expect(const char *text, const char *rows)
{
    assert_string_equal(rows_of(text, strlen(text)), rows);
}

static void reads_rows_and_fields(void **state)
{
    (void)state;
    expect("a,b\n1,2\n", "1<a><b>\n2<1><2>\n");
    expect("a,b\r\n1,2", "1<a><b>\n2<1><2>\n");
    expect("\xef\xbb\xbf"
           "a,b\n1,2\n",
           "1<a><b>\n2<1><2>\n");
    expect("a,b\n\n \t\r\n,\n1,\n", "1<a><b>\n5<1><>\n"); /* empty lines, and a row of empty fields */
    expect(" a \t, b c \n1,2\n", "1<a><b c>\n2<1><2>\n");
    expect("one column\n1\n", "1<one column>\n2<1>\n");
}

static void reads_quotes(void **state)
{
    (void)state;
    expect("\"a, b\",c\n1,2\n", "1<a, b><c>\n2<1><2>\n");
    expect("\"say \"\"yes\"\"\" ,c\n\"\",2\n", "1<say \"yes\"><c>\n2<><2>\n");
    expect("a\"b,c\n1,2\n", "1<a\"b><c>\n2<1><2>\n"); /* a quote within a plain field is a character */
}

static void finds_the_separator(void **state)
{
    (void)state;
    expect("a;b\n1,5;2,5\n", "1<a><b>\n2<1,5><2,5>\n");
    expect("a\tb\n1\t\n", "1<a><b>\n2<1><>\n");
    expect("a|b\n1|2\n", "1<a><b>\n2<1><2>\n");
    expect("a, x;b\n1;2\n", "1<a, x><b>\n2<1><2>\n"); /* the comma divides only the names */
    expect("\"a;b\",c\n1,2\n", "1<a;b><c>\n2<1><2>\n");
    expect("a;b\n", "1<a><b>\n");
    expect("sep=;\na,x;b\n1,5;2\n", "2<a,x><b>\n3<1,5><2>\n");
    expect("\"sep=|\"\r\na,x|b\n", "2<a,x><b>\n");
    expect("sep=;x,b\n1,2\n", "1<sep=;x><b>\n2<1><2>\n"); /* the name of a column */
}

static void refuses_at_the_place(void **state)
{
    (void)state;
    expect("a,b\n1,\"2\n", "1<a><b>\n:2:3: error: this quote is not closed on its line");
    expect("a,b\n\"1\"x,2\n", "1<a><b>\n:2:1: error: text follows the closing quote of this field");
    expect("a,b\n1,\r2\n", "1<a><b>\n:2:3: error: a carriage return without a line feed; end lines in LF or CRLF");
    expect("sep=:\na:b\n", ":1:1: error: the first line names the separator ':'; a comma, semicolon, tab or vertical "
                           "bar is read");
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    struct error err = {0};
    struct csv csv;
    static const struct {
        const char *bytes;
        size_t len;
        const char *message;
    } cases[] = {
        {"", 0, "dae-cl: error: %s: the file is empty; expects a row of column names first"},
        {"\xff\xfe"
         "a\0",
         4, "dae-cl: error: %s: UTF-16 text; save it as UTF-8"},
        {"\xfe\xff\0a", 4, "dae-cl: error: %s: UTF-16 text; save it as UTF-8"},
        {"a,b\0c\n", 6, "dae-cl: error: %s: byte 3 is NUL; this is not a text file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        err = (struct error){0};
        write_file(path, cases[i].bytes, cases[i].len);
        assert_int_equal(csv_open(&csv, path, &err), DAE_BAD_DATA);
        assert_failure(&err, DAE_BAD_DATA, cases[i].message, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_rows_and_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_quotes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_the_separator, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_at_the_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_text, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
