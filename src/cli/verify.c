/* dae-cl verify: compares a config's network on a device with double precision, or on two devices with each other. */
#include <stdio.h>

#include "check/trust.h"
#include "check/verification.h"
#include "cli/command.h"
#include "cli/driver_guard.h"
#include "cli/output.h"
#include "driver/driver.h"
#include "graph/build.h"

enum { N_COLUMNS = 6 };

static enum dae_status open_devices(const struct invocation *invocation, struct verification *subject,
                                    struct error *err)
{
    struct device_request request;
    const char *other = invocation_value(invocation, "against");
    if (other)
        TRY(driver_expect(other, err));
    TRY(invocation_device(invocation, subject->config, &subject->device[0], err));
    if (!other)
        return DAE_OK;
    TRY(invocation_request(invocation, subject->config, &request, err));
    enum dae_status status = driver_open(other, &request.tuning, &subject->device[1], err);
    if (status != DAE_OK)
        error_note(err, "'%s' comes from --against", other);
    return status;
}

static enum dae_status verify(const struct invocation *invocation, const struct registry *registry, struct arena *arena,
                              struct verification *subject, struct error *err)
{
    struct device_request request;
    TRY(invocation_config(invocation, invocation->argument[0], arena, &subject->config, err));
    TRY(settings_read(registry, subject->config, arena, &subject->settings, err));
    TRY(invocation_request(invocation, subject->config, &request, err));
    TRY(network_build(registry, subject->config, arena, false, &subject->network, err));
    TRY(open_devices(invocation, subject, err));
    driver_guard_suspect(trust_stranger(&subject->network, &subject->settings, NULL));
    fprintf(stderr, "%s\n", device_line(subject->device[0]));
    if (subject->device[1])
        fprintf(stderr, "against %s\n", device_line(subject->device[1]));
    return verification_run(subject, arena, err);
}

static enum dae_status print_table(const struct verification *subject, struct arena *arena, struct error *err)
{
    static const char *const header[N_COLUMNS] = {"layer", "what", "max error", "bound", "verdict", "note"};
    const struct verify_report *report = &subject->report;
    const char **cell = arena_array(arena, (size_t)report->n_rows * N_COLUMNS, sizeof *cell);
    bool filled = cell != NULL;
    for (int i = 0; i < report->n_rows && filled; ++i) {
        const struct verify_row *row = &report->row[i];
        const char **line = cell + i * N_COLUMNS;
        line[0] = row->node[0] ? row->node : row->plugin[0] ? row->plugin : "(all)";
        line[1] = row->what;
        line[2] = arena_printf(arena, "%.2g", row->error);
        line[3] = arena_printf(arena, "%.2g", row->bound);
        line[4] = row->passed ? "ok" : row->is_void ? "void" : "FAILED";
        line[5] = row->note;
        filled = line[2] && line[3];
    }
    if (!filled)
        return error_no_memory(err, "table", 0);
    output_table(header, "llrrll", cell, report->n_rows);
    return DAE_OK;
}

static void print_verdict(const struct verification *subject)
{
    const struct verify_report *report = &subject->report;
    const struct verify_row *row = trust_fault(report);
    const char *name = device_facts(subject->device[0])->name, *config = subject->settings.name;
    const struct plugin *stranger = row ? trust_stranger(&subject->network, &subject->settings, row) : NULL;
    char what[512];
    if (row)
        trust_describe(row, what, sizeof what);
    printf("\n%lld numbers compared in %.1f s: batches of %lld synthetic samples, %d checks\n",
           (long long)report->n_numbers, subject->seconds, (long long)subject->options.n, report->n_rows);
    if (row && row->is_void)
        printf("verdict: none on '%s': %d checks are void, because the numbers of %s leave the range of float even in "
               "the reference; the first: %s\n",
               name, report->n_void, config, what);
    else if (row && subject->device[1])
        printf("verdict: the devices differ, first at %s\n", what);
    else if (row && stranger)
        printf("verdict: %s is computed WRONGLY: %d checks failed, the first: %s; '%s' is not to blame, because plugin "
               "'%s' (%s) is not part of dae-cl%s\n",
               config, report->n_failed, what, name, stranger->name, stranger->stranger, trust_suspect(row, stranger));
    else if (row)
        printf("verdict: '%s' computes %s WRONGLY: %d checks failed, the first: %s\n", name, config, report->n_failed,
               what);
    else if (subject->device[1])
        printf("verdict: the two devices agree on %s\n", config);
    else
        printf("verdict: '%s' computes %s correctly\n", name, config);
}

static enum dae_status print(const struct invocation *invocation, const struct verification *subject,
                             struct arena *arena, struct error *err)
{
    if (invocation_has(invocation, "json"))
        return output_json(verification_json(subject), err);
    TRY(print_table(subject, arena, err));
    print_verdict(subject);
    return DAE_OK;
}

/* The verdict is the result, not an error: the exit code and the output report a failed one. */
static enum dae_status conclude(const struct verification *subject, struct error *err)
{
    if (subject->report.n_failed > 0)
        return DAE_OPENCL;
    if (subject->report.n_void > 0)
        return DAE_DIVERGED;
    return subject->device[1] ? DAE_OK : trust_remember_pass(subject->device[0], err);
}

static enum dae_status run_verify(const struct invocation *invocation, struct error *err)
{
    struct arena arena = {0};
    struct registry *registry = NULL;
    struct verification subject = {0};
    enum dae_status status = invocation_registry(invocation, &registry, err);
    if (status == DAE_OK)
        status = verify(invocation, registry, &arena, &subject, err);
    if (status == DAE_OK)
        status = print(invocation, &subject, &arena, err);
    if (status == DAE_OK)
        status = conclude(&subject, err);
    invocation_close(subject.device[1]);
    invocation_close(subject.device[0]);
    registry_close(registry);
    arena_release(&arena);
    return status;
}

static const struct command_option option_against = {"against", "NAME[:N]", OPTION_VALUE, false,
                                                     "also compare with this second device, node by node"};

static const struct command_option *const options[] = {
    &option_platform, &option_against, &option_set, &option_plugins, &option_json, NULL,
};

static const struct command_row examples[] = {
    {"dae-cl verify conv_mnist", "is what this device computes right?"},
    {"dae-cl verify conv_mnist --platform gpu --against cpu", "where does the GPU part from the CPU?"},
    {NULL, NULL},
};

const struct command command_verify = {
    .name = "verify",
    .arguments = "CONFIG",
    .summary = "check a network on a device number by number against double precision",
    .description =
        "Runs the network of CONFIG on the device, on synthetic data, and compares the results with a reference that "
        "the host computes in double precision: the network's matrix products, each layer's values, each weight's "
        "gradient (against central differences; with train.contractive also that of loss and penalty), masks bit for "
        "bit, Gaussian draws in ulp, two updates of the parameters and of their average; whether the same batch gives "
        "the same bits twice; odd batches; and whether anything was written outside of a buffer. Prints a row for each "
        "check and a verdict in the last line. The exit status is 0, or 7 if a check failed; NaN fails. If the "
        "reference itself is not finite, because the config diverges, a check is void: it says nothing about the "
        "device, and the exit status is 8.\n\n"
        "With --against, both devices run the same batch, and each node is compared, after subtracting the difference "
        "that its inputs explain. The first failed row names the node where the devices diverge.\n\n"
        "A short form of this check runs automatically when a device is used for the first time with a driver; see the "
        "option --trust-device of run.",
    .options = options,
    .examples = examples,
    .run = run_verify,
};
