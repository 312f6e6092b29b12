#include "data/loader.h"

#include <limits.h>
#include <stdlib.h>

#include "base/philox.h"

struct loader {
    struct buffer *data, *order;
    int32_t *host_order; /* (n) */
    int64_t n;
};

enum dae_status loader_new(struct device *device, const struct dataset *set, struct loader **out, struct error *err)
{
    *out = NULL;
    struct loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return error_no_memory(err, "loader", sizeof *loader);
    const uint64_t bytes = (uint64_t)set->n * (uint64_t)dae_shape_len(&set->shape) *
                           (set->kind == DATASET_UINT8 ? sizeof(uint8_t) : sizeof(float));
    enum dae_status status;
    loader->n = set->n;
    if (set->n > INT_MAX)
        status = error_set(err, DAE_BAD_DATA, "a data set of %lld samples is more than 2^31", (long long)set->n);
    else if (!(loader->host_order = malloc((size_t)set->n * sizeof *loader->host_order)))
        status = error_no_memory(err, "order of samples", (unsigned long long)set->n * sizeof *loader->host_order);
    else
        status = device_check_memory(device, bytes, "the data set", "use a part of it: data.limit", err);
    if (status == DAE_OK)
        status = buffer_new(device, bytes, "data set", &loader->data, err);
    if (status == DAE_OK)
        status = buffer_write(loader->data, 0, set->values, bytes, err);
    if (status == DAE_OK)
        status = buffer_new(device, (uint64_t)set->n * sizeof *loader->host_order, "order of samples", &loader->order, err);
    if (status == DAE_OK)
        status = loader_unshuffle(loader, err);
    if (status != DAE_OK) {
        loader_free(loader);
        return status;
    }
    *out = loader;
    return DAE_OK;
}

void loader_free(struct loader *loader)
{
    if (!loader)
        return;
    buffer_free(loader->data);
    buffer_free(loader->order);
    free(loader->host_order);
    free(loader);
}

int64_t loader_samples(const struct loader *loader)
{
    return loader->n;
}

static enum dae_status upload(struct loader *loader, struct error *err)
{
    return buffer_write(loader->order, 0, loader->host_order, (uint64_t)loader->n * sizeof *loader->host_order, err);
}

enum dae_status loader_unshuffle(struct loader *loader, struct error *err)
{
    for (int64_t i = 0; i < loader->n; ++i)
        loader->host_order[i] = (int32_t)i;
    return upload(loader, err);
}

enum dae_status loader_shuffle(struct loader *loader, uint64_t seed, uint32_t epoch, struct error *err)
{
    const struct philox_key key = {seed, PHILOX_SHUFFLE, epoch, 0};
    for (int64_t i = 0; i < loader->n; ++i)
        loader->host_order[i] = (int32_t)i;
    for (int64_t i = loader->n - 1; i > 0; --i) {
        int64_t j = (int64_t)((uint64_t)philox_word(key, (uint32_t)i) * (uint64_t)(i + 1) >> 32);
        int32_t other = loader->host_order[j];
        loader->host_order[j] = loader->host_order[i];
        loader->host_order[i] = other;
    }
    return upload(loader, err);
}

struct batch loader_batch(const struct loader *loader, int64_t first, int64_t batch, uint32_t epoch, uint32_t split)
{
    const int64_t left = loader->n - first;
    return (struct batch){loader->data, loader->order, first, left < batch ? left : batch, epoch, split};
}
