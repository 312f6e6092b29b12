#include "cli/import_weights.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/tree.h"
#include "graph/build.h"
#include "model/torch_import.h"

/* PyTorch's files are zip archives of pickles, or pickles; of a safetensors file the header's length may begin like
 * one. */
static bool is_pickle(const char *path)
{
    static const char *const endings[] = {".pt", ".pth", ".ckpt", ".pkl"};
    unsigned char head[9] = {0};
    const size_t len = strlen(path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool read_all = fd >= 0 && read(fd, head, sizeof head) == sizeof head;
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; ++i)
        if (len > strlen(endings[i]) && strcasecmp(path + len - strlen(endings[i]), endings[i]) == 0)
            return true;
    return read_all && head[8] != '{' &&
           (memcmp(head, "PK\3\4", 4) == 0 || (head[0] == 0x80 && head[1] >= 2 && head[1] <= 5));
}

enum dae_status import_refuse_pickles(const char *path, struct error *err)
{
    if (!is_pickle(path))
        return DAE_OK;
    const enum dae_status status =
        error_set(err, DAE_CHECKPOINT,
                  "%s: it is a pickle of PyTorch's, and reading one runs code; convert it to safetensors", path);
    error_note(err, "python3 -c 'import sys, torch, safetensors.torch as s; s.save_file({k: v.contiguous() for k, v in "
                    "torch.load(sys.argv[1], map_location=\"cpu\", weights_only=True).items()}, sys.argv[2])' FILE "
                    "FILE.safetensors");
    return status;
}

static enum dae_status read_network(const struct invocation *invocation, const struct registry *registry,
                                    struct arena *arena, struct model_file *out, struct error *err)
{
    struct settings settings;
    TRY(invocation_config(invocation, invocation_value(invocation, "onto"), arena, &out->config, err));
    TRY(settings_read(registry, out->config, arena, &settings, err));
    TRY(network_build(registry, out->config, arena, false, &out->network, err));
    const size_t len = (size_t)out->network.parameters_len;
    out->parameters = arena_array(arena, len + 1, sizeof *out->parameters);
    return out->parameters ? DAE_OK : error_no_memory(err, "parameters", len * sizeof *out->parameters);
}

static enum dae_status check_kind(const char *path, const struct safetensors *file, struct error *err)
{
    const char *format = safetensors_meta(file, "format");
    if (!format || strncmp(format, "dae-cl", 6) != 0)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT,
                     "%s: dae-cl wrote it, so it needs no import; dae-cl run --from starts from such weights", path);
}

enum dae_status import_weights(const struct invocation *invocation, const char *path, const struct registry *registry,
                               struct arena *arena, struct model_file *out, struct text *matches, struct error *err)
{
    struct safetensors file CLEANUP(safetensors_close) = {0};
    struct torch_layout layout CLEANUP(torch_layout_release) = {0};
    const char *map_path = invocation_value(invocation, "map");
    struct value *map = NULL;
    TRY(read_network(invocation, registry, arena, out, err));
    if (map_path)
        TRY(tree_parse_file(map_path, arena, &map, err));
    TRY(safetensors_open(path, ST_FOREIGN_OK, &file, err));
    TRY(check_kind(path, &file, err));
    TRY(torch_layout_find(&out->network, out->config, arena, &layout, err));
    return torch_import(path, &file, &layout, map, out->parameters, matches, err);
}
