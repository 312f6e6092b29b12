#include "format/idx.h"

#include <zlib.h>

#include "one_file.h"

static void write_gz(const void *bytes, size_t len, const char *mode)
{
    gzFile file = gzopen(path, mode);
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)len), len);
    assert_int_equal(gzclose(file), Z_OK);
}

/* (2,3) bytes 1 to 6. */
static const unsigned char small[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};

static void check_small(const struct idx *array)
{
    assert_false(array->is_float);
    assert_int_equal(array->rank, 2);
    assert_int_equal(array->dim[0], 2);
    assert_int_equal(array->dim[1], 3);
    assert_memory_equal(array->values, small + 12, 6);
}

static void reads_plain_and_gzip(void **state)
{
    (void)state;
    struct error err = {0};
    struct idx array;
    write_file(path, small, sizeof small);
    assert_int_equal(idx_load(path, &array, &err), DAE_OK);
    check_small(&array);
    idx_release(&array);
    assert_null(array.values);

    unlink(path);
    write_gz(small, sizeof small, "wb");
    assert_int_equal(idx_load(path, &array, &err), DAE_OK);
    check_small(&array);
    idx_release(&array);

    /* Two gzip members are one stream. */
    write_gz(small, 7, "wb");
    write_gz(small + 7, sizeof small - 7, "ab");
    assert_int_equal(idx_load(path, &array, &err), DAE_OK);
    check_small(&array);
    idx_release(&array);
}

static void keeps_what_it_saves(void **state)
{
    (void)state;
    struct error err = {0};
    struct idx array;
    float floats[2 * 5000];
    for (int i = 0; i < 10000; ++i)
        floats[i] = (float)i * 0.37f - 100;
    const struct idx saved = {.is_float = true, .rank = 3, .dim = {2, 50, 100}, .values = floats};
    assert_int_equal(idx_save(path, &saved, &err), DAE_OK);
    assert_int_equal(idx_load(path, &array, &err), DAE_OK);
    assert_true(array.is_float);
    assert_int_equal(array.rank, 3);
    assert_memory_equal(array.dim, saved.dim, sizeof saved.dim);
    assert_memory_equal(array.values, floats, sizeof floats);
    idx_release(&array);

    size_t len;
    unsigned char *bytes = read_bytes(path, &len);
    const unsigned char start[] = {0, 0, 0x0D, 3, 0, 0, 0, 2, 0, 0, 0, 50, 0, 0, 0, 100, 0xc2, 0xc8, 0, 0}; /* -100 */
    assert_int_equal(len, 16 + sizeof floats);
    assert_memory_equal(bytes, start, sizeof start);
    free(bytes);

    unsigned char values[] = {1, 2, 3, 4, 5, 6};
    const struct idx pixels = {.rank = 2, .dim = {2, 3}, .values = values};
    assert_int_equal(idx_save(path, &pixels, &err), DAE_OK);
    bytes = read_bytes(path, &len);
    assert_int_equal(len, sizeof small);
    assert_memory_equal(bytes, small, len);
    free(bytes);
}

static void refuse(const void *bytes, size_t len, const char *message)
{
    struct error err = {0};
    struct idx array;
    write_file(path, bytes, len);
    assert_int_equal(idx_load(path, &array, &err), DAE_BAD_DATA);
    assert_failure(&err, DAE_BAD_DATA, message, path);
    assert_null(array.values);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    unsigned char bytes[sizeof small + 1];
    memcpy(bytes, small, sizeof small);
    bytes[sizeof small] = 7;
    refuse("", 0, "dae-cl: error: %s: byte 0: truncated: 4 bytes of the header are missing; get it again");
    refuse(bytes, 10, "dae-cl: error: %s: byte 10: truncated: 2 bytes of the header are missing; get it again");
    refuse(bytes, 16,
           "dae-cl: error: %s: byte 16: truncated: the header claims 6 bytes, the file holds 4; get it again");
    refuse(bytes, 17,
           "dae-cl: error: %s: byte 17: truncated: the header claims 6 bytes, the file holds 5; get it again");
    refuse(bytes, sizeof bytes, "dae-cl: error: %s: byte 18: 1 bytes too many at the end; get it again");
    refuse("PK\3\4zip", 7, "dae-cl: error: %s: byte 0: not an IDX file: it begins with 50 4b instead of 00 00");
    bytes[2] = 9;
    refuse(bytes, sizeof small,
           "dae-cl: error: %s: byte 2: element type 0x09 is not supported; convert to 0x08 (bytes) or 0x0D (floats)");
    bytes[2] = 8;
    bytes[3] = 6;
    refuse(bytes, sizeof small, "dae-cl: error: %s: byte 3: rank 6 is not supported, only 1 to 5");
    bytes[3] = 0;
    refuse(bytes, sizeof small, "dae-cl: error: %s: byte 3: rank 0 is not supported, only 1 to 5");
    static const unsigned char vast[] = {0,   0,   8,   4,   255, 255, 255, 255, 255, 255,
                                         255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    refuse(vast, sizeof vast, "dae-cl: error: %s: byte 8: the product of the sizes overflows");
    static const unsigned char large[] = {0, 0, 8, 2, 0, 255, 255, 255, 0, 255, 255, 255};
    refuse(large, sizeof large,
           "dae-cl: error: %s: byte 12: truncated: the header claims 281474943156225 bytes, the "
           "file holds 0; get it again");
}

static void refuse_packed(const void *content, size_t len, size_t cut, const char *message)
{
    unlink(path);
    write_gz(content, len, "wb");
    size_t n;
    unsigned char *bytes = read_bytes(path, &n);
    refuse(bytes, n - cut, message);
    free(bytes);
}

static void says_what_is_wrong_inside_gzip(void **state)
{
    (void)state;
    static const unsigned char large[] = {0, 0, 8, 2, 0, 255, 255, 255, 0, 255, 255, 255};
    char message[200];
    unlink(path);
    write_gz(large, sizeof large, "wb");
    size_t n;
    free(read_bytes(path, &n));
    snprintf(message, sizeof message,
             "dae-cl: error: %%s: byte 12: the header claims 281474943156225 bytes, more than %zu compressed bytes can "
             "hold",
             n);
    refuse_packed(large, sizeof large, 0, message);
    refuse_packed(small, 15, 0,
                  "dae-cl: error: %s: byte 15: truncated: 3 bytes of the elements are missing; get it again");
    refuse_packed("\0\0\10\1\0\0\0\2abc", 11, 0, "dae-cl: error: %s: byte 10: bytes too many at the end; get it again");
    refuse_packed(small, sizeof small, 1, "dae-cl: error: %s: byte 18: the compressed file is truncated; get it again");

    unlink(path);
    write_gz(small, sizeof small, "wb");
    unsigned char *bytes = read_bytes(path, &n);
    bytes[n - 8] ^= 1; /* the checksum */
    refuse(bytes, n,
           "dae-cl: error: %s: byte 18: the compressed data are damaged (incorrect data check); get it again");
    bytes[n - 8] ^= 1;
    bytes = realloc(bytes, n + 2);
    memcpy(bytes + n, "xy", 2);
    refuse(bytes, n + 2,
           "dae-cl: error: %s: byte 18: the compressed data are damaged (incorrect header check); get it again");
    free(bytes);
}

/* Writes a gzip member of `len` bytes of content, padded to 65536 bytes by a long file name in its header: the reader's
 * input buffer is empty when it ends. */
static void write_padded_member(const void *content, size_t len)
{
    write_gz(content, len, "wb");
    size_t n;
    unsigned char *bytes = read_bytes(path, &n), *padded = malloc(65536);
    assert_non_null(padded);
    memcpy(padded, bytes, 10);
    padded[3] = 8; /* a name follows */
    memset(padded + 10, 'n', 65536 - n - 1);
    padded[65536 - n + 9] = '\0';
    memcpy(padded + 65536 - n + 10, bytes + 10, n - 10);
    write_file(path, padded, 65536);
    free(padded);
    free(bytes);
}

static void sees_what_follows_a_full_buffer(void **state)
{
    (void)state;
    struct error err = {0};
    struct idx array;
    unlink(path);
    write_padded_member(small, sizeof small);
    assert_int_equal(idx_load(path, &array, &err), DAE_OK);
    check_small(&array);
    idx_release(&array);

    unlink(path);
    write_padded_member(small, 7);
    write_gz(small + 7, sizeof small - 7, "ab");
    assert_int_equal(idx_load(path, &array, &err), DAE_OK);
    check_small(&array);
    idx_release(&array);
}

static void needs_a_regular_file(void **state)
{
    (void)state;
    struct error err = {0};
    struct idx array;
    assert_int_equal(idx_load(path, &array, &err), DAE_IO);
    assert_failure(&err, DAE_IO, "dae-cl: error: cannot open %s: No such file or directory", path);
    err = (struct error){0};
    assert_int_equal(idx_load(folder, &array, &err), DAE_IO);
    assert_failure(&err, DAE_IO, "dae-cl: error: cannot read %s: it is not a regular file", folder);
}

static enum dae_status load_small(const char *file, struct error *err)
{
    struct idx array;
    TRY(idx_load(file, &array, err));
    int64_t len = 1;
    for (int i = 0; i < array.rank; ++i)
        len *= array.dim[i];
    assert_in_range(len, 0, 64);
    volatile unsigned char sum = 0; /* the memory is there */
    for (int64_t i = 0; i < len * (array.is_float ? 4 : 1); ++i)
        sum = (unsigned char)(sum + ((unsigned char *)array.values)[i]);
    idx_release(&array);
    return DAE_OK;
}

static void survives_damage(void **state)
{
    (void)state;
    write_file(path, small, sizeof small);
    damage_file(path, load_small);
    unlink(path);
    write_gz(small, sizeof small, "wb");
    damage_file(path, load_small);
    static const unsigned char floats[] = {0, 0, 13, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0x40, 0, 0, 0};
    write_file(path, floats, sizeof floats);
    damage_file(path, load_small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_plain_and_gzip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_what_it_saves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong_inside_gzip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sees_what_follows_a_full_buffer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_a_regular_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
