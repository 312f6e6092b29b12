/* What the tests of libdae.so.1 share, which see it through its header alone: configs, samples, files. */
#ifndef TESTS_LIB_HOST_H
#define TESTS_LIB_HOST_H

#include <dae/dae.h>

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, SAMPLES = 96, CODE = 5 };

static const char dense_config[] = "name: dense\n"
                                   "model:\n"
                                   "  input: [8, 8, 1]\n"
                                   "  layers: [flatten, {dense: {units: 5}, name: five}, tanh, dense: {units: 64}, "
                                   "reshape: {shape: [8, 8, 1]}]\n"
                                   "  code: five\n"
                                   "corruption: {gaussian: {sigma: 0.2}}\n"
                                   "train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 4}\n";
static const char conv_config[] = "name: conv\n"
                                  "model:\n"
                                  "  input: [8, 8, 1]\n"
                                  "  layers: [conv2d: {filters: 4, kernel: 3, pad: 1}, relu, "
                                  "conv2d: {filters: 1, kernel: 3, pad: 1}]\n"
                                  "corruption: {gaussian: {sigma: 0.2}}\n"
                                  "train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 40}\n";

static float pictures[SAMPLES * PIXELS];

static inline void fill(float *x, int64_t n, uint32_t seed)
{
    for (int64_t i = 0; i < n; ++i) {
        seed = seed * 1664525 + 1013904223;
        x[i] = (float)(seed >> 8) / (float)(1 << 24);
    }
}

static inline struct dae_image image_of(void *data, size_t bytes, enum dae_element element, int64_t n, int64_t height,
                                        int64_t width)
{
    return (struct dae_image){.size = sizeof(struct dae_image),
                              .data = data,
                              .bytes = bytes,
                              .element = element,
                              .rank = 4,
                              .shape = {n, height, width, 1}};
}

static inline struct dae_image floats(float *x, int64_t n, int64_t height, int64_t width)
{
    return image_of(x, (size_t)(n * height * width) * sizeof *x, DAE_F32, n, height, width);
}

static inline struct dae_context *open_context(void)
{
    struct dae_context *context;
    if (dae_open(NULL, &context) != DAE_OK)
        fail_msg("%s", dae_error(context));
    return context;
}

#define check(context, call)                                                                                           \
    do {                                                                                                               \
        if ((call) != DAE_OK)                                                                                          \
            fail_msg("%s: %s", #call, dae_error(context));                                                             \
    } while (0)

static inline void refused(const struct dae_context *context, enum dae_status status, enum dae_status want,
                           const char *piece)
{
    if (status != want || !strstr(dae_error(context), piece))
        fail_msg("status %d, not %d, or no '%s' in: %s", (int)status, (int)want, piece, dae_error(context));
}

static inline struct dae_run *new_run(struct dae_context *context, const char *config)
{
    struct dae_run *run;
    struct dae_image samples = floats(pictures, SAMPLES, SIDE, SIDE);
    check(context, dae_run_new(context, config, &run));
    check(context, dae_run_data(run, "train", &samples));
    return run;
}

static inline void train(struct dae_context *context, struct dae_run *run)
{
    int finished = 0;
    while (!finished)
        check(context, dae_run_step(run, &finished));
}

static inline struct dae_model *trained(struct dae_context *context, const char *config)
{
    struct dae_model *model;
    struct dae_run *run = new_run(context, config);
    train(context, run);
    check(context, dae_run_model(run, &model));
    dae_run_close(run);
    return model;
}

/* ---- Files. ------------------------------------------------------------------------------------------------------ */

static char folder[256];

static const char *path_of(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static inline unsigned char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*len + 1);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    bytes[*len] = '\0';
    fclose(file);
    return bytes;
}

static inline void same_files(const char *a, const char *b)
{
    size_t a_len, b_len;
    unsigned char *x = read_file(a, &a_len), *y = read_file(b, &b_len);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(x, y, a_len);
    free(x);
    free(y);
}

/* ---- Models for several tests. ---------------------------------------------------------------------------------- */

static struct dae_context *shared;
static struct dae_model *dense, *conv;

static inline int open_models(void **state)
{
    (void)state;
    shared = open_context();
    dense = trained(shared, dense_config);
    conv = trained(shared, conv_config);
    return 0;
}

static inline int close_models(void **state)
{
    (void)state;
    dae_model_close(dense);
    dae_model_close(conv);
    dae_close(shared);
    return 0;
}

static inline int begin(void)
{
    fill(pictures, SAMPLES * PIXELS, 1);
    snprintf(folder, sizeof folder, "%s/dae-cl-library-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(folder) ? 0 : 1;
}

#endif
