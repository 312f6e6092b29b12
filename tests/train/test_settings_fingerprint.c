/* Two fingerprints differ only in what decides a training step, whichever version wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/rows.h"
#include "config/tree.h"
#include "train/settings_fingerprint.h"

static void assert_difference(const char *then, const char *now, const char *wanted)
{
    struct text text = {0};
    struct error err = {0};
    assert_int_equal(settings_fingerprint_difference(then, now, &text, &err), DAE_OK);
    assert_string_equal(text.data ? text.data : "", wanted);
    text_release(&text);
}

static void a_setting_at_its_default_may_be_missing(void **state)
{
    (void)state;
    assert_difference("seed: 1\n", "seed: 1\nmodel.layers.0.conv2d.groups: 1 # default\n", "");
    assert_difference("seed: 1\nmodel.layers.0.conv2d.groups: 1 # default\n", "seed: 1\n", "");
    assert_difference("seed: 1\na.b: 1 # default\n", "a.c: 2 # default\nseed: 1\n", "");
    assert_difference("a.b: 1\n", "a.b: 1 # default\n", "");
}

static void any_other_difference_is_named(void **state)
{
    (void)state;
    assert_difference("seed: 1\n", "seed: 2\n", "seed: 2");
    assert_difference("seed: 1\n", "seed: 1\nmodel.layers.0.conv2d.groups: 2\n", "model.layers.0.conv2d.groups: 2");
    assert_difference("seed: 1\nmodel.layers.0.conv2d.groups: 2\n", "seed: 1\n", "model.layers.0.conv2d.groups: 2");
    assert_difference("a.b: 1 # default\n", "a.b: 2 # default\n", "a.b: 2");
    assert_difference("", "corruption.gaussian: {}\ncorruption.gaussian.sigma: 0.5 # default\n",
                      "corruption.gaussian: {}");
    assert_difference("seed: 1\n", "", "seed: 1");
}

static void names_of_files_decide_no_step(void **state)
{
    (void)state;
    assert_difference("data.path: x\ndata.missing: []\ndata.missing.0: a\ndata.test.clean: b\nmodel.code: x\n",
                      "data.path: y\ndata.limit: 3\ndata.train_until: 2020\n", "");
    assert_difference("", "data.paths: x\n", "data.paths: x");
    assert_difference("", "model.layers.0.path.code: x\n", "model.layers.0.path.code: x");
}

/* Each part began with its name, and its keys were not indented; the defaults of then stand among them. */
static const char of_an_older_version[] =
    "denoising\ntraining samples: checksum 1\nseed: 1\ndata:\nsource: digits\ntrain: 64\nseed: 7\ncorruption:\n"
    "gaussian:\n  sigma: 0.5\nmodel:\ninput: [3, 2, 1]\nlayers:\n- conv2d:\n    filters: 4\n    pad: 0\n  name: a\n- "
    "relu: {}\n"
    "loss:\nmse:\n  unmasked_weight: 1\nbatch: 16\n";

static void an_older_version_is_understood(void **state)
{
    (void)state;
    static const char same[] =
        "training: denoising\ntraining samples: checksum 1\nseed: 1\ndata: {}\ndata.source: digits\ndata.seed: 7\n"
        "corruption: {}\ncorruption.gaussian: {}\ncorruption.gaussian.sigma: 0.5 # default\nmodel: {}\n"
        "model.input: [3, 2, 1]\nmodel.layers: []\nmodel.layers.0: {}\nmodel.layers.0.conv2d: {}\n"
        "model.layers.0.conv2d.filters: 4\nmodel.layers.0.conv2d.pad: 0 # default\n"
        "model.layers.0.conv2d.groups: 1 # default\nmodel.layers.0.name: a\nmodel.layers.1: {}\n"
        "model.layers.1.relu: {}\ntrain.loss: {}\ntrain.loss.mse: {}\ntrain.loss.mse.unmasked_weight: 1 # default\n";
    char now[1024];
    assert_difference(of_an_older_version, of_an_older_version, "");
    strcpy(now, same);
    assert_difference(of_an_older_version, strcat(now, "train.batch: 16\n"), "");
    strcpy(now, same);
    assert_difference(of_an_older_version, strcat(now, "train.batch: 17\n"), "train.batch: 17");
    assert_difference(of_an_older_version, same, "train.batch: 16");
}

static void what_is_no_fingerprint_differs(void **state)
{
    (void)state;
    assert_difference("denoising\nx\nseed: [\n", "training: denoising\nseed: 1\n", "training: denoising");
    assert_difference("denoising", "training: standard\n", "training: standard");
    assert_difference("", "training: standard\n", "training: standard");
    assert_difference("another", "", "another: ");
}

struct options {
    double rate;
    int64_t count;
    int mode;
};
static const struct dae_row rows[] = {
    DAE_FLOAT(struct options, rate, 1e-3, 0, 1, "a number"),
    DAE_INT(struct options, count, 2, 0, 9, "an integer"),
    DAE_CHOICE(struct options, mode, zeros, "zeros|ones", "a word"),
    {.key = NULL},
};

static void assert_fingerprint(const char *yaml, const char *wanted)
{
    struct arena arena = {0};
    struct text text = {0};
    struct value *config;
    struct options options;
    struct error err = {0};
    const struct dataset samples = {.checksum = 10};
    assert_int_equal(tree_parse_text("test", yaml, strlen(yaml), &arena, &config, &err), DAE_OK);
    assert_int_equal(rows_read(value_map_get(config, "model"), rows, "model", &arena, &options, &err), DAE_OK);
    assert_int_equal(settings_fingerprint(config, &samples, true, &text, &err), DAE_OK);
    assert_string_equal(text.data, wanted);
    text_release(&text);
    arena_release(&arena);
}

static void defaults_are_marked_given_or_not(void **state)
{
    (void)state;
    static const char all[] =
        "training: denoising\ntraining samples: checksum 0000000a\nmodel: {}\nmodel.rate: 0.001 # default\n"
        "model.count: 2 # default\nmodel.mode: zeros # default\n";
    assert_fingerprint("model: {}\ntrain: {}", all);
    assert_fingerprint("model: {rate: 0.0010, count: 2, mode: 'zeros'}\ntrain: {}", all);
    assert_fingerprint("model: {rate: 0.002, count: 3, mode: ones}\ntrain: {parts: 1, freeze: [a, b]}",
                       "training: denoising\ntraining samples: checksum 0000000a\nmodel: {}\nmodel.rate: 0.002\n"
                       "model.count: 3\nmodel.mode: ones\ntrain.freeze: [a, b]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setting_at_its_default_may_be_missing), cmocka_unit_test(any_other_difference_is_named),
        cmocka_unit_test(names_of_files_decide_no_step),           cmocka_unit_test(an_older_version_is_understood),
        cmocka_unit_test(what_is_no_fingerprint_differs),          cmocka_unit_test(defaults_are_marked_given_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
