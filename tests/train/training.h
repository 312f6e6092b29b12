/* Shared by the tests of training: a small network, everything that its training needs, and a run of it. Include it
 * after cmocka; a test that only uses the bench may leave the rest unused. */
#ifndef TESTS_TRAIN_TRAINING_H
#define TESTS_TRAIN_TRAINING_H

#include "config/tree.h"
#include "data/validation_set.h"
#include "driver/driver.h"
#include "graph/build.h"
#include "model/model.h"
#include "train/settings_fingerprint.h"
#include "train/trainer.h"

static const char small_config[] = "seed: 7\n"
                                   "data: {source: digits, train: 500, test: 64, seed: 3}\n"
                                   "corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}\n"
                                   "model:\n"
                                   "  input: [28, 28, 1]\n"
                                   "  layers:\n"
                                   "    - conv2d: {filters: 5, kernel: 3, stride: 2, pad: 1}\n"
                                   "    - relu\n"
                                   "    - flatten\n"
                                   "    - dense: {units: 33}\n"
                                   "    - tanh\n"
                                   "    - dense: {units: 784}\n"
                                   "    - sigmoid\n"
                                   "train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 48, epochs: 3}\n";

/* Everything that one training needs, from a config's text. */
struct bench {
    struct arena arena;
    struct value *config;
    struct registry *registry;
    struct network network;
    struct settings settings;
    struct dataset train_set, validation_set, test_set;
    struct device *device;
    struct loader *train, *validation, *test; /* validation: NULL unless data.validation asks for it */
    char folder[64], checkpoint[96];
    char early[112]; /* a second name of the first checkpoint, if it was written before the first epoch ended; or "" */
    volatile sig_atomic_t stop;
    int64_t stop_at_step; /* of the whole run; raises the stop at the reading that reaches it */
    int64_t steps_per_epoch;
    char notice[512];
    const struct multi_device_helper *helper; /* further devices, and the weights of their shares */
    int n_helpers;
    const int64_t *weights;
};

static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static void open_bench(struct bench *b, const char *yaml, const char *const *changes)
{
    const char *build = getenv("BUILD");
    char plugins[256];
    struct source_notice notice;
    memset(b, 0, sizeof *b);
    err = (struct error){0};
    snprintf(plugins, sizeof plugins, "%s/plugins", build ? build : "build");
    const char *const folders[] = {plugins};
    check(tree_parse_text("test.yaml", yaml, strlen(yaml), &b->arena, &b->config, &err));
    for (; changes && *changes; ++changes)
        check(tree_set(b->config, *changes, &b->arena, &err));
    check(registry_open(folders, 1, &b->registry, &err));
    check(settings_read(b->registry, b->config, &b->arena, &b->settings, &err));
    check(network_build(b->registry, b->config, &b->arena, false, &b->network, &err));
    check(source_load(b->settings.data, getenv("DAE_CL_DATA"), &b->train_set, &b->test_set, &notice, &err));
    check(validation_set_take(b->settings.data, b->test_set.n, &b->train_set, &b->validation_set, &err));
    const struct tuning_request tuning = {0};
    check(driver_open("cpu", &tuning, &b->device, &err));
    check(loader_new(b->device, &b->train_set, b->settings.batch, &b->train, &err));
    if (b->validation_set.n > 0)
        check(loader_new(b->device, &b->validation_set, b->settings.batch, &b->validation, &err));
    check(loader_new(b->device, &b->test_set, b->settings.batch, &b->test, &err));
    snprintf(b->folder, sizeof b->folder, "/tmp/dae-cl-test-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->checkpoint, sizeof b->checkpoint, "%s/c.safetensors", b->folder);
    b->stop_at_step = -1;
    b->steps_per_epoch = (b->train_set.n + b->settings.batch - 1) / b->settings.batch;
}

static void close_bench(struct bench *b)
{
    unlink(b->checkpoint);
    rmdir(b->folder);
    loader_free(b->train);
    loader_free(b->validation);
    loader_free(b->test);
    device_close(b->device);
    dataset_release(&b->train_set);
    dataset_release(&b->validation_set);
    dataset_release(&b->test_set);
    registry_close(b->registry);
    arena_release(&b->arena);
}

/* A change of small_config that is refused when settings are read, and what the message must contain. */
struct refusal {
    const char *change, *text;
};

__attribute__((unused)) static void are_refused(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        struct arena arena = {0};
        struct value *config;
        struct registry *registry;
        struct settings settings;
        const char *build = getenv("BUILD");
        char plugins[256];
        snprintf(plugins, sizeof plugins, "%s/plugins", build ? build : "build");
        const char *const folders[] = {plugins};
        err = (struct error){0};
        check(tree_parse_text("test.yaml", small_config, strlen(small_config), &arena, &config, &err));
        check(tree_set(config, cases[i].change, &arena, &err));
        check(registry_open(folders, 1, &registry, &err));
        assert_int_equal(settings_read(registry, config, &arena, &settings, &err), DAE_CONFIG);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s: %s", cases[i].change, err.text);
        registry_close(registry);
        arena_release(&arena);
    }
}

__attribute__((unused)) static void on_progress(void *context, const struct progress *progress)
{
    struct bench *b = context;
    if (!b->early[0] && progress->epoch == 1 && access(b->checkpoint, F_OK) == 0) {
        snprintf(b->early, sizeof b->early, "%s.early", b->checkpoint);
        assert_int_equal(link(b->checkpoint, b->early), 0);
    }
    if (b->stop_at_step >= 0 && (progress->epoch - 1) * b->steps_per_epoch + progress->step >= b->stop_at_step)
        b->stop = SIGINT;
}

__attribute__((unused)) static enum dae_status run(struct bench *b, bool resume, struct trained *out)
{
    struct text fingerprint = {0};
    err = (struct error){0};
    check(settings_fingerprint(b->config, &b->train_set, true, &fingerprint, &err));
    const struct trainer_options options = {
        .device = b->device,
        .network = &b->network,
        .settings = &b->settings,
        .train = b->train,
        .validation = b->validation ? b->validation : b->test,
        .choose = b->validation != NULL,
        .helper = b->helper,
        .n_helpers = b->n_helpers,
        .weights = b->weights,
        .corrupt = true,
        .checkpoint = b->checkpoint,
        .fingerprint = fingerprint.data,
        .resume = resume,
        .stop = &b->stop,
        .on_progress = on_progress,
        .context = b,
    };
    enum dae_status status = trainer_run(&options, b->notice, sizeof b->notice, out, &err);
    text_release(&fingerprint);
    return status;
}

__attribute__((unused)) static void same_training(const struct bench *b, const struct trained *x,
                                                  const struct trained *y)
{
    assert_int_equal(x->n_epochs, y->n_epochs);
    assert_memory_equal(x->parameters, y->parameters, (size_t)b->network.parameters_len * sizeof(float));
    assert_memory_equal(x->train_losses, y->train_losses, (size_t)x->n_epochs * sizeof(double));
    assert_memory_equal(x->validation_losses, y->validation_losses, (size_t)x->n_epochs * sizeof(double));
}

static enum dae_status add_losses(void *sum, const struct model_batch *batch, struct error *failure)
{
    (void)failure;
    for (int64_t i = 0; i < batch->n; ++i)
        *(double *)sum += (double)batch->loss[i];
    return DAE_OK;
}

/* The mean validation loss of given parameters, as the trainer takes it. */
__attribute__((unused)) static double loss_of(const struct bench *b, struct loader *validation, const float *parameters)
{
    struct model *model;
    double sum = 0;
    check(model_open_each(b->device, &b->network, parameters, validation, true, &model, &err));
    check(model_each(model, validation, PHILOX_HELD_OUT, add_losses, &sum, &err));
    model_close(model);
    return sum / (double)(loader_samples(validation) * dae_shape_len(&b->network.node[b->network.output].plan.output));
}

/* A training that is stopped at that step and continued ends with the bytes of the whole one. */
__attribute__((unused)) static void resumes_to_the_same(struct bench *b, int64_t stop_at_step,
                                                        const struct trained *whole)
{
    struct trained broken;
    unlink(b->checkpoint);
    b->stop_at_step = stop_at_step;
    assert_int_equal(run(b, false, &broken), DAE_INTERRUPTED);
    b->stop = 0;
    b->stop_at_step = -1;
    check(run(b, true, &broken));
    same_training(b, whole, &broken);
    trained_release(&broken);
}

#endif
