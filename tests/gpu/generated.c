/* generated FOLDER CONFIG...: plans each config in the grid shape on a GPU that is only played (played_gpu.h), trains
 * one batch of BATCH samples and infers one, with our own matrix products and with CLBlast's. FOLDER gets the source of
 * each program and programs.json, which tests/gpu/check.py reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/tree.h"
#include "data/source.h"
#include "device/device.h"
#include "gpu/played_gpu.h"
#include "graph/build.h"
#include "graph/executor.h"
#include "train/settings.h"

enum { BATCH = 512, SMALLEST_BATCH = 32 };

struct config {
    struct arena arena;
    struct settings settings;
    struct network network;
    const char *name; /* of the file, without its folder and .yaml */
    bool bytes, patches;
};

static enum dae_status read_config(const struct registry *registry, const char *path, struct config *config,
                                   struct error *err)
{
    struct value *root;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    config->name = arena_printf(&config->arena, "%.*s", (int)strcspn(name, "."), name);
    if (!config->name)
        return error_no_memory(err, "name", strlen(path));
    TRY(tree_parse_file(path, &config->arena, &root, err));
    TRY(settings_read(registry, root, &config->arena, &config->settings, err));
    TRY(network_build(registry, root, &config->arena, false, &config->network, err));
    const struct source *source = source_named(config->settings.data);
    config->bytes = source && source->flags & SOURCE_BYTES;
    config->patches = value_map_get(config->settings.data, "patches") != NULL;
    return DAE_OK;
}

/* One batch of that kind, of as many samples as fit into the index range of a device's buffer. */
static enum dae_status run(struct device *device, const struct config *config, enum schedule_kind kind, int64_t n,
                           struct error *err)
{
    const struct settings *s = &config->settings;
    const bool train = kind == SCHEDULE_TRAIN;
    const struct executor_options options = {.batch = n,
                                             .bytes = config->bytes,
                                             .patches = config->patches && train ? 8 : 0,
                                             .train = train,
                                             .infer = !train,
                                             .corrupt = true,
                                             .join = true,
                                             .fold = true,
                                             .optimizer = s->optimizer,
                                             .optimizer_state = s->optimizer_state,
                                             .clip_gradient = s->clip_gradient,
                                             .average = s->average};
    struct executor *executor = NULL;
    struct buffer *data = NULL;
    enum dae_status status = buffer_new(device, 64, "data", &data, err);
    if (status == DAE_OK)
        status = executor_new(device, &config->network, &options, &executor, err);
    const struct batch batch = {.data = data, .order = data, .n = n, .rows = 2 * n};
    if (status == DAE_OK)
        status = train ? executor_train(executor, &batch, 1, 1, data, 0, err)
                       : executor_forward(executor, kind, &batch, err);
    executor_free(executor);
    buffer_free(data);
    return status;
}

static enum dae_status plan(struct device *device, const struct config *config, enum schedule_kind kind,
                            const char *label, struct error *err)
{
    enum dae_status status = DAE_NO_MEMORY;
    played_gpu_label(label);
    for (int64_t n = BATCH; n >= SMALLEST_BATCH && status == DAE_NO_MEMORY; n /= 2) {
        *err = (struct error){0};
        status = run(device, config, kind, n, err);
        if (status == DAE_NO_MEMORY)
            fprintf(stderr, "generated: %s: %lld samples are too many\n", label, (long long)n);
    }
    return status;
}

static enum dae_status plan_config(const struct registry *registry, struct device *device, const char *path,
                                   struct arena *labels, struct error *err)
{
    struct config config = {0};
    enum dae_status status = read_config(registry, path, &config, err);
    const char *training = NULL, *inference = NULL;
    if (status == DAE_OK) {
        training = arena_printf(labels, "%s training", config.name);
        inference = arena_printf(labels, "%s inference", config.name);
    }
    if (status == DAE_OK && !(training && inference))
        status = error_no_memory(err, "label", strlen(path));
    if (status == DAE_OK)
        status = plan(device, &config, SCHEDULE_TRAIN, training, err);
    if (status == DAE_OK)
        status = plan(device, &config, SCHEDULE_INFER, inference, err);
    arena_release(&config.arena);
    return status;
}

static enum dae_status open_played(const char *gemm, struct device **device, struct error *err)
{
    const struct tuning_request request = {.shape = "grid", .gemm = gemm, .no_tuned = true};
    struct platform_list list;
    TRY(platform_list_loaded(&list, err));
    const enum dae_status status = list.n == 1 && list.device[0].usable
                                       ? device_open(&list.device[0], &request, device, err)
                                       : error_set(err, DAE_BUG, "the played device is not usable: %s", list.problem);
    platform_list_release(&list);
    return status;
}

static enum dae_status write_programs(const char *folder, struct error *err)
{
    char path[4096];
    cJSON *programs = played_gpu_programs(folder);
    if (!programs)
        return error_set(err, DAE_IO, "%s: cannot be written", folder);
    snprintf(path, sizeof path, "%s/programs.json", folder);
    const enum dae_status status = json_save(path, programs, true, err);
    cJSON_Delete(programs);
    return status;
}

int main(int argc, char **argv)
{
    const char *plugins = getenv("DAE_CL_PLUGINS");
    struct registry *registry = NULL;
    struct device *own = NULL, *clblast = NULL;
    struct arena labels = {0};
    struct error err = {0};
    if (argc < 3 || !plugins) {
        fprintf(stderr, "usage: DAE_CL_PLUGINS=FOLDER %s FOLDER CONFIG...\n", argv[0]);
        return 2;
    }
    enum dae_status status = registry_open(&plugins, 1, &registry, &err);
    if (status == DAE_OK)
        status = open_played("own", &own, &err);
    if (status == DAE_OK)
        status = open_played("clblast", &clblast, &err);
    for (int i = 2; i < argc && status == DAE_OK; ++i)
        status = plan_config(registry, own, argv[i], &labels, &err);
    for (int i = 2; i < argc && status == DAE_OK; ++i)
        status = plan_config(registry, clblast, argv[i], &labels, &err);
    if (status == DAE_OK)
        status = write_programs(argv[1], &err);
    if (status != DAE_OK)
        fprintf(stderr, "generated: %s\n", error_message(&err));
    device_close(own);
    device_close(clblast);
    registry_close(registry);
    arena_release(&labels);
    return status == DAE_OK ? 0 : 1;
}
