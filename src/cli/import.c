/* dae-cl import: makes a model of an ONNX file, or of weights that PyTorch wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/cleanup.h"
#include "base/folder.h"
#include "cli/command.h"
#include "cli/import_weights.h"
#include "cli/output.h"
#include "config/fields.h"
#include "config/tree.h"
#include "format/onnx.h"
#include "model/onnx_import.h"
#include "train/settings.h"

struct importer {
    struct arena arena;
    struct registry *registry;
    struct onnx_import import;
    struct text matches;                 /* of weights: which module went to which layer */
    const char *folder, *model, *config; /* what is written; folder: NULL if it is not created */
};

static void release(struct importer *i)
{
    onnx_import_release(&i->import);
    text_release(&i->matches);
    registry_close(i->registry);
    arena_release(&i->arena);
}

static enum dae_status read_size(const struct invocation *invocation, int64_t size[2], struct error *err)
{
    enum { LARGEST = 65536 };
    const char *text = invocation_value(invocation, "size");
    int height = 0, width = 0, end = 0;
    if (!text)
        return DAE_OK;
    if (strspn(text, "0123456789x") != strlen(text) || sscanf(text, "%5dx%5d%n", &height, &width, &end) != 2 ||
        text[end] || height < 1 || width < 1 || height > LARGEST || width > LARGEST)
        return error_set(err, DAE_CONFIG, "--size expects HEIGHTxWIDTH, as 48x64, got '%s'", text);
    size[0] = height;
    size[1] = width;
    return DAE_OK;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t len = strlen(text), n = strlen(ending);
    return len > n && strcmp(text + len - n, ending) == 0;
}

/* NAME.safetensors with NAME.yaml, or a folder with model.safetensors and config.yaml, as a run has them. Neither may
 * exist: a trained model is not replaced. */
static enum dae_status choose_names(struct importer *i, const char *out, struct error *err)
{
    static const char ending[] = ".safetensors";
    const int stem = (int)(strlen(out) - strlen(ending));
    if (ends_with(out, ending)) {
        i->model = out;
        i->config = arena_printf(&i->arena, "%.*s.yaml", stem, out);
    } else {
        const char *slash = ends_with(out, "/") ? "" : "/";
        i->folder = out;
        i->model = arena_printf(&i->arena, "%s%smodel.safetensors", out, slash);
        i->config = arena_printf(&i->arena, "%s%sconfig.yaml", out, slash);
    }
    if (!i->model || !i->config)
        return error_no_memory(err, "file name", strlen(out));
    const char *const written[] = {i->model, i->config};
    for (int n = 0; n < 2; ++n)
        if (access(written[n], F_OK) == 0)
            return error_set(err, DAE_CONFIG, "%s exists, and import replaces nothing; give another name to -o",
                             written[n]);
    return DAE_OK;
}

/* The file's name without folder and ending, as far as a name may have its characters. */
static const char *name_of(const char *path, char name[65])
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');
    const size_t len = dot && dot > from ? (size_t)(dot - from) : strlen(from);
    size_t n = 0;
    for (size_t i = 0; i < len && n < 64; ++i)
        if (n > 0 || from[i] != '.')
            name[n++] = field_name_allows(from[i]) ? from[i] : '_';
    name[n] = '\0';
    return n ? name : "imported";
}

/* What training reads must be as sound as for other commands. A config of a file of another program gets its defaults
 * by this; that of an exported model stays as it was. */
static enum dae_status check_settings(struct importer *i, struct error *err)
{
    struct value *config = i->import.file.config;
    struct settings settings;
    if (i->import.own && !(config = value_copy(&i->arena, config)))
        return error_no_memory(err, "config", 0);
    return settings_read(i->registry, config, &i->arena, &settings, err);
}

/* The config first: a model without it would be complete, but a config alone is no model. */
static enum dae_status write_files(const struct importer *i, struct error *err)
{
    const struct model_file *file = &i->import.file;
    struct text yaml CLEANUP(text_release) = {0};
    TRY(tree_write(file->config, &yaml, err));
    if (yaml.failed)
        return error_no_memory(err, i->config, yaml.len);
    if (i->folder)
        TRY(folder_make(i->folder, err));
    TRY(atomic_file_save(i->config, yaml.data, yaml.len, err));
    const enum dae_status status =
        model_file_save(i->model, &file->network, file->parameters, file->config, file->columns, err);
    if (status != DAE_OK)
        unlink(i->config);
    return status;
}

static void print_summary(const struct importer *i, const char *from)
{
    const struct network *network = &i->import.file.network;
    const char *line = i->import.notes.data ? i->import.notes.data : "";
    for (size_t len; *line; line += len + 1) {
        len = strcspn(line, "\n");
        output_note("note: %.*s\n", (int)len, line);
    }
    output_line("%s: %d layers, %lld parameters, from %s (opset %d)\n", i->model, network->output - network->noisy,
                (long long)network->n_parameters, from, i->import.opset);
    output_line("%s: %s\n", i->config,
                i->import.own ? "the config of the model that was exported"
                              : "its config, whose data, corruption and train are yours to set");
}

static enum dae_status import_graph(const struct invocation *invocation, struct importer *i, const char *from,
                                    struct error *err)
{
    struct onnx_import_options options = {0};
    char name[65];
    options.name = name_of(from, name);
    TRY(read_size(invocation, options.size, err));
    if (ends_with(from, ".safetensors"))
        return error_set(err, DAE_CONFIG, "%s contains weights without a network; --onto CONFIG names the network",
                         from);
    if (invocation_has(invocation, "map"))
        return error_set(err, DAE_CONFIG, "--map is about weights, for the network that --onto names");
    TRY(onnx_check_build(err));
    TRY(onnx_import(from, i->registry, &options, &i->arena, &i->import, err));
    TRY(check_settings(i, err));
    TRY(write_files(i, err));
    print_summary(i, from);
    return DAE_OK;
}

static enum dae_status import_onto(const struct invocation *invocation, struct importer *i, const char *from,
                                   struct error *err)
{
    struct model_file *file = &i->import.file;
    if (invocation_has(invocation, "size"))
        return error_set(err, DAE_CONFIG, "the config that --onto names says what size samples have; leave out --size");
    TRY(import_weights(invocation, from, i->registry, &i->arena, file, &i->matches, err));
    TRY(write_files(i, err));
    output_line("%s", i->matches.data);
    output_line("%s: %lld parameters, from %s\n", i->model, (long long)file->network.n_parameters, from);
    output_line("%s: the config of %s\n", i->config, invocation_value(invocation, "onto"));
    return DAE_OK;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct importer i CLEANUP(release) = {0};
    const char *from = invocation->argument[0];
    TRY(import_refuse_pickles(from, err));
    TRY(choose_names(&i, invocation_value(invocation, "o"), err));
    TRY(invocation_registry(invocation, &i.registry, err));
    return invocation_has(invocation, "onto") ? import_onto(invocation, &i, from, err)
                                              : import_graph(invocation, &i, from, err);
}

static const struct command_option option_o = {
    "o", "NAME", OPTION_VALUE, true,
    "a folder, for model.safetensors and config.yaml, or NAME.safetensors, next to which is NAME.yaml"};
static const struct command_option option_size = {
    "size", "HxW", OPTION_VALUE, false,
    "height and width of the samples, if the file leaves them open; the model then takes other sizes as well, if its "
    "layers do"};

static const struct command_option option_onto = {
    "onto", "CONFIG", OPTION_VALUE, false, "the network whose weights FILE.safetensors, which PyTorch wrote, contains"};
static const struct command_option option_map = {
    "map", "FILE", OPTION_VALUE, false,
    "which weights belong to which layer, in lines LAYER: MODULE; by name, shape and order if not given"};

static const struct command_option *const options[] = {&option_o,   &option_size,    &option_onto,
                                                       &option_map, &option_plugins, NULL};

static const struct command_row examples[] = {
    {"dae-cl import network.onnx -o network", "network/model.safetensors and network/config.yaml"},
    {"dae-cl import network.onnx -o network --size 64x64", "the same, if the file leaves the size of the images open"},
    {NULL, NULL},
};

static const struct command_row files[] = {
    {"NAME/model.safetensors, NAME/config.yaml", "the network as a model, and the config that describes it"},
    {NULL, NULL},
};

const struct command command_import = {
    .name = "import",
    .arguments = "FILE",
    .summary = "make a model of an ONNX file, or of weights from PyTorch",
    .description =
        "Every other command takes the result: denoise, export, verify and, after its data are named, run. No device "
        "is used.\n\n"
        "A file that dae-cl export wrote gives the model again, with its config. Of a file of another program, the "
        "graph gives the layers: one input and one output of the same number of elements, images (N,C,H,W) or vectors "
        "(N,K), opset 13 to 23, and operators that docs/interop.md lists. A node that no layer computes is named. "
        "Weights keep their names if they are NAME.weight. Halves and doubles become 32-bit floats.\n\n"
        "Such a file does not say what the network was trained on. The config names files that you replace, has no "
        "corruption, and the loss mse; denoise gives the network pixels from 0 to 1, and numbers of arrays "
        "unchanged.\n\n"
        "With --onto, FILE.safetensors contains weights that PyTorch wrote (a state_dict), and CONFIG describes their "
        "network. Convolutions, linear layers, normalisations and PReLU are taken in PyTorch's layout. A layer takes "
        "the "
        "module of its name; others take those of their shapes in the order of the numbers in the names. What that "
        "leaves open is refused with the names, and --map says it. Files of pickles (.pt, .pth) run code and are "
        "refused; "
        "the message shows how to convert them.",
    .options = options,
    .examples = examples,
    .files = files,
    .run = run,
};
