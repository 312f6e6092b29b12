#include "study/gaussian_levels.h"

#include <string.h>

enum { MAX_ASSIGNMENTS = 4 };

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

enum dae_status gaussian_levels_variant(const struct study_task *task, double sigma, const char *const *assignments,
                                        struct study_variant **out, struct error *err)
{
    const char *all[2 + MAX_ASSIGNMENTS] = {0};
    char number[VALUE_NUMBER_BYTES];
    const bool listed = value_map_get(task->config, "corruption")->kind == VALUE_LIST;
    int n = 0;
    all[n++] =
        arena_printf(task->arena, "corruption.%sgaussian.sigma=%s", listed ? "0." : "", value_number(sigma, number));
    if (!all[0])
        return error_no_memory(err, "study", 0);
    for (; assignments && assignments[n - 1] && n <= MAX_ASSIGNMENTS; ++n)
        all[n] = assignments[n - 1];
    return study_variant(task, all, out, err);
}
