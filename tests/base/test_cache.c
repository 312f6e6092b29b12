/* Memos come back complete, and damaged or moved ones, or those that others can write to, do not. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/cache.h"
#include "base/file.h"

static char folder[64], problem[512];

static cJSON *number(double x)
{
    cJSON *value = cJSON_CreateObject();
    json_number(value, "x", x);
    return value;
}

/* What is remembered under the key, or -1. */
static double recall(const char *key)
{
    cJSON *value = cache_read("test", key, problem, sizeof problem);
    const cJSON *x = cJSON_GetObjectItem(value, "x");
    const double result = x ? x->valuedouble : -1;
    cJSON_Delete(value);
    return result;
}

static void remember(const char *key, double x)
{
    struct error err = {0};
    assert_int_equal(cache_write("test", key, number(x), &err), DAE_OK);
}

/* The only memo in the folder whose name has this ending. */
static void the_file_of(const char *ending, char *path, size_t len)
{
    DIR *dir = opendir(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strstr(entry->d_name, ending) && ++n)
            snprintf(path, len, "%s/%s", folder, entry->d_name);
    closedir(dir);
    assert_int_equal(n, 1);
}

static void the_file(char *path, size_t len)
{
    the_file_of(".json", path, len);
}

static int fresh(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/dae-cl-memo-XXXXXX");
    return !mkdtemp(folder) || setenv("DAE_CL_CACHE_DIR", folder, 1);
}

static int clear(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void comes_back_under_its_key(void **state)
{
    (void)state;
    assert_true(recall("a") == -1);
    assert_string_equal(problem, "");
    remember("a", 0.1);
    remember("b", 1e-300);
    remember("b", 2);
    assert_true(recall("a") == 0.1);
    assert_true(recall("b") == 2);
    cJSON *other = cache_read("kind", "a", problem, sizeof problem);
    assert_null(other);
    assert_true(recall("c") == -1);
    assert_string_equal(problem, "");
}

static void every_flipped_byte_is_seen(void **state)
{
    (void)state;
    char path[320], *bytes;
    size_t len;
    struct error err = {0};
    remember("key", 12345);
    the_file(path, sizeof path);
    assert_int_equal(file_read(path, 1 << 20, DAE_IO, &bytes, &len, &err), DAE_OK);
    for (size_t i = 0; i < len; ++i) {
        bytes[i] ^= 4;
        assert_int_equal(atomic_file_save(path, bytes, len, &err), DAE_OK);
        assert_true(recall("key") == -1 || recall("key") == 12345); /* a blank may have become another kind of blank */
        assert_true(recall("key") == 12345 || strstr(problem, "damaged"));
        bytes[i] ^= 4;
    }
    for (size_t cut = 0; cut + 2 < len; cut += 3) {
        assert_int_equal(atomic_file_save(path, bytes, cut, &err), DAE_OK);
        assert_true(recall("key") == -1);
        assert_non_null(strstr(problem, "damaged"));
    }
    free(bytes);
}

static void open_to_others_is_not_used(void **state)
{
    (void)state;
    char path[320], away[384];
    struct error err = {0};
    remember("key", 5);
    the_file(path, sizeof path);
    assert_int_equal(chmod(path, 0666), 0);
    assert_true(recall("key") == -1);
    assert_non_null(strstr(problem, "other users may write"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(recall("key") == 5);
    snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(symlink(away, path), 0);
    assert_true(recall("key") == -1);
    assert_non_null(strstr(problem, "not a regular file"));
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(cache_write("test", "key", number(6), &err), DAE_IO);
    assert_non_null(strstr(err.text, "other users may write"));
    assert_int_equal(chmod(folder, 0700), 0);
    if (geteuid() == 0) { /* only root can give a file away */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rename(away, path), 0);
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_true(recall("key") == -1);
        assert_non_null(strstr(problem, "another user"));
    }
}

static void the_folder_is_found_and_made(void **state)
{
    (void)state;
    char path[256], want[256];
    struct error err = {0};
    struct stat info;
    unsetenv("DAE_CL_CACHE_DIR");
    setenv("HOME", folder, 1);
    unsetenv("XDG_CACHE_HOME");
    assert_int_equal(cache_folder(path, sizeof path, &err), DAE_OK);
    snprintf(want, sizeof want, "%s/.cache/dae-cl", folder);
    assert_string_equal(path, want);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    setenv("XDG_CACHE_HOME", "relative", 1); /* to be ignored, according to the standard */
    assert_int_equal(cache_folder(path, sizeof path, &err), DAE_OK);
    assert_string_equal(path, want);
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    assert_int_equal(cache_folder(path, sizeof path, &err), DAE_IO);
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    err = (struct error){0};
    assert_int_equal(cache_folder(path, sizeof path, &err), DAE_IO);
    assert_non_null(strstr(err.text, "DAE_CL_CACHE_DIR"));
    assert_true(recall("key") == -1);
    assert_non_null(strstr(problem, "DAE_CL_CACHE_DIR"));
    setenv("DAE_CL_CACHE_DIR", "/dev/null", 1);
    err = (struct error){0};
    assert_int_equal(cache_folder(path, sizeof path, &err), DAE_IO);
    assert_non_null(strstr(err.text, "not a folder"));
}

static void keep_bytes(const char *key, const char *bytes, size_t len)
{
    struct error err = {0};
    assert_int_equal(cache_write_bytes("blob", key, bytes, len, &err), DAE_OK);
}

static void bytes_come_back_unless_damaged(void **state)
{
    (void)state;
    static const char bytes[] = "a\0program\n\xff";
    char path[512], *file;
    size_t len = 0, file_len;
    struct error err = {0};
    assert_null(cache_read_bytes("blob", "key", &len));
    keep_bytes("key", bytes, sizeof bytes);
    char *back = cache_read_bytes("blob", "key", &len);
    assert_non_null(back);
    assert_int_equal(len, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    free(back);
    assert_null(cache_read_bytes("blob", "another", &len));
    the_file_of(".bin", path, sizeof path);
    assert_int_equal(file_read(path, 4096, DAE_IO, &file, &file_len, &err), DAE_OK);
    for (size_t i = 0; i < file_len; ++i) { /* each byte flipped, and cut before each */
        file[i] ^= 1;
        assert_int_equal(atomic_file_save(path, file, file_len, &err), DAE_OK);
        assert_null(cache_read_bytes("blob", "key", &len));
        file[i] ^= 1;
        assert_int_equal(atomic_file_save(path, file, i, &err), DAE_OK);
        assert_null(cache_read_bytes("blob", "key", &len));
    }
    assert_int_equal(atomic_file_save(path, file, file_len, &err), DAE_OK);
    assert_int_equal(chmod(path, 0622), 0);
    assert_null(cache_read_bytes("blob", "key", &len));
    free(file);
}

static void the_oldest_are_forgotten_first(void **state)
{
    (void)state;
    char key[16];
    size_t len;
    for (int i = 0; i < 6; ++i) {
        snprintf(key, sizeof key, "key %d", i);
        keep_bytes(key, key, sizeof key);
        usleep(20000); /* longer than the resolution of any file system's clock */
    }
    remember("another kind", 1);
    cache_trim("blob", 4);
    for (int i = 0; i < 6; ++i) {
        snprintf(key, sizeof key, "key %d", i);
        void *back = cache_read_bytes("blob", key, &len);
        assert_int_equal(back != NULL, i >= 2);
        free(back);
    }
    assert_true(recall("another kind") == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back_under_its_key, fresh, clear),
        cmocka_unit_test_setup_teardown(every_flipped_byte_is_seen, fresh, clear),
        cmocka_unit_test_setup_teardown(open_to_others_is_not_used, fresh, clear),
        cmocka_unit_test_setup_teardown(bytes_come_back_unless_damaged, fresh, clear),
        cmocka_unit_test_setup_teardown(the_oldest_are_forgotten_first, fresh, clear),
        cmocka_unit_test_setup_teardown(the_folder_is_found_and_made, fresh, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
