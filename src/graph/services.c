#include "graph/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/params.h"
#include "graph/source.h"

struct plugin_program {
    const struct dae_plugin *plugin;
    struct program *program;
};

struct plugin_kernel {
    const struct dae_plugin *plugin;
    char name[64];
    struct kernel *kernel;
};

struct services {
    struct device *device;
    const struct network *network;
    const struct fusion *fusion;
    struct gemm_pool *pool;
    struct gemm **gemm;
    struct plugin_program *program;
    struct plugin_kernel *kernel;
    int n_gemms, n_programs, n_kernels;
};

/* The context of one bind or one call: what a plugin passes back to us. */
struct context {
    struct services *services;
    int node;
    struct gemm_operand other; /* what a folded backward reads beside the product */
    struct error *err;
};

/* Grows an array by one zeroed item and returns it, or NULL. */
static void *grow(void **array, int *n, size_t size)
{
    char *grown = realloc(*array, ((size_t)*n + 1) * size);
    if (!grown)
        return NULL;
    *array = grown;
    memset(grown + (size_t)*n * size, 0, size);
    return grown + (size_t)(*n)++ * size;
}

static enum dae_status program_of(struct services *services, const struct dae_plugin *plugin, struct program **out,
                                  struct error *err)
{
    for (int i = 0; i < services->n_programs; ++i)
        if (services->program[i].plugin == plugin) {
            *out = services->program[i].program;
            return DAE_OK;
        }
    struct text text = {0};
    char label[96];
    snprintf(label, sizeof label, "plugin %s", plugin->name);
    enum dae_status status = source_write_plugin(plugin, &text, err);
    if (status == DAE_OK)
        status = program_build(services->device, label, text.data, "-cl-std=CL1.2", out, err);
    text_release(&text);
    if (status != DAE_OK)
        return status;
    struct plugin_program *slot = grow((void **)&services->program, &services->n_programs, sizeof *slot);
    if (!slot) {
        program_free(*out);
        return error_no_memory(err, label, sizeof *slot);
    }
    *slot = (struct plugin_program){plugin, *out};
    return DAE_OK;
}

static enum dae_status find_kernel(struct context *context, const char *name, int *number)
{
    struct services *services = context->services;
    const struct dae_plugin *plugin = services->network->node[context->node].plugin;
    for (*number = 0; *number < services->n_kernels; ++*number)
        if (services->kernel[*number].plugin == plugin && strcmp(services->kernel[*number].name, name) == 0)
            return DAE_OK;
    struct program *program;
    struct kernel *kernel;
    TRY(program_of(services, plugin, &program, context->err));
    TRY(kernel_new(program, name, &kernel, context->err));
    struct plugin_kernel *slot = grow((void **)&services->kernel, &services->n_kernels, sizeof *slot);
    if (!slot) {
        kernel_free(kernel);
        return error_no_memory(context->err, name, sizeof *slot);
    }
    slot->plugin = plugin;
    slot->kernel = kernel;
    snprintf(slot->name, sizeof slot->name, "%s", name);
    return DAE_OK;
}

static int host_kernel(void *opaque, const char *name, int *kernel)
{
    return find_kernel(opaque, name, kernel) != DAE_OK;
}

static enum dae_status add_gemm(struct context *context, const struct dae_gemm *want, int *number)
{
    struct services *services = context->services;
    struct gemm_spec spec = {want->transpose_a, want->transpose_b, want->has_bias, 0, "", NULL};
    int folded = want->fold == DAE_FOLD_FORWARD    ? services->fusion->forward[context->node]
                 : want->fold == DAE_FOLD_BACKWARD ? services->fusion->backward[context->node]
                                                   : -1;
    struct text definitions = {0};
    if (folded >= 0) {
        const struct node *node = &services->network->node[folded];
        params_define(node->plugin, node->state, &definitions);
        spec.fold = want->fold == DAE_FOLD_FORWARD ? 1 : 2;
        spec.expression = spec.fold == 1 ? node->plugin->pointwise_y : node->plugin->pointwise_dx;
        spec.definitions = definitions.data ? definitions.data : "";
    }
    struct gemm *gemm;
    enum dae_status status = definitions.failed ? error_no_memory(context->err, "definitions", 0)
                                                : gemm_prepare(services->pool, &spec, &gemm, context->err);
    text_release(&definitions);
    if (status != DAE_OK)
        return status;
    *number = services->n_gemms;
    struct gemm **slot = grow((void **)&services->gemm, &services->n_gemms, sizeof *slot);
    if (!slot)
        return error_no_memory(context->err, "matrix product", sizeof *slot);
    *slot = gemm; /* the pool owns it */
    return DAE_OK;
}

static int host_gemm(void *opaque, const struct dae_gemm *gemm, int *number)
{
    return add_gemm(opaque, gemm, number) != DAE_OK;
}

static int host_launch(void *opaque, int number, int64_t items, const struct dae_arg *args, int n_args)
{
    struct context *context = opaque;
    struct services *services = context->services;
    struct kernel_arg list[32];
    int n = 0;
    if (number < 0 || number >= services->n_kernels || items < 1 || n_args > 16)
        return error_set(context->err, DAE_PLUGIN, "plugin '%s' launches a kernel that is not its own",
                         services->network->node[context->node].plugin->name) != DAE_OK;
    for (int i = 0; i < n_args; ++i) {
        if (args[i].kind == DAE_ARG_INT) {
            list[n++] = ARG_INT(args[i].integer);
        } else if (args[i].kind == DAE_ARG_FLOAT) {
            list[n++] = ARG_FLOAT((float)args[i].real);
        } else {
            list[n++] = ARG_BUFFER(args[i].tensor.buffer);
            list[n++] = ARG_INT(args[i].tensor.offset);
        }
    }
    const size_t group = (size_t)device_tuning(services->device)->group;
    const size_t global[2] = {((size_t)items + group - 1) / group * group, 1}, local[2] = {group, 1};
    return kernel_launch(services->kernel[number].kernel, global, local, list, n, context->err) != DAE_OK;
}

static struct gemm_operand operand(struct dae_tensor tensor)
{
    return (struct gemm_operand){tensor.buffer, tensor.offset};
}

static int host_multiply(void *opaque, int number, int64_t m, int64_t n, int64_t k, struct dae_tensor a,
                         struct dae_tensor b, struct dae_tensor c, bool add, struct dae_tensor bias)
{
    struct context *context = opaque;
    if (number < 0 || number >= context->services->n_gemms)
        return error_set(context->err, DAE_PLUGIN, "plugin '%s' runs a product that it did not prepare",
                         context->services->network->node[context->node].plugin->name) != DAE_OK;
    return gemm_run(context->services->gemm[number], m, n, k, operand(a), operand(b), operand(c), add, operand(bias),
                    context->other, context->err) != DAE_OK;
}

static const struct dae_host host = {
    .size = sizeof(struct dae_host),
    .kernel = host_kernel,
    .gemm = host_gemm,
    .launch = host_launch,
    .multiply = host_multiply,
};

/* A plugin returned non-zero: the host has usually recorded why, and the node's place goes with it. */
static enum dae_status plugin_failed(const struct node *node, const char *what, struct error *err)
{
    enum dae_status status =
        error_at(err, DAE_PLUGIN, node->mark, "%s of plugin '%s' failed without saying why", what, node->plugin->name);
    error_note(err, "in layer \"%s\" (%s:%d)", node->name, node->mark.file ? node->mark.file : "config",
               node->mark.line);
    return status;
}

enum dae_status services_new(struct device *device, const struct network *network, const struct fusion *fusion,
                             char *notice, size_t notice_len, struct services **out, struct error *err)
{
    *out = NULL;
    notice[0] = '\0';
    struct services *services = calloc(1, sizeof *services);
    if (!services)
        return error_no_memory(err, "services", sizeof *services);
    services->device = device;
    services->network = network;
    services->fusion = fusion;
    enum dae_status status = DAE_OK;
    for (int i = 0; i < network->n_nodes && status == DAE_OK; ++i) {
        const struct node *node = &network->node[i];
        if (!node->plugin || !node->plugin->bind || fusion->affine_done[i])
            continue;
        if (!services->pool) /* only networks with products pay for them */
            status = gemm_pool_new(device, notice, notice_len, &services->pool, err);
        struct context context = {.services = services, .node = i, .err = err};
        if (status == DAE_OK && node->plugin->bind(node->state, &node->plan, &host, &context) != 0)
            status = plugin_failed(node, "bind", err);
    }
    if (status == DAE_OK && services->pool)
        status = gemm_pool_build(services->pool, err);
    if (status != DAE_OK) {
        services_free(services);
        return status;
    }
    *out = services;
    return DAE_OK;
}

void services_free(struct services *services)
{
    if (!services)
        return;
    gemm_pool_free(services->pool);
    for (int i = 0; i < services->n_kernels; ++i)
        kernel_free(services->kernel[i].kernel);
    for (int i = 0; i < services->n_programs; ++i)
        program_free(services->program[i].program);
    free(services->gemm);
    free(services->kernel);
    free(services->program);
    free(services);
}

static struct dae_tensor tensor(struct buffer *work, const struct storage *storage)
{
    return storage->where == STORAGE_BATCH ? (struct dae_tensor){work, storage->offset} : (struct dae_tensor){NULL, 0};
}

enum dae_status services_call(struct services *services, const struct schedule *schedule, const struct call *call,
                              const struct services_memory *memory, int64_t n, struct error *err)
{
    const struct node *node = &services->network->node[call->node];
    struct dae_tensor x[DAE_MAX_INPUTS], dx[DAE_MAX_INPUTS], w[DAE_MAX_WEIGHTS], dw[DAE_MAX_WEIGHTS];
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        x[j] = tensor(memory->work, &schedule->value[node->input[j]]);
        dx[j] = tensor(memory->work, schedule_dx(schedule, services->network, services->fusion, call->node, j));
    }
    for (int i = 0; i < node->plan.n_weights; ++i) {
        w[i] = (struct dae_tensor){memory->parameters, node->weight_offset[i]};
        dw[i] = dae_is_statistic(&node->plan, i)
                    ? (struct dae_tensor){NULL, 0}
                    : (struct dae_tensor){memory->gradients, network_gradient_offset(services->network, node, i)};
    }
    struct context context = {.services = services, .node = call->node, .err = err};
    const bool forward = call->kind == CALL_FORWARD, train = schedule->options.kind == SCHEDULE_TRAIN;
    const int folded = services->fusion->backward[call->node];
    if (!forward && folded >= 0)
        context.other = operand(tensor(memory->work, &schedule->value[folded]));
    const struct dae_layer_call layer = {
        .n = n,
        .training = train && !services->network->frozen,
        .state = node->state,
        .plan = &node->plan,
        .x = x,
        .w = w,
        .y = tensor(memory->work,
                    &schedule->value[forward ? fusion_result(services->fusion, train, call->node) : call->node]),
        .kept = tensor(memory->work, &schedule->kept[call->node]),
        .dy = tensor(memory->work, &schedule->gradient[call->node]),
        .dx = dx,
        .dw = dw,
        .add_dx = call->add_dx,
        .host = &host,
        .context = &context,
    };
    if ((forward ? node->plugin->forward : node->plugin->backward)(&layer) != 0)
        return plugin_failed(node, forward ? "forward" : "backward", err);
    return DAE_OK;
}
