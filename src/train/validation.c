#define _GNU_SOURCE
#include "train/validation.h"

#include <math.h>

#include "base/philox.h"
#include "base/shape.h"
#include "graph/losses.h"

/* Where rank r's samples begin: whole batches, as even as they go. */
static int64_t begin_of(int64_t all, int64_t batch, int ranks, int r)
{
    const int64_t n_batches = (all + batch - 1) / batch, begin = n_batches * r / ranks * batch;
    return begin < all ? begin : all;
}

/* The sum's losses, then those of its terms, (samples) each. */
static float *losses_of(const struct validation *v, int term)
{
    return v->losses + (1 + term) * loader_samples(v->samples);
}

static enum dae_status own_losses(const struct validation *v, int64_t begin, int64_t end, struct error *err)
{
    while (begin < end) {
        struct batch batch;
        TRY(loader_batch(v->samples, begin, v->network->seed, 0, PHILOX_HELD_OUT, &batch, err));
        TRY(executor_forward(v->executor, SCHEDULE_EVALUATE, &batch, err));
        TRY(executor_read(v->executor, SCHEDULE_EVALUATE, v->network->loss, batch.n, v->losses + begin, err));
        for (int t = 0; t < losses_terms(v->network); ++t)
            TRY(executor_read(v->executor, SCHEDULE_EVALUATE, v->network->first_loss + t, batch.n,
                              losses_of(v, t) + begin, err));
        begin += batch.n;
    }
    return DAE_OK;
}

/* The mean of losses (n) per number. *bad becomes the first sample of the batch in which their sum ceases to be finite,
 * or -1. */
static double mean_of(const struct validation *v, const float *losses, int64_t *bad)
{
    const int64_t all = loader_samples(v->samples), batch = loader_batch_size(v->samples);
    double sum = 0;
    *bad = -1;
    for (int64_t i = 0; i < all; ++i) {
        sum += (double)losses[i];
        if (*bad < 0 && !isfinite(sum))
            *bad = i - i % batch;
    }
    return sum / ((double)all * (double)dae_shape_len(&v->network->node[v->network->output].plan.output));
}

enum dae_status validation_run(const struct validation *v, double *mean, double term[LOSSES_MAX], int64_t *bad,
                               struct error *err)
{
    const int64_t all = loader_samples(v->samples), batch = loader_batch_size(v->samples);
    const int n = v->ranks ? ranks_count(v->ranks) : 1, own = v->ranks ? ranks_number(v->ranks) : 0;
    uint64_t begin[RANKS_MAX + 1];
    int64_t unused;
    TRY(own_losses(v, begin_of(all, batch, n, own), begin_of(all, batch, n, own + 1), err));
    for (int r = 0; r <= n; ++r)
        begin[r] = (uint64_t)begin_of(all, batch, n, r) * sizeof *v->losses;
    for (int t = -1; v->ranks && t < losses_terms(v->network); ++t)
        TRY(ranks_gather(v->ranks, losses_of(v, t), begin, err));
    for (int t = 0; t < losses_terms(v->network); ++t)
        term[t] = mean_of(v, losses_of(v, t), &unused);
    *mean = mean_of(v, v->losses, bad);
    return DAE_OK;
}
