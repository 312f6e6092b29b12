/* Volumes as a data set: which patches are cut from which files, what is refused, and the generated ones. */
#include <math.h>
#include <sys/stat.h>

#include "data/phantom.h"
#include "data/volume_patches.h"
#include "format/npy.h"
#include "in_folder.h"

/* A volume whose voxel (z, y, x) is 10000 * number + 100 z + 10 y + x. */
static void save(const char *name, int number, int rank, const int64_t *dim)
{
    struct npy array = {.is_float = true, .rank = rank};
    struct error err = {0};
    int64_t len = 1;
    for (int i = 0; i < rank; ++i)
        len *= array.dim[i] = dim[i];
    const int64_t *own = dim + rank - 3, each = own[0] * own[1] * own[2];
    float *values = array.values = calloc((size_t)len, sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < len; ++i)
        values[i] = (float)(10000 * (number + i / each) + i % each / own[2] / own[1] * 100 + i / own[2] % own[1] * 10 +
                            i % own[2]);
    assert_int_equal(npy_save(in_folder(name), &array, &err), DAE_OK);
    npy_release(&array);
}

enum { PATCHES = 600 };
static const int64_t sides[3] = {2, 3, 4};

static struct dataset load(const char *name, uint64_t seed, uint32_t split, struct volume_patches_found *found)
{
    const struct volume_patches_options options = {{sides[0], sides[1], sides[2]}, PATCHES, seed, split};
    struct dataset set = {0};
    struct error err = {0};
    if (volume_patches_load(in_folder(name), &options, &set, found, &err) != DAE_OK)
        fail_msg("%s", err.text);
    assert_int_equal(set.n, PATCHES);
    assert_int_equal(set.shape.rank, 4);
    for (int a = 0; a < 3; ++a)
        assert_int_equal(set.shape.dim[a], sides[a]);
    return set;
}

/* Every volume, place and orientation occurs, and a patch is what is there. */
static void patches_are_places_in_all_orientations(void **state)
{
    (void)state;
    static const int64_t dim[][4] = {{2, 3, 4, 5}, {2, 3, 4, 0}, {1, 9, 9, 0}};
    static const int64_t step[] = {100, 10, 1};
    bool places[3][2][2][2] = {0}, turns[8] = {0};
    struct volume_patches_found found;
    assert_int_equal(mkdir(in_folder("volumes"), 0700), 0);
    save("volumes/a.npy", 0, 4, dim[0]);
    save("volumes/b.npy", 2, 3, dim[1]);
    save("volumes/flat.npy", 3, 3, dim[2]);
    struct dataset set = load("volumes", 1, 0, &found);
    assert_int_equal(found.n_volumes, 4);
    assert_int_equal(found.n_small, 1);
    for (int64_t i = 0; i < PATCHES; ++i) {
        const float *x = (const float *)set.values + i * sides[0] * sides[1] * sides[2];
        int turn = 0, corner[3];
        for (int a = 0; a < 3; ++a) {
            const int64_t apart = a == 0 ? sides[1] * sides[2] : a == 1 ? sides[2] : 1;
            turn |= x[apart] < x[0] ? 1 << a : 0;
        }
        float least = x[0];
        for (int a = 0; a < 3; ++a)
            least -= turn >> a & 1 ? (float)((sides[a] - 1) * step[a]) : 0;
        const int number = (int)least / 10000, at = (int)least % 10000;
        for (int a = 0; a < 3; ++a)
            corner[a] = at / (int)step[a] % 10;
        turns[turn] = true;
        places[number][corner[0]][corner[1]][corner[2]] = true;
        for (int64_t k = 0; k < sides[0] * sides[1] * sides[2]; ++k) {
            const int64_t place[] = {k / sides[2] / sides[1], k / sides[2] % sides[1], k % sides[2]};
            float want = least;
            for (int a = 0; a < 3; ++a)
                want += (float)((turn >> a & 1 ? sides[a] - 1 - place[a] : place[a]) * step[a]);
            assert_true(x[k] == want);
        }
    }
    for (int t = 0; t < 8; ++t)
        assert_true(turns[t]);
    for (int v = 0; v < 2; ++v)
        for (int p = 0; p < 8; ++p)
            assert_true(places[v][p / 4][p / 2 % 2][p % 2]);
    assert_true(places[2][0][0][0]);
    dataset_release(&set);
}

static void patches_depend_on_seed_and_split(void **state)
{
    (void)state;
    struct volume_patches_found found;
    struct dataset a = load("volumes", 1, 0, &found), b = load("volumes", 1, 0, &found),
                   c = load("volumes", 2, 0, &found), d = load("volumes", 1, PHILOX_HELD_OUT, &found);
    assert_memory_equal(a.values, b.values, dataset_bytes(&a));
    assert_memory_not_equal(a.values, c.values, dataset_bytes(&a));
    assert_memory_not_equal(a.values, d.values, dataset_bytes(&a));
    dataset_release(&a);
    dataset_release(&b);
    dataset_release(&c);
    dataset_release(&d);
}

static void expect_refusal(const char *name, const char *message)
{
    const struct volume_patches_options options = {{2, 3, 4}, 1, 1, 0};
    struct volume_patches_found found;
    struct dataset set = {0};
    struct error err = {0};
    assert_int_equal(volume_patches_load(in_folder(name), &options, &set, &found, &err), DAE_BAD_DATA);
    if (!strstr(err.text, message))
        fail_msg("%s", err.text);
    dataset_release(&set);
}

static void refuses_what_is_no_volume(void **state)
{
    (void)state;
    struct error err = {0};
    float values[24] = {0};
    struct npy array = {.is_float = true, .rank = 2, .dim = {4, 6}, .values = values};
    assert_int_equal(npy_save(in_folder("plane.npy"), &array, &err), DAE_OK);
    expect_refusal("plane.npy", "volumes are NPY arrays (D,H,W) or (N,D,H,W), or stacks of grey images");
    values[17] = NAN;
    array = (struct npy){.is_float = true, .rank = 4, .dim = {2, 1, 3, 4}, .values = values};
    assert_int_equal(npy_save(in_folder("nan.npy"), &array, &err), DAE_OK);
    expect_refusal("nan.npy", "sample 1, element 5: not a number (NaN)");
    values[17] = 0;
    assert_int_equal(npy_save(in_folder("small.npy"), &array, &err), DAE_OK);
    expect_refusal("small.npy", "none of its 2 volumes is as large as a patch of 2x3x4; set data.patch lower");
    assert_int_equal(mkdir(in_folder("nothing"), 0700), 0);
    expect_refusal("nothing", "it contains no file whose name ends in .npy, .tif or .tiff");
}

enum { DRAWN = 20 };
static const int64_t cube[3] = {12, 10, 14};

static struct dataset drawn(uint64_t seed, uint32_t first)
{
    struct dataset set = {0};
    struct error err = {0};
    assert_int_equal(phantom_draw(seed, first, DRAWN, cube, &set, &err), DAE_OK);
    return set;
}

static void a_phantom_depends_on_seed_and_number_alone(void **state)
{
    (void)state;
    enum { LEN = 12 * 10 * 14 };
    struct dataset a = drawn(1, 0), b = drawn(1, 5), c = drawn(2, 0);
    const float *x = a.values;
    assert_memory_equal(x + 5 * LEN, b.values, (DRAWN - 5) * LEN * sizeof *x);
    for (int i = 0; i < DRAWN; ++i) {
        double sum = 0, squares = 0;
        assert_memory_not_equal(x + i * LEN, (float *)c.values + i * LEN, LEN * sizeof *x);
        for (int k = i * LEN; k < (i + 1) * LEN; ++k) {
            assert_true(x[k] >= 0 && x[k] <= 1);
            sum += (double)x[k];
            squares += (double)x[k] * (double)x[k];
        }
        assert_true(squares / LEN - sum / LEN * sum / LEN > 1e-4); /* there is something in it */
    }
    dataset_release(&a);
    dataset_release(&b);
    dataset_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_are_places_in_all_orientations),
        cmocka_unit_test(patches_depend_on_seed_and_split),
        cmocka_unit_test(refuses_what_is_no_volume),
        cmocka_unit_test(a_phantom_depends_on_seed_and_number_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
