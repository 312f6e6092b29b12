#include "study/gaussian_levels.h"

#include <math.h>
#include <stdlib.h>

/* The one corruption of the network, if it is additive Gaussian noise; else NULL. */
static const struct plugin *gaussian_of(const struct network *network)
{
    const struct node *noise = &network->node[1];
    return network->noisy == 1 && plugin_deviation(noise->plugin, noise->state) ? noise->plugin : NULL;
}

enum dae_status gaussian_levels_check(const struct study_task *task, struct mark mark, struct error *err)
{
    if (!value_map_get(task->config, "corruption"))
        return error_at(err, DAE_CONFIG, mark,
                        "a study of noise levels requires Gaussian noise, but the config has no corruption");
    if (!gaussian_of(task->network))
        return error_at(err, DAE_CONFIG, task->network->node[1].mark,
                        "a study of noise levels requires Gaussian noise as the only corruption; this is another one");
    return DAE_OK;
}

const struct value *gaussian_levels_value(const struct study_task *task, double sigma)
{
    const struct plugin *gaussian = gaussian_of(task->network);
    const struct value *corruption = value_map_get(task->config, "corruption");
    struct value *copy = value_copy(task->arena, corruption->kind == VALUE_LIST ? corruption->items[0] : corruption);
    struct value *number = value_float_new(task->arena, sigma);
    return copy && value_map_put(task->arena, value_map_get(copy, gaussian->name), gaussian->noise->deviation, number)
               ? copy
               : NULL;
}

void gaussian_levels_trained(const struct study_task *task, double level[2])
{
    const struct plugin *gaussian = gaussian_of(task->network);
    const struct value *corruption = value_map_get(task->config, "corruption");
    const struct value *row = corruption->kind == VALUE_LIST ? corruption->items[0] : corruption;
    const struct value *sigma = value_map_get(value_map_get(row, gaussian->name), gaussian->noise->deviation);
    for (int i = 0; i < 2; ++i) {
        const struct value *end = sigma && sigma->kind == VALUE_LIST && sigma->n == 2 ? sigma->items[i] : sigma;
        level[i] = end && end->kind == VALUE_SCALAR ? strtod(end->text, NULL) : NAN;
    }
}

enum dae_status gaussian_levels_variant(const struct study_task *task, double sigma, const char *const *assignments,
                                        struct study_variant **out, struct error *err)
{
    const struct value *corruption = gaussian_levels_value(task, sigma);
    if (!corruption)
        return error_no_memory(err, "study", 0);
    return study_variant_under(task, corruption, assignments, out, err);
}
