/* What leaves as JSON is whole and UTF-8, or an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/json.h"

static void assert_printed(const cJSON *value, const char *wanted)
{
    struct error err = {0};
    struct text text = {0};
    if (json_print(value, false, "test", &text, &err) != DAE_OK)
        fail_msg("%s", err.text);
    assert_string_equal(text.data, wanted);
    text_release(&text);
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "a", "\xe9t\xc3\xa9\xf0\x9f\x98\x80\xed\xa0\x80\xc3");
    cJSON_AddStringToObject(json, "b\xff", "\x1b[0m\"");
    assert_printed(json, "{\"a\":\"\xef\xbf\xbdt\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                         "\xef\xbf\xbd\",\"b\xef\xbf\xbd\":\"\\u001b[0m\\\"\"}");
    cJSON_Delete(json);
}

/* cJSON itself would print the value without the key. */
static void a_failed_allocation_is_remembered(void **state)
{
    (void)state;
    enum { LONG = 1 << 28 };
    struct error err = {0};
    struct text text = {0};
    struct rlimit before, low = {0};
    char *string = malloc(LONG);
    assert_non_null(string);
    memset(string, 'x', LONG - 1);
    string[LONG - 1] = '\0';
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    low.rlim_cur = LONG;
    low.rlim_max = before.rlim_max;
    json_watch_memory();
    cJSON *json = cJSON_CreateObject();
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    assert_null(cJSON_AddStringToObject(json, "lost", string));
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    free(string);
    cJSON_AddStringToObject(json, "kept", "x");
    assert_int_equal(json_print(json, false, "the file", &text, &err), DAE_NO_MEMORY);
    assert_string_equal(err.text, "dae-cl: error: out of memory: the file");
    assert_int_equal(text.len, 0);
    assert_printed(json, "{\"kept\":\"x\"}"); /* it is asked once */
    cJSON_Delete(json);
}

static void what_is_read_is_not_remembered(void **state)
{
    (void)state;
    assert_null(json_parse("{\"a\":", 5, NULL));
    cJSON *json = json_parse("[1, 2] x", 8, NULL);
    assert_printed(json, "[1,2]");
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(a_failed_allocation_is_remembered),
        cmocka_unit_test(what_is_read_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
