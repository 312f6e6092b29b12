/* Every plugin against its double-precision reference, on the default device: tests/layers/<plugin>.yaml lists its
 * cases, each a small network in the config's own language, with `name` and perhaps `batch` and `bytes` as well. Each
 * case runs on one of the two shapes of device, taking turns; DAE_CL_SHAPE=both, wide or grid selects shapes for all
 * cases.
 *
 * Compiling the kernels takes nearly all of the time, so each program that is compiled is used on two batches, and the
 * forms in which a network may be built are not all built for each case and shape:
 *
 * The form that is compared with the references keeps all values. In the first case of a file each layer is a separate
 * kernel; in the others they are joined. It runs on both shapes of device.
 *
 * Joined and folded, as training runs it: on both shapes if something folds. If nothing folds, this is the code of the
 * form above with other places in memory, which test_schedule checks separately: it runs on one shape, the cases of a
 * file taking turns, and on both in the first case.
 *
 * Joined without folding, and folded without joining, which only switches select: if something folds, one of the two in
 * each of the first four cases of a file. These cover each combination of joining, folding and shape; more cases would
 * compile more programs for switches that work on the schedule, whatever the layer.
 *
 * test_conformance FOLDER does the same with the plugins (*.so) and cases (*.yaml) of a folder outside the tree.
 * DAE_CL_CASES=<plugin> runs the cases of one file, <plugin>/<name> one of them. DAE_CL_PART=<k>/<n> deals the cases,
 * each on its shape, to n processes in turn and runs those of process k, from 1; together the parts run each case once.
 *
 * The name of a case is printed before it runs, so that the last line of a process that crashes, in whatever thread, or
 * is stopped names the case.
 *
 * DAE_CL_REDUCED=1 runs the first case of each with few samples (`reduced_batch`, where kernels want more), only as
 * training runs it, and once, for slow simulators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../plugins/probe.h"
#include "check/verify.h"
#include "config/fields.h"
#include "config/tree.h"
#include "driver/driver.h"
#include "graph/build.h"
#include "graph/params.h"
#include "graph/schedule.h"

enum { BATCH = 37, FEW = 6, REDUCED_BATCH = 2, REDUCED_UNITS = 3, DIFFERENCES = 3, ELEMENTS = 40 };
static const double GRADIENT_GOAL = 2e-5; /* of the largest gradient of the tensor */

static const char *own_plugins; /* argument: a folder of plugins and their cases, instead of those of the tree */
static struct registry *registry;
static struct device *device[2];
static const char *const shape_name[] = {"wide", "grid"};
static int part, n_parts = 1; /* DAE_CL_PART, from 0 */
static int n_dealt;           /* cases, each on a shape, that were run or are another part's */
static int n_cases, n_failed;
static int64_t n_numbers;
static double worst_gradient;

static bool reduced(void)
{
    return getenv("DAE_CL_REDUCED") != NULL;
}

static bool wanted(const char *plugin)
{
    const char *cases = getenv("DAE_CL_CASES");
    const size_t len = strlen(plugin);
    return !cases || (strncmp(cases, plugin, len) == 0 && (cases[len] == '\0' || cases[len] == '/'));
}

static bool wanted_case(const char *name)
{
    const char *cases = getenv("DAE_CL_CASES"), *slash = cases ? strchr(cases, '/') : NULL;
    return !slash || strcmp(slash + 1, name) == 0;
}

/* Of case `number` of file `file`. */
static bool wanted_shape(int shape, int file, int number)
{
    const char *given = getenv("DAE_CL_SHAPE");
    if (!given)
        return (file + number + shape) % 2 == 0;
    return strcmp(given, "both") == 0 || strcmp(given, shape_name[shape]) == 0;
}

/* Of the next case on a shape: whether it is dealt to this process. */
static bool is_own(void)
{
    return n_dealt++ % n_parts == part;
}

static void check(enum dae_status status, const struct error *err)
{
    if (status != DAE_OK)
        fail_msg("%s", err->text);
}

static void print_failures(const char *name, const struct verify_report *report)
{
    for (int i = 0; i < report->n_rows; ++i) {
        const struct verify_row *row = &report->row[i];
        bool gradient = strcmp(row->what, "gradient") == 0 && !(row->error <= GRADIENT_GOAL);
        if (row->passed && !gradient)
            continue;
        ++n_failed;
        print_error("%s: %s (%s): %s: error %.3g, bound %.3g %s\n", name, row->node, row->plugin, row->what, row->error,
                    gradient ? GRADIENT_GOAL : row->bound, row->note);
    }
}

static struct value *parse(struct arena *arena, const char *name, const char *text)
{
    struct error err = {0};
    struct value *value;
    check(tree_parse_text(name, text, strlen(text), arena, &value, &err), &err);
    return value;
}

/* Whether the host folds anything of a network, in training or outside of it. */
static bool folds_something(const struct network *network)
{
    bool folds = false;
    for (int kind = 0; kind < 2; ++kind) {
        struct error err = {0};
        struct schedule schedule;
        const struct schedule_options options = {
            .kind = kind ? SCHEDULE_EVALUATE : SCHEDULE_TRAIN, .batch = 1, .corrupt = true, .fold = true};
        check(schedule_plan(network, device_tuning(device[0]), &options, &schedule, &err), &err);
        folds = folds || schedule_folds(&schedule);
    }
    return folds;
}

/* The forms of case `number` of its file on a shape of device: see the head of this file. */
static unsigned forms_of(const struct network *network, int number, int shape)
{
    if (reduced())
        return VERIFY_JOINED_FOLDED;
    if (!folds_something(network))
        return number == 0 || (number + shape) % 2 == 0 ? VERIFY_JOINED_FOLDED : 0;
    if (number >= 4)
        return VERIFY_JOINED_FOLDED;
    return VERIFY_JOINED_FOLDED | (number < 2 ? VERIFY_JOINED : VERIFY_FOLDED);
}

static void verify(const char *name, int shape, const struct network *network, const struct verify_options *options)
{
    struct arena arena = {0};
    struct error err = {0};
    struct verify_report report;
    print_error("[ CASE     ] %s\n", name);
    check(verify_network(device[shape], network, options, &arena, &report, &err), &err);
    print_failures(name, &report);
    n_cases += report.n_rows;
    n_numbers += report.n_numbers;
    if (report.worst_gradient > worst_gradient)
        worst_gradient = report.worst_gradient;
    arena_release(&arena);
}

static long long batch_of(const struct value *config)
{
    struct error err = {0};
    long long batch = reduced() ? REDUCED_BATCH : BATCH;
    const struct value *given = value_map_get(config, reduced() ? "reduced_batch" : "batch");
    if (given)
        check(field_int(given, 1, 10000, &batch, &err), &err);
    return batch;
}

static void run_case(const char *plugin, struct value *config, int shape, int number)
{
    struct arena arena = {0};
    struct error err = {0};
    struct network network;
    const struct plugin *optimizer;
    const void *optimizer_state;
    bool bytes = false;
    const char *case_name;
    char name[256];
    check(field_text(value_map_get(config, "name"), &case_name, &err), &err);
    if (!wanted_case(case_name) || !is_own())
        return;
    const long long batch = batch_of(config);
    if (value_map_get(config, "bytes"))
        check(field_bool(value_map_get(config, "bytes"), &bytes, &err), &err);
    check(network_build(registry, config, &arena, true, &network, &err), &err);
    struct value *given = value_map_get(value_map_get(config, "train"), "optimizer");
    check(params_read(registry, PLUGIN_OPTIMIZER, given ? given : parse(&arena, "default", "sgd: {}"), NULL, 0, &arena,
                      &optimizer, &optimizer_state, &err),
          &err);
    struct verify_options options = {
        .n = batch,
        .capacity = batch,
        .n_differences = batch < DIFFERENCES ? batch : DIFFERENCES,
        .n_elements = ELEMENTS,
        .kinks = 0.02,
        .epoch = 3,
        .seed = 5,
        .bytes = bytes,
        .joined = number > 0,
        .forms = forms_of(&network, number, shape),
        .guards = !reduced(), /* the simulator itself detects accesses outside of a buffer */
        .once = reduced(),
        .optimizer = optimizer,
        .optimizer_state = optimizer_state,
        .average = 0.2, /* of the two checked updates, the first has less */
    };
    snprintf(name, sizeof name, "%s, %s, %s", plugin, case_name, shape_name[shape]);
    verify(name, shape, &network, &options);
    if (!reduced()) {
        /* The same kernels: other data and draws, and as few samples as the last batch of an epoch may have. */
        const long long least = network_least_batch(&network), few = batch < FEW ? batch : FEW;
        options.n = few < least ? least : few;
        options.epoch = 4;
        options.seed = 6;
        snprintf(name, sizeof name, "%s, %s, %s, few samples", plugin, case_name, shape_name[shape]);
        verify(name, shape, &network, &options);
    }
    arena_release(&arena);
}

static void run_file(const char *plugin, int number)
{
    for (int shape = 0; shape < 2; ++shape) {
        /* Read again for each: building a network completes the tree. */
        struct arena arena = {0};
        struct error err = {0};
        struct value *cases;
        char path[512];
        snprintf(path, sizeof path, "%s/%s.yaml", own_plugins ? own_plugins : "tests/layers", plugin);
        check(tree_parse_file(path, &arena, &cases, &err), &err);
        check(field_list(cases, 1, -1, &err), &err);
        for (int i = 0; i < (reduced() ? 1 : cases->n); ++i)
            if (wanted_shape(shape, number, i))
                run_case(plugin, cases->items[i], shape, i);
        arena_release(&arena);
    }
}

static int is_yaml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static void every_plugin_conforms(void **state)
{
    (void)state;
    struct dirent **files;
    int n = scandir(own_plugins ? own_plugins : "tests/layers", &files, is_yaml, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; ++i) {
        char *name = files[i]->d_name;
        name[strlen(name) - 5] = '\0';
        if (wanted(name))
            run_file(name, i);
        free(files[i]);
    }
    free(files);
    print_message("%d comparisons of %lld numbers; the worst gradient is off by %.2g of its tensor's largest\n",
                  n_cases, (long long)n_numbers, worst_gradient);
    assert_int_equal(n_failed, 0);
    assert_true(n_cases > 0);
}

static void every_plugin_has_cases(void **state)
{
    (void)state;
    for (int i = 0; i < registry_count(registry); ++i) {
        char path[512];
        const struct plugin *plugin = registry_at(registry, i);
        if (plugin->loss == &probe_loss)
            continue;
        snprintf(path, sizeof path, "%s/%s.yaml", own_plugins ? own_plugins : "tests/layers", plugin->name);
        FILE *file = fopen(path, "r");
        if (!file)
            fail_msg("plugin '%s' has no cases: write %s", plugin->name, path);
        fclose(file);
    }
}

/* A simulator spends its time on work-groups without a sample; one of them is enough. */
static void reduce_units(struct device *on)
{
    struct tuning tuning = *device_tuning(on);
    if (tuning.units > REDUCED_UNITS)
        tuning.units = REDUCED_UNITS;
    device_set_tuning(on, &tuning);
}

static int open_devices(void **state)
{
    (void)state;
    struct error err = {0};
    const char *folder = getenv("DAE_CL_PLUGINS");
    const char *const folders[] = {folder ? folder : "build/plugins", own_plugins};
    enum dae_status status = registry_open(folders, own_plugins ? 2 : 1, &registry, &err);
    if (status == DAE_OK)
        status = registry_add(registry, &probe_plugin, "probe", &err);
    for (int i = 0; i < 2 && status == DAE_OK; ++i)
        status = driver_open(NULL, &(struct tuning_request){.shape = shape_name[i], .gemm = "own"}, &device[i], &err);
    for (int i = 0; i < 2 && status == DAE_OK && reduced(); ++i)
        reduce_units(device[i]);
    if (status != DAE_OK)
        print_error("%s\n", err.text);
    return status != DAE_OK;
}

static int close_devices(void **state)
{
    (void)state;
    device_close(device[0]);
    device_close(device[1]);
    registry_close(registry);
    return 0;
}

static bool read_part(void)
{
    const char *given = getenv("DAE_CL_PART");
    char rest;
    if (!given)
        return true;
    const bool whole = sscanf(given, "%d/%d%c", &part, &n_parts, &rest) == 2;
    return whole && 1 <= part && part-- <= n_parts;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plugin_conforms),
        cmocka_unit_test(every_plugin_has_cases),
    };
    own_plugins = argc > 1 ? argv[1] : NULL;
    if (!read_part()) {
        print_error("DAE_CL_PART expects k/n, such as 1/4\n");
        return 2;
    }
    return _cmocka_run_group_tests("conformance", tests, own_plugins ? 1 : 2, open_devices, close_devices);
}
