/* One walk over the kernel cache keeps it within its limit (what was unused for longest goes, and what may be in use
 * stays), removes damaged programs and remembers the others. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "device/cache_sweep.h"

enum { DAY = 86400, PAGE = 4096, PAGES = 4 };

static char folder[64];

static void set_age(const char *path, long seconds)
{
    const struct timespec then = {.tv_sec = time(NULL) - seconds};
    assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[]){then, then}, 0), 0);
}

static void path_of(const char *name, char *path, size_t len)
{
    snprintf(path, len, "%s/%s", folder, name);
}

static bool is_there(const char *name)
{
    char path[256];
    path_of(name, path, sizeof path);
    return access(path, F_OK) == 0;
}

static void write_pages(const char *path, int n)
{
    static const char page[PAGE] = "BC\xC0\xDE"; /* bitcode begins like this */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < n; ++i)
        assert_int_equal(fwrite(page, 1, PAGE, file), PAGE);
    assert_int_equal(fclose(file), 0);
}

/* A program of PAGES pages in a file of a folder of its own, compiled long ago and last used `age` seconds ago. */
static void add_program(const char *name, long age)
{
    char path[256], file[300];
    struct error err = {0};
    path_of(name, path, sizeof path);
    snprintf(file, sizeof file, "%s/kernel", path);
    assert_int_equal(folder_make(file, &err), DAE_OK);
    snprintf(file, sizeof file, "%s/kernel/kernel.bc", path);
    write_pages(file, PAGES);
    set_age(file, 100 * DAY);
    snprintf(file, sizeof file, "%s/last_accessed", path);
    write_pages(file, 0);
    set_age(file, age);
}

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/dae-cl-limit-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    struct error err = {0};
    return folder_remove(folder, &err);
}

static void programs_within_the_limit_stay(void **state)
{
    (void)state;
    add_program("AA/one", 90 * DAY);
    add_program("BB/two", 80 * DAY);
    assert_int_equal(cache_sweep(folder, 2 * PAGES * PAGE), 0);
    assert_true(is_there("AA/one") && is_there("BB/two"));
}

/* Four programs, and a limit of three and a half: three quarters of that hold two. */
static void those_unused_for_longest_go(void **state)
{
    (void)state;
    add_program("AA/used_last", 2 * DAY);
    add_program("AA/used_first", 50 * DAY);
    add_program("BB/used_third", 10 * DAY);
    add_program("BB/used_second", 20 * DAY);
    assert_int_equal(cache_sweep(folder, 7 * PAGES * PAGE / 2), 0);
    assert_true(is_there("AA/used_last") && is_there("BB/used_third"));
    assert_false(is_there("AA/used_first") || is_there("BB/used_second"));
}

static void those_in_use_stay_beyond_the_limit(void **state)
{
    (void)state;
    add_program("AA/now", 0);
    add_program("BB/minutes_ago", 600);
    add_program("CC/hours_ago", 7200);
    assert_int_equal(cache_sweep(folder, PAGE), 0);
    assert_true(is_there("AA/now") && is_there("BB/minutes_ago"));
    assert_false(is_there("CC/hours_ago"));
}

static void old_temporary_files_go(void **state)
{
    (void)state;
    char path[256];
    static const char *const name[] = {"tempfile_old", "tempfile_new", "other_old"};
    for (int i = 0; i < 3; ++i) {
        path_of(name[i], path, sizeof path);
        write_pages(path, 1);
        set_age(path, i == 1 ? 60 : 2 * DAY);
    }
    assert_int_equal(cache_sweep(folder, PAGE), 0);
    assert_false(is_there("tempfile_old"));
    assert_true(is_there("tempfile_new") && is_there("other_old"));
}

/* Whether the list that the walk leaves names the program's file. */
static bool is_remembered(const char *file)
{
    char path[256], *list;
    size_t len;
    struct error err = {0};
    path_of(".dae-cl-sums", path, sizeof path);
    assert_int_equal(file_read(path, 1 << 20, DAE_IO, &list, &len, &err), DAE_OK);
    const bool found = strstr(list, file) != NULL;
    free(list);
    return found;
}

static void no_limit_removes_nothing(void **state)
{
    (void)state;
    add_program("AA/one", 90 * DAY);
    assert_int_equal(cache_sweep(folder, 0), 0);
    assert_true(is_there("AA/one") && is_remembered("AA/one/kernel/kernel.bc"));
}

/* "BB/old2" begins like the name of a program that goes. */
static void what_was_removed_is_forgotten(void **state)
{
    (void)state;
    char path[256];
    add_program("AA/new", 2 * DAY);
    add_program("BB/old2", 3 * DAY);
    add_program("BB/old", 50 * DAY);
    add_program("CC/bad", 4 * DAY);
    assert_int_equal(cache_sweep(folder, 0), 0);
    assert_true(is_remembered("CC/bad/kernel/kernel.bc") && is_remembered("BB/old/kernel/kernel.bc"));
    path_of("CC/bad/kernel/kernel.bc", path, sizeof path);
    write_pages(path, 1);
    assert_int_equal(cache_sweep(folder, 3 * PAGES * PAGE), 1);
    assert_false(is_there("CC/bad") || is_there("BB/old"));
    assert_false(is_remembered("CC/bad/") || is_remembered("BB/old/"));
    assert_true(is_remembered("AA/new/kernel/kernel.bc") && is_remembered("BB/old2/kernel/kernel.bc"));
}

static void a_missing_folder_is_no_fault(void **state)
{
    (void)state;
    assert_int_equal(cache_sweep("/nonexistent/folder", 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(programs_within_the_limit_stay, begin, end),
        cmocka_unit_test_setup_teardown(those_unused_for_longest_go, begin, end),
        cmocka_unit_test_setup_teardown(those_in_use_stay_beyond_the_limit, begin, end),
        cmocka_unit_test_setup_teardown(old_temporary_files_go, begin, end),
        cmocka_unit_test_setup_teardown(no_limit_removes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_was_removed_is_forgotten, begin, end),
        cmocka_unit_test(a_missing_folder_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
