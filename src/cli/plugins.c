/* dae-cl plugins: what a config may contain, from the tables that read it. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "config/root.h"
#include "config/sweep.h"
#include "graph/build.h"
#include "study/study.h"

enum { MAX_PLUGINS = 256 };

/* A help text says in its first line what a plugin does, and after it when to use it. */
static int first_line(const char *help)
{
    return (int)strcspn(help, "\n");
}

static const char *second_line(const char *help)
{
    const char *end = help + first_line(help);
    return *end ? end + 1 : end;
}

static void print_plugin(const struct plugin *plugin)
{
    const char *when = second_line(plugin->help);
    printf("%s (%s): %.*s\n%s%s", plugin->name, plugin_kind_text(plugin->kind), first_line(plugin->help), plugin->help,
           when, *when ? "\n" : "");
    if (plugin->kind == PLUGIN_LAYER && plugin->max_inputs > 1)
        printf("It reads %d to %d layers, named by from: [NAMES].\n", plugin->min_inputs, plugin->max_inputs);
    output_rows(plugin->rows);
    if (!plugin->rows->key)
        puts("It takes no parameters.");
}

static enum dae_status print_named(const struct registry *registry, const char *name, struct error *err)
{
    const char *names[MAX_PLUGINS];
    int n = 0, found = 0;
    for (int i = 0; i < registry_count(registry) && i < MAX_PLUGINS; ++i) {
        names[n++] = registry_at(registry, i)->name;
        if (strcmp(registry_at(registry, i)->name, name) != 0)
            continue;
        if (found++)
            puts("");
        print_plugin(registry_at(registry, i));
    }
    if (found)
        return DAE_OK;
    const enum dae_status status = fields_unknown(NULL, "plugin", name, names, n, err);
    error_note(err, "dae-cl plugins lists them");
    return status;
}

static enum dae_status print_list(const struct registry *registry, struct error *err)
{
    static const char *const header[] = {"kind", "name", "what it does"};
    struct arena arena = {0};
    int n = registry_count(registry);
    const char **cell = arena_array(&arena, (size_t)n * 3, sizeof *cell);
    if (!cell)
        return error_no_memory(err, "plugin table", (unsigned long long)n * 3 * sizeof *cell);
    for (int i = 0; i < n; ++i) {
        const struct plugin *plugin = registry_at(registry, i);
        cell[3 * i] = plugin_kind_text(plugin->kind);
        cell[3 * i + 1] = plugin->name;
        cell[3 * i + 2] = arena_text(&arena, plugin->help, (size_t)first_line(plugin->help));
        if (!cell[3 * i + 2]) {
            arena_release(&arena);
            return error_no_memory(err, "plugin table", strlen(plugin->help));
        }
    }
    output_table(header, "lll", cell, n);
    arena_release(&arena);
    return DAE_OK;
}

/* ---- The config reference. --------------------------------------------------------------------------------------- */

static void print_heading(const char *mark, const char *name, const char *help, const struct dae_row *rows)
{
    const char *when = second_line(help);
    printf("\n%s %s\n%s%.*s%s", mark, name, *help ? "\n" : "", first_line(help), help, *help ? "\n" : "");
    printf("%s%s%s", *when ? "\n" : "", when, *when ? "\n" : "");
    output_rows_markdown(rows);
}

static void print_data(void)
{
    print_heading("##", "data", "Every source has these keys and those of its own section below.", source_common_rows);
    for (int i = 0; sources[i]; ++i)
        print_heading("###", sources[i]->name, sources[i]->help, sources[i]->rows);
}

static void print_studies(void)
{
    print_heading(
        "##", "Studies",
        "A study is an item of `studies`, or is run by `dae-cl study NAME CONFIG`. Its options go under its name: "
        "`studies: [{noise_levels: {levels: [0, 0.5]}}]`, or `--set studies.noise_levels.levels=[0,0.5]`.",
        NULL);
    for (int i = 0; studies[i]; ++i)
        print_heading("###", studies[i]->name, studies[i]->help, studies[i]->rows);
}

static void print_reference(const struct registry *registry)
{
    static const struct {
        enum plugin_kind kind;
        const char *title;
    } kinds[] = {{PLUGIN_CORRUPTION, "Corruptions"},
                 {PLUGIN_LAYER, "Layers"},
                 {PLUGIN_LOSS, "Losses"},
                 {PLUGIN_OPTIMIZER, "Optimizers"}};
    puts("# Config reference\n\n"
         "Printed by `dae-cl plugins --markdown`; `dae-cl plugins NAME` shows one entry. A key with the default none "
         "may be left out. A key such as `average.decay` belongs to the map under `average`. `--set KEY=VALUE` takes "
         "VALUE as typed, so `--set 'data.path=run #2: a.csv'` names that file; only numbers, true, false, `[lists]`, "
         "`{maps}` and `'quoted texts'` mean what they mean in YAML. To choose another optimizer, loss or layer, "
         "replace the whole item: `--set 'train.optimizer={sgd: {lr: 0.1}}'`.");
    print_heading("##", "Top level", "", root_rows);
    print_data();
    print_heading("##", "device", "", device_request_rows);
    print_heading("##", "model", "", network_model_rows);
    print_heading("##", "train", "", settings_train_rows);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; ++k) {
        printf("\n## %s\n", kinds[k].title);
        for (int i = 0; i < registry_count(registry); ++i) {
            const struct plugin *plugin = registry_at(registry, i);
            if (plugin->kind != kinds[k].kind)
                continue;
            print_heading("###", plugin->name, plugin->help, plugin->rows);
        }
    }
    print_studies();
    print_heading(
        "##", "Sweep files",
        "What `dae-cl sweep` reads; [sweeps.md](sweeps.md) has examples. Under `keys`, each key of the config "
        "has a list of values, or a map of the second table.",
        sweep_rows);
    print_heading("###", "a key of `keys`", "", sweep_key_rows);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct registry *registry;
    TRY(invocation_registry(invocation, &registry, err));
    enum dae_status status = DAE_OK;
    if (invocation_has(invocation, "markdown"))
        print_reference(registry);
    else if (invocation->n_arguments)
        status = print_named(registry, invocation->argument[0], err);
    else
        status = print_list(registry, err);
    registry_close(registry);
    return status;
}

static const struct command_option option_markdown = {"markdown", NULL, OPTION_FLAG, false,
                                                      "print the whole config reference as Markdown"};
static const struct command_option *const options[] = {&option_markdown, &option_plugins, NULL};

static const struct command_row examples[] = {
    {"dae-cl plugins", "all layers, corruptions, losses and optimizers"},
    {"dae-cl plugins conv2d", "the parameters of one"},
    {NULL, NULL},
};

const struct command command_plugins = {
    .name = "plugins",
    .arguments = "[NAME]",
    .summary = "list layers, corruptions, losses and optimizers, or describe one",
    .description = "With a name, prints each parameter with its type, range, default and meaning.",
    .options = options,
    .examples = examples,
    .run = run,
};
