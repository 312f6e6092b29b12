/* Each file of kernels/ compiles by itself on the default device, with its own defaults and warnings as errors, also
 * for the other shape of device, where a work-group shares a sample. None needs what a device may lack: double or half
 * precision, images, any extension; and no vector crosses a call. Runs in the checkout. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "device/program.h"
#include "device/sources.h"
#include "driver/driver.h"

enum { MAX_FILES = 256, MAX_BYTES = 1 << 20 };

static struct device *device;

static int open_device(void **state)
{
    (void)state;
    const struct tuning_request tuning = {0};
    struct error err = {0};
    if (driver_open(getenv("DAE_CL_PLATFORM"), &tuning, &device, &err) == DAE_OK)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int close_device(void **state)
{
    (void)state;
    device_close(device);
    return 0;
}

static char *read_kernel(const char *name)
{
    char path[512];
    char *source;
    size_t len;
    struct error err = {0};
    snprintf(path, sizeof path, "kernels/%s", name);
    if (file_read(path, MAX_BYTES, DAE_BUG, &source, &len, &err) != DAE_OK)
        fail_msg("%s", err.text);
    return source;
}

/* Replaces comments with blanks. */
static void blank_comments(char *source)
{
    for (char *at = source; (at = strstr(at, "/*")) != NULL;) {
        char *end = strstr(at, "*/");
        assert_non_null(end);
        memset(at, ' ', (size_t)(end + 2 - at));
    }
    for (char *at = source; (at = strstr(at, "//")) != NULL;)
        memset(at, ' ', strcspn(at, "\n"));
}

/* 1.5 where 1.5f was meant is a double. */
static const char *double_literal(const char *source)
{
    for (const char *dot = source; (dot = strchr(dot, '.')) != NULL; ++dot) {
        if (dot == source || !isdigit((unsigned char)dot[-1]) || isalpha((unsigned char)dot[1]))
            continue;
        const char *end = dot + 1 + strspn(dot + 1, "0123456789");
        if (*end == 'e' || *end == 'E') {
            end += end[1] == '-' || end[1] == '+' ? 2 : 1;
            end += strspn(end, "0123456789");
        }
        if (*end != 'f')
            return dot - 1;
    }
    return NULL;
}

/* Whether a line begins the definition of a function that is not inlined: kernels take no vectors, and all other
 * functions are INLINE. */
static bool is_call(const char *line)
{
    static const char *const others[] = {"INLINE ",     "__kernel ", "WIDE_KERNEL ", "typedef ", "struct ",
                                         "__constant ", "#"};
    if (!isalpha((unsigned char)line[0]) && line[0] != '_')
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i)
        if (strncmp(line, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

/* What kernels/dae.clh says about vectors and calls where it switches clang's warning off. */
static void passes_no_vector(void **state)
{
    char *source = read_kernel(*state), *rest = NULL;
    blank_comments(source);
    for (char *line = strtok_r(source, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (is_call(line))
            fail_msg("%s: '%s' is not INLINE", (const char *)*state, line);
    free(source);
}

static void needs_no_option(void **state)
{
    static const char *const words[] = {"double", "half", "image", "EXTENSION", "atom"};
    char *source = read_kernel(*state);
    blank_comments(source);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; ++i)
        for (const char *at = source; (at = strstr(at, words[i])) != NULL; ++at) {
            const size_t len = strlen(words[i]);
            const bool name = (at > source && (isalnum((unsigned char)at[-1]) || at[-1] == '_')) || at[len] == '_';
            if (!name)
                fail_msg("%s uses '%.30s'", (const char *)*state, at);
        }
    if (double_literal(source))
        fail_msg("%s has the double %.10s", (const char *)*state, double_literal(source));
    free(source);
}

static void compiles(const char *name, const char *options)
{
    char *source = read_kernel(name);
    struct text text = {0};
    struct program *program = NULL;
    struct error err = {0};
    static const char *const headers[] = {"dae.clh", "convolution.clh", "grouped.clh", "margins.clh", "winograd.clh"};
    enum dae_status status = DAE_OK;
    for (size_t i = 0; i < sizeof headers / sizeof *headers && status == DAE_OK; ++i)
        status = sources_add(&text, headers[i], &err);
    if (status == DAE_OK)
        status = sources_add_text(&text, name, source, &err);
    if (status == DAE_OK)
        status = program_build(device, name, text.data, options, &program, &err);
    program_free(program);
    text_release(&text);
    free(source);
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static void compiles_alone(void **state)
{
    compiles(*state, "-cl-std=CL1.2 -Werror");
    compiles(*state, "-cl-std=CL1.2 -Werror -DLANES=64");
}

static int is_kernel_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && (strcmp(dot, ".cl") == 0 || strcmp(dot, ".clh") == 0);
}

int main(void)
{
    struct dirent **files;
    struct CMUnitTest tests[3 * MAX_FILES] = {{0}};
    int n_tests = 0;
    int n = scandir("kernels", &files, is_kernel_file, alphasort);
    if (n < 1 || n > MAX_FILES) {
        fprintf(stderr, "no kernels/*.cl here, or too many\n");
        return 1;
    }
    for (int i = 0; i < n; ++i) {
        char *name = files[i]->d_name;
        tests[n_tests++] = (struct CMUnitTest){.name = name, .test_func = needs_no_option, .initial_state = name};
        tests[n_tests++] = (struct CMUnitTest){.name = name, .test_func = passes_no_vector, .initial_state = name};
        if (strcmp(strrchr(name, '.'), ".cl") == 0) /* the others are prepended to each of these */
            tests[n_tests++] = (struct CMUnitTest){.name = name, .test_func = compiles_alone, .initial_state = name};
    }
    int failed = _cmocka_run_group_tests("kernels", tests, (size_t)n_tests, open_device, close_device);
    for (int i = 0; i < n; ++i)
        free(files[i]);
    free(files);
    return failed;
}
