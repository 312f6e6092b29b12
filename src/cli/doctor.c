/* dae-cl doctor: which parts of OpenCL work on this machine, which do not and why, and what to type. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "check/rates.h"
#include "cli/command.h"
#include "cli/output.h"
#include "driver/doctor.h"

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(at(object, key));
    return text ? text : "";
}

static double number_at(const cJSON *object, const char *key)
{
    const cJSON *number = at(object, key);
    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

/* Lines of the report: a name, then the facts. */
static void print_line(int indent, const char *name, const char *format, ...) BASE_PRINTF(3, 4);
static void print_line(int indent, const char *name, const char *format, ...)
{
    va_list args;
    printf("%*s%-*s", indent, "", 16 - indent, name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void print_extensions(const cJSON *extensions)
{
    static const char *const wanted[] = {"cl_khr_fp64", "cl_khr_fp16", "cl_khr_subgroups", "cl_khr_command_buffer",
                                         "cl_khr_il_program"};
    const cJSON *word;
    int n = 0;
    printf("%*s%-*s", 6, "", 10, "extensions");
    cJSON_ArrayForEach(word, extensions) for (size_t i = 0; i < sizeof wanted / sizeof wanted[0];
                                              ++i) if (strcmp(word->valuestring, wanted[i]) == 0 && ++n)
        printf(" %s", wanted[i] + strlen("cl_khr_"));
    printf("%s (of %d; none is needed)\n", n ? "" : " none that matters", cJSON_GetArraySize(extensions));
}

static void print_device(const cJSON *device)
{
    const cJSON *measured = at(device, "measured");
    print_line(4, text_at(device, "type"), "'%s' on %s", text_at(device, "name"), text_at(device, "platform"));
    print_line(6, "version", "%s; %s; driver %s", text_at(device, "version"), text_at(device, "c_version"),
               text_at(device, "driver"));
    if (at(device, "memory_bytes"))
        print_line(6, "limits",
                   "%.0f compute units, %.1f GiB (%.1f in one piece), work-groups of %.0f, local %.0f KiB, "
                   "constant %.0f KiB, alignment %.0f bytes",
                   number_at(device, "compute_units"), number_at(device, "memory_bytes") / 0x1p30,
                   number_at(device, "max_allocation_bytes") / 0x1p30, number_at(device, "max_work_group"),
                   number_at(device, "local_bytes") / 1024, number_at(device, "constant_bytes") / 1024,
                   number_at(device, "alignment_bits") / 8);
    if (at(device, "extensions"))
        print_extensions(at(device, "extensions"));
    if (!cJSON_IsTrue(at(device, "usable"))) {
        print_line(6, "tests", "FAILED: %s", text_at(device, "fault"));
        return;
    }
    print_line(6, "tests", "a kernel compiles, runs, and computes the right numbers");
    if (at(measured, "fault"))
        print_line(6, "measured", "FAILED: %s", text_at(measured, "fault"));
    else
        print_line(6, "measured", "launch %.1f us queued, %.1f us waited for; products %.1f GFLOP/s; copies %.1f GB/s",
                   number_at(measured, "launch_queued_us"), number_at(measured, "launch_waited_us"),
                   number_at(measured, "gemm_gflops"), number_at(measured, "copy_gb_per_second"));
}

static void print_drivers(const cJSON *facts)
{
    const cJSON *from = at(facts, "drivers_from"), *driver, *device;
    const char *variable = text_at(from, "variable"), *problem = text_at(from, "problem");
    print_line(0, "drivers", "from %s%s%s%s%s", text_at(from, "place"), variable[0] ? ", which is named by " : "",
               variable, problem[0] ? ": " : "", problem);
    cJSON_ArrayForEach(driver, at(facts, "drivers"))
    {
        const char *icd = text_at(driver, "icd"), *library = text_at(driver, "library"),
                   *fault = text_at(driver, "fault");
        output_line("  %s: %s%s%s\n", icd[0] ? icd : text_at(driver, "names"), text_at(driver, "verdict"),
                    fault[0] ? ": " : "", fault);
        print_line(4, "library", "%s", library[0] ? library : text_at(driver, "names"));
        if (at(driver, "unmeasured"))
            print_line(4, "measured", "FAILED: %s", text_at(driver, "unmeasured"));
        cJSON_ArrayForEach(device, at(driver, "devices")) print_device(device);
    }
}

static void print_surroundings(const cJSON *facts)
{
    const cJSON *cache = at(facts, "kernel_cache"), *memos = at(facts, "memo_folder"), *row;
    if (text_at(cache, "path")[0])
        print_line(0, "kernel cache", "%s, of %s, mode %s, %.1f GiB free, programs can be run from it",
                   text_at(cache, "path"), text_at(cache, "owner"), text_at(cache, "mode"),
                   number_at(cache, "free_bytes") / 0x1p30);
    else
        print_line(0, "kernel cache", "none: %s", text_at(cache, "problem"));
    print_line(0, "remembered in", "%s", text_at(memos, text_at(memos, "path")[0] ? "path" : "problem"));
    print_line(0, "environment", "%s",
               cJSON_GetArraySize(at(facts, "environment")) ? "these are set:" : "nothing is set that matters");
    cJSON_ArrayForEach(row, at(facts, "environment"))
        output_line("  %s=%s: changes %s\n", text_at(row, "name"), text_at(row, "value"), text_at(row, "changes"));
    cJSON_ArrayForEach(row, at(facts, "graphics"))
        print_line(0, "graphics card", "%s, at %s", text_at(row, "maker"), text_at(row, "pci"));
}

static void print_findings(const cJSON *findings)
{
    const cJSON *finding;
    int n = 0;
    cJSON_ArrayForEach(finding, findings)
    {
        const char *debian = text_at(finding, "debian");
        output_line("\n%d. %s\n", ++n, text_at(finding, "what"));
        if (strcmp(debian, text_at(finding, "fedora")) == 0) {
            printf("   %s\n", debian);
        } else {
            printf("   Debian, Ubuntu  %s\n", debian);
            printf("   Fedora          %s\n", text_at(finding, "fedora"));
            printf("   Arch            %s\n", text_at(finding, "arch"));
        }
    }
    if (n == 0)
        printf("\nno problems found\n");
}

static void print_report(const cJSON *facts)
{
    const cJSON *system = at(facts, "system"), *loader = at(facts, "loader");
    output_line("%s\n\n", text_at(facts, "verdict"));
    print_line(0, "dae-cl", "%s", DAE_CL_VERSION);
    print_line(0, "system", "%s, Linux %s, %s", text_at(system, "distribution"), text_at(system, "kernel"),
               text_at(system, "machine"));
    print_line(0, "loader", "%s%s%s %s", text_at(loader, "library"), text_at(loader, "vendor")[0] ? ", " : "",
               text_at(loader, "vendor"), text_at(loader, "version"));
    print_drivers(facts);
    print_surroundings(facts);
    print_findings(at(facts, "findings"));
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    cJSON *facts = NULL;
    fprintf(stderr, "probing and measuring every driver...\n");
    TRY(doctor_examine(rates_measure, &facts, err));
    enum dae_status status = DAE_OK;
    if (number_at(facts, "usable_devices") < 1)
        status = error_set(err, DAE_NO_DEVICE, "%s", text_at(facts, "verdict"));
    if (invocation_has(invocation, "json")) {
        cJSON_AddStringToObject(facts, "dae_cl", DAE_CL_VERSION);
        enum dae_status printed = output_json(facts, err);
        return status == DAE_OK ? printed : status;
    }
    print_report(facts);
    cJSON_Delete(facts);
    return status;
}

static const struct command_option *const options[] = {&option_json, NULL};

static const struct command_row examples[] = {
    {"dae-cl doctor", "why is no device found?"},
    {"dae-cl doctor --json > report.json", "all that it knows, for a bug report"},
    {NULL, NULL},
};

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "find out what is wrong with OpenCL on this machine, and how to fix it",
    .description =
        "Checks what an expert would check: the loader; each driver, and why it cannot be loaded or what it does when "
        "it is loaded; each device with its limits, whether it compiles and runs a kernel, what a launch costs and how "
        "fast it multiplies and copies; the cache of compiled kernels; the environment. For each finding it says what "
        "to type on Debian, Ubuntu, Fedora and Arch. --json prints all of it for a bug report.\n\n"
        "Drivers are loaded in child processes with a time limit, so that a driver that crashes or hangs is a finding "
        "and does not end the program. The results are remembered, and earlier results are ignored. The exit code is 0 "
        "if there is a usable device, else 3.",
    .options = options,
    .examples = examples,
    .run = run,
};
