/* dae-cl export: writes a trained model as an ONNX file, or for PyTorch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "cli/saved_model.h"
#include "model/onnx_export.h"
#include "model/torch_export.h"

static enum dae_status read_options(const struct invocation *invocation, struct onnx_export_options *options,
                                    struct error *err)
{
    const char *opset = invocation_value(invocation, "opset"), *dtype = invocation_value(invocation, "dtype");
    char *end = NULL;
    const long number = opset ? strtol(opset, &end, 10) : ONNX_EXPORT_FIRST_OPSET;
    if (opset &&
        (*opset < '0' || *opset > '9' || *end || number < ONNX_EXPORT_FIRST_OPSET || number > ONNX_EXPORT_LAST_OPSET))
        return error_set(err, DAE_CONFIG, "--opset expects a number from %d to %d, got '%s'", ONNX_EXPORT_FIRST_OPSET,
                         ONNX_EXPORT_LAST_OPSET, opset);
    options->opset = (int)number;
    options->dynamic = invocation_has(invocation, "dynamic");
    options->half = dtype && strcmp(dtype, "f16") == 0;
    if (dtype && !options->half && strcmp(dtype, "f32") != 0)
        return error_set(err, DAE_CONFIG, "--dtype expects f32 or f16, got '%s'", dtype);
    return onnx_check_build(err);
}

/* NAME.safetensors and NAME.py. */
static enum dae_status read_names(const struct invocation *invocation, struct arena *arena, const char **weights,
                                  const char **python, struct error *err)
{
    static const char ending[] = ".safetensors";
    const char *out = invocation_value(invocation, "o");
    const size_t len = strlen(out), stem = len - strlen(ending);
    for (int i = 0; i < 3; ++i) {
        static const char *const of_onnx[] = {"opset", "dynamic", "dtype"};
        if (invocation_has(invocation, of_onnx[i]))
            return error_set(err, DAE_CONFIG, "--%s is about ONNX files; leave it out, or --pytorch", of_onnx[i]);
    }
    if (len <= strlen(ending) || strcmp(out + stem, ending) != 0)
        return error_set(err, DAE_CONFIG,
                         "--pytorch writes weights and a Python module; -o expects NAME.safetensors, got '%s'", out);
    *weights = out;
    *python = arena_printf(arena, "%.*s.py", (int)stem, out);
    return *python ? DAE_OK : error_no_memory(err, "file name", len);
}

static enum dae_status check_name(const struct invocation *invocation, const char *out, struct error *err)
{
    struct outputs outputs CLEANUP(outputs_release) = {0};
    TRY(outputs_read(&outputs, "model", invocation->argument[0], err));
    for (int i = 0; i < invocation_count(invocation, "plugins"); ++i)
        TRY(outputs_read(&outputs, "plugins", invocation_nth(invocation, "plugins", i), err));
    return outputs_write(&outputs, "export", "the exported model", out, "give another name to -o", err);
}

static void print_info(const struct onnx_model *model, const char *what, const struct onnx_info *info)
{
    printf("  %-6s  %s (", what, model->value[info->value]);
    for (int i = 0; i < info->rank; ++i)
        if (info->axis[i].symbol)
            printf("%s%s", i > 0 ? ", " : "", info->axis[i].symbol);
        else
            printf("%s%lld", i > 0 ? ", " : "", (long long)info->axis[i].len);
    printf(")\n");
}

static void print_summary(const struct receptive_field *field, const struct onnx_export_options *options,
                          const struct onnx_model *model, const char *out)
{
    const int axes = model->input[0].rank - 2; /* without batch and channels */
    const int64_t *stride = field->stride;
    output_line("%s: %d nodes, opset %d, weights as %s\n", out, model->n_nodes, model->opset,
                options->half ? "16-bit floats" : "32-bit floats");
    for (int i = 0; i < model->n_inputs; ++i)
        print_info(model, "input", &model->input[i]);
    for (int i = 0; i < model->n_outputs; ++i)
        print_info(model, "output", &model->output[i]);
    if (options->dynamic && field->any_size && (stride[0] > 1 || stride[1] > 1 || stride[2] > 1)) {
        if (axes == 1)
            printf("  length must be a multiple of %lld\n", (long long)stride[0]);
        else if (axes == 2)
            printf("  height must be a multiple of %lld, width of %lld\n", (long long)stride[0], (long long)stride[1]);
        else
            printf("  depth must be a multiple of %lld, height of %lld, width of %lld\n", (long long)stride[0],
                   (long long)stride[1], (long long)stride[2]);
    }
    if (options->dynamic && !field->any_size)
        output_note("only the batch has any size: %s\n", field->problem);
}

struct exporter {
    struct saved_model saved;
    struct onnx_model model;
    struct torch_export torch;
};

static void release(struct exporter *e)
{
    onnx_release(&e->model);
    torch_export_release(&e->torch);
    saved_model_release(&e->saved);
}

/* The user has not named the module, so only one that dae-cl wrote is replaced. */
static enum dae_status check_module(const char *path, struct error *err)
{
    char head[sizeof TORCH_EXPORT_HEAD] = "";
    FILE *file = fopen(path, "rb");
    if (!file)
        return access(path, F_OK) != 0 ? DAE_OK : error_io(err, "read", path);
    const size_t n = fread(head, 1, sizeof head - 1, file);
    fclose(file);
    if (n == sizeof head - 1 && strcmp(head, TORCH_EXPORT_HEAD) == 0)
        return DAE_OK;
    return error_set(err, DAE_CONFIG, "%s exists, and dae-cl did not write it; give another name to -o", path);
}

/* The module last: without it, the weights are complete. */
static enum dae_status export_torch(const struct invocation *invocation, struct exporter *e, struct error *err)
{
    struct arena *arena = &e->saved.arena;
    const char *weights = NULL, *python = NULL;
    TRY(read_names(invocation, arena, &weights, &python, err));
    TRY(check_name(invocation, weights, err));
    TRY(check_name(invocation, python, err));
    TRY(check_module(python, err));
    TRY(saved_model_read(&e->saved, invocation, invocation->argument[0], err));
    const char *slash = strrchr(weights, '/');
    const enum dae_status status = torch_export(&e->saved.file, slash ? slash + 1 : weights, arena, &e->torch, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line refers to the config that is stored in the model");
    TRY(status);
    const struct st_meta meta = {"format", "pt"};
    const struct text *text = &e->torch.python;
    TRY(safetensors_save(weights, e->torch.tensor, e->torch.n_tensors, &meta, 1, err));
    TRY(atomic_file_save(python, text->data, text->len, err));
    output_line("%s: %zu tensors\n%s: %d modules of torch.nn\n", weights, e->torch.n_tensors, python,
                e->torch.n_modules);
    return DAE_OK;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct exporter e CLEANUP(release) = {0};
    if (invocation_has(invocation, "pytorch"))
        return export_torch(invocation, &e, err);
    struct onnx_export_options options = {0};
    struct receptive_field field;
    const char *out = invocation_value(invocation, "o");
    TRY(read_options(invocation, &options, err));
    TRY(check_name(invocation, out, err));
    TRY(saved_model_read(&e.saved, invocation, invocation->argument[0], err));
    TRY(receptive_field_find(&e.saved.file.network, &field, err));
    const enum dae_status status = onnx_export(&e.saved.file, &field, &options, &e.model, err);
    if (status == DAE_CONFIG)
        error_note(err, "the line refers to the config that is stored in the model");
    TRY(status);
    TRY(onnx_save(out, &e.model, err));
    print_summary(&field, &options, &e.model, out);
    return DAE_OK;
}

static const struct command_option option_o = {"o", "FILE", OPTION_VALUE, true,
                                               "the ONNX file, or with --pytorch NAME.safetensors"};
static const struct command_option option_pytorch = {
    "pytorch", NULL, OPTION_FLAG, false,
    "write NAME.safetensors with PyTorch's names and layout, and NAME.py, which builds the network and loads it"};
static const struct command_option option_opset = {"opset", "N", OPTION_VALUE, false,
                                                   "the version of ONNX's operators, 17 to 20; 17 if not given"};
static const struct command_option option_dynamic = {
    "dynamic", NULL, OPTION_FLAG, false,
    "let the batch have any size, and images any height and width if the network accepts them"};
static const struct command_option option_dtype = {
    "dtype", "f32|f16", OPTION_VALUE, false,
    "how weights are stored, f32 if not given; f16 halves the file, and the computation stays in 32-bit floats"};

static const struct command_option *const options[] = {
    &option_o, &option_opset, &option_dynamic, &option_dtype, &option_pytorch, &option_plugins, NULL};

static const struct command_row examples[] = {
    {"dae-cl export runs/image_gray -o denoiser.onnx --dynamic",
     "a denoiser of images of any size, for onnxruntime and others"},
    {NULL, NULL},
};

const struct command command_export = {
    .name = "export",
    .arguments = "MODEL",
    .summary = "write a trained model as an ONNX file, or for PyTorch",
    .description =
        "MODEL is a model.safetensors that dae-cl run wrote, or the folder of such a run. The file contains the layers "
        "without the corruption and the loss, as operators that every ONNX runtime has. No device is used.\n\n"
        "The input is called input and the output output. Channels come first, as ONNX has them: images are "
        "(N,C,H,W), vectors (N,K). Without --dynamic, N is 1 and images have the size that the model was trained "
        "on. The numbers are those that denoise gives to the network: pixels and bytes as 0 to 1, floats unchanged, "
        "columns of a table standardised. If layers read the mask, it is a second input, mask, of the same shape: 1 "
        "where a number is missing, which is then 0 in input.\n\n"
        "The metadata contain the config, the columns of a table with their means and standard deviations, range "
        "if the data have one, and multiple, of which height and width of an image of any size must be "
        "multiples.\n\n"
        "With --dtype f16, weights with two and more axes are stored as 16-bit floats, which the graph casts to 32 "
        "bits; biases, normalisations, input and output remain 32-bit floats. docs/interop.md lists how each layer is "
        "written.\n\n"
        "With --pytorch, the weights go to NAME.safetensors as the state_dict of NAME.py, a module of plain torch.nn: "
        "`import NAME; model = NAME.load()`.",
    .options = options,
    .examples = examples,
    .run = run,
};
