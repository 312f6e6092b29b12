/* Networks derived from another: the rows of a Jacobian against central differences of the double-precision reference,
 * Hutchinson's estimate against those rows, and the gradient of a contractive training against central differences of
 * its objective; dense and convolutional, in both shapes of device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "driver/driver.h"
#include "graph/executor.h"
#include "graph/jacobian.h"
#include "graph/params.h"
#include "graph/reference.h"
#include "model/loader.h"
#include "networks.h"

enum { N = 6, SIGNS = 100 };

static const char dense_text[] = "seed: 3\n"
                                 "corruption: [{gaussian: {sigma: 0.2}}, {masking: {p: 0.2}}]\n"
                                 "model:\n"
                                 "  input: [3, 7]\n"
                                 "  layers:\n"
                                 "    - flatten\n"
                                 "    - {dense: {units: 19}, name: first}\n"
                                 "    - tanh\n"
                                 "    - {dense: {units: 5}, name: code}\n"
                                 "    - {dense: {units: 19}}\n"
                                 "    - {add: {}, name: sum, from: [dense_1, first]}\n"
                                 "    - sigmoid\n"
                                 "    - dense: {units: 21}\n"
                                 "    - {reshape: {shape: [3, 7]}}\n"
                                 "  code: code\n"
                                 "train: {loss: {mse: {unmasked_weight: 0.5}}}\n";

static const char conv_text[] = "seed: 4\n"
                                "corruption: {gaussian: {sigma: 0.2, clamp: [0, 1]}}\n"
                                "model:\n"
                                "  input: [3, 4, 2]\n"
                                "  layers:\n"
                                "    - {conv2d: {filters: 17, kernel: 3, pad: 1}, name: code}\n"
                                "    - tanh\n"
                                "    - dropout: {p: 0.3}\n"
                                "    - conv2d: {filters: 2, kernel: 3, pad: 1}\n"
                                "    - sigmoid\n"
                                "  code: code\n"
                                "train: {loss: bce}\n";

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

/* A network on a device with synthetic samples. */
struct subject {
    struct arena arena;
    struct network network;
    struct device *device;
    struct loader *loader;
    struct dataset set;
    struct executor_options options;
    float *parameters;
    double *parameters64;
    int64_t len;
};

static void open_subject(struct subject *s, const char *text, const char *shape)
{
    struct error err = {0};
    const struct tuning_request tuning = {.shape = shape, .gemm = "own", .no_tuned = true};
    struct value *sgd;
    const void *state;
    memset(s, 0, sizeof *s);
    check(build_text(registry, text, false, &s->arena, &s->network, &err), &err);
    check(driver_open(NULL, &tuning, &s->device, &err), &err);
    s->len = dae_shape_len(&s->network.node[0].plan.output);
    float *values = arena_array(&s->arena, (size_t)(N * s->len), sizeof *values);
    s->set = (struct dataset){.kind = DATASET_FLOAT, .n = N, .shape = s->network.node[0].plan.output, .values = values};
    for (int64_t i = 0; i < N * s->len; ++i)
        values[i] = (float)philox_uniform((struct philox_key){.seed = 9}, (uint32_t)i);
    check(loader_new(s->device, &s->set, N, &s->loader, &err), &err);
    s->options = (struct executor_options){.batch = N, .train = true, .join = true, .fold = true};
    check(tree_parse_text("sgd", "sgd: {}", strlen("sgd: {}"), &s->arena, &sgd, &err), &err);
    check(params_read(registry, PLUGIN_OPTIMIZER, sgd, NULL, 0, &s->arena, &s->options.optimizer, &state, &err), &err);
    s->options.optimizer_state = state;
    s->parameters = arena_array(&s->arena, (size_t)s->network.parameters_len, sizeof *s->parameters);
    s->parameters64 = arena_array(&s->arena, (size_t)s->network.parameters_len, sizeof *s->parameters64);
    network_init(&s->network, s->parameters);
    for (int64_t i = 0; i < s->network.parameters_len; ++i)
        s->parameters64[i] = (double)s->parameters[i];
}

static void close_subject(struct subject *s)
{
    loader_free(s->loader);
    device_close(s->device);
    arena_release(&s->arena);
}

static struct batch batch_of(struct subject *s, uint32_t epoch)
{
    struct error err = {0};
    struct batch batch;
    check(loader_batch(s->loader, 0, s->network.seed, epoch, 0, &batch, &err), &err);
    return batch;
}

static double *output_of(const struct network *network, const struct subject *s, int64_t sample, int64_t moved,
                         double by, double **value)
{
    const struct reference_sample who = {.id = (uint32_t)sample};
    for (int64_t e = 0; e < s->len; ++e)
        value[0][e] = (double)((const float *)s->set.values)[sample * s->len + e] + (e == moved ? by : 0);
    for (int i = network->noisy + 1; i <= network->output; ++i)
        reference_node(network, i, &who, s->parameters64, value, value[i]);
    return value[network->output];
}

/* The first `rows` rows of J, and the estimate for all of them from draws of signs. */
static void projects(const char *text, const char *shape, const char *node, int64_t rows, int signs)
{
    struct error err = {0};
    struct subject s;
    struct network network;
    struct executor *executor;
    open_subject(&s, text, shape);
    check(jacobian_projection(&s.network, node ? network_find(&s.network, node) : s.network.output, &network, &err),
          &err);
    assert_int_equal(network.parameters_len, s.network.parameters_len);
    const int64_t m = dae_shape_len(&network.node[network.output].plan.output);
    rows = rows < m ? rows : m;
    s.options.keep_all = true;
    check(executor_new(s.device, &network, &s.options, &executor, &err), &err);
    check(executor_set_parameters(executor, s.parameters, &err), &err);
    double **value = reference_values(&network, &s.arena), square = 0, estimate = 0, estimate2 = 0, worst = 0;
    double *jacobian = arena_array(&s.arena, (size_t)(N * m * s.len), sizeof *jacobian); /* (N,m,len) */
    float *gradient = arena_array(&s.arena, (size_t)(N * s.len), sizeof *gradient);
    const double h = 1e-4;
    for (int64_t i = 0; i < N; ++i)
        for (int64_t e = 0; e < s.len; ++e)
            for (int sign = -1; sign <= 1; sign += 2) {
                const double *y = output_of(&network, &s, i, e, sign * h, value);
                for (int64_t k = 0; k < m; ++k)
                    jacobian[(i * m + k) * s.len + e] += sign * y[k] / (2 * h);
            }
    struct buffer *losses;
    check(buffer_new(s.device, sizeof(float), "loss", &losses, &err), &err);
    for (int64_t k = 0; k < m + signs; k = k + 1 == rows ? m : k + 1) {
        const struct batch batch = batch_of(&s, (uint32_t)k);
        check(executor_differentiate(executor, &batch, losses, 0, &err), &err);
        check(executor_read_gradient(executor, 0, N, gradient, &err), &err);
        double norm = 0;
        for (int64_t i = 0; i < N; ++i)
            for (int64_t e = 0; e < s.len; ++e) {
                const double have = (double)gradient[i * s.len + e] * (double)(N * m);
                norm += have * have;
                if (k >= m)
                    continue;
                const double want = jacobian[(i * m + k) * s.len + e];
                square += want * want;
                /* Differences err by h^2 |f'''| / 6, the device by some roundings of sums of terms below 1. */
                if (!(fabs(have - want) <= 2e-6))
                    fail_msg("%s: row %d, column %d: %.9g, expects %.9g", shape, (int)k, (int)e, have, want);
                worst = fmax(worst, fabs(have - want));
            }
        estimate += k >= m ? norm / signs : 0;
        estimate2 += k >= m ? norm * norm / signs : 0;
    }
    const double error = sqrt((estimate2 - estimate * estimate) / signs);
    print_message("%s, %s: J is off by %.2g; squares %.5g, by signs %.5g (standard error %.2g)\n", shape,
                  node ? node : "output", worst, square, estimate, error);
    float *after = arena_array(&s.arena, (size_t)s.network.parameters_len, sizeof *after);
    check(executor_get_parameters(executor, after, &err), &err);
    assert_memory_equal(after, s.parameters, (size_t)s.network.parameters_len * sizeof *after);
    if (rows == m) /* else it is not the whole square */
        assert_true(square > 0.1 && fabs(estimate - square) <= 5 * error);
    executor_free(executor);
    buffer_free(losses);
    close_subject(&s);
}

static const char *const shapes[] = {"wide", "grid"};

/* The convolutional one without its dropout, which is refused. */
static const char *without_dropout(char *text, size_t len)
{
    snprintf(text, len, "%s", conv_text);
    char *line = strstr(text, "    - dropout");
    memmove(line, strchr(line, '\n') + 1, strlen(strchr(line, '\n')));
    return text;
}

/* Or with batch normalisation instead: that of a finished model, where samples are independent. */
static const char *normalised(char *text, size_t len)
{
    char *line;
    without_dropout(text, len);
    line = strstr(text, "    - tanh");
    memmove(line + strlen("    - batchnorm2d\n"), line, strlen(line) + 1);
    memcpy(line, "    - batchnorm2d\n", strlen("    - batchnorm2d\n"));
    return text;
}

static void rows_of_jacobians(void **state)
{
    (void)state;
    char text[1024];
    for (int i = 0; i < 2; ++i) {
        projects(dense_text, shapes[i], NULL, INT64_MAX, SIGNS);
        projects(dense_text, shapes[i], "code", INT64_MAX, SIGNS);
        projects(without_dropout(text, sizeof text), shapes[i], NULL, INT64_MAX, SIGNS);
        projects(text, shapes[i], "code", INT64_MAX, SIGNS);
        projects(normalised(text, sizeof text), shapes[i], NULL, INT64_MAX, SIGNS);
    }
}

static void what_draws_has_no_jacobian(void **state)
{
    (void)state;
    struct error err = {0};
    struct arena arena = {0};
    struct network network, out;
    check(build_text(registry, conv_text, false, &arena, &network, &err), &err);
    assert_int_equal(jacobian_projection(&network, network.output, &out, &err), DAE_CONFIG);
    assert_non_null(strstr(err.text, "net.yaml:8:7: error: \"dropout_1\" draws"));
    err = (struct error){0};
    check(jacobian_projection(&network, network.code, &out, &err), &err); /* the encoder does not */
    arena_release(&arena);
}

/* Loss and penalty of the batch in double, as the gradient has them: over the numbers of the batch. */
static double objective(const struct network *network, const struct subject *s, double **value)
{
    double sum = 0;
    for (int64_t i = 0; i < N; ++i) {
        const struct reference_sample who = {.id = (uint32_t)i, .epoch = 2, .training = true};
        for (int64_t e = 0; e < s->len; ++e)
            value[0][e] = value[network->n_nodes][e] = (double)((const float *)s->set.values)[i * s->len + e];
        sum += reference_forward(network, 1, &who, s->parameters64, value);
    }
    return sum / (double)(N * s->len);
}

static void differentiates(const char *text, const char *shape, bool keep_all)
{
    struct error err = {0};
    struct subject s;
    struct network network;
    struct executor *executor;
    struct buffer *losses;
    open_subject(&s, text, shape);
    check(jacobian_contractive(&s.network, 20, &network, &err), &err);
    s.options.keep_all = keep_all;
    s.options.corrupt = true;
    s.options.training = &network;
    check(executor_new(s.device, &s.network, &s.options, &executor, &err), &err);
    check(executor_set_parameters(executor, s.parameters, &err), &err);
    check(buffer_new(s.device, sizeof(float), "loss", &losses, &err), &err);
    const struct batch batch = batch_of(&s, 2);
    check(executor_differentiate(executor, &batch, losses, 0, &err), &err);
    float *gradient = arena_array(&s.arena, (size_t)s.network.parameters_len, sizeof *gradient), loss;
    check(executor_get_gradients(executor, gradient, &err), &err);
    check(buffer_read(losses, 0, &loss, sizeof loss, &err), &err);
    double **value = reference_values(&network, &s.arena);
    const double whole = objective(&network, &s, value), h = 1e-5;
    double plain = 0, worst = 0, largest = 0;
    for (int64_t i = 0; i < N; ++i) {
        const struct reference_sample who = {.id = (uint32_t)i, .epoch = 2, .training = true};
        for (int64_t e = 0; e < s.len; ++e)
            value[0][e] = value[network.n_nodes][e] = (double)((const float *)s.set.values)[i * s.len + e];
        reference_forward(&network, 1, &who, s.parameters64, value);
        plain += value[network.loss][0] / (double)(N * s.len);
    }
    assert_true(whole > 1.02 * plain); /* the penalty contributes, also to the reported loss; its error is twice that of
                                        * a difference, see below */
    assert_true(fabs((double)loss - whole) <= 1e-6 * plain + 1.2e-4 * (whole - plain));
    for (int n = 0; n < s.network.n_nodes; ++n)
        for (int w = 0; w < s.network.node[n].plan.n_weights; ++w)
            for (int64_t k = 0; k < dae_shape_len(&s.network.node[n].plan.weight[w].shape); k += 3) {
                const int64_t at = s.network.node[n].weight_offset[w] + k;
                const double was = s.parameters64[at];
                s.parameters64[at] = was + h;
                double slope = objective(&network, &s, value);
                s.parameters64[at] = was - h;
                slope = (slope - objective(&network, &s, value)) / (2 * h);
                s.parameters64[at] = was;
                largest = fmax(largest, fabs(slope));
                worst = fmax(worst, fabs(slope - (double)gradient[at]));
                if (isnan(slope - (double)gradient[at]))
                    fail_msg("not a number");
            }
    print_message("%s: gradients up to %.3g are off by at most %.2g\n", shape, largest, worst);
    /* The difference of two outputs below 1, rounded to 2^-24 some ten times, over the step of 0.01: 6e-5 of a number
     * of about 1; some of its errors cancel in the sums. */
    assert_true(worst <= 6e-5 * largest);
    executor_free(executor);
    buffer_free(losses);
    close_subject(&s);
}

static void gradients_of_contractive_training(void **state)
{
    (void)state;
    for (int i = 0; i < 4; ++i) {
        differentiates(dense_text, shapes[i % 2], i / 2);
        differentiates(conv_text, shapes[i % 2], i / 2);
    }
}

/* The penalty's mean over steps is weight * |J|^2, up to the square of the step. */
static void the_penalty_estimates_the_jacobian(void **state)
{
    (void)state;
    struct error err = {0};
    struct subject s;
    struct network network;
    open_subject(&s, dense_text, "wide");
    check(jacobian_contractive(&s.network, 0.7, &network, &err), &err);
    double **value = reference_values(&network, &s.arena), square = 0, sum = 0, sum2 = 0;
    enum { DRAWS = 2000 };
    const struct reference_sample one = {.id = 1, .training = true};
    for (int64_t e = 0; e < s.len; ++e) {
        double up[64], h = 1e-5;
        for (int sign = 1; sign >= -1; sign -= 2) {
            for (int64_t k = 0; k < s.len; ++k)
                value[s.network.noisy][k] = (double)((const float *)s.set.values)[s.len + k] + (k == e ? sign * h : 0);
            for (int i = s.network.noisy + 1; i <= s.network.output; ++i)
                reference_node(&s.network, i, &one, s.parameters64, value, value[i]);
            for (int64_t k = 0; k < s.len; ++k)
                if (sign > 0)
                    up[k] = value[s.network.output][k];
                else
                    square += pow((up[k] - value[s.network.output][k]) / (2 * h), 2);
        }
    }
    for (uint32_t d = 0; d < DRAWS; ++d) {
        const struct reference_sample who = {.id = 1, .epoch = d, .training = true};
        for (int64_t k = 0; k < s.len; ++k)
            value[s.network.noisy][k] = (double)((const float *)s.set.values)[s.len + k];
        for (int i = s.network.noisy + 1; i < network.loss; ++i)
            reference_node(&network, i, &who, s.parameters64, value, value[i]);
        const double penalty = value[reference_penalty(&network, network.loss - 1)][0];
        sum += penalty / DRAWS;
        sum2 += penalty * penalty / DRAWS;
    }
    const double error = sqrt((sum2 - sum * sum) / DRAWS);
    print_message("penalty %.5g, 0.7 |J|^2 = %.5g (standard error %.2g)\n", sum, 0.7 * square, error);
    assert_true(square > 0.1 && fabs(sum - 0.7 * square) <= 5 * error);
    close_subject(&s);
}

/* For slow simulators (DAE_CL_REDUCED): every kernel of derived networks, in the shape that DAE_CL_SHAPE names. */
static void every_kernel_once(void **state)
{
    (void)state;
    const char *shape = getenv("DAE_CL_SHAPE");
    differentiates(dense_text, shape ? shape : "wide", false);
    projects(dense_text, shape ? shape : "wide", "code", 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_jacobians),
        cmocka_unit_test(what_draws_has_no_jacobian),
        cmocka_unit_test(gradients_of_contractive_training),
        cmocka_unit_test(the_penalty_estimates_the_jacobian),
    };
    const struct CMUnitTest reduced[] = {cmocka_unit_test(every_kernel_once)};
    return getenv("DAE_CL_REDUCED") ? cmocka_run_group_tests(reduced, open_registry, close_registry)
                                    : cmocka_run_group_tests(tests, open_registry, close_registry);
}
