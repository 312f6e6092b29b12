#include "model/loader.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "base/shape.h"
#include "data/sample_stream.h"
#include "data/shard_stream.h"

enum {
    N_SLOTS = 2,
    SLOT_BYTES = 8 << 20, /* enough batches to make one copy worthwhile */
};

/* A window of the stream, which is on the device or being copied to it. */
struct slot {
    struct buffer *data;
    struct device_event *copied; /* NULL: its host memory may be written again */
};

struct loader {
    struct device *device;
    const struct dataset *set;
    int64_t batch;
    struct buffer *data;   /* all samples, when they are resident; else NULL, and then: */
    struct stream *stream; /* makes windows of samples */
    size_t row_bytes;
    struct stream_pass pass; /* what the next window is of */
    struct slot slot[N_SLOTS];
    int turn;       /* the slot in use */
    int64_t window; /* in it; -1: none of this pass */
    struct buffer *order;
    int32_t *host_order; /* (n) */
};

static enum dae_status make_resident(struct loader *loader, struct error *err)
{
    const uint64_t bytes = dataset_bytes(loader->set);
    TRY(buffer_new(loader->device, bytes, "data set", &loader->data, err));
    return buffer_write(loader->data, 0, loader->set->values, bytes, err);
}

static enum dae_status make_stream(struct loader *loader, struct error *err)
{
    const struct dataset *set = loader->set;
    const uint64_t most = device_facts(loader->device)->max_allocation_bytes;
    const int64_t slot_bytes = most < SLOT_BYTES ? (int64_t)most : SLOT_BYTES;
    loader->row_bytes = sample_stream_row_bytes(set);
    const int64_t rows = set->shards ? set->shards->window : slot_bytes / (int64_t)loader->row_bytes;
    loader->pass.window = rows > loader->batch ? rows / loader->batch : 1;
    const uint64_t bytes = (uint64_t)(loader->pass.window * loader->batch) * loader->row_bytes;
    if (set->shards && bytes > most)
        return error_at(err, DAE_CONFIG, set->mark,
                        "a window of %lld samples takes %llu MiB, which is more than the device may hold; lower "
                        "data.window or train.batch",
                        (long long)(loader->pass.window * loader->batch), (unsigned long long)(bytes >> 20));
    TRY(sample_stream_new(set, loader->pass.window * loader->batch, &loader->stream, err));
    for (int i = 0; i < N_SLOTS; ++i)
        TRY(buffer_new(loader->device, bytes, "slot of the data set", &loader->slot[i].data, err));
    return DAE_OK;
}

/* Leaves half of the device to the network, whose size is not known here. */
static bool fits(const struct loader *loader)
{
    const struct platform_device *facts = device_facts(loader->device);
    const uint64_t bytes = dataset_bytes(loader->set);
    const uint64_t limit =
        loader->set->memory_bytes > 0 ? (uint64_t)loader->set->memory_bytes : facts->memory_bytes / 2;
    return loader->set->values && bytes <= limit && bytes <= facts->max_allocation_bytes;
}

enum dae_status loader_new(struct device *device, const struct dataset *set, int64_t batch, struct loader **out,
                           struct error *err)
{
    struct loader *loader CLEANUP(loader_free_cleanup) = calloc(1, sizeof *loader);
    *out = NULL;
    if (!loader)
        return error_no_memory(err, "loader", sizeof *loader);
    loader->device = device;
    loader->set = set;
    loader->batch = batch;
    const uint64_t order_bytes = (uint64_t)set->n * sizeof *loader->host_order;
    if (set->n > INT_MAX)
        return error_set(err, DAE_BAD_DATA, "a data set of %lld samples is more than 2^31", (long long)set->n);
    if (!(loader->host_order = malloc(order_bytes)))
        return error_no_memory(err, "order of samples", order_bytes);
    loader->pass = (struct stream_pass){.order = loader->host_order, .n = set->n, .batch = batch, .parts = 1, .own = 1};
    TRY(fits(loader) ? make_resident(loader, err) : make_stream(loader, err));
    TRY(buffer_new(device, order_bytes, "order of samples", &loader->order, err));
    TRY(loader_unshuffle(loader, err));
    *out = loader;
    loader = NULL;
    return DAE_OK;
}

void loader_free(struct loader *loader)
{
    if (!loader)
        return;
    for (int i = 0; i < N_SLOTS; ++i) {
        struct error late = {0}; /* the copy reads our memory, so it must have ended, in whatever way */
        if (loader->slot[i].copied && device_event_wait(loader->device, loader->slot[i].copied, &late) != DAE_OK)
            loader->slot[i].copied = NULL;
        buffer_free(loader->slot[i].data);
    }
    stream_free(loader->stream);
    buffer_free(loader->data);
    buffer_free(loader->order);
    free(loader->host_order);
    free(loader);
}

int64_t loader_samples(const struct loader *loader)
{
    return loader->set->n;
}

int64_t loader_batch_size(const struct loader *loader)
{
    return loader->batch;
}

bool loader_holds_bytes(const struct loader *loader)
{
    return loader->set->kind == DATASET_UINT8;
}

bool loader_is_unit(const struct loader *loader)
{
    return dataset_is_unit(loader->set);
}

bool loader_is_streamed(const struct loader *loader)
{
    return !loader->data;
}

/* Whether the channels of each place sum to 1, but for the rounding of bytes, or of numbers written as text. */
static enum dae_status check_distribution(const struct dataset *set, const struct node *loss, const char *which,
                                          struct error *err)
{
    const int64_t channels = set->shape.dim[set->shape.rank - 1], n = set->n * dae_shape_len(&set->shape);
    const double tolerance = set->kind == DATASET_FLOAT ? 1e-3 : (double)channels * 0.5 / 255 + 1e-6;
    const float *value = set->values;
    const uint8_t *byte = set->values;
    if (dataset_cuts_patches(set) || set->shards)
        return error_at(err, DAE_CONFIG, loss->mark,
                        "train.loss: %s requires labels, which %s are not; use another loss, such as l1",
                        loss->plugin->name, set->shards ? "samples of shards" : "patches of images");
    for (int64_t i = 0; i < n; i += channels) {
        double sum = 0;
        for (int64_t c = i; c < i + channels; ++c)
            sum += set->kind == DATASET_FLOAT ? (double)value[c] : (double)byte[c] / 255;
        if (!(isnan(sum) || fabs(sum - 1) <= tolerance))
            return error_at(err, DAE_CONFIG, loss->mark,
                            "train.loss: %s requires labels, whose channels sum to 1, but those of %s sample %lld sum "
                            "to %.6g; give each class a channel, or use another loss, such as bce",
                            loss->plugin->name, which, (long long)(i / dae_shape_len(&set->shape)), sum);
    }
    return DAE_OK;
}

/* What one loss requires of the samples. */
static enum dae_status check_loss(const struct dataset *set, const struct node *loss, const char *which,
                                  struct error *err)
{
    const int64_t len = dae_shape_len(&set->shape);
    const float *value = set->values;
    if (loss->plugin->unit_range && !dataset_is_unit(set) && set->shards)
        return error_at(err, DAE_CONFIG, loss->mark,
                        "train.loss: %s requires data from 0 to 1, which nobody has checked in shards of floats; store "
                        "bytes, or use another loss, such as mse",
                        loss->plugin->name);
    /* A hole (NaN) is ignored. */
    for (int64_t i = 0; loss->plugin->unit_range && !dataset_is_unit(set) && i < set->n * len; ++i)
        if (value[i] < 0 || value[i] > 1)
            return error_at(err, DAE_CONFIG, loss->mark,
                            "train.loss: %s requires data from 0 to 1, but %s sample %lld has the number %.6g; scale "
                            "the data, or use another loss, such as mse",
                            loss->plugin->name, which, (long long)(i / len), (double)value[i]);
    return loss->plugin->loss->distribution ? check_distribution(set, loss, which, err) : DAE_OK;
}

enum dae_status loader_check_samples(const struct dataset *set, const struct network *network, const char *which,
                                     struct error *err)
{
    const struct node *input = &network->node[0];
    char want[SHAPE_TEXT], have[SHAPE_TEXT];
    if (!shape_equal(&input->plan.output, &set->shape))
        return error_at(err, DAE_CONFIG, input->mark, "model.input is %s, but the samples are %s",
                        shape_text(&input->plan.output, want), shape_text(&set->shape, have));
    for (int i = network->first_loss; i <= network->loss; ++i)
        if (network->node[i].plugin->kind == PLUGIN_LOSS)
            TRY(check_loss(set, &network->node[i], which, err));
    return DAE_OK;
}

enum dae_status loader_check_holes(const struct loader *loader, const struct network *network, struct error *err)
{
    if (!loader->set->hole || network->takes_holes)
        return DAE_OK;
    return error_at(err, DAE_BAD_DATA, loader->set->mark,
                    "%s; a network that does not read the mask cannot distinguish a hole from a number: let a layer "
                    "read it (from: [input, mask]), leave the column out, or choose windows without holes",
                    loader->set->hole);
}

int loader_patch_bits(const struct loader *loader)
{
    return dataset_cuts_patches(loader->set) ? dataset_bits(loader->set) : 0;
}

void loader_cut(struct loader *loader, int parts, int first, int own)
{
    loader->pass.parts = parts;
    loader->pass.first = first;
    loader->pass.own = own;
    loader->window = -1;
}

static enum dae_status upload_order(struct loader *loader, bool shuffled, struct error *err)
{
    loader->pass.shuffled = shuffled;
    loader->window = -1;
    return buffer_write(loader->order, 0, loader->host_order, (uint64_t)loader->set->n * sizeof *loader->host_order,
                        err);
}

/* The threads read the order, so they must not run while it is written. */
static void begin_order(struct loader *loader)
{
    if (loader->stream)
        stream_end(loader->stream);
    for (int64_t i = 0; i < loader->set->n; ++i)
        loader->host_order[i] = (int32_t)i;
}

enum dae_status loader_unshuffle(struct loader *loader, struct error *err)
{
    begin_order(loader);
    return upload_order(loader, false, err);
}

enum dae_status loader_shuffle(struct loader *loader, uint64_t seed, uint32_t epoch, struct error *err)
{
    const struct philox_key key = {seed, PHILOX_SHUFFLE, epoch, 0};
    begin_order(loader);
    if (loader->set->shards) {
        struct stream_pass pass = loader->pass;
        pass.seed = seed;
        pass.epoch = epoch;
        TRY(shard_stream_order(loader->set->shards, &pass, loader->host_order, err));
        return upload_order(loader, true, err);
    }
    for (int64_t i = loader->set->n - 1; i > 0; --i) {
        int64_t j = (int64_t)((uint64_t)philox_word(key, (uint32_t)i) * (uint64_t)(i + 1) >> 32);
        int32_t other = loader->host_order[j];
        loader->host_order[j] = loader->host_order[i];
        loader->host_order[i] = other;
    }
    return upload_order(loader, true, err);
}

/* Copies a window to the slot that was not used last. The device may still work on the other slot; its reads from this
 * one were enqueued before the copy, and the queue keeps the order. */
static enum dae_status fill_slot(struct loader *loader, int64_t window, bool goes_on, struct error *err)
{
    const struct stream_pass *pass = &loader->pass;
    struct device_event *copied = loader->slot[loader->turn].copied;
    loader->slot[loader->turn].copied = NULL;
    if (copied)
        TRY(device_event_wait(loader->device, copied, err));
    loader->window = -1;
    if (!goes_on)
        TRY(stream_begin(loader->stream, pass, window, err));
    const unsigned char *rows;
    TRY(stream_take(loader->stream, window, &rows, err));
    const int64_t n =
        stream_pass_rows(pass, (window + 1) * pass->window) - stream_pass_rows(pass, window * pass->window);
    struct slot *slot = &loader->slot[loader->turn ^= 1];
    TRY(buffer_write_later(slot->data, rows, (uint64_t)n * loader->row_bytes, &slot->copied, err));
    loader->window = window;
    return DAE_OK;
}

/* Points a batch into the slot that has it. */
static enum dae_status stream_batch(struct loader *loader, uint64_t seed, struct batch *batch, struct error *err)
{
    struct stream_pass *pass = &loader->pass;
    const int64_t window = batch->first / (pass->window * loader->batch);
    const bool same =
        loader->window >= 0 && pass->seed == seed && pass->epoch == batch->epoch && pass->split == batch->split;
    pass->seed = seed;
    pass->epoch = batch->epoch;
    pass->split = batch->split;
    if (!same || window != loader->window)
        TRY(fill_slot(loader, window, same && window == loader->window + 1, err));
    batch->data = loader->slot[loader->turn].data;
    batch->streamed = true;
    batch->row = stream_pass_row(pass, window, batch->first);
    return DAE_OK;
}

enum dae_status loader_batch(struct loader *loader, int64_t first, uint64_t seed, uint32_t epoch, uint32_t split,
                             struct batch *batch, struct error *err)
{
    const int64_t left = loader->set->n - first, n = left < loader->batch ? left : loader->batch;
    *batch = (struct batch){.data = loader->data,
                            .order = loader->order,
                            .first = first,
                            .n = n,
                            .epoch = epoch,
                            .split = split,
                            .rows = loader->set->n};
    return loader->data ? DAE_OK : stream_batch(loader, seed, batch, err);
}
