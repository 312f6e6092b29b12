#include "train/lr_schedule.h"

#include <math.h>

#include "config/fields.h"

enum { MAX_EPOCH = 1000000, MAX_WARM_UP = 1000000000 };

static enum dae_status read_default(struct value *map, const char *key, double max, double otherwise,
                                    struct arena *arena, double *out, struct error *err)
{
    const struct value *value = value_map_get(map, key);
    *out = otherwise;
    if (value)
        return field_float(value, 0, max, out, err);
    return value_map_put(arena, map, key, value_float_new(arena, otherwise)) ? DAE_OK
                                                                             : error_no_memory(err, "config", 0);
}

static enum dae_status read_step(struct value *step, struct arena *arena, struct lr_schedule *rate, struct error *err)
{
    static const char *const keys[] = {"after", "factor"};
    const struct value *after;
    TRY(fields_check_keys(step, keys, 2, "step", err));
    TRY(fields_need(step, "after", "step", &after, err));
    TRY(field_list(after, 1, LR_SCHEDULE_MAX_STEPS, err));
    rate->kind = LR_SCHEDULE_STEP;
    rate->n_steps = after->n;
    for (int i = 0; i < after->n; ++i) {
        long long epoch;
        TRY(field_int(after->items[i], 1, MAX_EPOCH, &epoch, err));
        if (i > 0 && epoch <= rate->after[i - 1])
            return field_refuse(after->items[i], "an epoch after the one before it", err);
        rate->after[i] = epoch;
    }
    return read_default(step, "factor", 1, 0.1, arena, &rate->factor, err);
}

static enum dae_status read_cosine(struct value *cosine, struct arena *arena, struct lr_schedule *rate,
                                   struct error *err)
{
    static const char *const keys[] = {"to"};
    TRY(fields_check_keys(cosine, keys, 1, "cosine", err));
    rate->kind = LR_SCHEDULE_COSINE;
    return read_default(cosine, "to", 1, 0, arena, &rate->to, err);
}

enum dae_status lr_schedule_read(struct value *train, struct arena *arena, struct lr_schedule *rate, struct error *err)
{
    static const char *const kinds[] = {"step", "cosine"};
    const struct value *schedule = value_map_get(train, "schedule"), *warm_up = value_map_get(train, "warm_up");
    *rate = (struct lr_schedule){0};
    if (schedule) {
        TRY(fields_check_keys(schedule, kinds, 2, "schedule", err));
        struct value *step = value_map_get(schedule, "step"), *cosine = value_map_get(schedule, "cosine");
        if (!step == !cosine)
            return field_refuse(schedule, "one of step and cosine", err);
        TRY(step ? read_step(step, arena, rate, err) : read_cosine(cosine, arena, rate, err));
    }
    if (warm_up) {
        long long updates;
        TRY(field_int(warm_up, 0, MAX_WARM_UP, &updates, err));
        rate->warm_up = updates;
    }
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
