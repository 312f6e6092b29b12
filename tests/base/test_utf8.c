/* Text from a file reaches the terminal without its control characters, and is otherwise unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/utf8.h"

static void controls_and_stray_bytes_become_question_marks(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"plain", "plain"},
        {"two\nlines\tand a tab", "two\nlines\tand a tab"},
        {"\033[2Jgone\a\b\r", "?[2Jgone???"},
        {"Stra\303\237e \342\202\254", "Stra\303\237e \342\202\254"},
        {"latin \344\366", "latin ??"},
        {"c1 \302\233", "c1 ??"}, /* CSI in two bytes */
        {"cut \342\202", "cut ??"},
        {"longer than necessary \300\257 \340\200\257 \360\200\200\257", "longer than necessary ?? ??? ????"},
        {"half a pair \355\240\200", "half a pair ???"},
        {"the last \364\217\277\275, and the next \364\220\200\200", "the last \364\217\277\275, and the next ????"},
        {"\367\277\277\277 \377", "???? ?"},
        {"\177", "?"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char text[64];
        strcpy(text, cases[i].from);
        utf8_clean(text);
        assert_string_equal(text, cases[i].to);
    }
}

static void errors_and_their_notes_are_clean(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set(&err, DAE_IO, "file %s", "\033]0;x\007"), DAE_IO);
    error_note(&err, "there is %s", "\033[1m");
    assert_string_equal(err.text, "dae-cl: error: file ?]0;x?\nnote: there is ?[1m");
    struct error at = {0};
    assert_int_equal(error_at(&at, DAE_CONFIG, (struct mark){"a\033b", 1, 2}, "\033"), DAE_CONFIG);
    assert_string_equal(at.text, "a?b:1:2: error: ?");
}

static void what_is_added_is_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"plain \033 \342\202\254", "plain \033 \342\202\254"},
        {"\344 within \366", "\357\277\275 within \357\277\275"},
        {"cut \342\202", "cut \357\277\275\357\277\275"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        struct text text = {0};
        text_add(&text, "");
        utf8_add(&text, cases[i].from);
        assert_string_equal(text.data, cases[i].to);
        text_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_and_stray_bytes_become_question_marks),
        cmocka_unit_test(errors_and_their_notes_are_clean),
        cmocka_unit_test(what_is_added_is_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
