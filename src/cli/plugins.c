/* dae-cl plugins: what a config may say, from the tables that read it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "config/fields.h"
#include "data/dataset.h"
#include "study/study.h"

enum { MAX_PLUGINS = 256 };

/* The keys that train/settings.c, graph/network.c and cli/invocation.c read. */
static const struct {
    const char *section, *key, *type, *default_text, *help;
} config_keys[] = {
    {"", "name", "text", "run", "names the run; letters, digits, _ . and -"},
    {"", "seed", "integer", "1", "of every random draw: initial weights, order of samples, noise"},
    {"", "device", "text or map", "auto", "the OpenCL device, in the words of --platform, or the map below"},
    {"", "data", "map", "required", "where the samples come from"},
    {"", "corruption", "corruption, or list of them", "",
     "what is done to the clean input, in that order; `one_of: [corruptions]` in the place of one draws one for each "
     "sample"},
    {"", "model", "map", "required", "the network"},
    {"", "train", "map", "required", "how it is trained"},
    {"", "compare", "list of standard_ae, affine, pca", "", "baselines to train and to report beside the network"},
    {"", "studies", "list of studies, or map", "",
     "what to find out about the trained network, each a name or `NAME: {options}`; see Studies below"},
    {"device", "platform", "text", "auto", "as --platform says it"},
    {"device", "shape", "auto, wide or grid", "auto", "kernels for CPUs (wide) or GPUs (grid)"},
    {"device", "gemm", "auto, own or clblast", "auto", "who multiplies matrices"},
    {"device", "join", "true or false", "true", "one kernel carries a sample through layer after layer"},
    {"device", "tuned", "true or false", "true", "what dae-cl tune found for the device"},
    {"device", "fold", "true or false", "true", "pointwise and pooling layers inside the layer before them"},
    {"model", "input", "list of 1 to 4 integers", "required", "the shape of a sample, channels last"},
    {"model", "layers", "list of layers", "required",
     "each one `TYPE: {parameters}`, with an optional `name: NAME` and `from: NAME` or `from: [NAMES]` beside it; a "
     "layer "
     "reads the one above it unless `from` says otherwise; `input` is the corrupted sample, `mask` is 1 where a "
     "corruption has replaced a number and 0 elsewhere"},
    {"model", "code", "name of a layer", "", "whose output is the code; none when not given"},
    {"train", "loss", "loss", "required", "what is minimised"},
    {"train", "optimizer", "optimizer", "required", "how the parameters move"},
    {"train", "batch", "integer from 1 to 65536", "128", "samples a step"},
    {"train", "epochs", "integer from 1 to 1000000", "10", "passes over the training samples"},
    {"train", "contractive", "number from 0 to 1000000", "",
     "weight of the squared Frobenius norm of the whole reconstruction's Jacobian, added to each sample's loss; the "
     "losses "
     "that are shown are without it"},
    {"train", "schedule", "step or cosine", "",
     "how the learning rate falls: `step: {after: [30, 40], factor: 0.1}` multiplies it after each of those epochs; "
     "`cosine: {to: 0}` takes it along half a wave to that part of itself at the end"},
    {"train", "warm_up", "integer from 0 to 1000000000", "0",
     "updates over which the learning rate rises from nothing"},
    {"train", "clip_gradient", "number from 1e-12 to 1e12", "",
     "the largest norm of a batch's gradient over all parameters; a longer one is scaled down to it"},
    {"train", "average", "`{decay: number above 0 and below 1}`", "decay 0.999",
     "keep a running mean of the parameters, to validate, test and save in their place; when not given, none is kept"},
    {"train", "early_stop", "`{patience: epochs, min_delta: number}`", "min_delta 0",
     "end the training after so many epochs in a row without a validation loss more than min_delta below the lowest "
     "before; "
     "needs `data.validation`"},
};

/* A parameter's texts: what its row means to a reader. */
struct row_text {
    char type[256], range[96];
};

static void describe_range(double min, double max, struct row_text *text)
{
    char low[VALUE_NUMBER_BYTES], high[VALUE_NUMBER_BYTES];
    snprintf(text->range, sizeof text->range, "%s to %s", value_number(min, low), value_number(max, high));
}

static void describe_choices(const char *choices, struct row_text *text)
{
    size_t at = 0;
    for (const char *c = choices; *c && at + 3 < sizeof text->type; ++c)
        at += (size_t)snprintf(text->type + at, sizeof text->type - at, *c == '|' ? ", " : "%c", *c);
}

static const char *default_text(const struct dae_row *row)
{
    return !row->default_text ? "required" : row->default_text[0] ? row->default_text : "none";
}

static void describe(const struct dae_row *row, struct row_text *text)
{
    static const char *const types[] = {
        [DAE_TYPE_INT] = "integer",
        [DAE_TYPE_INTS] = "",
        [DAE_TYPE_FLOAT] = "number",
        [DAE_TYPE_BOOL] = "true or false",
        [DAE_TYPE_INTERVAL] = "[lo, hi]",
        [DAE_TYPE_CHOICE] = "",
        [DAE_TYPE_SHAPE] = "list of 1 to 4 integers",
        [DAE_TYPE_LEVEL] = "number or [low, high]",
    };
    *text = (struct row_text){0};
    if (row->type == DAE_TYPE_CHOICE)
        describe_choices(row->choices, text);
    else if (row->type == DAE_TYPE_INTS)
        snprintf(text->type, sizeof text->type, row->count == 2 ? "integer or [h, w]" : "integer or list of %d",
                 row->count);
    else
        snprintf(text->type, sizeof text->type, "%s", types[row->type]);
    if (row->type != DAE_TYPE_BOOL && row->type != DAE_TYPE_CHOICE && row->type != DAE_TYPE_SHAPE)
        describe_range(row->min, row->max, text);
}

static void print_plugin(const struct plugin *plugin)
{
    printf("%s (%s): %s\n", plugin->name, plugin_kind_text(plugin->kind), plugin->help);
    if (plugin->kind == PLUGIN_LAYER && plugin->max_inputs > 1)
        printf("It reads %d to %d layers, named by from: [NAMES].\n", plugin->min_inputs, plugin->max_inputs);
    for (const struct dae_row *row = plugin->rows; row->key; ++row) {
        struct row_text text;
        describe(row, &text);
        printf("\n  %s: %s%s%s, %s%s\n      %s\n", row->key, text.type, *text.range ? ", " : "", text.range,
               row->default_text ? "default " : "", default_text(row), row->help);
    }
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
    const char *nearest = fields_nearest(name, names, n);
    char excerpt[VALUE_EXCERPT_BYTES];
    enum dae_status status = error_set(err, DAE_CONFIG, "no plugin is called '%s'%s%s%s", value_excerpt(name, excerpt),
                                       nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
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
        cell[3 * i + 2] = plugin->help;
    }
    output_table(header, "lll", cell, n);
    arena_release(&arena);
    return DAE_OK;
}

/* ---- The config reference. --------------------------------------------------------------------------------------- */

/* One cell of a Markdown table. */
static void print_cell(const char *text)
{
    putchar(' ');
    for (; *text; ++text) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
    fputs(" |", stdout);
}

static void print_cells(const char *const *cell, int n)
{
    putchar('|');
    for (int i = 0; i < n; ++i)
        print_cell(cell[i]);
    putchar('\n');
}

static void print_section(const char *section)
{
    puts("\n| key | type | default | meaning |\n| --- | --- | --- | --- |");
    for (size_t i = 0; i < sizeof config_keys / sizeof config_keys[0]; ++i)
        if (strcmp(config_keys[i].section, section) == 0)
            print_cells((const char *const[]){config_keys[i].key, config_keys[i].type, config_keys[i].default_text,
                                              config_keys[i].help},
                        4);
}

static void print_data(void)
{
    puts("\n## data\n\nWhich keys there are depends on `source`.\n\n"
         "| source | key | type | range | default | meaning |\n| --- | --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < n_dataset_keys; ++i) {
        const struct dataset_key *key = &dataset_keys[i];
        struct row_text text = {0};
        if (key->field.type == FIELD_INT)
            describe_range(key->field.min, key->field.max, &text);
        print_cells((const char *const[]){strcmp(key->source, "*") == 0 ? "every" : key->source, key->field.key,
                                          key->type, text.range, key->field.required ? "required" : key->default_text,
                                          key->help},
                    6);
    }
}

static void print_studies(void)
{
    puts("\n## Studies\n\nEach is one item of `studies`, or is asked for by `dae-cl study NAME CONFIG`; its options "
         "stand "
         "under its name: `studies: [{noise_levels: {levels: [0, 0.5]}}]`, or `--set "
         "studies.noise_levels.levels=[0,0.5]`.");
    for (int i = 0; studies[i]; ++i) {
        printf("\n### %s\n\n%s\n", studies[i]->name, studies[i]->help);
        if (studies[i]->keys && studies[i]->keys->field.key)
            puts("\n| key | type | range | default | meaning |\n| --- | --- | --- | --- | --- |");
        for (const struct study_key *key = studies[i]->keys; key && key->field.key; ++key) {
            struct row_text text = {0};
            if (key->field.min != key->field.max)
                describe_range(key->field.min, key->field.max, &text);
            print_cells((const char *const[]){key->field.key, key->type, text.range,
                                              key->default_config ? key->default_config : "", key->help},
                        5);
        }
    }
}

static void print_reference(const struct registry *registry)
{
    static const char *const sections[] = {"device", "model", "train"};
    static const struct {
        enum plugin_kind kind;
        const char *title;
    } kinds[] = {{PLUGIN_CORRUPTION, "Corruptions"},
                 {PLUGIN_LAYER, "Layers"},
                 {PLUGIN_LOSS, "Losses"},
                 {PLUGIN_OPTIMIZER, "Optimizers"}};
    puts("# Config reference\n\nPrinted by `dae-cl plugins --markdown`; `dae-cl plugins NAME` shows one entry. "
         "A key without a default may be left out.\n\n## Top level");
    print_section("");
    print_data();
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; ++i) {
        printf("\n## %s\n", sections[i]);
        print_section(sections[i]);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; ++k) {
        printf("\n## %s\n", kinds[k].title);
        for (int i = 0; i < registry_count(registry); ++i) {
            const struct plugin *plugin = registry_at(registry, i);
            if (plugin->kind != kinds[k].kind)
                continue;
            printf("\n### %s\n\n%s\n", plugin->name, plugin->help);
            if (plugin->rows->key)
                puts("\n| key | type | range | default | meaning |\n| --- | --- | --- | --- | --- |");
            for (const struct dae_row *row = plugin->rows; row->key; ++row) {
                struct row_text text;
                describe(row, &text);
                print_cells((const char *const[]){row->key, text.type, text.range, default_text(row), row->help}, 5);
            }
        }
    }
    print_studies();
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

const struct command command_plugins = {
    .name = "plugins",
    .arguments = "[NAME]",
    .summary = "list layers, corruptions, losses and optimizers, or explain one",
    .description = "With a name, prints each parameter with its type, range, default and meaning.",
    .options = options,
    .run = run,
};
