/* What a checkpoint is compared by: the keys that decide a step, and what the bits depend on besides them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "train/circumstances.h"
#include "train/settings.h"

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

static void assert_reduced(const char *fingerprint, const char *wanted)
{
    struct text text = {0};
    settings_fingerprint_reduce(fingerprint, &text);
    assert_string_equal(text.data, wanted);
    text_release(&text);
}

static void names_of_files_do_not_decide_a_step(void **state)
{
    (void)state;
    assert_reduced("", "");
    assert_reduced(
        "denoising\ntraining samples: checksum 1\nseed: 1\ndata:\nsource: csv\npath: x\nmissing:\n- a\n- b: c\n"
        "train:\n  noisy: a\n  clean: b\nvalidation: 0.5\ntrain_until: 2020\ncorruption:\ntrain: x\n"
        "model:\ninput: [3]\ncode: x\nlayers:\n- path:\n    code: 3\nloss: mse\npath: x\n",
        "denoising\ntraining samples: checksum 1\nseed: 1\ndata:\nsource: csv\nvalidation: 0.5\ncorruption:\n"
        "train: x\nmodel:\ninput: [3]\nlayers:\n- path:\n    code: 3\nloss: mse\npath: x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(names_of_files_do_not_decide_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
