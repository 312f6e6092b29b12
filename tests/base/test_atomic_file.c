/* Files that are written completely: the file that a name leads to is written and the name stays, also on file systems
 * that lack some features. fchmod, fsync and rename fail if a test says so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/atomic_file.h"
#include "base/file.h"

/* ---- A file system that fails: these replace libc's functions. --------------------------------------------------- */

static int fchmod_error, fsync_error, folder_error, rename_error;

int fchmod(int fd, mode_t mode)
{
    static int (*real)(int, mode_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fchmod");
    if (!fchmod_error)
        return real(fd, mode);
    errno = fchmod_error;
    return -1;
}

int fsync(int fd)
{
    struct stat info;
    const int code = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) ? folder_error : fsync_error;
    if (!code)
        return 0;
    errno = code;
    return -1;
}

static int failing_rename, n_renames; /* the number of the only one that fails; 0: all fail */

int rename(const char *from, const char *to)
{
    if (!rename_error || (failing_rename > 0 && ++n_renames != failing_rename))
        return renameat(AT_FDCWD, from, AT_FDCWD, to);
    errno = rename_error;
    return -1;
}

/* ---- The tests. -------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/dae-cl-atomic-XXXXXX";

static const char *path(const char *name)
{
    static char text[4][1024];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s/%s", folder, name);
    return text[turn];
}

static int begin(void **state)
{
    (void)state;
    fchmod_error = fsync_error = folder_error = rename_error = 0;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    char command[600];
    (void)state;
    rename_error = 0;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); // NOLINT
}

static enum dae_status save(const char *name, const char *text, struct error *err)
{
    *err = (struct error){0};
    return atomic_file_save(path(name), text, strlen(text), err);
}

static void holds(const char *name, const char *text)
{
    char *bytes;
    size_t len;
    struct error err = {0};
    assert_int_equal(file_read(path(name), 1000, DAE_IO, &bytes, &len, &err), DAE_OK);
    assert_string_equal(bytes, text);
    free(bytes);
}

static int n_files(void)
{
    char command[600];
    snprintf(command, sizeof command, "exit $(ls -A '%s' | wc -l)", folder);
    return WEXITSTATUS(system(command)); // NOLINT
}

static bool is_link(const char *name)
{
    struct stat info;
    return lstat(path(name), &info) == 0 && S_ISLNK(info.st_mode);
}

static void links_stay(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(mkdir(path("below"), 0700), 0);
    assert_int_equal(save("target", "old", &err), DAE_OK);
    assert_int_equal(symlink("../target", path("below/first")), 0);
    assert_int_equal(symlink(path("below/first"), path("second")), 0);
    assert_int_equal(symlink("not_yet", path("dangling")), 0);
    assert_int_equal(save("second", "new", &err), DAE_OK);
    assert_int_equal(save("dangling", "here", &err), DAE_OK);
    assert_true(is_link("second") && is_link("below/first") && is_link("dangling"));
    holds("target", "new");
    holds("not_yet", "here");
    assert_int_equal(symlink("circle", path("circle")), 0);
    assert_int_equal(save("circle", "x", &err), DAE_IO);
    assert_int_equal(save("below", "x", &err), DAE_IO);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_int_equal(n_files(), 6);
}

static void pipes_are_written_through(void **state)
{
    (void)state;
    struct error err;
    struct stat info;
    char bytes[16] = "";
    assert_int_equal(mkfifo(path("pipe"), 0600), 0);
    const int reader = open(path("pipe"), O_RDONLY | O_NONBLOCK);
    fsync_error = EINVAL; /* as a pipe says */
    assert_int_equal(save("pipe", "words", &err), DAE_OK);
    assert_int_equal(read(reader, bytes, sizeof bytes), 5);
    assert_string_equal(bytes, "words");
    assert_int_equal(lstat(path("pipe"), &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(close(reader), 0);
    assert_int_equal(n_files(), 1);
    assert_int_equal(atomic_file_save("/dev/null", "x", 1, &err), DAE_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void long_names_are_written(void **state)
{
    (void)state;
    struct error err;
    char name[300];
    for (int len = 190; len <= 255; len += 13) {
        memset(name, 'n', (size_t)len);
        name[len] = '\0';
        assert_int_equal(save(name, "text", &err), DAE_OK);
        holds(name, "text");
    }
    memset(name, 'n', 256);
    name[256] = '\0';
    assert_int_equal(save(name, "text", &err), DAE_IO);
    assert_int_equal(n_files(), 6);
}

/* Two files are open at once whose names differ only beyond the bytes that a temporary file's name keeps. */
static void temporaries_differ(void **state)
{
    (void)state;
    struct error err = {0};
    struct atomic_file file[2];
    char name[2][256];
    for (int i = 0; i < 2; ++i) {
        memset(name[i], 'n', 250);
        snprintf(name[i] + 250, 6, "%d", i);
        assert_int_equal(atomic_file_begin(&file[i], path(name[i]), &err), DAE_OK);
    }
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(atomic_file_write(&file[i], name[i] + 250, 1, &err), DAE_OK);
        assert_int_equal(atomic_file_commit(&file[i], &err), DAE_OK);
    }
    holds(name[0], "0");
    holds(name[1], "1");
}

static void temporaries_are_told_by_their_names(void **state)
{
    (void)state;
    static const char *const temporary[] = {"a.tmp.1.0", "model.safetensors.tmp.32768.12", "a.tmp.b.tmp.7.1"};
    static const char *const other[] = {"a.tmp",    "a.tmp.1", "a.tmp.1.",    "a.tmp..1",   "a.tmp.1.x",
                                        ".tmp.1.1", "a.1.1",   "a.tmp.1.1.b", "a.tmp.1.1 ", ""};
    for (size_t i = 0; i < sizeof temporary / sizeof temporary[0]; ++i)
        if (!atomic_file_is_temporary(temporary[i]))
            fail_msg("%s is one", temporary[i]);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; ++i)
        if (atomic_file_is_temporary(other[i]))
            fail_msg("%s is none", other[i]);
}

static void what_a_file_system_lacks_is_done_without(void **state)
{
    (void)state;
    struct error err;
    static const int lacking[] = {EINVAL, ENOSYS, EOPNOTSUPP}, any[] = {EPERM, ENOSYS, EIO, EINVAL};
    for (size_t i = 0; i < sizeof any / sizeof any[0]; ++i) {
        fchmod_error = any[i];
        folder_error = any[i];
        assert_int_equal(save("file", "text", &err), DAE_OK);
    }
    fchmod_error = folder_error = 0;
    for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; ++i) {
        fsync_error = lacking[i];
        assert_int_equal(save("file", "text", &err), DAE_OK);
    }
    holds("file", "text");
}

static void what_fails_leaves_the_old_file(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(save("file", "old", &err), DAE_OK);
    static const int bad[] = {EIO, ENOSPC, EDQUOT};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        fsync_error = bad[i];
        assert_int_equal(save("file", "new", &err), DAE_IO);
        fsync_error = 0;
        rename_error = bad[i];
        assert_int_equal(save("file", "new", &err), DAE_IO);
        rename_error = 0;
        holds("file", "old");
    }
    assert_int_equal(n_files(), 1);
}

static enum dae_status save_both(const char *text, struct error *err)
{
    struct atomic_file first, second;
    *err = (struct error){0};
    assert_int_equal(atomic_file_begin(&first, path("first"), err), DAE_OK);
    assert_int_equal(atomic_file_write(&first, text, strlen(text), err), DAE_OK);
    assert_int_equal(atomic_file_begin(&second, path("second"), err), DAE_OK);
    assert_int_equal(atomic_file_write(&second, text, strlen(text), err), DAE_OK);
    return atomic_file_commit_both(&first, &second, err);
}

static void two_files_are_written_or_neither(void **state)
{
    (void)state;
    struct error err;
    rename_error = EIO;
    failing_rename = 2; /* there was no first file, and there is none */
    n_renames = 0;
    assert_int_equal(save_both("new", &err), DAE_IO);
    assert_int_equal(n_files(), 0);
    rename_error = 0;
    assert_int_equal(save_both("old", &err), DAE_OK);
    assert_int_equal(n_files(), 2);
    rename_error = EIO;
    for (failing_rename = 1; failing_rename <= 2; ++failing_rename) {
        n_renames = 0;
        assert_int_equal(save_both("new", &err), DAE_IO);
        holds("first", "old");
        holds("second", "old");
        assert_int_equal(n_files(), 2);
    }
    failing_rename = rename_error = 0;
    assert_int_equal(save_both("new", &err), DAE_OK);
    holds("first", "new");
    holds("second", "new");
    assert_int_equal(n_files(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(links_stay, begin, end),
        cmocka_unit_test_setup_teardown(pipes_are_written_through, begin, end),
        cmocka_unit_test_setup_teardown(long_names_are_written, begin, end),
        cmocka_unit_test_setup_teardown(temporaries_differ, begin, end),
        cmocka_unit_test(temporaries_are_told_by_their_names),
        cmocka_unit_test_setup_teardown(what_a_file_system_lacks_is_done_without, begin, end),
        cmocka_unit_test_setup_teardown(two_files_are_written_or_neither, begin, end),
        cmocka_unit_test_setup_teardown(what_fails_leaves_the_old_file, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
