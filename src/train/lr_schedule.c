#include "train/lr_schedule.h"

#include <math.h>

static enum dae_status take_steps(const struct lr_schedule_map *schedule, struct lr_schedule *rate, struct error *err)
{
    const struct field_numbers *after = &schedule->step.after;
    rate->kind = LR_SCHEDULE_STEP;
    rate->n_steps = after->n;
    rate->factor = schedule->step.factor;
    for (int i = 0; i < after->n; ++i) {
        rate->after[i] = (int64_t)after->number[i];
        if (i > 0 && rate->after[i] <= rate->after[i - 1])
            return field_refuse(value_map_get(schedule->step.map, "after")->items[i],
                                "an epoch after the one before it", err);
    }
    return DAE_OK;
}

enum dae_status lr_schedule_read(const struct lr_schedule_map *schedule, int64_t warm_up, struct lr_schedule *rate,
                                 struct error *err)
{
    *rate = (struct lr_schedule){.warm_up = warm_up};
    if (!schedule->map)
        return DAE_OK;
    if (!schedule->step.map == !schedule->cosine.map)
        return field_refuse(schedule->map, "either step or cosine", err);
    if (schedule->step.map)
        return take_steps(schedule, rate, err);
    rate->kind = LR_SCHEDULE_COSINE;
    rate->to = schedule->cosine.to;
    return DAE_OK;
}

double lr_schedule_at(const struct lr_schedule *rate, int64_t t, int64_t epochs, int64_t steps)
{
    double factor = t < rate->warm_up ? (double)t / (double)rate->warm_up : 1;
    for (int i = 0; i < rate->n_steps && (t - 1) / steps >= rate->after[i]; ++i)
        factor *= rate->factor;
    if (rate->kind == LR_SCHEDULE_COSINE) {
        const double part = (double)(t - 1) / ((double)epochs * (double)steps);
        factor *= rate->to + (1 - rate->to) * 0.5 * (1 + cos(3.14159265358979323846 * part));
    }
    return factor;
}
