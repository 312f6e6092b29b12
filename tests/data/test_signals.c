/* Signals as a data set: which windows are cut from which files, what is refused, and the generated ECG. */
#include <math.h>
#include <sys/stat.h>

#include "config/tree.h"
#include "data/ecg.h"
#include "data/signal_windows.h"
#include "format/npy.h"
#include "format/wav.h"
#include "in_folder.h"

/* Point t of channel c of a signal. */
static float value_at(int signal, int64_t t, int64_t c)
{
    return (float)(1000 * signal + 10 * (int)t + (int)c);
}

static void save_wav(const char *name, int signal, int64_t n, int channels, int rate)
{
    const struct wav_form form = {.channels = channels, .rate = rate, .bits = 32, .is_float = true, .n = n};
    struct atomic_file file = {0};
    struct error err = {0};
    assert_int_equal(atomic_file_begin(&file, in_folder(name), &err), DAE_OK);
    assert_int_equal(wav_write_header(&file, &form, &err), DAE_OK);
    for (int64_t t = 0; t < n; ++t)
        for (int c = 0; c < channels; ++c) {
            const struct wav_form one = {.channels = 1, .bits = 32, .is_float = true};
            const float value = value_at(signal, t, c);
            assert_int_equal(wav_write(&file, &one, &value, 1, &err), DAE_OK);
        }
    assert_int_equal(atomic_file_commit(&file, &err), DAE_OK);
}

static void save_npy(const char *name, int first, int rank, const int64_t *dim)
{
    struct npy array = {.is_float = true, .rank = rank};
    struct error err = {0};
    int64_t len = 1;
    for (int i = 0; i < rank; ++i)
        len *= array.dim[i] = dim[i];
    const int64_t channels = rank == 3 ? dim[2] : 1, points = rank > 1 ? dim[1] : dim[0];
    float *values = array.values = calloc((size_t)len + 1, sizeof(float));
    assert_non_null(values);
    for (int64_t i = 0; i < len; ++i)
        values[i] = value_at(first + (int)(i / channels / points), i / channels % points, i % channels);
    assert_int_equal(npy_save(in_folder(name), &array, &err), DAE_OK);
    npy_release(&array);
}

static void expect_window(const struct dataset *set, int64_t i, int signal, int64_t start)
{
    const int64_t window = set->shape.dim[0], channels = set->shape.dim[1];
    const float *x = (const float *)set->values + i * window * channels;
    for (int64_t k = 0; k < window * channels; ++k)
        assert_true(x[k] == value_at(signal, start + k / channels, k % channels));
}

static void load(const char *name, const struct signal_windows_options *options, struct dataset *set,
                 struct signal_windows_found *found)
{
    struct error err = {0};
    *set = (struct dataset){0};
    if (signal_windows_load(in_folder(name), options, set, found, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

static void windows_of_a_folder(void **state)
{
    const int64_t dim[] = {2, 7, 2};
    struct signal_windows_options options = {.window = 4, .hop = 3, .limit = INT32_MAX};
    struct signal_windows_found found;
    struct dataset set;
    (void)state;
    save_npy("b.npy", 5, 3, dim);
    save_wav("a.WAV", 1, 11, 2, 8000);
    save_wav("c.wav", 3, 3, 2, 8000); /* shorter than a window */
    write_file(in_folder("notes.txt"), "no signal", 9);
    load("", &options, &set, &found);
    assert_int_equal(set.n, 3 + 2 * 2);
    assert_int_equal(set.shape.rank, 2);
    assert_int_equal(set.shape.dim[0], 4);
    assert_int_equal(set.shape.dim[1], 2);
    for (int i = 0; i < 3; ++i)
        expect_window(&set, i, 1, 3 * i);
    for (int i = 0; i < 4; ++i)
        expect_window(&set, 3 + i, 5 + i / 2, 3 * (i % 2));
    assert_int_equal(found.n_signals, 4);
    assert_int_equal(found.n_short, 1);
    assert_int_equal(found.rate, 8000);
    dataset_release(&set);
    options.limit = 5;
    load("", &options, &set, &found);
    assert_int_equal(set.n, 5);
    expect_window(&set, 4, 5, 3);
    dataset_release(&set);
}

static void arrays_of_each_rank(void **state)
{
    const int64_t one[] = {9}, two[] = {3, 5};
    const struct signal_windows_options options = {.window = 4, .hop = 4, .limit = INT32_MAX};
    struct signal_windows_found found;
    struct dataset set;
    (void)state;
    save_npy("one.npy", 2, 1, one);
    load("one.npy", &options, &set, &found);
    assert_int_equal(set.n, 2);
    expect_window(&set, 1, 2, 4);
    dataset_release(&set);
    save_npy("two.npy", 2, 2, two);
    load("two.npy", &options, &set, &found);
    assert_int_equal(set.n, 3);
    for (int i = 0; i < 3; ++i)
        expect_window(&set, i, 2 + i, 0);
    dataset_release(&set);
}

/* Columns by name and by number, with a row of names and without one. */
static void columns_of_csv(void **state)
{
    static const struct {
        const char *text, *columns;
        int64_t channels;
        float want[4];
    } files[] = {
        {"time,V1,V2\n0,1,2\n0.1,3,4.5e1\n", "[V2, V1]", 2, {2, 1, 45, 3}},
        {"1;2\n3;4\n", NULL, 2, {1, 2, 3, 4}},
        {"1;2\n3;4\n", "2", 1, {2, 4}},
        {"a,2\n1,5\n3,6\n", "2", 1, {5, 6}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
        struct arena arena = {0};
        struct error err = {0};
        struct value *columns = NULL;
        struct signal_windows_found found;
        struct dataset set;
        if (files[i].columns)
            assert_int_equal(
                tree_parse_text("test", files[i].columns, strlen(files[i].columns), &arena, &columns, &err), DAE_OK);
        const struct signal_windows_options options = {.window = 2, .hop = 2, .limit = 9, .columns = columns};
        write_file(in_folder("a.csv"), files[i].text, strlen(files[i].text));
        load("a.csv", &options, &set, &found);
        assert_int_equal(set.n, 1);
        assert_int_equal(set.shape.dim[1], files[i].channels);
        assert_memory_equal(set.values, files[i].want, (size_t)(2 * files[i].channels) * sizeof(float));
        dataset_release(&set);
        arena_release(&arena);
    }
}

static void refused(const char *name, const struct signal_windows_options *options, const char *piece)
{
    struct signal_windows_found found;
    struct dataset set = {0};
    struct error err = {0};
    assert_int_equal(signal_windows_load(in_folder(name), options, &set, &found, &err), DAE_BAD_DATA);
    if (!strstr(err.text, piece))
        fail_msg("'%s' lacks '%s'", err.text, piece);
    dataset_release(&set);
}

static void what_does_not_fit_is_refused(void **state)
{
    const int64_t dim[] = {4, 0}, four[] = {1, 2, 3, 4};
    struct signal_windows_options options = {.window = 4, .hop = 4, .limit = INT32_MAX};
    (void)state;
    assert_int_equal(mkdir(in_folder("mixed"), 0700), 0);
    assert_int_equal(mkdir(in_folder("empty"), 0700), 0);
    save_wav("mixed/a.wav", 0, 9, 1, 8000);
    save_wav("mixed/b.wav", 0, 9, 2, 8000);
    refused("mixed", &options, "b.wav: its signals have 2 channels, those before it have 1");
    save_wav("mixed/b.wav", 0, 9, 1, 16000);
    refused("mixed", &options, "b.wav: 16000 points per second, but the files before it have 8000");
    options.rate = 44100;
    refused("mixed/a.wav", &options, "8000 points per second, but data.rate is 44100");
    options.rate = 0;
    options.window = 10;
    refused("mixed/a.wav", &options, "none of its 1 signal is as long as a window of 10 points");
    refused("empty", &options, "it contains no file whose name ends in .wav, .npy or .csv");
    save_npy("empty.npy", 0, 2, dim);
    refused("empty.npy", &options, "it contains no samples: dimension 1 is 0");
    save_npy("four.npy", 0, 4, four);
    refused("four.npy", &options, "an array of floats and rank 4");
    write_file(in_folder("hole.csv"), "a,b\n1,2\n3,\n", 11);
    refused("hole.csv", &options, "hole.csv:3:3: error: '' is no finite number; a signal has no holes");
    write_file(in_folder("ragged.csv"), "1,2\n3\n", 6);
    refused("ragged.csv", &options, "ragged.csv:2:1: error: 1 fields, but the first row has 2");
    write_file(in_folder("names.csv"), "a,b\n", 4);
    refused("names.csv", &options, "it contains no samples");
    write_file(in_folder("text.wav"), "no signal", 9);
    refused("text.wav", &options, "not a WAV file");
    float bad[] = {1, 2, NAN, 4};
    const struct npy array = {.is_float = true, .rank = 2, .dim = {2, 2}, .values = bad};
    struct error err = {0};
    assert_int_equal(npy_save(in_folder("nan.npy"), &array, &err), DAE_OK);
    refused("nan.npy", &options, "signal 1, element 0: not a finite number");
}

/* ---- The generated ECG. ------------------------------------------------------------------------------------------ */

enum { N = 200, WINDOW = 3600, RATE = 360 };

static struct dataset drawn(uint64_t seed, uint32_t first)
{
    struct dataset set = {0};
    struct error err = {0};
    assert_int_equal(ecg_draw(seed, first, N, WINDOW, RATE, &set, &err), DAE_OK);
    return set;
}

static void an_ecg_depends_on_seed_and_number_alone(void **state)
{
    (void)state;
    struct dataset a = drawn(1, 0), b = drawn(1, 50), c = drawn(2, 0);
    const float *x = a.values;
    assert_memory_equal(x + 50 * WINDOW, b.values, (N - 50) * WINDOW * sizeof *x);
    for (int i = 0; i < N; ++i)
        assert_memory_not_equal(x + i * WINDOW, (float *)c.values + i * WINDOW, WINDOW * sizeof *x);
    dataset_release(&a);
    dataset_release(&b);
    dataset_release(&c);
}

/* R peaks of ten seconds: the rate is between 50 and 110 beats a minute, and the time between beats varies, by less
 * than three times the sway and the jitter at their largest. */
static void beats_look_like_beats(void **state)
{
    (void)state;
    struct dataset set = drawn(1, 0);
    double least = 1e9, most = 0, varied = 0;
    for (int i = 0; i < N; ++i) {
        const float *x = (const float *)set.values + (int64_t)i * WINDOW;
        float highest = 0;
        int last = -1, n = 0, shortest = WINDOW, longest = 0, first = 0;
        for (int t = 0; t < WINDOW; ++t)
            highest = x[t] > highest ? x[t] : highest;
        for (int t = 1; t + 1 < WINDOW; ++t)
            if (x[t] > 0.7f * highest && x[t] > x[t - 1] && x[t] >= x[t + 1]) {
                const int gap = t - last;
                first = n++ == 0 ? t : first;
                if (last >= 0) {
                    shortest = gap < shortest ? gap : shortest;
                    longest = gap > longest ? gap : longest;
                }
                last = t;
            }
        const double rate = 60.0 * RATE * (n - 1) / (last - first);
        assert_true(highest > 0.3f && highest < 2.2f);
        least = fmin(least, rate);
        most = fmax(most, rate);
        varied += longest > shortest;
        assert_true(longest < 1.5 * shortest);
    }
    assert_true(least > 45 && least < 60 && most > 100 && most < 122);
    assert_true(varied > 0.95 * N);
    dataset_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(windows_of_a_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_of_each_rank, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_of_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, set_up, tear_down),
        cmocka_unit_test(an_ecg_depends_on_seed_and_number_alone),
        cmocka_unit_test(beats_look_like_beats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
