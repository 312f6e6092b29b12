#include "data/plane.h"
#include "data/source.h"

#include <math.h>
#include <sys/stat.h>

#include "../format/files.h"
#include "config/tree.h"
#include "format/idx.h"
#include "format/npy.h"

#ifndef DAE_CL_DATADIR
#define DAE_CL_DATADIR "/usr/local/share/dae-cl"
#endif

static char folder[PATH_BYTES], old_folder[PATH_BYTES];
static struct arena arena;
static struct dataset train, test;
static struct source_notice notice;
static struct error err;

static const char *const split_files[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                          "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/* Each test runs in an empty folder, which is also the home of the user's data. */
static int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    assert_non_null(getcwd(old_folder, sizeof old_folder));
    assert_int_equal(chdir(folder), 0);
    setenv("XDG_DATA_HOME", folder, 1);
    assert_int_equal(mkdir("data", 0777), 0);
    assert_int_equal(mkdir("data/mnist", 0777), 0);
    err = (struct error){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const others[] = {"data/mnist/test-images.idx", "train.npy", "test.npy"};
    dataset_release(&train);
    dataset_release(&test);
    arena_release(&arena);
    for (size_t i = 0; i < 4; ++i) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "data/mnist/%s", split_files[i]);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i)
        unlink(others[i]);
    rmdir("data/mnist");
    rmdir("data");
    assert_int_equal(chdir(old_folder), 0);
    close_folder(folder);
    return 0;
}

static enum dae_status load(const char *yaml, const char *data_root)
{
    struct value *root = NULL;
    if (tree_parse_text("c.yaml", yaml, strlen(yaml), &arena, &root, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return source_load(root, data_root, &train, &test, &notice, &err);
}

static void load_well(const char *yaml, const char *data_root)
{
    if (load(yaml, data_root) != DAE_OK)
        fail_msg("%s", err.text);
}

static void refuse(const char *yaml, enum dae_status status, const char *message)
{
    err = (struct error){0};
    assert_int_equal(load(yaml, NULL), status);
    assert_string_equal(err.text, message);
    assert_null(train.values);
    assert_null(test.values);
    assert_null(train.labels);
}

static void save_idx(const char *path, int rank, int64_t n, int64_t side)
{
    unsigned char bytes[256];
    for (int i = 0; i < 256; ++i)
        bytes[i] = (unsigned char)(i * 3);
    const struct idx array = {.rank = rank, .dim = {n, side, side}, .values = bytes};
    assert_int_equal(idx_save(path, &array, &err), DAE_OK);
}

/* Five training and three test images of 4 x 4, all with labels. */
static void save_mnist(void)
{
    save_idx("data/mnist/train-images-idx3-ubyte", 3, 5, 4);
    save_idx("data/mnist/train-labels-idx1-ubyte", 1, 5, 0);
    save_idx("data/mnist/t10k-images-idx3-ubyte", 3, 3, 4);
    save_idx("data/mnist/t10k-labels-idx1-ubyte", 1, 3, 0);
}

static void reads_mnist_in_the_current_folder(void **state)
{
    (void)state;
    save_mnist();
    load_well("{source: mnist, limit: 2}", "/nonexistent");
    assert_string_equal(notice.text, "");
    assert_int_equal(train.n, 2);
    assert_int_equal(test.n, 3);
    assert_int_equal(train.kind, DATASET_UINT8);
    assert_int_equal(train.shape.rank, 3);
    assert_int_equal(train.shape.dim[0], 4);
    assert_int_equal(train.shape.dim[1], 4);
    assert_int_equal(train.shape.dim[2], 1);
    assert_int_equal(train.labels[1], 3);
    assert_int_equal(test.labels[2], 6);
    float x[16];
    dataset_value(&train, 1, x);
    for (int i = 0; i < 16; ++i)
        assert_true(x[i] == (float)((16 + i) * 3) / 255.0f);
}

static void falls_back_only_when_nothing_is_there(void **state)
{
    (void)state;
    char message[4 * PATH_BYTES];
    if (access(DAE_CL_DATADIR "/mnist", F_OK) == 0) {
        print_message("skipped: " DAE_CL_DATADIR "/mnist is installed\n");
        skip();
    }
    snprintf(
        message, sizeof message,
        "c.yaml:1:10: error: no MNIST in ./data/mnist, %s/dae-cl/mnist, %s/mnist; run make mnist, or add fallback: "
        "digits to the data section",
        folder, DAE_CL_DATADIR);
    refuse("{source: mnist}", DAE_BAD_DATA, message);

    err = (struct error){0};
    load_well("{source: mnist, fallback: digits, limit: 30, test_limit: 20}", "elsewhere");
    snprintf(message, sizeof message,
             "no MNIST in elsewhere/mnist, ./data/mnist, %s/dae-cl/mnist, %s/mnist; training on generated digits "
             "instead (fallback: digits)",
             folder, DAE_CL_DATADIR);
    assert_string_equal(notice.text, message);
    assert_int_equal(train.n, 30);
    assert_int_equal(test.n, 20);
    dataset_release(&train);
    dataset_release(&test);

    save_mnist();
    unlink("data/mnist/train-labels-idx1-ubyte");
    refuse("{source: mnist, fallback: digits}", DAE_BAD_DATA,
           "dae-cl: error: ./data/mnist: train-labels-idx1-ubyte (or .gz) is missing; run make mnist, or remove the "
           "folder");

    write_file("data/mnist/train-labels-idx1-ubyte", "\0\0\10\1\0\0\0\5abc", 11);
    refuse("{source: mnist, fallback: digits}", DAE_BAD_DATA,
           "dae-cl: error: ./data/mnist/train-labels-idx1-ubyte: byte 11: truncated: the header claims 5 bytes, the "
           "file holds 3; get it again\n"
           "note: the fallback does not replace a damaged MNIST; run make mnist");
}

static void says_both_counts(void **state)
{
    (void)state;
    save_mnist();
    save_idx("data/mnist/t10k-labels-idx1-ubyte", 1, 4, 0);
    refuse("{source: idx, path: data/mnist}", DAE_BAD_DATA,
           "dae-cl: error: data/mnist/t10k-labels-idx1-ubyte: 4 labels, but data/mnist/t10k-images-idx3-ubyte holds 3 "
           "images; the files do not belong together");
    /* A limit truncates labels and images after they were compared. */
    refuse("{source: idx, path: data/mnist, test_limit: 3}", DAE_BAD_DATA,
           "dae-cl: error: data/mnist/t10k-labels-idx1-ubyte: 4 labels, but data/mnist/t10k-images-idx3-ubyte holds 3 "
           "images; the files do not belong together");
    save_idx("data/mnist/t10k-labels-idx1-ubyte", 2, 3, 1);
    refuse("{source: idx, path: data/mnist}", DAE_BAD_DATA,
           "dae-cl: error: data/mnist/t10k-labels-idx1-ubyte: byte 0: labels must be one byte each, in one dimension");
}

static void reads_an_idx_folder(void **state)
{
    (void)state;
    save_mnist();
    unlink("data/mnist/t10k-images-idx3-ubyte");
    unlink("data/mnist/t10k-labels-idx1-ubyte");
    refuse("{source: idx, path: data/mnist}", DAE_BAD_DATA,
           "dae-cl: error: data/mnist: no file t10k-images* or test-images*");
    save_idx("data/mnist/test-images.idx", 3, 2, 4);
    err = (struct error){0};
    load_well("{source: idx, path: data/mnist}", NULL);
    assert_int_equal(train.n, 5);
    assert_non_null(train.labels);
    assert_int_equal(test.n, 2);
    assert_null(test.labels);
    dataset_release(&train);
    dataset_release(&test);

    save_idx("data/mnist/test-images.idx", 3, 2, 5);
    refuse("{source: idx, path: data/mnist}", DAE_BAD_DATA,
           "c.yaml:1:10: error: training samples are 4x4x1, but test samples are 5x5x1");
    save_idx("data/mnist/test-images.idx", 3, 0, 4);
    refuse("{source: idx, path: data/mnist}", DAE_BAD_DATA,
           "dae-cl: error: data/mnist/test-images.idx: the set is empty: dimension 0 is 0");
    refuse("{source: idx, path: nowhere}", DAE_IO,
           "dae-cl: error: cannot open folder nowhere: No such file or directory");
}

static void save_npy(const char *path, int rank, int64_t n, int64_t len, const float *values)
{
    const struct npy array = {.is_float = true, .rank = rank, .dim = {n, len, 2, 1, 1}, .values = (void *)values};
    assert_int_equal(npy_save(path, &array, &err), DAE_OK);
}

static void reads_npy(void **state)
{
    (void)state;
    float values[] = {-1.5f, 2, 3, 4, 5, 6, 7, 8};
    save_npy("train.npy", 2, 3, 2, values);
    save_npy("test.npy", 2, 1, 2, values + 6);
    load_well("{source: npy, train: train.npy, test: test.npy}", NULL);
    assert_int_equal(train.n, 3);
    assert_int_equal(train.kind, DATASET_FLOAT);
    assert_int_equal(train.shape.rank, 1);
    assert_int_equal(train.shape.dim[0], 2);
    assert_null(train.labels);
    float x[2];
    dataset_value(&train, 0, x);
    assert_true(x[0] == -1.5f && x[1] == 2);
    dataset_value(&test, 0, x);
    assert_true(x[0] == 7 && x[1] == 8);
    dataset_release(&train);
    dataset_release(&test);

    values[5] = NAN;
    save_npy("train.npy", 2, 3, 2, values);
    refuse("{source: npy, train: train.npy, test: test.npy}", DAE_BAD_DATA,
           "dae-cl: error: train.npy: sample 2, element 1: not a number (NaN); remove or replace it");
    values[5] = -INFINITY;
    save_npy("train.npy", 2, 3, 2, values);
    refuse("{source: npy, train: train.npy, test: test.npy}", DAE_BAD_DATA,
           "dae-cl: error: train.npy: sample 2, element 1: infinity, or beyond the range of float; remove or replace "
           "it");
    save_npy("train.npy", 0, 1, 1, values);
    refuse("{source: npy, train: train.npy, test: test.npy}", DAE_BAD_DATA,
           "dae-cl: error: train.npy: an array of rank 0; expects rank 1 to 5, samples first");

    /* The trailing axes of images; and a number per sample. */
    static const struct {
        int rank, sample_rank;
    } cases[] = {{1, 1}, {2, 1}, {3, 3}, {4, 3}, {5, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        err = (struct error){0};
        save_npy("train.npy", cases[i].rank, 1, 2, values);
        save_npy("test.npy", cases[i].rank, 1, 2, values);
        load_well("{source: npy, train: train.npy, test: test.npy}", NULL);
        assert_int_equal(train.shape.rank, cases[i].sample_rank);
        assert_int_equal(dae_shape_len(&train.shape), cases[i].rank == 1 ? 1 : cases[i].rank == 2 ? 2 : 4);
        dataset_release(&train);
        dataset_release(&test);
    }
}

static void draws_digits(void **state)
{
    (void)state;
    load_well("{source: digits, train: 50, test: 20, seed: 3}", NULL);
    assert_string_equal(notice.text, "");
    assert_int_equal(train.n, 50);
    assert_int_equal(test.n, 20);
    assert_int_equal(train.shape.dim[0], 28);
    assert_int_equal(train.shape.dim[2], 1);
    assert_memory_not_equal(train.values, test.values, 784);
    int n_of_class[10] = {0};
    for (int i = 0; i < 50; ++i)
        ++n_of_class[train.labels[i]];
    for (int i = 0; i < 10; ++i)
        assert_int_equal(n_of_class[i], 5);
}

static const char small_panel[] = "date,A,B\n2020-01-01,1,10\n2020-01-02,2,30\n2020-01-03,3,20\n2020-01-06,4,40\n"
                                  "2020-01-07,5,50\n2020-01-08,6,60\n2020-01-09,,70\n";

static void save_panel(const char *name)
{
    write_file(name, small_panel, sizeof small_panel - 1);
}

static void reads_windows_of_a_panel(void **state)
{
    (void)state;
    save_panel("train.npy"); /* the name does not matter */
    load_well("{source: csv, path: train.npy, returns: none, train_until: 2020-01-03, window: 2, test_from: 20200107, "
              "test_limit: 1}",
              NULL);
    assert_int_equal(train.kind, DATASET_FLOAT);
    assert_int_equal(train.shape.rank, 1);
    assert_int_equal(train.shape.dim[0], 4);
    assert_int_equal(train.n, 2);
    assert_int_equal(test.n, 1);
    /* Means 2 and 20, variances 2/3 and 200/3. */
    const float *x = train.values, *y = test.values;
    float a = (float)(1 / sqrt(2.0 / 3));
    static const float wanted[8] = {-1, -1, 0, 1, 0, 1, 1, 0};
    for (int i = 0; i < 8; ++i)
        assert_true(fabsf(x[i] - wanted[i] * a) <= 1e-6f);
    assert_true(fabsf(y[0] - 3 * a) <= 1e-6f && fabsf(y[3] - 4 * a) <= 1e-6f);
}

/* The training samples have the same bytes for any data after train_until. */
static void the_future_of_a_panel_changes_no_training_sample(void **state)
{
    (void)state;
    static const char options[] = "{source: csv, path: train.npy, returns: log, train_until: 2020-01-06, from: "
                                  "2020-01-01, test_from: 2020-01-07, clip: 3}";
    static const char future[][80] = {"2020-01-07,5,50\n2020-01-08,6,60\n", "2020-01-07,600,0.5\n2020-01-08,1,1e9\n",
                                      "2020-02-01,6,60\n2021-01-08,5,50\n2021-01-09,1,1\n"};
    const char *split = strstr(small_panel, "2020-01-07");
    float first[6];
    for (size_t i = 0; i < sizeof future / sizeof *future; ++i) {
        char text[512];
        snprintf(text, sizeof text, "%.*s%s", (int)(split - small_panel), small_panel, future[i]);
        write_file("train.npy", text, strlen(text));
        load_well(options, NULL);
        assert_int_equal(train.n, 3);
        if (i == 0)
            memcpy(first, train.values, sizeof first);
        assert_memory_equal(train.values, first, sizeof first);
        dataset_release(&train);
        dataset_release(&test);
    }
}

static void holes_of_a_panel_stay_holes(void **state)
{
    (void)state;
    save_panel("train.npy");
    load_well("{source: csv, path: train.npy, returns: none, train_until: 2020-01-07}", NULL);
    assert_null(train.hole);
    assert_string_equal(test.hole, "train.npy: column 'A' is missing on 2020-01-09");
    int64_t n_holes = 0;
    for (int64_t i = 0; i < test.n * 2; ++i)
        n_holes += isnan(((const float *)test.values)[i]);
    assert_int_equal(n_holes, 1);
    dataset_release(&train);
    dataset_release(&test);
}

static void refuses_panels_that_give_no_samples(void **state)
{
    (void)state;
    save_panel("train.npy");
    refuse("{source: csv, path: train.npy, returns: none, train_until: 2020-01-03, window: 4}", DAE_BAD_DATA,
           "c.yaml:1:10: error: train.npy: 3 rows in the training window are too few for a sample of 4");
    refuse("{source: csv, path: train.npy, returns: none, train_until: 2020-01-08, window: 2}", DAE_BAD_DATA,
           "c.yaml:1:10: error: train.npy: 1 rows in the test window are too few for a sample of 2");
    refuse("{source: csv, path: train.npy, returns: none, train_until: 2019-12-31}", DAE_BAD_DATA,
           "c.yaml:1:60: error: no row of train.npy is in the training window; its dates run from 2020-01-01 to "
           "2020-01-09");
    refuse("{source: csv, path: train.npy, returns: none, train_until: soon}", DAE_CONFIG,
           "c.yaml:1:60: error: train_until: expects a day like 2024-12-31 or a month like 2024-12, got 'soon'");
    refuse("{source: csv, path: absent.csv, returns: none, train_until: 2020-01-03}", DAE_IO,
           "dae-cl: error: cannot open absent.csv: No such file or directory");
}

static void finds_panels_in_the_data_folders(void **state)
{
    (void)state;
    save_panel("data/mnist/test-images.idx");
    load_well(
        "{source: csv, path: mnist/test-images.idx, returns: none, train_until: 2020-01-03, test_limit: 1, window: "
        "2, test_from: 2020-01-06}",
        NULL);
    assert_int_equal(train.n, 2);
}

static void draws_factor_panels(void **state)
{
    (void)state;
    load_well("{source: factor_panel, train: 300, test: 50, assets: 6, factors: 2, window: 3, seed: 7}", NULL);
    assert_int_equal(train.n, 298);
    assert_int_equal(test.n, 48);
    assert_int_equal(train.shape.rank, 1);
    assert_int_equal(train.shape.dim[0], 18);
    const float *x = train.values;
    double sum = 0, squares = 0;
    for (int i = 0; i < 298; ++i) {
        sum += x[i * 18];
        squares += pow(x[i * 18], 2);
    }
    sum += x[297 * 18 + 6] + x[297 * 18 + 12]; /* the last two rows */
    squares += pow(x[297 * 18 + 6], 2) + pow(x[297 * 18 + 12], 2);
    assert_true(fabs(sum / 300) <= 1e-6 && fabs(squares / 300 - 1) <= 1e-6); /* standardised by the training window */
    dataset_release(&train);
    dataset_release(&test);
    refuse("{source: factor_panel, assets: 2, factors: 3}", DAE_CONFIG,
           "c.yaml:1:10: error: data.factors: 3 factors for 2 assets; use at most one factor per asset");
}

static void shows_one_sample_of_each_label_or_the_first_ones(void **state)
{
    (void)state;
    uint8_t labels[] = {3, 1, 3, 1, 0, 9};
    const struct dataset labelled = {.n = 6, .labels = labels}, plain = {.n = 6}, high = {.n = 2, .labels = labels};
    int64_t number[10];
    assert_int_equal(dataset_examples(&labelled, 4, number), 3);
    assert_memory_equal(number, ((int64_t[]){4, 1, 0}), 3 * sizeof *number);
    assert_int_equal(dataset_examples(&plain, 4, number), 4);
    assert_memory_equal(number, ((int64_t[]){0, 1, 2, 3}), 4 * sizeof *number);
    assert_int_equal(dataset_examples(&plain, 10, number), 6);
    assert_int_equal(dataset_examples(&high, 1, number), 1);
    assert_int_equal(number[0], 0);
}

static void draws_the_mixture(void **state)
{
    (void)state;
    enum { N = 40000 };
    load_well("{source: mixture, train: 40000, test: 300, seed: 5}", NULL);
    assert_int_equal(train.n, N);
    assert_int_equal(test.n, 300);
    assert_int_equal(train.shape.rank, 1);
    assert_int_equal(train.shape.dim[0], 2);
    const float *x = train.values;
    assert_memory_not_equal(x, test.values, 300 * 2 * sizeof(float));
    double whole = 0;
    for (int k = 0; k < PLANE_COMPONENTS; ++k) {
        const struct plane_component *c = &plane_mixture[k];
        double n = 0, sum[2] = {0}, squares[2] = {0};
        for (int i = 0; i < N; ++i)
            for (int a = 0; a < 2 && train.labels[i] == k; ++a) {
                n += a == 0;
                sum[a] += (double)x[2 * i + a];
                squares[a] += pow((double)x[2 * i + a] - c->mean[a], 2);
            }
        whole += c->weight;
        /* Five standard errors each. */
        assert_true(fabs(n / N - c->weight) <= 5 * sqrt(c->weight * (1 - c->weight) / N));
        for (int a = 0; a < 2; ++a) {
            assert_true(fabs(sum[a] / n - c->mean[a]) <= 5 * c->sigma / sqrt(n));
            assert_true(fabs(squares[a] / n / (c->sigma * c->sigma) - 1) <= 5 * sqrt(2 / n));
        }
    }
    assert_true(fabs(whole - 1) <= 1e-15);
}

static void draws_the_spiral(void **state)
{
    (void)state;
    load_well("{source: spiral, train: 500, test: 20, scale: 8}", NULL);
    const float *x = train.values;
    assert_null(train.labels);
    double nearest[2], smallest = 1e9, largest = 0;
    for (int i = 0; i < 500; ++i) {
        const double point[2] = {(double)x[2 * i], (double)x[2 * i + 1]};
        assert_true(plane_spiral_nearest(point, 8, nearest) <= 1e-6); /* floats below 8 are that near */
        smallest = fmin(smallest, hypot(point[0], point[1]));
        largest = fmax(largest, hypot(point[0], point[1]));
    }
    /* t is uniform in [3, 15]: of 500 the ends are missed by more than 0.3 with probability 3e-6. */
    assert_true(smallest >= 8 * 0.04 * 3 && smallest <= 8 * 0.04 * 3.3);
    assert_true(largest <= 8 * 0.04 * 15 && largest >= 8 * 0.04 * 14.7);
    /* Off the curve, no point of a fine grid is nearer than the reported nearest point. */
    for (int i = 0; i < 50; ++i) {
        const double far[2] = {-0.6 + 0.024 * i, 0.5 - 0.02 * i};
        const double found = plane_spiral_nearest(far, 1, nearest);
        assert_true(fabs(found - hypot(far[0] - nearest[0], far[1] - nearest[1])) <= 1e-12);
        for (int k = 0; k <= 100000; ++k) {
            double point[2];
            plane_spiral_point(3 + 12e-5 * k, 1, point);
            assert_true(hypot(far[0] - point[0], far[1] - point[1]) >= found - 1e-9);
        }
    }
}

static void checks_the_map(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"{limit: 5}", "c.yaml:1:1: error: data: key 'source' is missing: where the samples come from"},
        {"{source: minst}", NULL},
        {"{source: digits, limit: 0}", NULL},
        {"{source: digits, train: 0}", NULL},
        {"{source: digits, path: x}", NULL},
        {"{source: mnist, fallback: none}", NULL},
        {"{source: npy, train: x}", NULL},
        {"{source: idx}", NULL},
        {"{source: image_pairs, train: scans, test: {noisy: a, clean: b}}", NULL},
        {"{source: image_pairs, train: {noisy: a}, test: {noisy: a, clean: b}}",
         "c.yaml:1:30: error: data.train: key 'clean' is missing: the clean images"},
        {"{source: image_pairs, train: {noisy: a, clean: b}, test: {noisy: a, cleam: b}}",
         "c.yaml:1:69: error: unknown key 'cleam' in data.test (did you mean 'clean'?)"},
        {"{source: image_pairs, train: {noisy: a, clean: b}}", NULL},
        {"{source: csv, path: x, returns: none}", NULL},
        {"{source: csv, path: x, train_until: 2020-01-03}", NULL},
        {"{source: csv, path: x, returns: none, train_until: 2020-01-03, from: 2020-01-04}", NULL},
        {"{source: csv, path: x, returns: none, train_until: 2020-01-03, test_from: 2020-01-03}", NULL},
        {"[]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct value *root = NULL;
        err = (struct error){0};
        assert_int_equal(tree_parse_text("c.yaml", cases[i].yaml, strlen(cases[i].yaml), &arena, &root, &err), DAE_OK);
        assert_int_equal(source_check(root, &err), DAE_CONFIG);
        assert_int_equal(strncmp(err.text, "c.yaml:1:", 9), 0);
        if (cases[i].message)
            assert_string_equal(err.text, cases[i].message);
        struct error again = {0};
        assert_int_equal(source_load(root, NULL, &train, &test, &notice, &again), DAE_CONFIG);
        assert_string_equal(again.text, err.text);
    }
    struct value *root = NULL;
    err = (struct error){0};
    assert_int_equal(tree_parse_text("c.yaml", "{source: idx, path: nowhere}", 28, &arena, &root, &err), DAE_OK);
    assert_int_equal(source_check(root, &err), DAE_OK); /* opens no file */
}

static void reads_the_real_mnist(void **state)
{
    (void)state;
    const char *root = getenv("DAE_CL_DATA");
    char path[2 * PATH_BYTES], absolute[PATH_BYTES + 1];
    snprintf(absolute, sizeof absolute, "%s%s%s", root && *root != '/' ? old_folder : "",
             root && *root != '/' ? "/" : "", root ? root : "");
    snprintf(path, sizeof path, "%s/mnist", absolute);
    if (!root || access(path, F_OK) != 0) {
        print_message("skipped: no mnist/ in DAE_CL_DATA\n");
        skip();
    }
    load_well("{source: mnist}", absolute);
    assert_int_equal(train.n, 60000);
    assert_int_equal(test.n, 10000);
    assert_int_equal(train.shape.rank, 3);
    assert_int_equal(train.shape.dim[0], 28);
    assert_int_equal(train.shape.dim[1], 28);
    assert_int_equal(train.shape.dim[2], 1);
    assert_int_equal(train.labels[0], 5);
    assert_int_equal(test.labels[0], 7);
    double sum = 0;
    for (int64_t i = 0; i < train.n * 784; ++i)
        sum += ((const uint8_t *)train.values)[i];
    assert_true(fabs(sum / 255 / 60000 / 784 - 0.1306604762738429) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_mnist_in_the_current_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(falls_back_only_when_nothing_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_both_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_an_idx_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_npy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draws_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_windows_of_a_panel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_future_of_a_panel_changes_no_training_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holes_of_a_panel_stay_holes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_panels_that_give_no_samples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_panels_in_the_data_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draws_factor_panels, set_up, tear_down),
        cmocka_unit_test(shows_one_sample_of_each_label_or_the_first_ones),
        cmocka_unit_test_setup_teardown(draws_the_mixture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draws_the_spiral, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_the_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_the_real_mnist, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
