#include "graph/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/program.h"
#include "graph/codegen.h"
#include "graph/fold_weights.h"
#include "graph/placement.h"
#include "graph/plugin_host.h"

enum {
    N_KINDS = 3,
    NORM_VECTORS = 64, /* V of the piece whose squares one work-item sums; it determines the rounding of a norm */
};

/* One kind of schedule, ready to run. */
struct pass {
    bool built;
    const struct network *network;
    struct schedule schedule;
    struct plugin_host *host;
    struct program *program;
    struct kernel **kernel; /* per step; NULL for a batch-wide one */
    bool reads_data;        /* a corruption reads other samples */
};

struct executor {
    struct device *device;
    const struct network *network;
    struct executor_options options;
    struct pass pass[N_KINDS];
    struct gemm_pool *products; /* of all passes; NULL: there are none */
    int64_t least_batch;        /* the smallest batch that can be trained on */
    struct program *update_program;
    struct kernel *reduce, *add, *loss, *update, *squares, *scale, *mean;
    struct buffer *parameters, *gradients, *state, *work;
    struct buffer *norm;    /* (1 + pieces): the factor of the gradients, sums of squares; NULL: no clipping */
    struct buffer *average; /* running mean of the parameters; NULL: none */
    struct buffer *is_bias; /* (trained_len / 16) bytes: which vectors weight decay spares; NULL: none */
};

static const char *const kind_name[N_KINDS] = {"training", "evaluation", "inference"};

static int states_of(const struct executor *e)
{
    return e->options.optimizer ? e->options.optimizer->optimizer->n_states : 0;
}

/* Floats of the gradients: those of twins come after the others. */
static int64_t gradients_len(const struct executor *e)
{
    return network_gradients_len(e->network) * (e->options.training ? 2 : 1);
}

/* V that cover `len` numbers, a multiple of 16. */
static int64_t vectors_of(const struct executor *e, int64_t len)
{
    return len / device_tuning(e->device)->width;
}

static int64_t norm_pieces(const struct executor *e)
{
    return (vectors_of(e, e->network->trained_len) + NORM_VECTORS - 1) / NORM_VECTORS;
}

/* ---- Building. --------------------------------------------------------------------------------------------------- */

static enum dae_status plan_pass(struct executor *e, enum schedule_kind kind, struct error *err)
{
    const struct tuning *tuning = device_tuning(e->device);
    const struct schedule_options options = {
        .kind = kind,
        .batch = e->options.batch,
        .corrupt = kind != SCHEDULE_INFER && e->options.corrupt,
        .join = e->options.join && tuning->join,
        .fold = e->options.fold && tuning->fold && !e->options.keep_all,
        .finished = !e->options.train,
        .keep_all = e->options.keep_all,
    };
    struct pass *pass = &e->pass[kind];
    pass->built = true;
    pass->network = kind == SCHEDULE_TRAIN && e->options.training ? e->options.training : e->network;
    for (int i = 1; i < pass->network->n_nodes && options.corrupt; ++i)
        pass->reads_data = pass->reads_data || pass->network->node[i].plugin->reads_data;
    return schedule_plan(pass->network, tuning, &options, &pass->schedule, err);
}

static enum dae_status build_pass(struct executor *e, enum schedule_kind kind, struct error *err)
{
    struct pass *pass = &e->pass[kind];
    const struct schedule *schedule = &pass->schedule;
    pass->kernel = calloc((size_t)schedule->n_steps + 1, sizeof *pass->kernel);
    if (!pass->kernel)
        return error_no_memory(err, "kernels", (unsigned)schedule->n_steps * sizeof *pass->kernel);
    struct text text = {0};
    char label[64];
    snprintf(label, sizeof label, "the network's %s kernels", kind_name[kind]);
    enum dae_status status = codegen_schedule(pass->network, device_tuning(e->device), schedule, e->options.bytes,
                                              e->options.patches, &text, err);
    if (status == DAE_OK)
        status = program_build(e->device, label, text.data, "-cl-std=CL1.2", &pass->program, err);
    for (int i = 0; i < schedule->n_steps && status == DAE_OK; ++i) {
        char name[32];
        snprintf(name, sizeof name, "step_%d", i);
        if (!schedule->step[i].batch_wide)
            status = kernel_new(pass->program, name, &pass->kernel[i], err);
    }
    text_release(&text);
    return status;
}

static enum dae_status build_update(struct executor *e, struct error *err)
{
    struct text text = {0};
    enum dae_status status =
        codegen_optimizer(e->options.optimizer, e->options.optimizer_state, device_tuning(e->device),
                          e->options.clip_gradient > 0 ? NORM_VECTORS : 0, &text, err);
    if (status == DAE_OK)
        status =
            program_build(e->device, "the optimizer's kernels", text.data, "-cl-std=CL1.2", &e->update_program, err);
    text_release(&text);
    TRY(status);
    TRY(kernel_new(e->update_program, "step_reduce", &e->reduce, err));
    if (e->options.training)
        TRY(kernel_new(e->update_program, "step_add", &e->add, err));
    TRY(kernel_new(e->update_program, "step_loss", &e->loss, err));
    if (e->options.clip_gradient > 0) {
        TRY(kernel_new(e->update_program, "step_squares", &e->squares, err));
        TRY(kernel_new(e->update_program, "step_scale", &e->scale, err));
    }
    if (e->options.average > 0)
        TRY(kernel_new(e->update_program, "step_average", &e->mean, err));
    return kernel_new(e->update_program, "step_update", &e->update, err);
}

static enum dae_status mark_biases(struct executor *e, struct error *err)
{
    const uint64_t bytes = (uint64_t)e->network->trained_len / PLACEMENT_ALIGN;
    unsigned char *is_bias = malloc((size_t)bytes + 1);
    if (!is_bias)
        return error_no_memory(err, "marks of biases", bytes);
    network_mark_biases(e->network, is_bias);
    enum dae_status status = buffer_new(e->device, bytes, "marks of biases", &e->is_bias, err);
    if (status == DAE_OK)
        status = buffer_write(e->is_bias, 0, is_bias, bytes, err);
    free(is_bias);
    return status;
}

static enum dae_status allocate(struct executor *e, struct error *err)
{
    const uint64_t parameters = (uint64_t)e->network->parameters_len * sizeof(float);
    const uint64_t state = (uint64_t)e->network->trained_len * sizeof(float) * (uint64_t)states_of(e);
    uint64_t work = 0;
    for (int i = 0; i < N_KINDS; ++i)
        if (e->pass[i].built && (uint64_t)e->pass[i].schedule.work_len * sizeof(float) > work)
            work = (uint64_t)e->pass[i].schedule.work_len * sizeof(float);
    const uint64_t gradients = (uint64_t)gradients_len(e) * sizeof(float);
    const uint64_t average = e->options.average > 0 ? parameters : 0;
    TRY(device_check_memory(e->device, parameters + state + average + gradients + work, "the network",
                            "try a smaller train.batch", err));
    TRY(buffer_new(e->device, parameters, "parameters", &e->parameters, err));
    TRY(buffer_new(e->device, work, "work memory", &e->work, err));
    if (!e->options.train)
        return DAE_OK;
    TRY(buffer_new(e->device, gradients, "gradients", &e->gradients, err));
    if (e->options.clip_gradient > 0)
        TRY(buffer_new(e->device, (uint64_t)(1 + norm_pieces(e)) * sizeof(float), "gradient norm", &e->norm, err));
    if (average > 0)
        TRY(buffer_new(e->device, average, "average of the parameters", &e->average, err));
    if (optimizer_spares(e->options.optimizer, e->options.optimizer_state) >= 0)
        TRY(mark_biases(e, err));
    return buffer_new(e->device, state, "optimizer state", &e->state, err);
}

/* Patches exist only while they are cut, so no corruption can read another one. */
static enum dae_status check_patches(const struct executor *e, struct error *err)
{
    const struct network *network = e->network;
    if (!e->options.patches)
        return DAE_OK;
    if (network->node[0].plan.output.rank != 3)
        return error_at(err, DAE_CONFIG, network->node[0].mark,
                        "patches of images are (H, W, C), but model.input is not");
    for (int i = 1; i < network->n_nodes && e->options.corrupt; ++i)
        if (network->node[i].plugin->reads_data)
            return error_at(err, DAE_CONFIG, network->node[i].mark,
                            "%s \"%s\": takes numbers from other samples, which patches of images do not have",
                            network->node[i].plugin->name, network->node[i].name);
    return DAE_OK;
}

/* The compiler's message names the text that it refused. If that is a plugin's from outside of dae-cl, the plugin is at
 * fault, and not the device. */
static enum dae_status blame_plugin(const struct executor *e, enum dae_status status, struct error *err)
{
    const struct network *network = e->options.training ? e->options.training : e->network;
    for (int i = 1; status == DAE_OPENCL && i <= network->n_nodes; ++i) {
        const struct plugin *plugin = i < network->n_nodes ? network->node[i].plugin : e->options.optimizer;
        const char *member;
        if (!plugin || !plugin->stranger || !plugin_is_named(plugin, err->text, &member))
            continue;
        const struct error cause = *err;
        const char *log = strchr(cause.text, '\n');
        *err = (struct error){0};
        return error_set(err, DAE_PLUGIN, "plugin '%s' (%s): its member '%s' does not compile%s", plugin->name,
                         plugin->stranger, member, log ? log : "");
    }
    return status;
}

static enum dae_status prepare_host(struct executor *e, struct pass *pass, struct error *err)
{
    return plugin_host_new(e->device, pass->network, &pass->schedule, &e->products, &pass->host, err);
}

enum dae_status executor_new(struct device *device, const struct network *network,
                             const struct executor_options *options, struct executor **out, struct error *err)
{
    *out = NULL;
    struct executor *e = calloc(1, sizeof *e);
    if (!e)
        return error_no_memory(err, "executor", sizeof *e);
    e->device = device;
    e->network = network;
    e->options = *options;
    const bool wanted[N_KINDS] = {options->train, options->evaluate, options->infer};
    enum dae_status status;
    e->least_batch = network_least_batch(options->training ? options->training : network);
    TRY_GOTO(check_patches(e, err), failed);
    for (int i = 0; i < N_KINDS; ++i)
        if (wanted[i])
            TRY_GOTO(plan_pass(e, (enum schedule_kind)i, err), failed);
    TRY_GOTO(allocate(e, err), failed);
    for (int i = 0; i < N_KINDS; ++i)
        if (wanted[i])
            TRY_GOTO(prepare_host(e, &e->pass[i], err), failed);
    if (e->products)
        TRY_GOTO(gemm_pool_build(e->products, err), failed);
    /* The kernels of an evaluation are needed only between epochs, so the first batch does not wait for them. */
    for (int i = 0; i < N_KINDS; ++i)
        if (wanted[i] && !(i == SCHEDULE_EVALUATE && options->train))
            TRY_GOTO(build_pass(e, (enum schedule_kind)i, err), failed);
    if (options->train)
        TRY_GOTO(build_update(e, err), failed);
    *out = e;
    return DAE_OK;
failed:
    status = blame_plugin(e, status, err);
    executor_free(e);
    return status;
}

void executor_free(struct executor *e)
{
    if (!e)
        return;
    for (int i = 0; i < N_KINDS; ++i) {
        for (int k = 0; e->pass[i].kernel && k < e->pass[i].schedule.n_steps; ++k)
            kernel_free(e->pass[i].kernel[k]);
        free(e->pass[i].kernel);
        program_free(e->pass[i].program);
        plugin_host_free(e->pass[i].host);
    }
    kernel_free(e->reduce);
    kernel_free(e->add);
    kernel_free(e->loss);
    kernel_free(e->update);
    kernel_free(e->squares);
    kernel_free(e->scale);
    kernel_free(e->mean);
    program_free(e->update_program);
    gemm_pool_free(e->products);
    buffer_free(e->parameters);
    buffer_free(e->gradients);
    buffer_free(e->state);
    buffer_free(e->work);
    buffer_free(e->norm);
    buffer_free(e->average);
    buffer_free(e->is_bias);
    free(e);
}

/* ---- Running. ---------------------------------------------------------------------------------------------------- */

static float scale_of(const struct executor *e, const struct batch *batch)
{
    const int64_t n = batch->whole ? batch->whole : batch->n;
    return (float)(1.0 / ((double)n * (double)dae_shape_len(&e->network->node[e->network->output].plan.output)));
}

/* Training uses the parameters themselves; everything else uses their average, if there is one. */
static struct buffer *parameters_of(const struct executor *e, enum schedule_kind kind)
{
    return kind == SCHEDULE_TRAIN || !e->average ? e->parameters : e->average;
}

static enum dae_status run_segment(struct executor *e, struct kernel *kernel, struct buffer *parameters,
                                   const struct batch *batch, struct error *err)
{
    const struct tuning *tuning = device_tuning(e->device);
    const struct kernel_arg args[] = {ARG_BUFFER(e->work),
                                      ARG_BUFFER(parameters),
                                      ARG_BUFFER(batch->data),
                                      ARG_BUFFER(batch->order),
                                      ARG_INT(batch->first),
                                      ARG_INT(batch->n),
                                      ARG_INT(batch->streamed ? batch->row : -1),
                                      ARG_INT(batch->rows),
                                      ARG_UINT(batch->epoch),
                                      ARG_UINT(batch->split),
                                      ARG_UINT(e->network->seed),
                                      ARG_UINT(e->network->seed >> 32),
                                      ARG_FLOAT(scale_of(e, batch))};
    const size_t global[2] = {(size_t)tuning->units * (size_t)tuning->lanes, 1}, local[2] = {(size_t)tuning->lanes, 1};
    return kernel_launch(kernel, global, local, args, sizeof args / sizeof args[0], err);
}

static enum dae_status check_run(const struct executor *e, enum schedule_kind kind, const struct batch *batch,
                                 struct error *err)
{
    const struct pass *pass = &e->pass[kind];
    if (!pass->built || batch->n < 1 || batch->n > e->options.batch)
        return error_set(err, DAE_BUG, "a batch of %lld for an executor of %lld (%s)", (long long)batch->n,
                         (long long)e->options.batch, kind_name[kind]);
    if (kind == SCHEDULE_TRAIN && batch->n < e->least_batch)
        return network_check_batch(pass->network, batch->n, err);
    return pass->reads_data ? network_check_samples(e->network, batch->rows, batch->streamed, err) : DAE_OK;
}

static enum dae_status run_pass(struct executor *e, enum schedule_kind kind, const struct batch *batch,
                                struct error *err)
{
    struct pass *pass = &e->pass[kind];
    struct buffer *parameters = parameters_of(e, kind);
    const struct plugin_host_batch wide = {.work = e->work,
                                           .parameters = parameters,
                                           .gradients = e->gradients,
                                           .order = batch->order,
                                           .first = batch->first,
                                           .n = batch->n,
                                           .epoch = batch->epoch,
                                           .split = batch->split,
                                           .scale = scale_of(e, batch)};
    TRY(check_run(e, kind, batch, err));
    if (!pass->kernel)
        TRY(blame_plugin(e, build_pass(e, kind, err), err));
    for (int i = 0; i < pass->schedule.n_steps; ++i) {
        const struct step *step = &pass->schedule.step[i];
        if (step->batch_wide)
            TRY(plugin_host_call(pass->host, &pass->schedule.call[step->first], &wide, err));
        else
            TRY(run_segment(e, pass->kernel[i], parameters, batch, err));
    }
    return DAE_OK;
}

/* Enough work-items, in groups of the device's size. */
static enum dae_status run_flat(struct executor *e, struct kernel *kernel, int64_t items, const struct kernel_arg *args,
                                int n_args, struct error *err)
{
    const size_t group = (size_t)device_tuning(e->device)->group;
    const size_t global[2] = {((size_t)items + group - 1) / group * group, 1}, local[2] = {group, 1};
    return kernel_launch(kernel, global, local, args, n_args, err);
}

static enum dae_status reduce_slabs(struct executor *e, struct error *err)
{
    const struct schedule *schedule = &e->pass[SCHEDULE_TRAIN].schedule;
    for (int i = 0; i < schedule->n_reductions; ++i) {
        const struct reduction *run = &schedule->reduction[i];
        const struct kernel_arg args[] = {ARG_BUFFER(e->work),
                                          ARG_INT(schedule->slab_offset + run->slab),
                                          ARG_INT(schedule->slab_len),
                                          ARG_INT(device_tuning(e->device)->shards),
                                          ARG_BUFFER(e->gradients),
                                          ARG_INT(run->gradient),
                                          ARG_INT(run->len)};
        TRY(run_flat(e, e->reduce, vectors_of(e, run->len), args, sizeof args / sizeof args[0], err));
    }
    return DAE_OK;
}

enum dae_status executor_differentiate(struct executor *e, const struct batch *batch, struct buffer *losses,
                                       int64_t slot, struct error *err)
{
    TRY(run_pass(e, SCHEDULE_TRAIN, batch, err));
    TRY(reduce_slabs(e, err));
    if (e->options.training) {
        const int64_t len = network_gradients_len(e->network);
        const struct kernel_arg add[] = {ARG_BUFFER(e->gradients), ARG_INT(len)};
        TRY(run_flat(e, e->add, vectors_of(e, len), add, sizeof add / sizeof add[0], err));
    }
    const struct pass *pass = &e->pass[SCHEDULE_TRAIN];
    const struct schedule *schedule = &pass->schedule;
    const struct kernel_arg args[] = {ARG_BUFFER(e->work),
                                      ARG_INT(schedule->value[pass->network->loss].offset),
                                      ARG_INT(schedule->penalty_offset),
                                      ARG_INT(schedule->n_penalties),
                                      ARG_INT(e->options.batch),
                                      ARG_INT(batch->n),
                                      ARG_FLOAT(scale_of(e, batch)),
                                      ARG_BUFFER(losses),
                                      ARG_INT(slot)};
    return run_flat(e, e->loss, 1, args, sizeof args / sizeof args[0], err);
}

enum dae_status executor_train(struct executor *e, const struct batch *batch, int64_t t, double rate,
                               struct buffer *losses, int64_t slot, struct error *err)
{
    TRY(executor_differentiate(e, batch, losses, slot, err));
    return executor_update(e, t, rate, err);
}

/* Two launches: the sums of squares of pieces whose size is the same on all devices, then their sum. */
static enum dae_status measure_gradients(struct executor *e, struct error *err)
{
    const int64_t n = norm_pieces(e);
    const struct kernel_arg squares[] = {ARG_BUFFER(e->gradients), ARG_INT(e->network->trained_len),
                                         ARG_BUFFER(e->norm), ARG_INT(n)};
    const struct kernel_arg scale[] = {ARG_BUFFER(e->norm), ARG_INT(n), ARG_FLOAT((float)e->options.clip_gradient)};
    TRY(run_flat(e, e->squares, n, squares, sizeof squares / sizeof squares[0], err));
    return run_flat(e, e->scale, 1, scale, sizeof scale / sizeof scale[0], err);
}

/* Polyak & Juditsky (SIAM J. Control and Optimization 30(4), 1992) average all iterates; decaying weights forget the
 * first ones, as in Kingma & Ba (2015, section 7.2). While there are few, the decay is (1 + t) / (10 + t), as in
 * TensorFlow's ExponentialMovingAverage, so that the mean is a usable network at any step, without a bias to divide
 * out. */
static enum dae_status update_average(struct executor *e, int64_t t, int64_t each, struct error *err)
{
    const int64_t len = e->network->changing_len, vectors = vectors_of(e, len);
    const double early = (1.0 + (double)t) / (10.0 + (double)t),
                 decay = early < e->options.average ? early : e->options.average;
    const struct kernel_arg args[] = {ARG_BUFFER(e->parameters), ARG_BUFFER(e->average), ARG_INT(len),
                                      ARG_FLOAT((float)(1 - decay))};
    return run_flat(e, e->mean, (vectors + each - 1) / each, args, sizeof args / sizeof args[0], err);
}

enum dae_status executor_update(struct executor *e, int64_t t, double rate, struct error *err)
{
    double c[DAE_MAX_COEFFICIENTS] = {0};
    const double lr = optimizer_rate(e->options.optimizer, e->options.optimizer_state) * rate;
    optimizer_coefficients(e->options.optimizer, e->options.optimizer_state, lr, t, c);
    if (e->norm)
        TRY(measure_gradients(e, err));
    const struct kernel_arg args[] = {
        ARG_BUFFER(e->parameters),
        ARG_BUFFER(e->gradients),
        ARG_BUFFER(e->state),
        ARG_INT(e->network->trained_len),
        ARG_FLOAT((float)lr),
        ARG_FLOAT(c[0]),
        ARG_FLOAT(c[1]),
        ARG_FLOAT(c[2]),
        ARG_FLOAT(c[3]),
        ARG_BUFFER(e->norm ? e->norm : e->gradients),        /* read only if gradients are clipped */
        ARG_BUFFER(e->is_bias ? e->is_bias : e->gradients)}; /* read only if weight decay spares some */
    const int64_t vectors = vectors_of(e, e->network->trained_len), each = device_tuning(e->device)->update_vectors;
    TRY(run_flat(e, e->update, (vectors + each - 1) / each, args, sizeof args / sizeof args[0], err));
    return e->average ? update_average(e, t, each, err) : DAE_OK;
}

enum dae_status executor_forward(struct executor *e, enum schedule_kind kind, const struct batch *batch,
                                 struct error *err)
{
    return run_pass(e, kind, batch, err);
}

/* ---- Reading and writing. ---------------------------------------------------------------------------------------- */

static uint64_t parameter_bytes(const struct executor *e)
{
    return (uint64_t)e->network->parameters_len * sizeof(float);
}

static uint64_t gradient_bytes(const struct executor *e)
{
    return (uint64_t)e->network->trained_len * sizeof(float);
}

/* Every schedule of a finished model folds the same layers into the weights. */
static const struct schedule *first_schedule(const struct executor *e)
{
    int kind = 0;
    while (kind < N_KINDS - 1 && !e->pass[kind].built)
        ++kind;
    return &e->pass[kind].schedule;
}

enum dae_status executor_set_parameters(struct executor *e, const float *parameters, struct error *err)
{
    if (e->average)
        TRY(executor_set_average(e, parameters, err));
    const struct schedule *schedule = first_schedule(e);
    if (!schedule_absorbs(schedule))
        return buffer_write(e->parameters, 0, parameters, parameter_bytes(e), err);
    float *own = malloc(parameter_bytes(e));
    if (!own)
        return error_no_memory(err, "parameters", parameter_bytes(e));
    memcpy(own, parameters, parameter_bytes(e));
    enum dae_status status = fold_weights(e->network, schedule, own, err);
    if (status == DAE_OK)
        status = buffer_write(e->parameters, 0, own, parameter_bytes(e), err);
    free(own);
    return status;
}

enum dae_status executor_get_parameters(const struct executor *e, float *parameters, struct error *err)
{
    return buffer_read(e->parameters, 0, parameters, parameter_bytes(e), err);
}

enum dae_status executor_get_gradients(const struct executor *e, float *gradients, struct error *err)
{
    return buffer_read(e->gradients, 0, gradients, gradient_bytes(e), err);
}

enum dae_status executor_get_twin_gradients(const struct executor *e, float *gradients, struct error *err)
{
    return buffer_read(e->gradients, gradient_bytes(e), gradients, gradient_bytes(e), err);
}

enum dae_status executor_read_gradients_later(const struct executor *e, float *gradients, struct device_event **event,
                                              struct error *err)
{
    return buffer_read_later(e->gradients, 0, gradients, gradient_bytes(e), event, err);
}

enum dae_status executor_set_gradients(struct executor *e, const float *gradients, struct error *err)
{
    return buffer_write(e->gradients, 0, gradients, gradient_bytes(e), err);
}

enum dae_status executor_set_state(struct executor *e, const float *state, struct error *err)
{
    return buffer_write(e->state, 0, state, gradient_bytes(e) * (uint64_t)states_of(e), err);
}

enum dae_status executor_get_state(const struct executor *e, float *state, struct error *err)
{
    return buffer_read(e->state, 0, state, gradient_bytes(e) * (uint64_t)states_of(e), err);
}

enum dae_status executor_set_average(struct executor *e, const float *average, struct error *err)
{
    return buffer_write(e->average, 0, average, parameter_bytes(e), err);
}

enum dae_status executor_get_average(const struct executor *e, float *average, struct error *err)
{
    return buffer_read(e->average, 0, average, parameter_bytes(e), err);
}

static enum dae_status read_storage(const struct executor *e, enum schedule_kind kind, const struct storage *storage,
                                    int node, int64_t n, float *to, struct error *err)
{
    if (storage->where != STORAGE_BATCH)
        return error_set(err, DAE_BUG, "the values of '%s' were not kept", e->pass[kind].network->node[node].name);
    return buffer_read(e->work, (uint64_t)storage->offset * sizeof(float), to,
                       (uint64_t)storage->len * (uint64_t)n * sizeof(float), err);
}

enum dae_status executor_read(const struct executor *e, enum schedule_kind kind, int node, int64_t n, float *value,
                              struct error *err)
{
    return read_storage(e, kind, &e->pass[kind].schedule.value[node], node, n, value, err);
}

enum dae_status executor_read_gradient(const struct executor *e, int node, int64_t n, float *gradient,
                                       struct error *err)
{
    return read_storage(e, SCHEDULE_TRAIN, &e->pass[SCHEDULE_TRAIN].schedule.gradient[node], node, n, gradient, err);
}

enum dae_status executor_read_penalty(const struct executor *e, int node, int64_t n, float *penalty, struct error *err)
{
    const struct call *call = schedule_find(&e->pass[SCHEDULE_TRAIN].schedule, CALL_FORWARD, node);
    if (!call || call->penalty < 0)
        return error_set(err, DAE_BUG, "node %d adds nothing to the loss", node);
    return buffer_read(e->work, (uint64_t)call->penalty * sizeof(float), penalty, (uint64_t)n * sizeof(float), err);
}

uint64_t executor_bytes(const struct executor *e)
{
    uint64_t bytes = buffer_bytes(e->parameters) + buffer_bytes(e->work);
    bytes += e->average ? buffer_bytes(e->average) : 0;
    return bytes + (e->gradients ? buffer_bytes(e->gradients) : 0) + (e->state ? buffer_bytes(e->state) : 0);
}

const struct schedule *executor_schedule(const struct executor *e, enum schedule_kind kind)
{
    return &e->pass[kind].schedule;
}
