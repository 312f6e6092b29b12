#include "study/panel/panel_networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Windows of the panel. --------------------------------------------------------------------------------------- */

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

/* ---- Rows on the device. ----------------------------------------------------------------------------------------- */

struct rows {
    struct dataset set;
    struct loader *loader;
};

static void rows_release(struct rows *rows)
{
    loader_free(rows->loader);
    dataset_release(&rows->set);
}

/* Rows as the network reads them, (n,d). */
static void rows_values(const struct cells *cells, const struct network *network, float *values)
{
    for (int64_t i = 0; i < cells->n * cells->d; ++i)
        values[i] = cells->seen[i] ? (float)cells->x[i] : network->takes_holes ? NAN : 0;
}

static enum dae_status rows_open(struct rows *rows, struct device *device, const struct cells *cells, int64_t batch,
                                 const struct network *network, struct error *err)
{
    const size_t len = (size_t)cells->n * (size_t)cells->d;
    rows->set = (struct dataset){.n = cells->n, .shape = {1, {cells->d}}, .kind = DATASET_FLOAT};
    rows->set.values = malloc(len * sizeof(float));
    if (!rows->set.values)
        return error_no_memory(err, "rows", len * sizeof(float));
    rows_values(cells, network, rows->set.values);
    return loader_new(device, &rows->set, batch, &rows->loader, err);
}

/* ---- Networks. --------------------------------------------------------------------------------------------------- */

static enum dae_status train_one(struct study_task *task, const struct panel_training *how, int seed,
                                 struct panel_networks *networks, struct error *err)
{
    struct arena *arena = task->arena;
    struct study_task own = *task;
    struct study_variant *variant;
    struct rows train CLEANUP(rows_release) = {0}, validation CLEANUP(rows_release) = {0};
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
    TRY(rows_open(&train, task->device, how->train, batch, &variant->network, err));
    TRY(rows_open(&validation, task->device, how->validation, batch, &variant->network, err));
    own.train_set = &train.set;
    own.test_set = &validation.set;
    own.train = train.loader;
    own.test = validation.loader;
    own.validation = task->validation ? validation.loader : NULL; /* its own rows, if the config holds some out */
    own.share = how->share / how->n_seeds;
    TRY(study_train(&own, variant, how->corrupt, name, &networks->parameters[networks->n], err));
    task->done = own.done;
    networks->variant[networks->n++] = variant;
    return DAE_OK;
}

enum dae_status panel_networks_train(struct study_task *task, const struct panel_training *how,
                                     struct panel_networks *networks, struct error *err)
{
    networks->task = task;
    for (int i = 0; i < how->n_seeds; ++i)
        TRY(train_one(task, how, how->first_seed + i, networks, err));
    if (networks->model)
        return DAE_OK;
    const struct study_variant *variant = networks->variant[0];
    return model_open(task->device, &variant->network, networks->parameters[0], variant->settings.batch,
                      &networks->model, err);
}

void panel_networks_release(struct panel_networks *networks)
{
    model_close(networks->model);
    *networks = (struct panel_networks){0};
}

enum dae_status panel_networks_apply(struct panel_networks *networks, int which, const struct cells *rows,
                                     double *output, double *code, struct error *err)
{
    const struct study_task *task = networks->task;
    const struct network *network = &networks->variant[0]->network;
    const int64_t len = rows->n * rows->d;
    const int64_t code_len = code ? rows->n * dae_shape_len(&network->node[network->code].plan.output) : 0;
    const int first = which < 0 ? 0 : which, end = which < 0 ? networks->n : which + 1;
    float *numbers CLEANUP(cleanup_free) = malloc((size_t)(2 * len + code_len) * sizeof *numbers);
    if (!numbers)
        return error_no_memory(err, "rows", (unsigned long long)(2 * len + code_len) * sizeof *numbers);
    float *x = numbers, *y = x + len, *codes = code ? y + len : NULL;
    rows_values(rows, network, x);
    memset(output, 0, (size_t)len * sizeof *output);
    for (int i = first; i < end; ++i) {
        if (networks->loaded != i)
            TRY(model_set_parameters(networks->model, networks->parameters[i], err));
        networks->loaded = i;
        TRY(model_run(networks->model, x, rows->n, y, codes, err));
        for (int64_t k = 0; k < len; ++k)
            output[k] += 1.0 / (end - first) * (double)y[k];
        for (int64_t k = 0; k < code_len; ++k)
            code[k] = (double)codes[k];
    }
    return study_stopped(task, err);
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

/* ---- Candidates. ------------------------------------------------------------------------------------------------- */

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
