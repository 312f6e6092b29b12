#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "data/image_store.h"
#include "data/shard_set.h"

void dataset_release(struct dataset *set)
{
    free(set->values);
    free(set->labels);
    free(set->hole);
    free(set->image_names);
    image_store_free(set->images);
    shard_set_free(set->shards);
    panel_columns_free(set->columns);
    *set = (struct dataset){0};
}

bool dataset_cuts_patches(const struct dataset *set)
{
    return set->block_bytes > 0 || (set->shards && set->shards->patches);
}

int dataset_kind_bits(enum dataset_kind kind)
{
    return kind == DATASET_UINT8 ? 8 : kind == DATASET_UINT16 ? 16 : 32;
}

enum dataset_kind dataset_kind_of(int bits)
{
    return bits == 8 ? DATASET_UINT8 : bits == 16 ? DATASET_UINT16 : DATASET_FLOAT;
}

const char *dataset_kind_numbers(enum dataset_kind kind)
{
    return kind == DATASET_UINT8 ? "bytes" : kind == DATASET_UINT16 ? "16-bit integers" : "floats";
}

int dataset_bits(const struct dataset *set)
{
    return dataset_kind_bits(set->kind);
}

const char *dataset_numbers(const struct dataset *set)
{
    return dataset_kind_numbers(set->kind);
}

bool dataset_is_unit(const struct dataset *set)
{
    return set->kind != DATASET_FLOAT || dataset_cuts_patches(set);
}

size_t dataset_sample_bytes(const struct dataset *set)
{
    return (size_t)dae_shape_len(&set->shape) * (size_t)(dataset_bits(set) / 8);
}

size_t dataset_bytes(const struct dataset *set)
{
    return set->block_bytes > 0 ? set->block_bytes : (size_t)set->n * dataset_sample_bytes(set);
}

int dataset_examples(const struct dataset *set, int most, int64_t *number)
{
    int n = 0;
    for (int label = 0; set->labels && label < most; ++label)
        for (int64_t i = 0; i < set->n; ++i)
            if (set->labels[i] == label) {
                number[n++] = i;
                break;
            }
    if (n > 0)
        return n;
    for (; n < most && n < set->n; ++n)
        number[n] = n;
    return n;
}

void dataset_value(const struct dataset *set, int64_t i, float *x)
{
    int64_t len = dae_shape_len(&set->shape);
    if (set->kind == DATASET_FLOAT) {
        memcpy(x, (const float *)set->values + i * len, (size_t)len * sizeof *x);
        return;
    }
    const uint8_t *bytes = (const uint8_t *)set->values + i * len;
    for (int64_t k = 0; k < len; ++k)
        x[k] = (float)bytes[k] / 255.0f;
}
