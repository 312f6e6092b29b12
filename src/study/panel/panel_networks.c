#include "study/panel/panel_networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Windows of the panel. ----------------------------------------------------------------------------------------
 */

enum dae_status panel_fold_new(struct arena *arena, const struct panel *panel, const struct panel_split *split,
                               double clip, bool hold_out, struct panel_fold *fold, struct error *err)
{
    *fold = (struct panel_fold){.panel = *panel, .split = *split};
    fold->panel.cells = (struct cells){0};
    const int64_t eighth = split->test_first == split->train_end ? (split->train_end - split->train_first) / 8 : 0;
    if (hold_out)
        fold->split.train_end -= eighth;
    const struct panel_split *s = &fold->split;
    const int64_t validation_first = hold_out ? s->train_end : s->train_end - eighth;
    const size_t d = (size_t)panel->cells.d;
    if (s->train_end - s->train_first < 2 || s->test_first <= validation_first || s->test_end <= s->test_first)
        return error_set(err, DAE_BAD_DATA,
                         "the panel is too short for a window each of training, validation and test: %lld, %lld and "
                         "%lld rows",
                         (long long)(s->train_end - s->train_first), (long long)(s->test_first - validation_first),
                         (long long)(s->test_end - s->test_first));
    fold->mean = arena_array(arena, d, sizeof(double));
    fold->sd = arena_array(arena, d, sizeof(double));
    if (!fold->mean || !fold->sd)
        return error_no_memory(err, "moments", 2 * d * sizeof(double));
    TRY(panel_moments(panel, s->train_first, s->train_end, fold->mean, fold->sd, err));
    TRY(cells_copy(&fold->panel.cells, &panel->cells, err));
    panel_standardise(&fold->panel, fold->mean, fold->sd, clip);
    fold->train = cells_rows(&fold->panel.cells, s->train_first, s->train_end);
    fold->validation = cells_rows(&fold->panel.cells, validation_first, s->test_first);
    fold->test = cells_rows(&fold->panel.cells, s->test_first, s->test_end);
    return DAE_OK;
}

void panel_fold_release(struct panel_fold *fold)
{
    cells_release(&fold->panel.cells);
}

/* ---- Rows on the device. ------------------------------------------------------------------------------------------
 */

struct rows {
    struct dataset set;
    struct loader *loader;
};

static void rows_release(struct rows *rows)
{
    loader_free(rows->loader);
    dataset_release(&rows->set);
}

static enum dae_status rows_open(struct rows *rows, struct device *device, const struct cells *cells, int64_t batch,
                                 const struct network *network, struct error *err)
{
    const size_t len = (size_t)cells->n * (size_t)cells->d;
    *rows = (struct rows){.set = {.n = cells->n, .shape = {1, {cells->d}}, .kind = DATASET_FLOAT}};
    float *values = malloc(len * sizeof *values);
    if (!values)
        return error_no_memory(err, "rows", len * sizeof *values);
    rows->set.values = values;
    for (size_t i = 0; i < len; ++i)
        values[i] = cells->seen[i] ? (float)cells->x[i] : network->takes_holes ? NAN : 0;
    return loader_new(device, &rows->set, batch, &rows->loader, err);
}

/* ---- Networks. ----------------------------------------------------------------------------------------------------
 */

static enum dae_status train_one(struct study_task *task, const struct panel_training *how, int seed,
                                 struct panel_networks *networks, struct error *err)
{
    struct arena *arena = task->arena;
    struct study_task own = *task;
    struct study_variant *variant;
    struct rows train = {0}, validation = {0};
    int n = 0;
    for (; how->assignments && how->assignments[n]; ++n)
        ;
    const char **assignments = arena_array(arena, (size_t)n + 2, sizeof *assignments);
    const char *name = arena_printf(arena, "%s_rows_%lld_%lld_seed_%d", how->name, (long long)how->first_row,
                                    (long long)(how->first_row + how->train->n), seed);
    if (!assignments || !name)
        return error_no_memory(err, "study", 0);
    for (int i = 0; i < n; ++i)
        assignments[i] = how->assignments[i];
    assignments[n] = arena_printf(arena, "seed=%lld", (long long)task->network->seed + seed);
    if (!assignments[n])
        return error_no_memory(err, "study", 0);
    TRY(how->corruption ? study_variant_under(task, how->corruption, assignments, &variant, err)
                        : study_variant(task, assignments, &variant, err));
    const int64_t batch = variant->settings.batch;
    enum dae_status status = rows_open(&train, task->device, how->train, batch, &variant->network, err);
    if (status == DAE_OK)
        status = rows_open(&validation, task->device, how->validation, batch, &variant->network, err);
    own.train_set = &train.set;
    own.test_set = &validation.set;
    own.train = train.loader;
    own.test = validation.loader;
    own.validation = task->validation ? validation.loader : NULL; /* its own days, where the config lets any choose */
    own.share = how->share / how->n_seeds;
    if (status == DAE_OK)
        status = study_train(&own, variant, how->corrupt, name, &networks->parameters[networks->n], err);
    task->done = own.done;
    networks->variant[networks->n] = variant;
    networks->n += status == DAE_OK;
    rows_release(&train);
    rows_release(&validation);
    return status;
}

enum dae_status panel_networks_train(struct study_task *task, const struct panel_training *how,
                                     struct panel_networks *networks, struct error *err)
{
    if (!networks->task)
        networks->loaded = -1;
    networks->task = task;
    for (int i = 0; i < how->n_seeds; ++i)
        TRY(train_one(task, how, how->first_seed + i, networks, err));
    if (networks->executor)
        return DAE_OK;
    const struct executor_options options = {
        .batch = networks->variant[0]->settings.batch, .infer = true, .join = true, .fold = true};
    return executor_new(task->device, &networks->variant[0]->network, &options, &networks->executor, err);
}

void panel_networks_release(struct panel_networks *networks)
{
    executor_free(networks->executor);
    *networks = (struct panel_networks){0};
}

/* Adds `weight` times the output of one network. */
static enum dae_status add_output(struct panel_networks *networks, int which, struct rows *rows, double weight,
                                  double *output, double *code, float *numbers, struct error *err)
{
    const struct network *network = &networks->variant[0]->network;
    const int64_t n = rows->set.n, d = dae_shape_len(&rows->set.shape),
                  batch_len = networks->variant[0]->settings.batch;
    const int64_t k = code ? dae_shape_len(&network->node[network->code].plan.output) : 0;
    if (networks->loaded != which)
        TRY(executor_set_parameters(networks->executor, networks->parameters[which], err));
    networks->loaded = which;
    for (int64_t first = 0; first < n; first += batch_len) {
        struct batch batch;
        TRY(loader_batch(rows->loader, first, 0, PHILOX_HELD_OUT, &batch, err));
        TRY(executor_forward(networks->executor, SCHEDULE_INFER, &batch, err));
        TRY(executor_read(networks->executor, SCHEDULE_INFER, network->output, batch.n, numbers, err));
        for (int64_t i = 0; i < batch.n * d; ++i)
            output[first * d + i] += weight * (double)numbers[i];
        if (!code)
            continue;
        TRY(executor_read(networks->executor, SCHEDULE_INFER, network->code, batch.n, numbers, err));
        for (int64_t i = 0; i < batch.n * k; ++i)
            code[first * k + i] = (double)numbers[i];
    }
    return DAE_OK;
}

enum dae_status panel_networks_apply(struct panel_networks *networks, int which, const struct cells *rows,
                                     double *output, double *code, struct error *err)
{
    const struct study_task *task = networks->task;
    const struct network *network = &networks->variant[0]->network;
    const int64_t batch = networks->variant[0]->settings.batch;
    const int64_t k = code ? dae_shape_len(&network->node[network->code].plan.output) : 0;
    const size_t count = (size_t)batch * (size_t)(k > rows->d ? k : rows->d);
    struct rows on_device = {0};
    float *numbers = calloc(count, sizeof *numbers);
    enum dae_status status = numbers ? rows_open(&on_device, task->device, rows, batch, network, err)
                                     : error_no_memory(err, "rows", count * sizeof *numbers);
    memset(output, 0, (size_t)rows->n * (size_t)rows->d * sizeof *output);
    const int first = which < 0 ? 0 : which, end = which < 0 ? networks->n : which + 1;
    for (int i = first; i < end && status == DAE_OK; ++i)
        status = add_output(networks, i, &on_device, 1.0 / (end - first), output, code, numbers, err);
    if (status == DAE_OK && task->stop && *task->stop)
        status = error_stopped(err, *task->stop, "stopped while measuring");
    rows_release(&on_device);
    free(numbers);
    return status;
}

enum dae_status panel_networks_fill(struct panel_networks *networks, int which, const struct cells *rows,
                                    double *filled, struct error *err)
{
    TRY(panel_networks_apply(networks, which, rows, filled, NULL, err));
    for (int64_t i = 0; i < rows->n * rows->d; ++i)
        if (rows->seen[i])
            filled[i] = rows->x[i];
    return DAE_OK;
}

/* ---- Candidates. --------------------------------------------------------------------------------------------------
 */

static enum dae_status read_candidate(const struct study_task *task, const struct value *map,
                                      struct panel_candidates *candidates, struct error *err)
{
    struct arena *arena = task->arena;
    struct study_variant *variant;
    TRY(field_map(map, err));
    const char **assignments = arena_array(arena, (size_t)map->n + 1, sizeof *assignments);
    const char *name = map->n ? "" : "as the config says";
    if (!assignments)
        return error_no_memory(err, "candidates", 0);
    for (int i = 0; i < map->n && name; ++i) {
        const char *text;
        TRY(field_text(map->entries[i].value, &text, err));
        assignments[i] = arena_printf(arena, "%s=%s", map->entries[i].key, text);
        name = assignments[i] ? arena_printf(arena, "%s%s%s", name, *name ? ", " : "", assignments[i]) : NULL;
    }
    if (!name)
        return error_no_memory(err, "candidates", 0);
    candidates->assignments[candidates->n] = assignments;
    candidates->name[candidates->n++] = name;
    enum dae_status status = study_variant(task, assignments, &variant, err);
    if (status == DAE_CONFIG)
        error_note(err, "candidate %d at %s:%d", candidates->n, map->mark.file, map->mark.line);
    return status;
}

enum dae_status panel_candidates_read(const struct study_task *task, const struct value *list,
                                      struct panel_candidates *candidates, struct error *err)
{
    *candidates = (struct panel_candidates){0};
    TRY(field_list(list, 1, PANEL_MAX_CANDIDATES, err));
    for (int i = 0; i < list->n; ++i)
        TRY(read_candidate(task, list->items[i], candidates, err));
    return DAE_OK;
}

const char *const *panel_textbook_network(struct arena *arena, int d, int code)
{
    const char **assignments = arena_array(arena, 4, sizeof *assignments);
    if (!assignments)
        return NULL;
    assignments[0] = arena_printf(arena,
                                  "model.layers=[{dense: {units: 64}}, {tanh: {}}, {dense: {units: %d}, name: code}, "
                                  "{dense: {units: 64}}, {tanh: {}}, {dense: {units: %d}}]",
                                  code, d);
    assignments[1] = "model.code=code";
    assignments[2] = "train.loss=mse";
    return assignments[0] ? assignments : NULL;
}
