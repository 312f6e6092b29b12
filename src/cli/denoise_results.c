#include "cli/denoise_results.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/outputs.h"
#include "format/image_extras.h"

/* The clean files in the folders of a folder. */
static enum dae_status read_clean_subfolders(const struct denoise_inputs *inputs, const char *clean,
                                             struct outputs *outputs, struct error *err)
{
    const char *before = "";
    for (int i = 0; i < inputs->n && clean; ++i) {
        const char *subfolder = inputs->input[i].subfolder;
        if (!*subfolder || strcmp(subfolder, before) == 0)
            continue;
        const char *folder = arena_printf(&outputs->arena, "%s/%s", clean, subfolder);
        if (!folder)
            return error_no_memory(err, "file name", strlen(subfolder));
        TRY(outputs_read(outputs, "clean files", folder, err));
        before = subfolder;
    }
    return DAE_OK;
}

enum dae_status denoise_results_check(const struct invocation *invocation, const struct denoise_inputs *inputs,
                                      const char *clean, struct error *err)
{
    static const char advice[] = "give another folder to -o";
    struct outputs outputs CLEANUP(outputs_release) = {0};
    TRY(outputs_read(&outputs, "model", invocation->argument[0], err));
    for (int i = 1; i < invocation->n_arguments; ++i) {
        const char *argument = invocation->argument[i];
        TRY(outputs_read(&outputs, "input", argument, err));
        if (argument[0] == '@')
            TRY(outputs_read(&outputs, "list", argument + 1, err));
    }
    const char *archive = "";
    for (int i = 0; i < inputs->n; ++i) {
        const struct denoise_input *input = &inputs->input[i];
        if (!input->archive)
            TRY(outputs_read(&outputs, "input", input->path, err));
        else if (strcmp(input->archive, archive) != 0)
            TRY(outputs_read(&outputs, "input", archive = input->archive, err));
    }
    if (clean)
        TRY(outputs_read(&outputs, "clean files", clean, err));
    TRY(read_clean_subfolders(inputs, clean, &outputs, err));
    for (int i = 0; i < invocation_count(invocation, "plugins"); ++i)
        TRY(outputs_read(&outputs, "plugins", invocation_nth(invocation, "plugins", i), err));
    for (int i = 0; i < inputs->n; ++i)
        TRY(outputs_write(&outputs, "denoise", inputs->input[i].path, inputs->input[i].out, advice, err));
    for (int i = 0; i < invocation_count(invocation, "scores"); ++i)
        TRY(outputs_write(&outputs, "denoise", "the scores", invocation_nth(invocation, "scores", i),
                          "give another name to --scores", err));
    TRY(outputs_differ(&outputs, "denoise", "denoise them into two folders", err));
    return outputs_write_into(&outputs, "denoise", inputs->folder, advice, err);
}

enum dae_status denoise_results_check_kind(const struct denoise_input *input, const struct samples_file *file,
                                           struct error *err)
{
    const struct image_kind *kind = input->result.image;
    if (!kind || kind == file->form.image)
        return DAE_OK;
    if (file->is_float && !kind->holds_floats)
        return error_set(err, DAE_BAD_DATA, "%s stores floats, which %s cannot; give another --format", input->path,
                         kind->name);
    if (file->extras && file->extras->tiff.alpha_kind == IMAGE_PREMULTIPLIED)
        return error_set(err, DAE_BAD_DATA,
                         "%s has premultiplied transparency, which only TIFF stores; give no --format", input->path);
    if (file->extras && file->extras->exr.is_transparent)
        return error_set(err, DAE_BAD_DATA,
                         "%s has premultiplied transparency of floats, which only OpenEXR stores; give no --format",
                         input->path);
    const int64_t pages = file->shape.rank == 4 ? file->shape.dim[0] : file->n; /* of a volume, its slices */
    if (pages > 1 && !kind->holds_stacks)
        return error_set(err, DAE_BAD_DATA,
                         "%s is a stack of %lld images, which %s cannot store; give another --format", input->path,
                         (long long)pages, kind->name);
    return DAE_OK;
}
