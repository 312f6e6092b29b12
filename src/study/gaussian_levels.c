#include "study/gaussian_levels.h"

/* The map that holds `gaussian`, or NULL. */
static const struct value *gaussian_of(const struct value *config)
{
    const struct value *corruption = value_map_get(config, "corruption");
    if (corruption && corruption->kind == VALUE_LIST && corruption->n == 1)
        corruption = corruption->items[0];
    return corruption && value_map_get(corruption, "gaussian") ? corruption : NULL;
}

enum dae_status gaussian_levels_check(const struct study_task *task, struct mark mark, struct error *err)
{
    const struct value *corruption = value_map_get(task->config, "corruption");
    if (!corruption)
        return error_at(err, DAE_CONFIG, mark, "a study of noise levels wants `corruption: gaussian`; there is none");
    if (!gaussian_of(task->config))
        return error_at(err, DAE_CONFIG, task->network->node[1].mark,
                        "a study of noise levels wants one corruption, `gaussian`; this is another");
    return DAE_OK;
}

const struct value *gaussian_levels_value(const struct study_task *task, double sigma)
{
    struct value *copy = value_copy(task->arena, gaussian_of(task->config));
    struct value *number = value_float_new(task->arena, sigma);
    return copy && value_map_put(task->arena, value_map_get(copy, "gaussian"), "sigma", number) ? copy : NULL;
}

enum dae_status gaussian_levels_variant(const struct study_task *task, double sigma, const char *const *assignments,
                                        struct study_variant **out, struct error *err)
{
    const struct value *corruption = gaussian_levels_value(task, sigma);
    if (!corruption)
        return error_no_memory(err, "study", 0);
    return study_variant_under(task, corruption, assignments, out, err);
}
