/* Where the loader searches for drivers, which environment variables count, and which folders may contain compiled
 * kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "device/kernel_cache.h"
#include "driver/environment.h"
#include "driver/icd.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    struct error err = {0};
    assert_int_equal(atomic_file_save(in_folder(name), text, strlen(text), &err), DAE_OK);
}

static int fresh(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/dae-cl-icd-test-XXXXXX");
    unsetenv("OCL_ICD_VENDORS");
    unsetenv("OPENCL_VENDOR_PATH");
    return !mkdtemp(folder);
}

static int clear(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct icd_list read_list(const char *variable, const char *value)
{
    struct icd_list list;
    struct error err = {0};
    setenv(variable, value, 1);
    assert_int_equal(icd_list_read(&list, &err), DAE_OK);
    unsetenv(variable);
    return list;
}

static void a_folder(void **state)
{
    (void)state;
    put("b.icd", "libb.so\nsecond line\n");
    put("a.icd", "/x/liba.so");
    put("c.txt", "libc.so\n");
    struct icd_list list = read_list("OCL_ICD_VENDORS", folder);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.icd[0].path, in_folder("a.icd"));
    assert_string_equal(list.icd[0].library, "/x/liba.so");
    assert_string_equal(list.icd[1].library, "libb.so");
    assert_string_equal(list.icd[0].problem, "");
    assert_string_equal(list.variable, "OCL_ICD_VENDORS");
    icd_list_release(&list);
    list = read_list("OPENCL_VENDOR_PATH", folder);
    assert_int_equal(list.n, 2);
    icd_list_release(&list);
}

static void one_file_or_library(void **state)
{
    (void)state;
    put("a.icd", "/x/liba.so\n");
    struct icd_list list = read_list("OCL_ICD_VENDORS", in_folder("a.icd"));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.icd[0].library, "/x/liba.so");
    icd_list_release(&list);
    list = read_list("OCL_ICD_VENDORS", "libsomething.so.1");
    assert_int_equal(list.n, 1);
    assert_string_equal(list.icd[0].path, "");
    assert_string_equal(icd_name(&list.icd[0]), "libsomething.so.1");
    icd_list_release(&list);
    setenv("OPENCL_VENDOR_PATH", folder, 1); /* a name without a slash is searched there first */
    list = read_list("OCL_ICD_VENDORS", "a.icd");
    assert_int_equal(list.n, 1);
    assert_string_equal(list.icd[0].path, in_folder("a.icd"));
    icd_list_release(&list);
}

static void nothing_there(void **state)
{
    (void)state;
    const char *const values[] = {"/nonexistent", "/nonexistent/x.icd", "/nonexistent/x.so", folder};
    for (int i = 0; i < 4; ++i) {
        struct icd_list list = read_list("OCL_ICD_VENDORS", values[i]);
        assert_int_equal(list.n, 0);
        assert_non_null(strstr(list.problem, values[i]));
        icd_list_release(&list);
    }
}

static void wrong_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "names no library"},
        {"\nlibb.so\n", "names no library"},
        {"libb.so \n", "ends with a blank"},
        {"libb.so\r\n", "ends with a blank or a carriage return"},
        {"lib\001b.so\n", "not the name of a library"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        put("a.icd", cases[i].text);
        struct icd_list list = read_list("OCL_ICD_VENDORS", folder);
        assert_int_equal(list.n, 1);
        assert_non_null(strstr(list.icd[0].problem, cases[i].problem));
        assert_string_equal(list.icd[0].library, "");
        icd_list_release(&list);
    }
}

static void a_folder_of_chosen_drivers(void **state)
{
    (void)state;
    struct error err = {0};
    const struct icd a = {.path = "/etc/a.icd", .library = "liba.so"}, b = {.library = "/x/libb.so"};
    const struct icd *const both[] = {&a, &b};
    char path[ICD_PATH];
    setenv("TMPDIR", folder, 1);
    assert_int_equal(icd_folder_make(both, 2, path, &err), DAE_OK);
    struct icd_list list = read_list("OCL_ICD_VENDORS", path);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.icd[0].library, "liba.so");
    assert_string_equal(list.icd[1].library, "/x/libb.so");
    icd_list_release(&list);
    icd_folder_remove(path);
    assert_int_not_equal(access(path, F_OK), 0);
    setenv("TMPDIR", "/nonexistent", 1);
    assert_int_equal(icd_folder_make(both, 2, path, &err), DAE_IO);
    assert_non_null(strstr(err.text, "set TMPDIR"));
    unsetenv("TMPDIR");
}

static bool is_listed(const struct environment *environment, const char *text)
{
    for (int i = 0; i < environment->n; ++i)
        if (strcmp(environment->variable[i].text, text) == 0)
            return environment->variable[i].meaning[0] != '\0';
    return false;
}

static void the_environment_that_counts(void **state)
{
    (void)state;
    struct environment environment;
    struct error err = {0};
    setenv("OCL_ICD_VENDORS", "x", 1);
    setenv("POCL_SOMETHING_NEW", "y", 1);
    setenv("OCL", "z", 1);
    assert_int_equal(environment_read(&environment, &err), DAE_OK);
    assert_true(is_listed(&environment, "OCL_ICD_VENDORS=x"));
    assert_true(is_listed(&environment, "POCL_SOMETHING_NEW=y"));
    assert_false(is_listed(&environment, "OCL=z"));
    for (int i = 1; i < environment.n; ++i)
        assert_true(strcmp(environment.variable[i - 1].text, environment.variable[i].text) < 0);
    environment_release(&environment);
    unsetenv("POCL_SOMETHING_NEW");
    unsetenv("OCL");
}

static void folders_for_kernels(void **state)
{
    (void)state;
    char why[256];
    struct stat info;
    const char *made = in_folder("new/cache");
    assert_null(kernel_cache_fault(made, why, sizeof why));
    assert_int_equal(stat(made, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_null(kernel_cache_fault(made, why, sizeof why));
    for (int bit = 0; bit < 9; ++bit) {
        const mode_t mode = 0700 | (mode_t)(1 << bit);
        assert_int_equal(chmod(made, mode), 0);
        const bool is_open = mode & 022;
        const char *fault = kernel_cache_fault(made, why, sizeof why);
        assert_true(is_open ? fault && strstr(fault, "other users may write to it") : !fault);
    }
    put("file", "text");
    assert_string_equal(kernel_cache_fault(in_folder("file"), why, sizeof why), "it is not a folder");
    assert_non_null(strstr(kernel_cache_fault(in_folder("file/cache"), why, sizeof why), "it cannot be created"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder, fresh, clear),
        cmocka_unit_test_setup_teardown(one_file_or_library, fresh, clear),
        cmocka_unit_test_setup_teardown(nothing_there, fresh, clear),
        cmocka_unit_test_setup_teardown(wrong_files, fresh, clear),
        cmocka_unit_test_setup_teardown(a_folder_of_chosen_drivers, fresh, clear),
        cmocka_unit_test_setup_teardown(the_environment_that_counts, fresh, clear),
        cmocka_unit_test_setup_teardown(folders_for_kernels, fresh, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
