/* Each file of kernels/ compiles alone on the default device, with its own defaults and warnings as errors; so does
 * what it would mean on the other shape of device, where a work-group shares a sample. Runs in the checkout. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/atomic_file.h"
#include "device/device.h"
#include "device/sources.h"

enum { MAX_FILES = 256, MAX_BYTES = 1 << 20 };

static struct device *device;

static int open_device(void **state)
{
    (void)state;
    const struct tuning_request tuning = {0};
    struct error err = {0};
    if (device_open(getenv("DAE_CL_PLATFORM"), &tuning, &device, &err) == DAE_OK)
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

static void compiles(const char *name, const char *options)
{
    char path[512];
    char *source = NULL;
    size_t len;
    struct text text = {0};
    struct program *program = NULL;
    struct error err = {0};
    snprintf(path, sizeof path, "kernels/%s", name);
    enum dae_status status = file_read(path, MAX_BYTES, DAE_BUG, &source, &len, &err);
    if (status == DAE_OK)
        status = sources_add(&text, "dae.clh", &err);
    if (status == DAE_OK)
        status = sources_add(&text, "convolution.clh", &err);
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
    return dot && strcmp(dot, ".cl") == 0;
}

int main(void)
{
    struct dirent **files;
    struct CMUnitTest tests[MAX_FILES] = {{0}};
    int n = scandir("kernels", &files, is_kernel_file, alphasort);
    if (n < 1 || n > MAX_FILES) {
        fprintf(stderr, "no kernels/*.cl here, or too many\n");
        return 1;
    }
    for (int i = 0; i < n; ++i)
        tests[i] = (struct CMUnitTest){
            .name = files[i]->d_name, .test_func = compiles_alone, .initial_state = files[i]->d_name};
    int failed = _cmocka_run_group_tests("kernels", tests, (size_t)n, open_device, close_device);
    for (int i = 0; i < n; ++i)
        free(files[i]);
    free(files);
    return failed;
}
