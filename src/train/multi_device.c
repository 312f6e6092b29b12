#define _GNU_SOURCE
#include "train/multi_device.h"
#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_TIMED = 3 };

struct member {
    struct device *device;
    struct executor *executor;
    struct loader *train;
    struct buffer *loss;         /* (1): of its part */
    float *gradients, part_loss; /* (trained_len); both are being copied to the host while the events exist */
    struct device_event *read_gradients, *read_loss;
    int64_t begin, end; /* its samples of a full batch */
};

struct multi_device {
    struct member member[MULTI_DEVICE_MAX];
    int n;
    uint64_t seed; /* of the network */
    int64_t batch, trained_len;
};

static enum dae_status join_team(struct multi_device *team, struct device *device, struct executor *executor,
                                 struct loader *train, struct error *err)
{
    struct member *m = &team->member[team->n++];
    m->device = device;
    m->executor = executor;
    m->train = train;
    m->gradients = calloc((size_t)team->trained_len, sizeof *m->gradients);
    if (!m->gradients)
        return error_no_memory(err, "gradients", (unsigned long long)team->trained_len * sizeof *m->gradients);
    return buffer_new(device, sizeof(float), "loss", &m->loss, err);
}

enum dae_status multi_device_new(struct device *device, struct executor *executor, struct loader *train,
                                 const struct multi_device_helper *helper, int n_helpers, const struct network *network,
                                 const struct executor_options *options, struct multi_device **out, struct error *err)
{
    *out = NULL;
    if (n_helpers + 1 > MULTI_DEVICE_MAX)
        return error_set(err, DAE_CONFIG, "%d devices are more than the %d that can train together", n_helpers + 1,
                         MULTI_DEVICE_MAX);
    const int coupled = network_coupled(network);
    if (coupled >= 0)
        return error_at(
            err, DAE_CONFIG, network->node[coupled].mark,
            "%s \"%s\": couples the samples of a batch, which several devices would split; train on one device",
            network->node[coupled].plugin->name, network->node[coupled].name);
    struct multi_device *team CLEANUP(multi_device_free_cleanup) = calloc(1, sizeof *team);
    if (!team)
        return error_no_memory(err, "team", sizeof *team);
    team->batch = options->batch;
    team->trained_len = network->trained_len;
    team->seed = network->seed;
    struct executor_options of_helpers = *options;
    of_helpers.average = 0; /* the first device keeps it */
    TRY(join_team(team, device, executor, train, err));
    for (int i = 0; i < n_helpers; ++i) {
        struct executor *own;
        TRY(executor_new(helper[i].device, network, &of_helpers, &own, err));
        TRY(join_team(team, helper[i].device, own, helper[i].train, err));
    }
    *out = team;
    team = NULL;
    return DAE_OK;
}

void multi_device_free(struct multi_device *team)
{
    if (!team)
        return;
    for (int i = 0; i < team->n; ++i) {
        buffer_free(team->member[i].loss);
        free(team->member[i].gradients);
        if (i > 0) /* the first is the caller's */
            executor_free(team->member[i].executor);
    }
    free(team);
}

enum dae_status multi_device_measure(struct multi_device *team, double *speed, struct error *err)
{
    for (int i = 0; i < team->n; ++i) {
        struct member *m = &team->member[i];
        struct batch batch;
        speed[i] = 0;
        for (int turn = 0; turn <= N_TIMED; ++turn) { /* the first one warms up */
            TRY(device_finish(m->device, err));
            const double begin = clock_seconds();
            TRY(loader_batch(m->train, 0, team->seed, 0, 0, &batch, err));
            TRY(executor_differentiate(m->executor, &batch, m->loss, 0, err));
            TRY(device_finish(m->device, err));
            const double rate = 1 / fmax(clock_seconds() - begin, 1e-9);
            if (turn > 0 && rate > speed[i])
                speed[i] = rate;
        }
    }
    return DAE_OK;
}

enum dae_status multi_device_split(struct multi_device *team, const double *weight, struct error *err)
{
    double all = 0, before = 0;
    for (int i = 0; i < team->n; ++i) {
        if (!(weight[i] >= 0) || !isfinite(weight[i]))
            return error_set(err, DAE_CONFIG, "device %d has the share %g; it must be a number from 0", i, weight[i]);
        all += weight[i];
    }
    if (!(all > 0))
        return error_set(err, DAE_CONFIG, "no device has a share of the batches");
    for (int i = 0; i < team->n; ++i) {
        team->member[i].begin = (int64_t)round((double)team->batch * before / all);
        before += weight[i];
        team->member[i].end = (int64_t)round((double)team->batch * before / all);
    }
    return DAE_OK;
}

int64_t multi_device_share(const struct multi_device *team, int i)
{
    return team->member[i].end - team->member[i].begin;
}

enum dae_status multi_device_share_out(struct multi_device *team, const int64_t *weights, uint64_t *share,
                                       struct error *err)
{
    double weight[MULTI_DEVICE_MAX] = {0};
    bool resumed = false;
    for (int i = 0; i < team->n; ++i) {
        resumed |= share[i] > 0;
        weight[i] = weights ? (double)weights[i] : 0;
    }
    for (int i = 0; resumed && i < team->n; ++i)
        weight[i] = (double)share[i];
    if (!resumed && !weights)
        TRY(multi_device_measure(team, weight, err));
    TRY(multi_device_split(team, weight, err));
    for (int i = 0; i < team->n; ++i)
        share[i] = (uint64_t)multi_device_share(team, i);
    return DAE_OK;
}

enum dae_status multi_device_set_parameters(struct multi_device *team, const float *parameters, struct error *err)
{
    for (int i = 0; i < team->n; ++i)
        TRY(executor_set_parameters(team->member[i].executor, parameters, err));
    return DAE_OK;
}

/* A batch of n samples, the last of an epoch, is split like a full one, rounded down to whole samples. */
static enum dae_status start_part(const struct multi_device *team, struct member *m, int64_t first, uint32_t epoch,
                                  int64_t n, struct error *err)
{
    const int64_t begin = m->begin * n / team->batch, end = m->end * n / team->batch;
    struct batch batch;
    if (begin == end)
        return DAE_OK;
    TRY(loader_batch(m->train, first + begin, team->seed, epoch, 0, &batch, err));
    batch.n = end - begin;
    batch.whole = n;
    TRY(executor_differentiate(m->executor, &batch, m->loss, 0, err));
    TRY(buffer_read_later(m->loss, 0, &m->part_loss, sizeof(float), &m->read_loss, err));
    return executor_read_gradients_later(m->executor, m->gradients, &m->read_gradients, err);
}

static enum dae_status wait_event(struct member *m, struct device_event **event, struct error *err)
{
    struct device_event *mine = *event;
    *event = NULL;
    return mine ? device_event_wait(m->device, mine, err) : DAE_OK;
}

/* The events must be waited for in any case. A device without a part has no event, and zeros. */
static enum dae_status start_all(struct multi_device *team, int64_t first, uint32_t epoch, struct error *err)
{
    const int64_t left = loader_samples(team->member[0].train) - first;
    const int64_t n = left < team->batch ? left : team->batch;
    enum dae_status status = DAE_OK;
    struct error late = {0};
    for (int i = 0; i < team->n; ++i) {
        team->member[i].part_loss = 0;
        memset(team->member[i].gradients, 0, (size_t)team->trained_len * sizeof(float));
    }
    for (int i = 0; i < team->n && status == DAE_OK; ++i)
        status = start_part(team, &team->member[i], first, epoch, n, err);
    for (int i = 0; i < team->n; ++i) {
        struct member *m = &team->member[i];
        const enum dae_status loss = wait_event(m, &m->read_loss, status == DAE_OK ? err : &late);
        status = status == DAE_OK ? loss : status;
        const enum dae_status gradients = wait_event(m, &m->read_gradients, status == DAE_OK ? err : &late);
        status = status == DAE_OK ? gradients : status;
    }
    return status;
}

enum dae_status multi_device_train(struct multi_device *team, int64_t first, uint32_t epoch, int64_t t, double rate,
                                   struct buffer *losses, int64_t slot, struct error *err)
{
    struct member *leader = &team->member[0];
    float *sum = leader->gradients;
    TRY(start_all(team, first, epoch, err));
    float loss = leader->part_loss;
    for (int i = 1; i < team->n; ++i) {
        const struct member *m = &team->member[i];
        for (int64_t k = 0; k < team->trained_len; ++k)
            sum[k] += m->gradients[k];
        loss += m->part_loss;
    }
    TRY(executor_set_gradients(leader->executor, sum, err));
    TRY(buffer_write(losses, (uint64_t)slot * sizeof loss, &loss, sizeof loss, err));
    TRY(executor_update(leader->executor, t, rate, err));
    TRY(executor_get_parameters(leader->executor, sum, err)); /* the sum is on the device by now */
    for (int i = 1; i < team->n; ++i)
        TRY(executor_set_parameters(team->member[i].executor, sum, err));
    return DAE_OK;
}
