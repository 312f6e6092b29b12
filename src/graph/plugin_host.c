#include "graph/plugin_host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/program.h"
#include "graph/codegen.h"
#include "graph/params.h"

enum { MAX_ARGS = 16, DRAW_ARGS = 7 };

/* What the plan of a node lists. */
struct prepared {
    struct program *program; /* nodes with the same text share the compiled program */
    struct kernel *kernel[DAE_MAX_KERNELS];
    struct gemm *product[DAE_MAX_PRODUCTS]; /* the pool's */
};

struct plugin_host {
    struct device *device;
    const struct network *network;
    const struct schedule *schedule;
    struct prepared *prepared; /* (n_nodes) */
};

/* The context that a plugin passes back to the host. */
struct context {
    const struct plugin_host *host;
    const struct node *node;
    const struct prepared *prepared;
    const struct plugin_host_batch *batch;
    struct gemm_operand other; /* what a folded backward reads in addition to the product */
    struct error *err;
};

/* ---- Preparing. -------------------------------------------------------------------------------------------------- */

static enum dae_status prepare_product(const struct plugin_host *host, int number, const struct dae_product *product,
                                       struct gemm_pool *pool, struct gemm **out, struct error *err)
{
    const bool forward = product->fold == DAE_FOLD_FORWARD;
    const struct call *call = schedule_find(host->schedule, forward ? CALL_FORWARD : CALL_BACKWARD, number);
    const int folded = !call || product->fold == DAE_FOLD_NONE ? -1 : forward ? call->fold : call->fold_dx;
    struct gemm_spec spec = {product->transpose_a, product->transpose_b, product->has_bias, 0, "", NULL};
    struct text definitions = {0}, expression = {0};
    if (folded >= 0) {
        const struct node *node = &host->network->node[folded];
        params_define(node->plugin, node->state, &definitions);
        spec.fold = forward ? 1 : 2;
        text_printf(&expression, "\n#line 1 \"%s.%s\"\n%s\n", node->plugin->name, forward ? "y" : "dx",
                    forward ? node->plugin->pointwise->y : node->plugin->pointwise->dx);
        spec.expression = expression.data;
        spec.definitions = definitions.data ? definitions.data : "";
    }
    enum dae_status status = definitions.failed || expression.failed ? error_no_memory(err, "definitions", 0)
                                                                     : gemm_prepare(pool, &spec, out, err);
    text_release(&definitions);
    text_release(&expression);
    return status;
}

static enum dae_status prepare_kernels(const struct plugin_host *host, const struct node *node, struct prepared *own,
                                       struct error *err)
{
    struct text text = {0};
    char label[96];
    snprintf(label, sizeof label, "plugin %s", node->plugin->name);
    enum dae_status status = codegen_plugin(node, device_tuning(host->device), &text, err);
    if (status == DAE_OK)
        status = program_build(host->device, label, text.data, "-cl-std=CL1.2", &own->program, err);
    text_release(&text);
    for (int i = 0; i < node->plan.n_kernels && status == DAE_OK; ++i)
        status = kernel_new(own->program, node->plan.kernel[i], &own->kernel[i], err);
    return status;
}

static enum dae_status prepare(struct plugin_host *host, int number, struct gemm_pool **pool, struct error *err)
{
    const struct node *node = &host->network->node[number];
    struct prepared *own = &host->prepared[number];
    if (node->plan.n_products > 0 && !*pool) /* only networks with products need the pool */
        TRY(gemm_pool_new(host->device, pool, err));
    for (int i = 0; i < node->plan.n_products; ++i)
        TRY(prepare_product(host, number, &node->plan.product[i], *pool, &own->product[i], err));
    return node->plan.n_kernels > 0 ? prepare_kernels(host, node, own, err) : DAE_OK;
}

enum dae_status plugin_host_new(struct device *device, const struct network *network, const struct schedule *schedule,
                                struct gemm_pool **pool, struct plugin_host **out, struct error *err)
{
    *out = NULL;
    struct plugin_host *host = calloc(1, sizeof *host);
    if (!host)
        return error_no_memory(err, "plugin host", sizeof *host);
    *host = (struct plugin_host){.device = device, .network = network, .schedule = schedule};
    host->prepared = calloc((size_t)network->n_nodes, sizeof *host->prepared);
    enum dae_status status = host->prepared ? DAE_OK : error_no_memory(err, "plugin host", sizeof *host->prepared);
    for (int i = 0; i < schedule->n_steps && status == DAE_OK; ++i) {
        const struct call *call = &schedule->call[schedule->step[i].first];
        if (schedule->step[i].batch_wide && call->kind == CALL_FORWARD)
            status = prepare(host, call->node, pool, err);
    }
    if (status != DAE_OK) {
        plugin_host_free(host);
        return status;
    }
    *out = host;
    return DAE_OK;
}

void plugin_host_free(struct plugin_host *host)
{
    if (!host)
        return;
    for (int i = 0; host->prepared && i < host->network->n_nodes; ++i) {
        for (int k = 0; k < DAE_MAX_KERNELS; ++k)
            kernel_free(host->prepared[i].kernel[k]);
        program_free(host->prepared[i].program);
    }
    free(host->prepared);
    free(host);
}

/* ---- The services. ----------------------------------------------------------------------------------------------- */

/* What DRAW_ARGS declares in kernels/dae.clh. */
static int add_draws(const struct context *context, struct kernel_arg *list)
{
    const struct plugin_host_batch *batch = context->batch;
    const uint64_t seed = context->host->network->seed;
    const struct kernel_arg draws[DRAW_ARGS] = {ARG_BUFFER(batch->order), ARG_INT(batch->first), ARG_UINT(batch->epoch),
                                                ARG_UINT(batch->split),   ARG_UINT(seed),        ARG_UINT(seed >> 32),
                                                ARG_FLOAT(batch->scale)};
    memcpy(list, draws, sizeof draws);
    return DRAW_ARGS;
}

static int list_args(const struct context *context, const struct dae_launch *launch, struct kernel_arg *list)
{
    int n = 0;
    for (int i = 0; i < launch->n_args; ++i) {
        const struct dae_arg *arg = &launch->args[i];
        if (arg->kind == DAE_KIND_INT) {
            list[n++] = ARG_INT(arg->integer);
        } else if (arg->kind == DAE_KIND_FLOAT) {
            list[n++] = ARG_FLOAT((float)arg->real);
        } else if (arg->kind == DAE_KIND_DRAWS) {
            n += add_draws(context, list + n);
        } else {
            list[n++] = ARG_BUFFER(arg->tensor.buffer);
            list[n++] = ARG_INT(arg->tensor.offset);
        }
    }
    return n;
}

static int host_launch(const struct dae_layer_call *call, const struct dae_launch *launch)
{
    const struct context *context = call->context;
    struct kernel_arg list[DRAW_ARGS * MAX_ARGS];
    size_t global[2], local[2] = {1, 1};
    if (launch->kernel < 0 || launch->kernel >= call->plan->n_kernels)
        return call->host->fail(call, "launches kernel %d, but its plan lists %d", launch->kernel,
                                call->plan->n_kernels);
    if (launch->n_args < 0 || launch->n_args > MAX_ARGS)
        return call->host->fail(call, "launches a kernel with %d arguments; the limit is %d", launch->n_args, MAX_ARGS);
    if (launch->group[0] == 0 && launch->group[1] == 0)
        local[0] = (size_t)device_tuning(context->host->device)->group;
    for (int i = 0; i < 2; ++i) {
        const int64_t items = launch->items[i] ? launch->items[i] : 1;
        if (items < 1 || items > INT_MAX || launch->group[i] < 0 || launch->group[i] > INT_MAX)
            return call->host->fail(call, "launches %lld work-items in groups of %lld", (long long)items,
                                    (long long)launch->group[i]);
        if (launch->group[i])
            local[i] = (size_t)launch->group[i];
        global[i] = ((size_t)items + local[i] - 1) / local[i] * local[i];
    }
    return kernel_launch(context->prepared->kernel[launch->kernel], global, local, list,
                         list_args(context, launch, list), context->err) != DAE_OK;
}

static struct gemm_operand operand(struct dae_tensor tensor)
{
    return (struct gemm_operand){tensor.buffer, tensor.offset};
}

static int host_multiply(const struct dae_layer_call *call, const struct dae_multiply *p)
{
    const struct context *context = call->context;
    if (p->product < 0 || p->product >= call->plan->n_products)
        return call->host->fail(call, "runs product %d, but its plan lists %d", p->product, call->plan->n_products);
    const struct gemm_product product = {
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .a = operand(p->a),
        .b = operand(p->b),
        .c = operand(p->c),
        .bias = operand(p->bias),
        .other = context->other,
        .add = p->add,
        .batch = {p->batch[0], p->batch[1]},
        .a_row = p->a_row,
        .b_row = p->b_row,
        .c_row = p->c_row,
        .a_step = {p->a_step[0], p->a_step[1]},
        .b_step = {p->b_step[0], p->b_step[1]},
        .c_step = {p->c_step[0], p->c_step[1]},
    };
    return gemm_run(context->prepared->product[p->product], &product, context->err) != DAE_OK;
}

DAE_PRINTF(2, 3) static int host_fail(const struct dae_layer_call *call, const char *format, ...)
{
    const struct context *context = call->context;
    const struct node *node = context->node;
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return error_at(context->err, DAE_PLUGIN, node->mark, "%s \"%s\": %s", node->plugin->name, node->name, why) !=
           DAE_OK;
}

static const struct dae_host services = {
    .multiply = host_multiply,
    .launch = host_launch,
    .fail = host_fail,
};

/* ---- Calls. ------------------------------------------------------------------------------------------------------ */

/* A plugin returned non-zero: adds the node's place to the reason, which the host has usually recorded. */
static enum dae_status plugin_failed(const struct node *node, const char *what, struct error *err)
{
    enum dae_status status =
        error_at(err, DAE_PLUGIN, node->mark, "%s of plugin '%s' failed without saying why", what, node->plugin->name);
    error_note(err, "in layer \"%s\" (%s:%d)", node->name, node->mark.file ? node->mark.file : "config",
               node->mark.line);
    return status;
}

static struct dae_tensor tensor(struct buffer *work, const struct storage *storage)
{
    return storage->where == STORAGE_BATCH ? (struct dae_tensor){work, storage->offset} : (struct dae_tensor){NULL, 0};
}

/* The part of a storage that exists once per batch. */
static struct dae_tensor batch_part(const struct plugin_host *host, struct buffer *work, const struct storage *storage)
{
    return storage->where == STORAGE_BATCH ? (struct dae_tensor){work, schedule_batch_part(host->schedule, storage)}
                                           : (struct dae_tensor){NULL, 0};
}

static void find_weights(const struct plugin_host *host, const struct node *node, const struct plugin_host_batch *batch,
                         struct dae_tensor *w, struct dae_tensor *dw)
{
    for (int i = 0; i < node->plan.n_weights; ++i) {
        w[i] = (struct dae_tensor){batch->parameters, node->weight_offset[i]};
        dw[i] = dae_is_statistic(&node->plan, i)
                    ? (struct dae_tensor){NULL, 0}
                    : (struct dae_tensor){batch->gradients, network_gradient_offset(host->network, node, i)};
    }
}

enum dae_status plugin_host_call(struct plugin_host *host, const struct call *call,
                                 const struct plugin_host_batch *batch, struct error *err)
{
    const struct schedule *s = host->schedule;
    const struct node *node = &host->network->node[call->node];
    const struct storage *kept = &s->kept[call->node];
    struct dae_tensor x[DAE_MAX_INPUTS], dx[DAE_MAX_INPUTS], w[DAE_MAX_WEIGHTS], dw[DAE_MAX_WEIGHTS];
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        x[j] = tensor(batch->work, &s->value[node->input[j]]);
        dx[j] = call->dx[j] >= 0 ? tensor(batch->work, &s->gradient[call->dx[j]]) : (struct dae_tensor){NULL, 0};
    }
    find_weights(host, node, batch, w, dw);
    struct context context = {host, node, &host->prepared[call->node], batch, {NULL, 0}, err};
    if (call->fold_dx >= 0)
        context.other = operand(tensor(batch->work, &s->value[call->fold_dx]));
    const bool forward = call->kind == CALL_FORWARD;
    const struct dae_layer_call layer = {
        .n = batch->n,
        .training = s->options.kind == SCHEDULE_TRAIN && !host->network->frozen && !node->frozen,
        .state = node->state,
        .plan = &node->plan,
        .x = x,
        .w = w,
        .y = tensor(batch->work, &s->value[call->result]),
        .kept_each = tensor(batch->work, kept),
        .kept_batch = batch_part(host, batch->work, kept),
        .scratch_each = tensor(batch->work, &call->scratch),
        .scratch_batch = batch_part(host, batch->work, &call->scratch),
        .penalty = call->penalty >= 0 ? (struct dae_tensor){batch->work, call->penalty} : (struct dae_tensor){NULL, 0},
        .dy = tensor(batch->work, &s->gradient[call->node]),
        .dx = dx,
        .dw = dw,
        .add_dx = call->add_dx,
        .scale = (double)batch->scale,
        .host = &services,
        .context = &context,
        .width = device_tuning(host->device)->width,
    };
    if ((forward ? node->plugin->layer->forward : node->plugin->layer->backward)(&layer) != 0)
        return plugin_failed(node, forward ? "forward" : "backward", err);
    return network_check_state(node, forward ? "forward" : "backward", err);
}
