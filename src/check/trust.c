#include "check/trust.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "check/bench.h"
#include "check/quick_check.h"
#include "device/properties.h"

enum {
    KEY_LEN = PROPERTIES_LINE + 48,
    WHAT_LEN = 700, /* of one row */
    WHY_LEN = 1024,
    LINE_LEN = 4096,
    FORMAT = 2, /* of the memo; format 1 blamed devices for configs that diverge */
};
static const char KIND[] = "verdict";

static void say(const struct trust_options *options, const char *format, ...) BASE_PRINTF(2, 3);
static void say(const struct trust_options *options, const char *format, ...)
{
    char line[LINE_LEN];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    utf8_clean(line);
    options->say(options->context, line);
}

/* Everything that may change a device's numbers. */
static void write_key(const struct device *device, char *key, size_t len)
{
    const struct tuning *tuning = device_tuning(device);
    char identity[PROPERTIES_LINE];
    properties_identity(device_facts(device), identity);
    snprintf(key, len, "%d\n%s, %s, %s%s", FORMAT, identity, tuning->wide ? "wide" : "grid",
             tuning->clblast ? "clblast" : "own", tuning->winograd ? ", winograd" : "");
}

/* Kernels that are being worked on are checked each time. */
static bool is_remembering(void)
{
    return !getenv("DAE_CL_KERNELS");
}

static enum dae_status remember(const struct device *device, bool passed, const char *why, struct error *err)
{
    char key[KEY_LEN];
    write_key(device, key, sizeof key);
    cJSON *verdict = cJSON_CreateObject();
    const bool made = cJSON_AddBoolToObject(verdict, "passed", passed) && cJSON_AddStringToObject(verdict, "why", why);
    if (!made) {
        cJSON_Delete(verdict);
        verdict = NULL;
    }
    return cache_write(KIND, key, verdict, err);
}

enum dae_status trust_remember_pass(const struct device *device, struct error *err)
{
    return is_remembering() ? remember(device, true, "", err) : DAE_OK;
}

/* True if there is a verdict; why is "" if the device passed. */
static bool recall(const struct trust_options *options, const struct device *device, char *why, size_t len)
{
    char key[KEY_LEN], problem[WHY_LEN] = "";
    write_key(device, key, sizeof key);
    cJSON *verdict = is_remembering() ? cache_read(KIND, key, problem, sizeof problem) : NULL;
    const cJSON *passed = cJSON_GetObjectItemCaseSensitive(verdict, "passed");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdict, "why"));
    const bool known = cJSON_IsBool(passed) && text;
    if (problem[0])
        say(options, "device check: %s", problem);
    if (known)
        snprintf(why, len, "%s", cJSON_IsTrue(passed) ? "" : text);
    cJSON_Delete(verdict);
    return known;
}

const struct verify_row *trust_fault(const struct verify_report *report)
{
    for (int i = 0; i < report->n_rows; ++i)
        if (!report->row[i].passed && report->row[i].is_void == (report->n_failed == 0))
            return &report->row[i];
    return NULL;
}

void trust_describe(const struct verify_row *row, char *text, size_t len)
{
    const char *name = row->node[0] ? row->node : row->is_void ? row->plugin : "", *colon = name[0] ? ": " : "";
    if (row->is_void)
        snprintf(text, len, "%s%s%s is not finite, in double precision either", name, colon, row->what);
    else
        snprintf(text, len, "%s%s%s off by %.3g, the bound is %.3g%s%s%s", name, colon, row->what, row->error,
                 row->bound, row->note[0] ? " (" : "", row->note, row->note[0] ? ")" : "");
}

bool trust_data_are_bytes(const struct settings *settings)
{
    const struct source *source = source_named(settings->data);
    return source && source->flags & SOURCE_BYTES;
}

const struct plugin *trust_stranger(const struct network *network, const struct settings *settings,
                                    const struct verify_row *row)
{
    const struct plugin *first = NULL, *before = NULL;
    bool is_reached = !row;
    for (int i = 1; i < network->n_nodes; ++i) {
        const struct plugin *plugin = network->node[i].plugin;
        is_reached = is_reached || strcmp(network->node[i].name, row->node) == 0;
        if (is_reached && plugin->stranger && !first)
            first = plugin;
        else if (plugin->stranger && !before)
            before = plugin;
    }
    if (settings->optimizer->stranger && (!(first || before) || (row && strcmp(row->what, "update") == 0)))
        return settings->optimizer;
    return first ? first : before;
}

const char *trust_suspect(const struct verify_row *row, const struct plugin *stranger)
{
    const bool is_own = strcmp(row->plugin, stranger->name) == 0;
    return strncmp(row->what, "values", 6) == 0 && is_own ? ": its y, or forward, disagrees with its reference"
           : strncmp(row->what, "gradient", 8) == 0       ? ": see its dx or dw, or backward"
           : strcmp(row->what, "update") == 0 && is_own   ? ": its update disagrees with its reference"
                                                          : "";
}

enum verdict { SOUND, WRONG, VOID };

/* Judges the rows; why is "" if the device is sound. */
static enum verdict judge(const struct network *network, const struct settings *settings,
                          const struct verify_report *report, char *why, size_t len)
{
    const struct verify_row *row = trust_fault(report);
    const struct plugin *stranger = row ? trust_stranger(network, settings, row) : NULL;
    char what[WHAT_LEN] = "";
    why[0] = '\0';
    if (row)
        trust_describe(row, what, sizeof what);
    if (report->n_failed > 0 && stranger)
        snprintf(why, len, "plugin '%s' (%.200s) is not part of dae-cl, and may be the cause: %s", stranger->name,
                 stranger->stranger, what);
    else if (report->n_failed > 0)
        snprintf(why, len, "%s", what);
    else if (report->n_void > 0)
        snprintf(why, len, "the config's own numbers leave the range of float: %s", what);
    return !what[0] ? SOUND : report->n_failed > 0 && !stranger ? WRONG : VOID;
}

static enum dae_status check_now(const struct trust_options *options, const struct network *network,
                                 const struct settings *settings, struct device *device, enum verdict *verdict,
                                 char *why, size_t len, struct error *err)
{
    struct arena arena = {0};
    struct verify_report report;
    const struct quick_check_options quick = {
        .batch = settings->batch,
        .bytes = trust_data_are_bytes(settings),
        .optimizer = settings->optimizer,
        .optimizer_state = settings->optimizer_state,
    };
    const char *const driver = device_facts(device)->driver;
    const double begin = clock_seconds();
    const enum dae_status status = quick_check_run(device, network, &quick, &arena, &report, err);
    if (status == DAE_OK) {
        *verdict = judge(network, settings, &report, why, len);
        if (*verdict == VOID)
            say(options, "device check: first use with driver %s: void, so it is repeated at the next start: %s",
                driver, why);
        else
            say(options, "device check: first use with driver %s: %lld numbers, %s (%.2f s)", driver,
                (long long)report.n_numbers,
                *verdict == WRONG ? "not all correct" : "all agree with the double-precision reference",
                clock_seconds() - begin);
    } else if (status != DAE_PLUGIN) {
        error_note(err, "this happened in the check at its first use");
    }
    arena_release(&arena);
    return status;
}

static void remember_or_say(const struct trust_options *options, const struct device *device, const char *why)
{
    struct error err = {0};
    if (is_remembering() && remember(device, !why[0], why, &err) != DAE_OK)
        say(options, "device check: its verdict cannot be remembered, so it runs at each start: %s", err.text);
}

enum dae_status trust_check(const struct trust_options *options, const struct network *network,
                            const struct settings *settings, struct device *device, struct error *err)
{
    char why[WHY_LEN];
    if (!recall(options, device, why, sizeof why)) {
        enum verdict verdict;
        TRY(check_now(options, network, settings, device, &verdict, why, sizeof why, err));
        if (verdict == VOID)
            return DAE_OK;
        remember_or_say(options, device, why);
    }
    if (!why[0])
        return DAE_OK;
    const struct platform_device *facts = device_facts(device);
    if (options->use_anyway) {
        say(options, "warning: device '%s' computes wrong numbers (%s), and is used because of %s", facts->name, why,
            options->anyway);
        return DAE_OK;
    }
    const enum dae_status status =
        error_set(err, DAE_OPENCL, "device '%s' computes wrong numbers: %s; it is not used", facts->name, why);
    error_note(err, "it was checked with driver %s; choose another device by %s, or try another driver", facts->driver,
               options->choose);
    error_note(err, "dae-cl verify CONFIG shows every layer, and clears this verdict if all checks pass");
    error_note(err, "%s uses the device anyway", options->anyway);
    return status;
}
