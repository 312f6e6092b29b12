/* dae-cl devices: the OpenCL devices of this machine, and which one would be used. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "driver/driver.h"

enum { N_COLUMNS = 7 };

/* "OpenCL 3.0 PoCL ..." -> "3.0". */
static const char *version_number(const char *version, struct arena *arena)
{
    const char *number = strchr(version, ' ') ? strchr(version, ' ') + 1 : version;
    return arena_text(arena, number, strcspn(number, " "));
}

static enum dae_status print_table(const struct platform_list *list, struct error *err)
{
    static const char *const header[N_COLUMNS] = {"platform", "device", "type", "OpenCL", "units", "memory", "usable"};
    struct arena arena = {0};
    const char **cell = arena_array(&arena, (size_t)list->n * N_COLUMNS, sizeof *cell);
    if (!cell)
        return error_no_memory(err, "device table", (unsigned long long)list->n * N_COLUMNS * sizeof *cell);
    for (int i = 0; i < list->n; ++i) {
        const struct platform_device *device = &list->device[i];
        const char **row = cell + i * N_COLUMNS;
        row[0] = device->platform;
        row[1] = device->name;
        row[2] = device_type_text(device->type);
        row[3] = version_number(device->version, &arena);
        row[4] = arena_printf(&arena, "%d", device->compute_units);
        row[5] = arena_printf(&arena, "%.1f GiB", (double)device->memory_bytes / 0x1p30);
        row[6] = device->usable ? "yes" : arena_printf(&arena, "no: %s", device->reason);
        if (!row[3] || !row[4] || !row[5] || !row[6]) {
            arena_release(&arena);
            return error_no_memory(err, "device table", 0);
        }
    }
    output_table(header, "llllrrl", cell, list->n);
    arena_release(&arena);
    return DAE_OK;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct platform_list list;
    bool json = invocation_has(invocation, "json");
    int index;
    char line[768];
    TRY(driver_expect(NULL, err));
    TRY(driver_list_devices(&list, err));
    enum dae_status status = DAE_OK;
    if (json)
        status = output_json(driver_list_json(&list), err);
    else if (list.n > 0)
        status = print_table(&list, err);
    if (status == DAE_OK)
        status = driver_choose(&list, NULL, &index, line, sizeof line, err);
    if (status == DAE_OK && !json)
        printf("without --platform, %s\n", line);
    for (int i = 0; i < list.n_notices && status == DAE_OK; ++i)
        fprintf(stderr, "%s\n", list.notice[i]);
    platform_list_release(&list);
    return status;
}

static const struct command_option *const options[] = {&option_json, NULL};

static const struct command_row examples[] = {
    {"dae-cl devices", "which names --platform takes"},
    {NULL, NULL},
};

const struct command command_devices = {
    .name = "devices",
    .arguments = "",
    .summary = "list the OpenCL devices, and say why any of them cannot be used",
    .description = "If there is no usable device, the exit code is 3 and the message says what to install.",
    .options = options,
    .examples = examples,
    .run = run,
};
