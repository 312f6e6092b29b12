/* The device's random numbers against the host's: words bit for bit, normal numbers to a few ulp; both ways of
 * multiplying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "device/program.h"
#include "device/sources.h"
#include "driver/driver.h"

enum { BLOCKS = 64, LEN = 64 * BLOCKS };

static const char kernels[] =
    "__kernel void draw_all(G uint *words, G float *normals, G uint *ones, const uint seed_lo, const uint seed_hi,\n"
    "                       const uint epoch, const uint id, const uint split, const uint stream)\n"
    "{\n"
    "    const struct sample s = {seed_lo, seed_hi, epoch, id, split, 1.0f};\n"
    "    const int i = get_global_id(0);\n"
    "    UV word[4];\n"
    "    V normal[4];\n"
    "    draw(s, stream, i, word);\n"
    "    draw_normals(s, stream, i, normal);\n"
    "    FOR_DRAWN(j) {\n"
    "        STORE_LANES(word[j], words + DRAWN_AT(i, j));\n"
    "        STORE_LANES(normal[j], normals + DRAWN_AT(i, j));\n"
    "        for (int e = DRAWN_AT(i, j); e < DRAWN_AT(i, j) + WIDTH; ++e)\n"
    "            ones[e] = draw_one(s, stream, e);\n"
    "    }\n"
    "}\n";

/* Both ways of multiplying, of vectors of 16 and of single numbers: what is defined before, and the numbers of a V. */
static const struct {
    const char *definitions;
    size_t width;
} ways[] = {
    {"#define WIDTH 16\n", 16},
    {"#define WIDTH 16\n#define PHILOX_MUL_HI 1\n", 16},
    {"#define WIDTH 1\n", 1},
    {"#define WIDTH 1\n#define PHILOX_MUL_HI 1\n", 1},
};
enum { N_WAYS = sizeof ways / sizeof ways[0] };

static struct device *device;
static struct buffer *words, *normals, *ones;

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static void compare(struct kernel *kernel, size_t width, struct philox_key key, uint32_t split, double *worst)
{
    static uint32_t word[LEN], one[LEN];
    static float normal[LEN];
    struct error err = {0};
    const struct kernel_arg args[] = {ARG_BUFFER(words),    ARG_BUFFER(normals),      ARG_BUFFER(ones),
                                      ARG_UINT(key.seed),   ARG_UINT(key.seed >> 32), ARG_UINT(key.epoch),
                                      ARG_UINT(key.sample), ARG_UINT(split),          ARG_UINT(key.stream - split)};
    check(kernel_launch(kernel, (size_t[2]){LEN / 4 / width, 1}, (size_t[2]){1, 1}, args, 9, &err), &err);
    check(buffer_read(words, 0, word, sizeof word, &err), &err);
    check(buffer_read(normals, 0, normal, sizeof normal, &err), &err);
    check(buffer_read(ones, 0, one, sizeof one, &err), &err);
    for (uint32_t i = 0; i < LEN; ++i) {
        if (word[i] != philox_word(key, i) || one[i] != word[i])
            fail_msg("element %u: device %08x, alone %08x, host %08x", i, word[i], one[i], philox_word(key, i));
        /* The angle's cosine may cancel, so the error is relative to the radius, at most sqrt(2 log 2^33) = 6.8. */
        const double error = fabs((double)normal[i] - philox_normal(key, i)) * 0x1p24;
        if (!(error <= *worst))
            *worst = error;
    }
}

static void device_and_host_agree(void **state)
{
    (void)state;
    for (int way = 0; way < N_WAYS; ++way) {
        struct error err = {0};
        struct text text = {0};
        struct program *program;
        struct kernel *kernel;
        double worst = 0;
        text_add(&text, ways[way].definitions);
        check(sources_add(&text, "dae.clh", &err), &err);
        text_add(&text, kernels);
        check(program_build(device, "test", text.data, "-cl-std=CL1.2", &program, &err), &err);
        check(kernel_new(program, "draw_all", &kernel, &err), &err);
        compare(kernel, ways[way].width, (struct philox_key){0, PHILOX_NODE, 0, 0}, 0, &worst);
        compare(kernel, ways[way].width,
                (struct philox_key){0xFEDCBA9876543210u, PHILOX_NODE + 7 + PHILOX_HELD_OUT, 12, 59999}, PHILOX_HELD_OUT,
                &worst);
        compare(kernel, ways[way].width, (struct philox_key){UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, 0,
                &worst);
        print_message("normal numbers are off by at most %.1f units of 2^-24\n", worst);
        assert_true(worst <= 8 * 6.8);
        kernel_free(kernel);
        program_free(program);
        text_release(&text);
    }
}

/* Mean, variance and correlation of neighbours: a wrong pairing of words would show. */
static void the_normals_are_normal(void **state)
{
    (void)state;
    enum { N = 1 << 18 };
    double sum = 0, squares = 0, pairs = 0, last = 0;
    for (uint32_t i = 0; i < N; ++i) {
        const double x = philox_normal((struct philox_key){3, PHILOX_NODE, 0, i >> 10}, i & 1023);
        sum += x;
        squares += x * x;
        pairs += x * last;
        last = x;
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(pairs / N) < 5 / sqrt(N));
}

static int open_device(void **state)
{
    (void)state;
    struct error err = {0};
    if (driver_open(NULL, &(struct tuning_request){0}, &device, &err) != DAE_OK ||
        buffer_new(device, LEN * sizeof(uint32_t), "words", &words, &err) != DAE_OK ||
        buffer_new(device, LEN * sizeof(float), "normals", &normals, &err) != DAE_OK ||
        buffer_new(device, LEN * sizeof(uint32_t), "words alone", &ones, &err) != DAE_OK) {
        print_error("%s\n", err.text);
        return 1;
    }
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    buffer_free(words);
    buffer_free(normals);
    buffer_free(ones);
    device_close(device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_and_host_agree),
        cmocka_unit_test(the_normals_are_normal),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
