/* The foundations of the studies of theory: compares the formulas of the mixture with each other and with differences,
 * and tests the expansion for small noise, which is exact for a linear network and needs the Laplacian for a curved
 * one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../train/training.h"
#include "data/plane.h"
#include "study/mixture.h"
#include "study/noise_identity.h"

/* ---- The mixture. ------------------------------------------------------------------------------------------------ */

/* The best restoration by Bayes' rule is x + sigma^2 score (Tweedie), and the score is the slope of the log density. */
static void scores_are_slopes_and_restorations(void **state)
{
    (void)state;
    const double h = 1e-5;
    static const double sigmas[] = {0.05, 0.2, 0.5};
    for (int s = 0; s < 3; ++s)
        for (int i = 0; i < 400; ++i) {
            const double x[2] = {-2 + 0.2 * (i % 20), -2 + 0.2 * (i / 20)};
            double score[2], restored[2];
            mixture_score(x, sigmas[s], score);
            mixture_restored(x, sigmas[s], restored);
            for (int a = 0; a < 2; ++a) {
                const double up[2] = {x[0] + (a == 0) * h, x[1] + (a == 1) * h},
                             down[2] = {x[0] - (a == 0) * h, x[1] - (a == 1) * h};
                const double slope =
                    (mixture_log_density(up, sigmas[s]) - mixture_log_density(down, sigmas[s])) / (2 * h);
                /* h^2 / 6 times a third derivative of at most about 1e5, where components meet with little noise. */
                assert_true(fabs(slope - score[a]) <= 1e-5);
                assert_true(fabs(x[a] + sigmas[s] * sigmas[s] * score[a] - restored[a]) <= 1e-12);
            }
        }
}

/* The density integrates to 1, and no restoration of drawn points has a smaller error than that by Bayes' rule, whose
 * error differs from another's by the distance between the two. */
static void the_restoration_is_the_best(void **state)
{
    (void)state;
    double mass = 0;
    for (int i = 0; i < 400; ++i)
        for (int k = 0; k < 400; ++k)
            mass += exp(mixture_log_density((double[]){-4 + 0.02 * i, -4 + 0.02 * k}, 0.2)) * 0.02 * 0.02;
    assert_true(fabs(mass - 1) <= 1e-6);
    enum { N = 100000 };
    struct dataset set = {0};
    struct error e = {0};
    const double sigma = 0.5;
    double best = 0, other = 0, apart = 0, cross2 = 0;
    assert_int_equal(plane_draw(3, 0, N, 0, &set, &e), DAE_OK);
    for (int i = 0; i < N; ++i) {
        const float *clean = (float *)set.values + 2 * i;
        double x[2], restored[2], cross = 0;
        for (int a = 0; a < 2; ++a)
            x[a] = (double)clean[a] + sigma * philox_normal((struct philox_key){.sample = (uint32_t)i}, (uint32_t)a);
        mixture_restored(x, sigma, restored);
        for (int a = 0; a < 2; ++a) {
            const double rival = 0.7 * x[a], want = (double)clean[a];
            best += pow(restored[a] - want, 2) / N;
            other += pow(rival - want, 2) / N;
            apart += pow(rival - restored[a], 2) / N;
            cross += 2 * (rival - restored[a]) * (restored[a] - want);
        }
        cross2 += cross * cross / N;
    }
    assert_true(best < 0.95 * other);
    assert_true(fabs(other - best - apart) <= 5 * sqrt(cross2 / N)); /* the cross term has mean 0 */
    dataset_release(&set);
}

/* ---- Small noise. ------------------------------------------------------------------------------------------------ */

static const char linear[] = "data: {source: digits, train: 64, test: 64}\n"
                             "model: {input: [24], layers: [dense: {units: 24}, dense: {units: 24}]}\n"
                             "train: {loss: mse, optimizer: {adam: {}}, batch: 64, epochs: 1}\n";

static const char curved[] = "seed: 2\n"
                             "data: {source: mixture, train: 4096, test: 512}\n"
                             "corruption: {gaussian: {sigma: 0.3}}\n"
                             "model:\n"
                             "  input: [2]\n"
                             "  layers: [dense: {units: 64}, tanh, dense: {units: 2}]\n"
                             "train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 256, epochs: 60}\n";

static struct noise_identity measure(struct bench *b, const float *parameters, const float *x, int64_t n, int64_t len,
                                     int n_sigmas, const double *sigmas, int64_t draws)
{
    struct model *model;
    struct noise_identity out;
    const struct noise_identity_options options = {n_sigmas, sigmas, draws, 8};
    check(model_open_jacobian(b->device, &b->network, b->network.output, parameters, b->settings.optimizer,
                              b->settings.optimizer_state, 600, &model, &err));
    check(noise_identity_measure(model, x, n, len, &options, NULL, &b->arena, &out, &err));
    model_close(model);
    return out;
}

/* To 0.1 %, with only |J|^2: r is near 0.64 x, so |Je|^2 has a relative variance of about 2 / 24, and 1,000 points and
 * 1,000 draws leave a standard error of 0.03 %. */
static void a_linear_network_needs_no_laplacian(void **state)
{
    (void)state;
    enum { LEN = 24, N = 1000 };
    struct bench b;
    const double sigma = 0.1;
    open_bench(&b, linear, NULL);
    float *parameters = arena_array(&b.arena, (size_t)b.network.parameters_len, sizeof *parameters);
    float *x = arena_array(&b.arena, N * LEN, sizeof *x);
    network_init(&b.network, parameters);
    for (int64_t i = 0; i < b.network.parameters_len; ++i)
        parameters[i] *= 0.3f;
    for (int layer = 1; layer <= 2; ++layer)
        for (int k = 0; k < LEN; ++k)
            parameters[b.network.node[layer].weight_offset[0] + k * LEN + k] += 0.8f;
    for (int i = 0; i < N * LEN; ++i)
        x[i] = (float)philox_normal((struct philox_key){.seed = 4}, (uint32_t)i);
    const struct noise_identity found = measure(&b, parameters, x, N, LEN, 1, &sigma, 1000);
    double square = 0; /* of the product of the two matrices, (24,24) each */
    const float *first = parameters + b.network.node[1].weight_offset[0],
                *second = parameters + b.network.node[2].weight_offset[0];
    for (int i = 0; i < LEN; ++i)
        for (int k = 0; k < LEN; ++k) {
            double sum = 0;
            for (int j = 0; j < LEN; ++j)
                sum += (double)first[i * LEN + j] * (double)second[j * LEN + k];
            square += sum * sum;
        }
    print_message("|J|^2 %.6f (from the weights %.6f), by noise %.6f +- %.6f, Laplacian %.2g\n", found.jacobian, square,
                  found.rise[0], found.rise_se[0], found.laplacian);
    assert_true(found.exact && fabs(found.jacobian / square - 1) <= 1e-5);
    assert_true(found.rise_se[0] <= 4e-4 * square);
    assert_true(fabs(found.rise[0] / found.jacobian - 1) <= 1e-3);
    assert_true(fabs(found.laplacian) <= 1e-3 * square);
    close_bench(&b);
}

static void a_curved_one_does(void **state)
{
    (void)state;
    struct bench b;
    struct trained out;
    static const double sigmas[] = {0.01, 0.03};
    open_bench(&b, curved, NULL);
    check(run(&b, false, &out));
    const struct noise_identity found = measure(&b, out.parameters, b.test_set.values, b.test_set.n, 2, 2, sigmas, 400);
    for (int s = 0; s < 2; ++s) {
        const double without = found.rise[s] / found.jacobian,
                     with = found.rise[s] / (found.jacobian + found.laplacian);
        print_message("sigma %.2f: %.4f +- %.4f of |J|^2, %.4f with the Laplacian (%.4f +- %.4f of %.4f)\n", sigmas[s],
                      without, found.rise_se[s] / found.jacobian, with, found.laplacian, found.laplacian_se,
                      found.jacobian);
        assert_true(with >= 0.95 && with <= 1.08);
        assert_false(without >= 0.95 && without <= 1.08);
    }
    trained_release(&out);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_slopes_and_restorations),
        cmocka_unit_test(the_restoration_is_the_best),
        cmocka_unit_test(a_linear_network_needs_no_laplacian),
        cmocka_unit_test(a_curved_one_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
