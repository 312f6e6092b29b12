/* Classifiers of features: folds as in scikit-learn, neighbours as found by a slow search, planes computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "format/idx.h"
#include "stats/knn.h"
#include "stats/linear_probe.h"

static void close_to(double value, double want, double tolerance)
{
    if (!(fabs(value - want) <= tolerance))
        fail_msg("%.9g, expects %.9g +- %g", value, want, tolerance);
}

static double normal(uint32_t stream, int64_t i, int64_t j)
{
    return philox_normal((struct philox_key){.seed = 1, .stream = stream, .sample = (uint32_t)i}, (uint32_t)j);
}

static enum dae_status knn(const struct cross_validation *trial, int k, double *accuracy)
{
    struct error err = {0};
    return knn_accuracy(trial, k, accuracy, &err);
}

/* By hand: the classes in order of appearance, 2, 0, 1 and 9, take positions 0-3, 4-6, 7-12 and 13; dealt out in turn
 * to three folds that is 2 1 1, 1 1 1, 2 2 2 and 0 1 0. scikit-learn's code gives the same. */
static void folds_are_stratified(void **state)
{
    (void)state;
    const uint8_t label[] = {2, 2, 0, 1, 1, 2, 0, 1, 2, 0, 1, 1, 1, 9};
    static const uint8_t want[] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 1, 2, 2, 1};
    uint8_t fold[14];
    struct error err = {0};
    assert_int_equal(cross_validation_folds(label, 14, 3, fold, &err), DAE_OK);
    assert_memory_equal(fold, want, sizeof want);
    assert_int_equal(cross_validation_folds(label, 14, 1, fold, &err), DAE_CONFIG);
    err = (struct error){0};
    assert_int_equal(cross_validation_folds(label, 2, 3, fold, &err), DAE_CONFIG);
}

/* On a line; the asked are samples 0 to 3, which fold 0 hides from the given 4 to 9. */
static void neighbours_by_hand(void **state)
{
    (void)state;
    const float place[] = {0, 10, 20, 30, /**/ 1, -1, 11, 9, 21, 19};
    uint8_t label[] = {3, 5, 2, 9, /**/ 7, 3, 5, 5, 9, 2};
    const uint8_t fold[] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
    struct cross_validation trial = {10, 1, place, place, label, fold, 2};
    double accuracy;
    /* k = 2. Of fold 0: 0 sees 7 and 3: a tie, the smaller, right. 10 sees 5 twice, right. 20: 9 and 2, right. 30: 9
     * and 2, wrong. Of fold 1: 1 and -1 see 0 (3) and 10 (5): 3, wrong and right. 11: 10 (5) and 20 (2): 2, wrong. 9:
     * 10 (5) and 0 (3): 3, wrong. 21: 20 (2) and 30 (9): 2, wrong. 19: 20 (2) and 10 (5): 2, right. */
    assert_int_equal(knn(&trial, 2, &accuracy), DAE_OK);
    close_to(accuracy, (3.0 / 4 + 2.0 / 6) / 2, 1e-15);
    /* k = 1, of an equally near pair the earlier: 0 sees 1 (7, wrong), 10 sees 11 (5, right), 20 and 30 see 21 (9,
     * wrong and right); the others see 3, 3, 5, 5, 2, 2 and are 7, 3, 5, 5, 9, 2. */
    assert_int_equal(knn(&trial, 1, &accuracy), DAE_OK);
    close_to(accuracy, (2.0 / 4 + 4.0 / 6) / 2, 1e-15);
    /* Asked elsewhere: sample 0 is now at the place of 10, and is wrong. */
    float moved[10];
    memcpy(moved, place, sizeof place);
    moved[0] = 10;
    trial.asked = moved;
    assert_int_equal(knn(&trial, 2, &accuracy), DAE_OK);
    close_to(accuracy, (2.0 / 4 + 2.0 / 6) / 2, 1e-15);
}

enum { N = 700, D = 9, CLASSES = 4, FOLDS = 5, K = 5 }; /* more than two blocks, and no multiple of one */

/* The answer of the simplest search: all distances, k times the smallest that remains. */
static bool right_by_search(const struct cross_validation *t, int64_t i)
{
    bool taken[N] = {false};
    int votes[CLASSES] = {0}, best = 0;
    for (int m = 0; m < K; ++m) {
        int64_t nearest = -1;
        double least = INFINITY;
        for (int64_t j = 0; j < t->n; ++j) {
            double square = 0;
            for (int64_t e = 0; e < t->d; ++e)
                square += pow((double)t->asked[i * t->d + e] - (double)t->given[j * t->d + e], 2);
            if (t->fold[j] != t->fold[i] && !taken[j] && square < least) {
                least = square;
                nearest = j;
            }
        }
        taken[nearest] = true;
        ++votes[t->label[nearest]];
    }
    for (int c = 1; c < CLASSES; ++c)
        best = votes[c] > votes[best] ? c : best;
    return best == t->label[i];
}

/* Far from zero, where squares of the coordinates would swamp the distances. */
static void neighbours_are_exact(void **state)
{
    (void)state;
    static float given[N * D], asked[N * D];
    uint8_t label[N], fold[N];
    bool right[N];
    struct error err = {0};
    for (int64_t i = 0; i < N; ++i) {
        label[i] = (uint8_t)(philox_word((struct philox_key){.seed = 2, .sample = (uint32_t)i}, 0) % CLASSES);
        for (int64_t j = 0; j < D; ++j) {
            given[i * D + j] = (float)(3e4 + normal(1, label[i], j) + normal(2, i, j));
            asked[i * D + j] = given[i * D + j] + (float)normal(3, i, j);
        }
    }
    assert_int_equal(cross_validation_folds(label, N, FOLDS, fold, &err), DAE_OK);
    const struct cross_validation trial = {N, D, given, asked, label, fold, FOLDS};
    for (int64_t i = 0; i < N; ++i)
        right[i] = right_by_search(&trial, i);
    const double want = cross_validation_accuracy(&trial, right);
    assert_true(want > 0.4 && want < 0.95); /* some answers are right and some wrong */
    double accuracy;
    assert_int_equal(knn(&trial, K, &accuracy), DAE_OK);
    close_to(accuracy, want, 1e-12);
}

/* In one dimension: class 0 at 0, 1 and 2, class 1 at 5. The mean is 2, the variance 3.5, the covariance with class 1
 * is 0.75; with a ridge of 3.5e-3 both classes are equally likely at 2 + 0.25 * 3.5035 / 0.75 = 3.16783. */
static void planes_by_hand(void **state)
{
    (void)state;
    const float given[] = {0, 1, 2, 5, /**/ 9, 9, 9, 9, 9, 9};
    const float asked[] = {0, 0, 0, 0, /**/ 3.1670f, 3.1686f, 3.1670f, 3.1686f, -4, 9};
    uint8_t label[] = {0, 0, 0, 1, /**/ 0, 1, 0, 1, 0, 1};
    const uint8_t fold[] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
    struct cross_validation trial = {10, 1, given, asked, label, fold, 2};
    struct error err = {0};
    double accuracy;
    /* Fold 1: all right. For fold 0 all given are equal: a tie of the means, 0. */
    assert_int_equal(linear_probe_accuracy(&trial, &accuracy, &err), DAE_OK);
    close_to(accuracy, (3.0 / 4 + 1) / 2, 1e-15);
}

/* Four corners: opposite ones share a class. Planes cannot separate them, neighbours can. With one class per side,
 * planes can also do it. */
static void planes_are_no_neighbours(void **state)
{
    (void)state;
    static float x[N * 2];
    uint8_t opposite[N], side[N], fold[N];
    struct error err = {0};
    for (int64_t i = 0; i < N; ++i) {
        const int corner = (int)(i % 4);
        x[2 * i] = (float)(corner % 2 ? 1 : -1) + 0.1f * (float)normal(4, i, 0);
        x[2 * i + 1] = (float)(corner / 2 ? 1 : -1) + 0.1f * (float)normal(4, i, 1);
        opposite[i] = corner == 0 || corner == 3;
        side[i] = (uint8_t)(corner / 2 ? 4 : 200);
    }
    assert_int_equal(cross_validation_folds(opposite, N, FOLDS, fold, &err), DAE_OK);
    struct cross_validation trial = {N, 2, x, x, opposite, fold, FOLDS};
    double accuracy;
    assert_int_equal(linear_probe_accuracy(&trial, &accuracy, &err), DAE_OK);
    assert_true(accuracy < 0.8); /* three corners at most */
    assert_int_equal(knn(&trial, K, &accuracy), DAE_OK);
    close_to(accuracy, 1, 0);
    trial.label = side;
    assert_int_equal(linear_probe_accuracy(&trial, &accuracy, &err), DAE_OK);
    close_to(accuracy, 1, 0);
}

static void what_cannot_be_tried(void **state)
{
    (void)state;
    float x[] = {0, 1, 2, 3, 4, 5}, bad[] = {0, 1, 2, NAN, 4, 5};
    const uint8_t label[] = {0, 1, 0, 1, 0, 1}, fold[] = {0, 0, 0, 1, 1, 1};
    struct cross_validation trial = {6, 1, x, x, label, fold, 2};
    double accuracy;
    assert_int_equal(knn(&trial, 3, &accuracy), DAE_OK);
    assert_int_equal(knn(&trial, 4, &accuracy), DAE_CONFIG);
    assert_int_equal(knn(&trial, 0, &accuracy), DAE_CONFIG);
    trial.asked = bad;
    struct error err = {0};
    assert_int_equal(knn_accuracy(&trial, 3, &accuracy, &err), DAE_BAD_DATA);
    assert_non_null(strstr(err.text, "sample 3"));
    err = (struct error){0};
    assert_int_equal(linear_probe_accuracy(&trial, &accuracy, &err), DAE_BAD_DATA);
}

static bool load(const char *name, struct idx *array)
{
    char path[4096];
    struct error err = {0};
    const char *folder = getenv("DAE_CL_DATA");
    snprintf(path, sizeof path, "%s/mnist/%s", folder ? folder : "", name);
    return folder && idx_load(path, array, &err) == DAE_OK;
}

/* The 10,000 test images in five folds: scikit-learn says .9440 for five neighbours, and a few lines of NumPy say the
 * same, and .8361 for the probe. One sample may fall differently where rounding decides. */
static void neighbours_on_mnist(void **state)
{
    (void)state;
    struct idx images, labels;
    if (!load("t10k-images-idx3-ubyte.gz", &images) || !load("t10k-labels-idx1-ubyte.gz", &labels)) {
        print_message("skipped: DAE_CL_DATA names no folder with mnist/*.gz\n");
        skip();
    }
    const int64_t n = images.dim[0], d = images.dim[1] * images.dim[2];
    float *x = malloc((size_t)(n * d) * sizeof *x);
    uint8_t *fold = malloc((size_t)n);
    struct error err = {0};
    assert_true(x && fold);
    for (int64_t i = 0; i < n * d; ++i)
        x[i] = (float)((const uint8_t *)images.values)[i] / 255;
    assert_int_equal(cross_validation_folds(labels.values, n, 5, fold, &err), DAE_OK);
    const struct cross_validation trial = {n, d, x, x, labels.values, fold, 5};
    double accuracy;
    assert_int_equal(knn(&trial, 5, &accuracy), DAE_OK);
    close_to(accuracy, 0.9440, 1.01e-4);
    assert_int_equal(linear_probe_accuracy(&trial, &accuracy, &err), DAE_OK);
    close_to(accuracy, 0.8361, 1.01e-4);
    idx_release(&images);
    idx_release(&labels);
    free(x);
    free(fold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_are_stratified),     cmocka_unit_test(neighbours_by_hand),
        cmocka_unit_test(neighbours_are_exact),     cmocka_unit_test(planes_by_hand),
        cmocka_unit_test(planes_are_no_neighbours), cmocka_unit_test(what_cannot_be_tried),
        cmocka_unit_test(neighbours_on_mnist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
