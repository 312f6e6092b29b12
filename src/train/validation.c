#define _GNU_SOURCE
#include "train/validation.h"

#include <math.h>

#include "base/philox.h"
#include "base/shape.h"

/* Where rank r's samples begin: whole batches, as even as they go. */
static int64_t begin_of(int64_t all, int64_t batch, int ranks, int r)
{
    const int64_t n_batches = (all + batch - 1) / batch, begin = n_batches * r / ranks * batch;
    return begin < all ? begin : all;
}

static enum dae_status own_losses(const struct validation *v, int64_t begin, int64_t end, struct error *err)
{
    while (begin < end) {
        struct batch batch;
        TRY(loader_batch(v->samples, begin, v->network->seed, 0, PHILOX_HELD_OUT, &batch, err));
        TRY(executor_forward(v->executor, SCHEDULE_EVALUATE, &batch, err));
        TRY(executor_read(v->executor, SCHEDULE_EVALUATE, v->network->loss, batch.n, v->losses + begin, err));
        begin += batch.n;
    }
    return DAE_OK;
}

enum dae_status validation_run(const struct validation *v, double *mean, int64_t *bad, struct error *err)
{
    const int64_t all = loader_samples(v->samples), batch = loader_batch_size(v->samples);
    const int n = v->ranks ? ranks_count(v->ranks) : 1, own = v->ranks ? ranks_number(v->ranks) : 0;
    uint64_t begin[RANKS_MAX + 1];
    double sum = 0;
    TRY(own_losses(v, begin_of(all, batch, n, own), begin_of(all, batch, n, own + 1), err));
    for (int r = 0; r <= n; ++r)
        begin[r] = (uint64_t)begin_of(all, batch, n, r) * sizeof *v->losses;
    if (v->ranks)
        TRY(ranks_gather(v->ranks, v->losses, begin, err));
    *bad = -1;
    for (int64_t i = 0; i < all; ++i) {
        sum += (double)v->losses[i];
        if (*bad < 0 && !isfinite(sum))
            *bad = i - i % batch;
    }
    *mean = sum / ((double)all * (double)dae_shape_len(&v->network->node[v->network->output].plan.output));
    return DAE_OK;
}
