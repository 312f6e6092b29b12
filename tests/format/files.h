/* For the tests of readers: a temporary folder, and every small damage to a file. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

enum { PATH_BYTES = 512 };

/* An empty folder under $TMPDIR; remove its files, then close_folder. */
static inline void open_folder(char folder[PATH_BYTES])
{
    const char *root = getenv("TMPDIR");
    snprintf(folder, PATH_BYTES, "%s/dae-cl-test-XXXXXX", root && *root ? root : "/tmp");
    assert_non_null(mkdtemp(folder));
}

static inline void close_folder(const char *folder)
{
    assert_int_equal(rmdir(folder), 0);
}

static inline void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline unsigned char *read_bytes(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    fclose(file);
    return bytes;
}

/* Loads the file and checks the result; returns the status. */
typedef enum dae_status (*load_and_judge)(const char *path, struct error *err);

static inline void judge_damaged(const char *path, const void *bytes, size_t len, load_and_judge load, int may_succeed)
{
    struct error err = {0};
    write_file(path, bytes, len);
    enum dae_status status = load(path, &err);
    if (status == DAE_OK) {
        assert_true(may_succeed);
        return;
    }
    assert_true(status == DAE_BAD_DATA || status == DAE_IO);
    assert_int_equal(status, err.status);
    assert_non_null(strstr(err.text, path)); /* every message names the file */
}

/* Every proper prefix of the file must be refused; every flip of one bit must be refused or give a valid result. Leaves
 * the file unchanged. */
static inline void damage_file(const char *path, load_and_judge load)
{
    size_t len;
    unsigned char *bytes = read_bytes(path, &len);
    for (size_t n = 0; n < len; ++n)
        judge_damaged(path, bytes, n, load, 0);
    for (size_t bit = 0; bit < 8 * len; ++bit) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        judge_damaged(path, bytes, len, load, 1);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    write_file(path, bytes, len);
    free(bytes);
}

/* Checks the whole text of a failure. */
static inline void assert_failure(const struct error *err, enum dae_status status, const char *format, const char *path)
{
    char wanted[2 * PATH_BYTES];
    snprintf(wanted, sizeof wanted, format, path);
    assert_string_equal(err->text, wanted);
    assert_int_equal(err->status, status);
}

#endif
