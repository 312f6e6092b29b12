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
    "__kernel void draw(G uint *words, G float *normals, const uint seed_lo, const uint seed_hi, const uint epoch,\n"
    "                   const uint id, const uint split, const uint stream)\n"
    "{\n"
    "    const struct sample s = {seed_lo, seed_hi, epoch, id, split, 1.0f};\n"
    "    const int block = get_global_id(0);\n"
    "    uint16 word[4];\n"
    "    V normal[4];\n"
    "    draw64(s, stream, block, word);\n"
    "    normal64(s, stream, block, normal);\n"
    "    for (int j = 0; j < 4; ++j) {\n"
    "        vstore16(word[j], 4 * block + j, words);\n"
    "        vstore16(normal[j], 4 * block + j, normals);\n"
    "    }\n"
    "}\n";

static struct device *device;
static struct buffer *words, *normals;

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static void compare(struct kernel *kernel, struct philox_key key, uint32_t split, double *worst)
{
    static uint32_t word[LEN];
    static float normal[LEN];
    struct error err = {0};
    const struct kernel_arg args[] = {ARG_BUFFER(words),        ARG_BUFFER(normals),         ARG_UINT(key.seed),
                                      ARG_UINT(key.seed >> 32), ARG_UINT(key.epoch),         ARG_UINT(key.sample),
                                      ARG_UINT(split),          ARG_UINT(key.stream - split)};
    check(kernel_launch(kernel, (size_t[2]){BLOCKS, 1}, (size_t[2]){1, 1}, args, 8, &err), &err);
    check(buffer_read(words, 0, word, sizeof word, &err), &err);
    check(buffer_read(normals, 0, normal, sizeof normal, &err), &err);
    for (uint32_t i = 0; i < LEN; ++i) {
        if (word[i] != philox_word(key, i))
            fail_msg("element %u: device %08x, host %08x", i, word[i], philox_word(key, i));
        /* The angle's cosine may cancel, so the error is relative to the radius, at most sqrt(2 log 2^33) = 6.8. */
        const double error = fabs((double)normal[i] - philox_normal(key, i)) * 0x1p24;
        if (!(error <= *worst))
            *worst = error;
    }
}

static void device_and_host_agree(void **state)
{
    (void)state;
    static const char *const ways[] = {"", "#define PHILOX_MUL_HI 1\n"};
    for (int way = 0; way < 2; ++way) {
        struct error err = {0};
        struct text text = {0};
        struct program *program;
        struct kernel *kernel;
        double worst = 0;
        text_add(&text, ways[way]);
        check(sources_add(&text, "dae.clh", &err), &err);
        text_add(&text, kernels);
        check(program_build(device, "test", text.data, "-cl-std=CL1.2", &program, &err), &err);
        check(kernel_new(program, "draw", &kernel, &err), &err);
        compare(kernel, (struct philox_key){0, PHILOX_NODE, 0, 0}, 0, &worst);
        compare(kernel, (struct philox_key){0xFEDCBA9876543210u, PHILOX_NODE + 7 + PHILOX_HELD_OUT, 12, 59999},
                PHILOX_HELD_OUT, &worst);
        compare(kernel, (struct philox_key){UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, 0, &worst);
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
        buffer_new(device, LEN * sizeof(float), "normals", &normals, &err) != DAE_OK) {
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
