/* What the bits of a checkpoint depend on besides the config, and how a difference is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "train/circumstances.h"

static void assert_difference(const char *then, const char *now, const char *wanted)
{
    struct text text = {0};
    circumstances_difference(then, now, &text);
    assert_string_equal(text.data ? text.data : "", wanted);
    text_release(&text);
}

static void differences_are_named(void **state)
{
    (void)state;
    static const char made[] = "dae-cl: 1\ndevice: a: b, c\ndriver: 3.1\ncompute units: 8\ntuning: join 1\n";
    assert_difference(made, made, "");
    assert_difference(made, "dae-cl: 1\ndevice: a: b, c\ndriver: 3.10\ncompute units: 2\ntuning: join 1\n",
                      "driver 3.1 (now 3.10), compute units 8 (now 2)");
    assert_difference(made, "dae-cl: 1\ndevice: a: d\ntuning: join 0\n", "device a: b, c (now a: d), tuning");
    assert_difference("", made, "");
    assert_difference(made, "driver of device 2: 1\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
