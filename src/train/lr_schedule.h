/* How the learning rate changes while a network is trained: a factor on the optimiser's own rate for each update. It
 * depends only on the update's number, so that a resumed training continues with the same bits. */
#ifndef TRAIN_LR_SCHEDULE_H
#define TRAIN_LR_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/fields.h"

enum { LR_SCHEDULE_MAX_STEPS = FIELD_MAX_NUMBERS };

struct lr_schedule {
    enum { LR_SCHEDULE_CONSTANT, LR_SCHEDULE_STEP, LR_SCHEDULE_COSINE } kind;
    int n_steps;
    int64_t after[LR_SCHEDULE_MAX_STEPS]; /* LR_SCHEDULE_STEP: finished epochs, ascending, after each of which the rate
                                             is */
    double factor;                        /* multiplied by this */
    double to;                            /* LR_SCHEDULE_COSINE: the factor at the end */
    int64_t warm_up;                      /* updates over which the rate rises in proportion to their number; 0: none */
};

/* The map `train.schedule`. */
struct lr_schedule_map {
    const struct value *map; /* NULL: absent, also for the two members within */
    struct {
        const struct value *map;
        struct field_numbers after;
        double factor;
    } step;
    struct {
        const struct value *map;
        double to;
    } cosine;
};

/* Reads the keys `schedule` and `warm_up` of the map `train`. DAE_CONFIG at the place. */
MUST_USE enum dae_status lr_schedule_read(const struct lr_schedule_map *schedule, int64_t warm_up,
                                          struct lr_schedule *rate, struct error *err);

/* The factor of update t = 1, 2, ... of a training of `epochs` epochs of `steps` updates. The cosine's is to + (1 - to)
 * (1 + cos(pi (t - 1) / (epochs steps))) / 2 (Loshchilov and Hutter, SGDR, ICLR 2017, without restarts). */
double lr_schedule_at(const struct lr_schedule *rate, int64_t t, int64_t epochs, int64_t steps);

/* Whether the rate depends on the requested number of epochs. */
static inline bool lr_schedule_needs_epochs(const struct lr_schedule *rate)
{
    return rate->kind == LR_SCHEDULE_COSINE;
}

#endif
