#include "data/validation_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/philox.h"
#include "data/image_pool.h"

static const struct value *asked(const struct value *data_section)
{
    return value_map_get(data_section, "validation");
}

bool validation_set_wanted(const struct value *data_section)
{
    return asked(data_section) != NULL;
}

static enum dae_status read_amount(const struct value *value, double *amount, struct error *err)
{
    TRY(field_float(value, -INFINITY, INFINITY, amount, err));
    const bool is_part = *amount > 0 && *amount < 1;
    const bool is_count = *amount >= 1 && *amount <= INT32_MAX && *amount == floor(*amount);
    return is_part || is_count ? DAE_OK
                               : field_refuse(value, "a number of samples from 1, or a part of them below 1", err);
}

enum dae_status validation_set_check(const struct value *data_section, struct error *err)
{
    double amount;
    return asked(data_section) ? read_amount(asked(data_section), &amount, err) : DAE_OK;
}

/* ---- Which ones. ------------------------------------------------------------------------------------------------- */

/* Marks `count` of n: the first of a shuffled order (Fisher and Yates, stopped early). */
static enum dae_status draw(int64_t n, int64_t count, bool *held, struct error *err)
{
    const struct philox_key key = {.stream = PHILOX_HOLD_OUT};
    int64_t *order = malloc((size_t)n * sizeof *order);
    if (!order)
        return error_no_memory(err, "validation set", (unsigned long long)n * sizeof *order);
    for (int64_t i = 0; i < n; ++i)
        order[i] = i;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t j = i + (int64_t)((uint64_t)philox_word(key, (uint32_t)i) * (uint64_t)(n - i) >> 32);
        held[order[j]] = true;
        order[j] = order[i];
    }
    free(order);
    return DAE_OK;
}

/* ---- Moving them. ------------------------------------------------------------------------------------------------ */

/* Keeps those of (n, bytes) that are not held, in their order; the others go to `out` (count, bytes). */
static enum dae_status part(void *values, int64_t n, size_t bytes, const bool *held, int64_t count, void **out,
                            struct error *err)
{
    unsigned char *from = values, *kept = values, *taken = malloc((size_t)count * bytes);
    *out = taken;
    if (!taken)
        return error_no_memory(err, "validation set", (unsigned long long)count * bytes);
    for (int64_t i = 0; i < n; ++i, from += bytes) {
        unsigned char **to = held[i] ? &taken : &kept;
        memmove(*to, from, bytes);
        *to += bytes;
    }
    return DAE_OK;
}

static enum dae_status part_samples(struct dataset *train, const bool *held, int64_t count, struct dataset *validation,
                                    struct error *err)
{
    const size_t bytes = dataset_sample_bytes(train);
    TRY(part(train->values, train->n, bytes, held, count, &validation->values, err));
    if (train->labels) {
        void *labels;
        TRY(part(train->labels, train->n, 1, held, count, &labels, err));
        validation->labels = labels;
    }
    validation->n = count;
    train->n -= count;
    return DAE_OK;
}

/* Those that are held out are read into memory. */
static enum dae_status part_stored(struct dataset *train, const bool *held, struct dataset *validation,
                                   struct error *err)
{
    struct image_pool pool CLEANUP(image_pool_release) = {.patch = train->shape, .depth = dataset_bits(train)};
    for (int64_t i = 0; i < train->images->n; ++i)
        if (held[i])
            TRY(image_pool_add_stored(&pool, train->images, i, err));
    TRY(image_pool_finish(&pool, validation, err));
    image_store_leave_out(train->images, held);
    return DAE_OK;
}

static enum dae_status part_images(struct dataset *train, const bool *held, int64_t n_patches,
                                   struct dataset *validation, struct error *err)
{
    validation->n = n_patches;
    if (train->images)
        return part_stored(train, held, validation, err);
    void *left;
    size_t left_bytes;
    TRY(image_pool_part(train->values, &train->shape, held, true, &validation->values, &validation->block_bytes, err));
    TRY(image_pool_part(train->values, &train->shape, held, false, &left, &left_bytes, err));
    free(train->values);
    free(train->image_names); /* it lists images that were removed */
    train->image_names = NULL;
    train->values = left;
    train->block_bytes = left_bytes;
    return DAE_OK;
}

/* Time runs from training through validation to the test, so the last windows are held out, and windows that share rows
 * with them are dropped. */
static enum dae_status part_panel(struct dataset *train, bool *held, int64_t count, int64_t overlap,
                                  struct dataset *validation, struct error *err)
{
    for (int64_t i = train->n - count; i < train->n; ++i)
        held[i] = true;
    TRY(part_samples(train, held, count, validation, err));
    train->n -= overlap;
    return DAE_OK;
}

static enum dae_status take(struct dataset *train, int64_t n, int64_t count, int64_t overlap, int64_t n_patches,
                            struct dataset *validation, struct error *err)
{
    bool *held = calloc((size_t)n, sizeof *held);
    if (!held)
        return error_no_memory(err, "validation set", (unsigned long long)n * sizeof *held);
    enum dae_status status = DAE_OK;
    if (!train->columns)
        status = draw(n, count, held, err);
    if (status == DAE_OK && train->columns)
        status = part_panel(train, held, count, overlap, validation, err);
    else if (status == DAE_OK && train->block_bytes > 0)
        status = part_images(train, held, n_patches, validation, err);
    else if (status == DAE_OK)
        status = part_samples(train, held, count, validation, err);
    free(held);
    return status;
}

static int64_t images_in(const struct dataset *set)
{
    return set->images ? set->images->n : image_pool_images(set->values);
}

enum dae_status validation_set_take(const struct value *data_section, int64_t n_patches, struct dataset *train,
                                    struct dataset *validation, struct error *err)
{
    const struct value *value = asked(data_section);
    double amount;
    *validation = (struct dataset){0};
    if (!value)
        return DAE_OK;
    TRY(read_amount(value, &amount, err));
    if (train->shards)
        return error_at(err, DAE_CONFIG, value->mark,
                        "data.validation: samples of shards are read in passes, of which none can be held out; remove "
                        "the key");
    const bool images = train->block_bytes > 0;
    const int64_t n = images ? images_in(train) : train->n,
                  overlap = train->columns ? dae_shape_len(&train->shape) / train->columns->d - 1 : 0;
    const int64_t count = amount >= 1 ? (int64_t)amount : (int64_t)fmax(1, round(amount * (double)n));
    if (count > n - overlap - 1) {
        char wanted[128];
        snprintf(wanted, sizeof wanted, "at most %lld of the %lld training %s", (long long)(n - overlap - 1),
                 (long long)n, images ? "images" : "samples");
        return field_refuse(value, n - overlap > 1 ? wanted : "more training samples, to hold some of them out", err);
    }
    validation->shape = train->shape;
    validation->kind = train->kind;
    validation->mark = train->mark;
    validation->memory_bytes = train->memory_bytes;
    if (train->hole && !(validation->hole = strdup(train->hole)))
        return error_no_memory(err, "validation set", 0);
    return take(train, n, count, overlap, n_patches, validation, err);
}
