#include "format/npy.h"

#include <math.h>

#include "one_file.h"

/* Writes a file of version major.0 with this header text and content. Returns its length. */
static size_t write_npy(int major, const char *header, const void *content, size_t len)
{
    unsigned char bytes[1024];
    size_t header_len = strlen(header), at = 8;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)major;
    bytes[7] = 0;
    for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
        bytes[at++] = (unsigned char)(header_len >> 8 * i);
    memcpy(bytes + at, header, header_len);
    memcpy(bytes + at + header_len, content, len);
    write_file(path, bytes, at + header_len + len);
    return at + header_len + len;
}

static void load(struct npy *array)
{
    struct error err = {0};
    if (npy_load(path, array, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

static void reads_what_numpy_writes(void **state)
{
    (void)state;
    struct npy array;
    write_npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }     \n", "abcdef", 6);
    load(&array);
    assert_false(array.is_float);
    assert_int_equal(array.rank, 2);
    assert_int_equal(array.dim[0], 2);
    assert_int_equal(array.dim[1], 3);
    assert_memory_equal(array.values, "abcdef", 6);
    npy_release(&array);

    /* <f8 1.5, -2, 1e300, NaN; version 2, other order of keys, no last comma */
    static const unsigned char doubles[] = {0,    0,    0, 0,    0,    0,    0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0,    0xc0,
                                            0x9c, 0x75, 0, 0x88, 0x3c, 0xe4, 0x37, 0x7e, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f};
    write_npy(2, "{\"shape\":(4,),'fortran_order':False,'descr':'<f8'}\n", doubles, sizeof doubles);
    load(&array);
    const float *values = array.values;
    assert_true(array.is_float);
    assert_int_equal(array.rank, 1);
    assert_int_equal(array.dim[0], 4);
    assert_true(values[0] == 1.5f && values[1] == -2.0f && isinf(values[2]) && isnan(values[3]));
    npy_release(&array);

    static const unsigned char one[] = {0, 0, 0x80, 0x3f};
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", one, 4);
    load(&array);
    assert_int_equal(array.rank, 0);
    assert_true(*(const float *)array.values == 1.0f);
    npy_release(&array);

    /* Big-endian; the long integers of Python 2; version 3. */
    static const unsigned char big[] = {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0};
    write_npy(3, "{'descr': '>f4', 'fortran_order': False, 'shape': (2L, 1L), }\n", big, sizeof big);
    load(&array);
    values = array.values;
    assert_int_equal(array.dim[0], 2);
    assert_int_equal(array.dim[1], 1);
    assert_true(values[0] == 1.0f && values[1] == -2.0f);
    npy_release(&array);
    static const unsigned char wide[] = {0x3f, 0xf8, 0, 0, 0, 0, 0, 0};
    write_npy(1, "{'descr': '>f8', 'fortran_order': False, 'shape': (1L,), }\n", wide, sizeof wide);
    load(&array);
    assert_true(*(const float *)array.values == 1.5f);
    npy_release(&array);
}

static void keeps_what_it_saves(void **state)
{
    (void)state;
    struct error err = {0};
    struct npy array;
    float floats[10000];
    for (int i = 0; i < 10000; ++i)
        floats[i] = (float)i * 0.37f - 100;
    const struct npy saved = {.is_float = true, .rank = 3, .dim = {2, 50, 100}, .values = floats};
    assert_int_equal(npy_save(path, &saved, &err), DAE_OK);
    load(&array);
    assert_true(array.is_float);
    assert_int_equal(array.rank, 3);
    assert_memory_equal(array.dim, saved.dim, sizeof saved.dim);
    assert_memory_equal(array.values, floats, sizeof floats);
    npy_release(&array);

    unsigned char bytes[] = {1, 2, 3};
    const struct npy vector = {.rank = 1, .dim = {3}, .values = bytes};
    assert_int_equal(npy_save(path, &vector, &err), DAE_OK);
    load(&array);
    assert_false(array.is_float);
    assert_int_equal(array.rank, 1);
    assert_memory_equal(array.values, bytes, 3);
    npy_release(&array);
    size_t len;
    unsigned char *file = read_bytes(path, &len);
    assert_int_equal(len % 64, 3); /* the elements are aligned */
    assert_memory_equal(file + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", 57);
    free(file);
}

static void refuse(int major, const char *header, const char *message)
{
    struct error err = {0};
    struct npy array;
    write_npy(major, header, "abcdef", 6);
    assert_int_equal(npy_load(path, &array, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, message, path);
    assert_null(array.values);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    refuse(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n",
           "dae-cl: error: %s: byte 44: Fortran order is not supported; save numpy.ascontiguousarray(array)");
    refuse(1, "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }\n",
           "dae-cl: error: %s: byte 20: type '|O': Python objects are not supported; save it from NumPy with "
           ".astype('<f4') or .astype('u1')");
    refuse(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }\n",
           "dae-cl: error: %s: byte 20: type '<i8': elements of this type are not supported; save it from NumPy with "
           ".astype('<f4') or .astype('u1')");
    refuse(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }\n",
           "dae-cl: error: %s: byte 20: structured elements are not supported; save plain numbers");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4), }\n",
           "dae-cl: error: %s: byte 76: truncated: the header claims 8 bytes, the file holds 6; get it again");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }\n",
           "dae-cl: error: %s: byte 73: 1 bytes too many at the end; get it again");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n",
           "dae-cl: error: %s: byte 88: the product of the sizes overflows");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }\n",
           "dae-cl: error: %s: byte 79: a size in the shape overflows");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 6), }\n",
           "dae-cl: error: %s: byte 77: the array has more than 5 dimensions");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (-6,), }\n",
           "dae-cl: error: %s: byte 61: the shape in the header does not consist of sizes");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, }\n",
           "dae-cl: error: %s: byte 53: the header lacks descr, fortran_order or shape");
    refuse(1, "{'descr': '|u1', 'shape': (6,), }\n",
           "dae-cl: error: %s: byte 44: the header lacks descr, fortran_order or shape");
    refuse(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), } # six\n",
           "dae-cl: error: %s: byte 68: the header does not end after its dictionary");
    refuse(1, "{'descr': '|u1', 'descr': '|u1', }\n",
           "dae-cl: error: %s: byte 36: a key in the header is unknown or repeated");
    refuse(4, "{}\n", "dae-cl: error: %s: byte 6: NPY version 4.0 is not supported, only 1.0 to 3.0");
    struct error err = {0};
    struct npy array;
    write_file(path, "\x93NUMPY\1\0\377\377{", 11);
    assert_int_equal(npy_load(path, &array, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA,
                   "dae-cl: error: %s: byte 8: the header claims 65535 bytes, the file holds 1 more", path);
    err = (struct error){0};
    write_file(path, "PK\3\4 an .npz file", 17);
    assert_int_equal(npy_load(path, &array, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, "dae-cl: error: %s: byte 0: not an NPY file: it does not begin with \\x93NUMPY",
                   path);
}

static enum dae_status load_small(const char *file, struct error *err)
{
    struct npy array;
    TRY(npy_load(file, &array, err));
    int64_t len = 1;
    for (int i = 0; i < array.rank; ++i)
        len *= array.dim[i];
    assert_in_range(len, 0, 64);
    volatile unsigned char sum = 0; /* the memory is there */
    for (int64_t i = 0; i < len * (array.is_float ? 4 : 1); ++i)
        sum = (unsigned char)(sum + ((unsigned char *)array.values)[i]);
    npy_release(&array);
    return DAE_OK;
}

static void survives_damage(void **state)
{
    (void)state;
    static const char doubles[16] = {0};
    write_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }  \n", doubles, sizeof doubles);
    damage_file(path, load_small);
    write_npy(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", "abcdef", 6);
    damage_file(path, load_small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_numpy_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_what_it_saves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
