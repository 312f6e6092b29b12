#include "model/loader.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/shape.h"

enum {
    N_SLOTS = 2,
    SLOT_BYTES = 8 << 20, /* enough batches to make one copy worthwhile */
};

/* A piece of the current order, which is on the device or being copied to it. */
struct slot {
    unsigned char *host; /* (slot_samples, sample) */
    struct buffer *data; /* the same on the device */
    struct device_event *copied;
    int64_t first, n; /* samples [first, first + n) of the order; n 0: none */
};

struct loader {
    struct device *device;
    const struct dataset *set;
    size_t sample_bytes;
    int64_t batch;
    struct buffer *data; /* all samples, when they are resident; else NULL */
    struct slot slot[N_SLOTS];
    int64_t slot_samples;
    int turn; /* the slot in use */
    struct buffer *order;
    int32_t *host_order; /* (n) */
};

static enum dae_status make_resident(struct loader *loader, struct error *err)
{
    const uint64_t bytes = dataset_bytes(loader->set);
    TRY(buffer_new(loader->device, bytes, "data set", &loader->data, err));
    return buffer_write(loader->data, 0, loader->set->values, bytes, err);
}

static enum dae_status make_slots(struct loader *loader, struct error *err)
{
    const uint64_t most = device_facts(loader->device)->max_allocation_bytes;
    if (loader->set->block_bytes > 0)
        return error_set(
            err, DAE_BAD_DATA,
            "the images take %llu MiB, which is more than the device may hold; lower data.limit, or raise data.memory",
            (unsigned long long)(dataset_bytes(loader->set) >> 20));
    const int64_t slot_bytes = most < SLOT_BYTES ? (int64_t)most : SLOT_BYTES;
    const int64_t batches = slot_bytes / (int64_t)loader->sample_bytes / loader->batch;
    loader->slot_samples = (batches > 1 ? batches : 1) * loader->batch;
    const uint64_t bytes = (uint64_t)loader->slot_samples * loader->sample_bytes;
    for (int i = 0; i < N_SLOTS; ++i) {
        loader->slot[i].host = malloc(bytes);
        if (!loader->slot[i].host)
            return error_no_memory(err, "slot of the data set", bytes);
        TRY(buffer_new(loader->device, bytes, "slot of the data set", &loader->slot[i].data, err));
    }
    return DAE_OK;
}

/* Leaves half of the device to the network, whose size is not known here. */
static bool fits(const struct loader *loader)
{
    const struct platform_device *facts = device_facts(loader->device);
    const uint64_t bytes = dataset_bytes(loader->set);
    const uint64_t limit =
        loader->set->memory_bytes > 0 ? (uint64_t)loader->set->memory_bytes : facts->memory_bytes / 2;
    return bytes <= limit && bytes <= facts->max_allocation_bytes;
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
    loader->sample_bytes = dataset_sample_bytes(set);
    const uint64_t order_bytes = (uint64_t)set->n * sizeof *loader->host_order;
    if (set->n > INT_MAX)
        return error_set(err, DAE_BAD_DATA, "a data set of %lld samples is more than 2^31", (long long)set->n);
    if (!(loader->host_order = malloc(order_bytes)))
        return error_no_memory(err, "order of samples", order_bytes);
    TRY(fits(loader) ? make_resident(loader, err) : make_slots(loader, err));
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
        free(loader->slot[i].host);
    }
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
    if (set->block_bytes > 0)
        return error_at(err, DAE_CONFIG, loss->mark,
                        "train.loss: %s requires labels, which patches of images are not; use another loss, such as l1",
                        loss->plugin->name);
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
    return loader->set->block_bytes > 0 ? dataset_bits(loader->set) : 0;
}

static enum dae_status upload_order(struct loader *loader, struct error *err)
{
    for (int i = 0; i < N_SLOTS; ++i)
        loader->slot[i].n = 0; /* they contain pieces of another order */
    return buffer_write(loader->order, 0, loader->host_order, (uint64_t)loader->set->n * sizeof *loader->host_order,
                        err);
}

enum dae_status loader_unshuffle(struct loader *loader, struct error *err)
{
    for (int64_t i = 0; i < loader->set->n; ++i)
        loader->host_order[i] = (int32_t)i;
    return upload_order(loader, err);
}

enum dae_status loader_shuffle(struct loader *loader, uint64_t seed, uint32_t epoch, struct error *err)
{
    const struct philox_key key = {seed, PHILOX_SHUFFLE, epoch, 0};
    for (int64_t i = 0; i < loader->set->n; ++i)
        loader->host_order[i] = (int32_t)i;
    for (int64_t i = loader->set->n - 1; i > 0; --i) {
        int64_t j = (int64_t)((uint64_t)philox_word(key, (uint32_t)i) * (uint64_t)(i + 1) >> 32);
        int32_t other = loader->host_order[j];
        loader->host_order[j] = loader->host_order[i];
        loader->host_order[i] = other;
    }
    return upload_order(loader, err);
}

/* Copies the next piece of the order to the slot that was not used last. The device may still work on the other slot;
 * its reads from this one were enqueued before the copy, and the queue keeps the order. */
static enum dae_status fill_slot(struct loader *loader, int64_t first, struct error *err)
{
    struct slot *slot = &loader->slot[loader->turn ^= 1];
    if (slot->copied) {
        struct device_event *copied = slot->copied;
        slot->copied = NULL;
        TRY(device_event_wait(loader->device, copied, err));
    }
    const unsigned char *values = loader->set->values;
    slot->first = first;
    slot->n = loader->set->n - first < loader->slot_samples ? loader->set->n - first : loader->slot_samples;
    for (int64_t i = 0; i < slot->n; ++i)
        memcpy(slot->host + (size_t)i * loader->sample_bytes,
               values + (size_t)loader->host_order[first + i] * loader->sample_bytes, loader->sample_bytes);
    return buffer_write_later(slot->data, slot->host, (uint64_t)slot->n * loader->sample_bytes, &slot->copied, err);
}

enum dae_status loader_batch(struct loader *loader, int64_t first, uint32_t epoch, uint32_t split, struct batch *batch,
                             struct error *err)
{
    const int64_t left = loader->set->n - first, n = left < loader->batch ? left : loader->batch;
    *batch = (struct batch){loader->data, loader->order, first, n, epoch, split, false, 0, loader->set->n, 0};
    if (loader->data)
        return DAE_OK;
    const struct slot *slot = &loader->slot[loader->turn];
    if (first < slot->first || first + n > slot->first + slot->n) {
        TRY(fill_slot(loader, first, err));
        slot = &loader->slot[loader->turn];
    }
    batch->data = slot->data;
    batch->streamed = true;
    batch->row = first - slot->first;
    return DAE_OK;
}
