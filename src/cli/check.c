/* dae-cl check: reads a config, builds its network and plans the memory, without a device. */
#include <stdio.h>

#include "base/shape.h"
#include "cli/check_ranks.h"
#include "cli/command.h"
#include "cli/output.h"
#include "graph/build.h"
#include "graph/jacobian.h"
#include "graph/schedule.h"
#include "study/study.h"
#include "train/evaluation.h"
#include "train/settings.h"

enum { N_COLUMNS = 7, ASSUMED_UNITS = 32, ASSUMED_GROUP = 256 };

/* Bytes on the device while training. */
struct memory {
    uint64_t parameters, gradients, state, average, work;
    bool wide;
};

/* Plans the training of a batch for a CPU of many cores, or for a GPU if the config asks for its shape. */
static enum dae_status plan_memory(const struct network *network, const struct settings *settings,
                                   const struct tuning_request *request, struct memory *memory, struct error *err)
{
    const struct platform_device assumed = {
        .type = DEVICE_CPU, .compute_units = ASSUMED_UNITS, .max_work_group = ASSUMED_GROUP};
    const struct schedule_options options = {
        .kind = SCHEDULE_TRAIN, .batch = settings->batch, .corrupt = true, .join = true, .fold = true};
    struct tuning tuning;
    struct schedule schedule;
    struct network contractive;
    const bool twice = settings->contractive > 0;
    TRY(tuning_choose(&assumed, request, &tuning, err));
    if (twice) {
        TRY(jacobian_contractive(network, settings->contractive, &contractive, err));
        network = &contractive; /* the network that is differentiated */
    }
    TRY(schedule_plan(network, &tuning, &options, &schedule, err));
    memory->wide = tuning.wide;
    memory->parameters = (uint64_t)network->parameters_len * sizeof(float);
    memory->gradients = (uint64_t)network_gradients_len(network) * sizeof(float) * (twice ? 2 : 1);
    memory->state = (uint64_t)network->trained_len * sizeof(float) * (uint64_t)settings->optimizer->optimizer->n_states;
    memory->average = settings->average > 0 ? memory->parameters : 0;
    memory->work = (uint64_t)schedule.work_len * sizeof(float);
    return DAE_OK;
}

static int64_t parameters_of(const struct node *node)
{
    int64_t n = 0;
    for (int i = 0; i < node->plan.n_weights; ++i)
        n += dae_is_statistic(&node->plan, i) ? 0 : dae_shape_len(&node->plan.weight[i].shape);
    return n;
}

/* Memory of the node's own output; a view needs none. */
static int64_t activation_bytes(const struct node *node)
{
    bool is_view = node->plugin && node->plugin->view;
    return is_view ? 0 : dae_shape_len(&node->plan.output) * (int64_t)sizeof(float);
}

static const char *type_of(const struct node *node)
{
    return node->plugin ? node->plugin->name : "input";
}

static const char *inputs_text(const struct network *network, const struct node *node, struct arena *arena)
{
    const char *text = "";
    for (int i = 0; text && node->plugin && i < node->plan.n_inputs; ++i)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", network->node[node->input[i]].name);
    return text;
}

/* Fills a row of N_COLUMNS cells. */
static bool fill_row(const char **cell, struct arena *arena, const char *name, const char *type, const char *reads,
                     const char *shape, int64_t parameters, int64_t bytes, int64_t flops)
{
    cell[0] = name;
    cell[1] = type;
    cell[2] = reads;
    cell[3] = shape;
    cell[4] = arena_printf(arena, "%lld", (long long)parameters);
    cell[5] = arena_printf(arena, "%.1f", (double)bytes / 1024);
    cell[6] = arena_printf(arena, "%.3f", (double)flops / 1e6);
    return cell[0] && cell[2] && cell[3] && cell[4] && cell[5] && cell[6];
}

static enum dae_status print_table(const struct network *network, struct arena *arena, struct error *err)
{
    static const char *const header[N_COLUMNS] = {"layer", "type", "reads", "output", "parameters", "KiB", "MFLOP"};
    int n_rows = network->n_nodes + 2;
    const char **cell = arena_array(arena, (size_t)n_rows * N_COLUMNS, sizeof *cell);
    if (!cell)
        return error_no_memory(err, "table", (unsigned long long)n_rows * N_COLUMNS * sizeof *cell);
    int64_t bytes = 0, flops = 0;
    bool filled = true;
    for (int i = 0; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        char shape[96];
        shape_text(&node->plan.output, shape);
        filled = filled && fill_row(cell + i * N_COLUMNS, arena, node->name, type_of(node),
                                    inputs_text(network, node, arena), arena_printf(arena, "%s", shape),
                                    parameters_of(node), activation_bytes(node), node->plan.flops);
        bytes += activation_bytes(node);
        flops += node->plan.flops;
    }
    /* The row before the last stays NULL: a rule. */
    filled = filled &&
             fill_row(cell + (n_rows - 1) * N_COLUMNS, arena, "total", "", "", "", network->n_parameters, bytes, flops);
    if (!filled)
        return error_no_memory(err, "table", 0);
    output_table(header, "llllrrr", cell, n_rows);
    return DAE_OK;
}

static void print_bytes(const char *what, uint64_t bytes, const char *remark)
{
    bool small = bytes < 1 << 20;
    printf("  %-16s %8.2f %s%s\n", what, (double)bytes / (small ? 0x1p10 : 0x1p20), small ? "KiB" : "MiB", remark);
}

static void print_memory(const struct settings *settings, const struct memory *memory)
{
    printf("\n"
           "KiB and MFLOP are for one sample's forward pass.\n"
           "device memory to train with %s, batch %lld, on a %s:\n",
           settings->optimizer->name, (long long)settings->batch, memory->wide ? "CPU of 32 or more units" : "GPU");
    print_bytes("parameters", memory->parameters, "");
    print_bytes("gradients", memory->gradients, "");
    print_bytes("optimizer state", memory->state, "");
    if (memory->average > 0)
        print_bytes("average", memory->average, "  of the parameters");
    print_bytes("work", memory->work, "  activations, their gradients, partial sums");
    print_bytes("total", memory->parameters + memory->gradients + memory->state + memory->average + memory->work, "");
}

static cJSON *shape_json(const struct dae_shape *shape)
{
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < shape->rank; ++i)
        cJSON_AddItemToArray(array, cJSON_CreateNumber((double)shape->dim[i]));
    return array;
}

static cJSON *to_json(const struct network *network, const struct settings *settings, const struct memory *memory)
{
    cJSON *root = cJSON_CreateObject(), *layers, *bytes;
    cJSON_AddStringToObject(root, "name", settings->name);
    layers = cJSON_AddArrayToObject(root, "layers");
    int64_t flops = 0;
    for (int i = 0; i < network->n_nodes; ++i) {
        const struct node *node = &network->node[i];
        cJSON *row = cJSON_CreateObject(), *reads;
        cJSON_AddStringToObject(row, "name", node->name);
        cJSON_AddStringToObject(row, "type", type_of(node));
        reads = cJSON_AddArrayToObject(row, "reads");
        for (int j = 0; node->plugin && j < node->plan.n_inputs; ++j)
            cJSON_AddItemToArray(reads, cJSON_CreateString(network->node[node->input[j]].name));
        cJSON_AddItemToObject(row, "output", shape_json(&node->plan.output));
        cJSON_AddNumberToObject(row, "parameters", (double)parameters_of(node));
        cJSON_AddNumberToObject(row, "activation_bytes", (double)activation_bytes(node));
        cJSON_AddNumberToObject(row, "flops", (double)node->plan.flops);
        cJSON_AddItemToArray(layers, row);
        flops += node->plan.flops;
    }
    cJSON_AddNumberToObject(root, "parameters", (double)network->n_parameters);
    cJSON_AddNumberToObject(root, "flops", (double)flops);
    cJSON_AddNumberToObject(root, "batch", (double)settings->batch);
    bytes = cJSON_AddObjectToObject(root, "training_bytes");
    cJSON_AddNumberToObject(bytes, "parameters", (double)memory->parameters);
    cJSON_AddNumberToObject(bytes, "gradients", (double)memory->gradients);
    cJSON_AddNumberToObject(bytes, "optimizer_state", (double)memory->state);
    if (memory->average > 0)
        cJSON_AddNumberToObject(bytes, "average", (double)memory->average);
    cJSON_AddNumberToObject(bytes, "work", (double)memory->work);
    return root;
}

static enum dae_status check(const struct invocation *invocation, const struct registry *registry, struct arena *arena,
                             struct error *err)
{
    struct value *config;
    struct settings settings;
    struct device_request request;
    struct network network;
    struct memory memory;
    struct check_ranks ranks;
    TRY(invocation_config(invocation, invocation->argument[0], arena, &config, err));
    TRY(settings_read(registry, config, arena, &settings, err));
    TRY(invocation_request(invocation, config, &request, err));
    TRY(network_build(registry, config, arena, false, &network, err));
    TRY(evaluation_check(&settings, &network, config, err));
    const struct study_task task = {
        .registry = registry, .arena = arena, .config = config, .settings = &settings, .network = &network};
    struct study_plan plans[STUDY_MAX];
    int n_studies;
    TRY(study_plan_all(&task, plans, &n_studies, err));
    TRY(plan_memory(&network, &settings, &request.tuning, &memory, err));
    TRY(check_ranks_read(invocation, &network, &settings, &ranks, err));
    if (invocation_has(invocation, "json")) {
        cJSON *json = to_json(&network, &settings, &memory);
        check_ranks_json(&ranks, &settings, json);
        return output_json(json, err);
    }
    TRY(print_table(&network, arena, err));
    print_memory(&settings, &memory);
    check_ranks_print(&ranks, &settings);
    return DAE_OK;
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    struct arena arena = {0};
    struct registry *registry;
    enum dae_status status = invocation_registry(invocation, &registry, err);
    if (status == DAE_OK)
        status = check(invocation, registry, &arena, err);
    arena_release(&arena);
    registry_close(registry);
    return status;
}

static const struct command_option *const options[] = {
    &option_set, &option_plugins, &option_check_ranks, &option_network, &option_images_per_second, &option_json, NULL,
};

static const struct command_row examples[] = {
    {"dae-cl check image_unet", "the layers, memory and work of a network"},
    {"dae-cl check image_unet --set train.batch=16 --json", "the same with another batch, for a program"},
    {NULL, NULL},
};

const struct command command_check = {
    .name = "check",
    .arguments = "CONFIG",
    .summary = "read a config, build its network and print it, without training",
    .description =
        "Prints each layer with its output shape, its parameters, and, for one sample, the memory of its output and "
        "the work of its forward pass; then the memory that training needs. No OpenCL device is required.\n\n"
        "With --ranks and --network it also predicts what several processes would send in a step of training, how long "
        "that takes, and from which step on they are faster than one.",
    .options = options,
    .examples = examples,
    .run = run,
};
