#include "data/image_numbers.h"

#include <math.h>
#include <stdio.h>

#include "data/image_pool.h"

/* Says what the image's numbers reach, for a range that contains them. */
static void note_extent(const struct image *image, int64_t n, struct error *err)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < n; ++i) {
        const double v = transfer_stored(image->pixels[i], image->largest);
        low = v < low ? v : low;
        high = v > high && v < INFINITY ? v : high;
    }
    if (low > -INFINITY && low < high)
        error_note(err, "its numbers are from %g to %g; data.range: [lo, hi] names those of all images", low, high);
}

enum dae_status image_numbers_check(const char *name, const struct transfer *transfer, const struct image *image,
                                    struct error *err)
{
    const int64_t page = image->height * image->width * image->channels, n = image->pages * page;
    const int64_t bad = transfer_first_bad(transfer, true, image->largest, image->pixels, n);
    if (bad < 0)
        return DAE_OK;
    const double v = transfer_stored(image->pixels[bad], image->largest);
    const bool none = transfer_is_none(transfer);
    char place[96];
    const int at = image->pages > 1 ? snprintf(place, sizeof place, "page %lld, ", (long long)(bad / page)) : 0;
    snprintf(place + at, sizeof place - (size_t)at, "row %lld, column %lld",
             (long long)(bad % page / image->channels / image->width),
             (long long)(bad / image->channels % image->width));
    if (!isfinite(v))
        return error_set(err, DAE_BAD_DATA, "%s: %s: the number is %s; replace it", name, place,
                         isnan(v) ? "NaN" : "infinite");
    const enum dae_status status = error_set(err, DAE_BAD_DATA, "%s: %s: the number %g is beyond %s, %g to %g", name,
                                             place, v, none ? "what training takes for floats" : "data.range",
                                             none ? 0 : transfer->range[0], none ? 1 : transfer->range[1]);
    note_extent(image, n, err);
    return status;
}

enum dae_status image_numbers_count(struct image_numbers *numbers, const struct transfer *transfer, const char *path,
                                    const struct image *image, struct error *err)
{
    if (!*numbers->name) {
        snprintf(numbers->name, sizeof numbers->name, "%s", path);
        numbers->largest = image->largest;
    } else if (!transfer_is_none(transfer) && numbers->largest != image->largest) {
        char first[32] = "floats", here[32] = "floats";
        if (numbers->largest)
            snprintf(first, sizeof first, "integers up to %u", numbers->largest);
        if (image->largest)
            snprintf(here, sizeof here, "integers up to %u", image->largest);
        return error_set(err, DAE_BAD_DATA,
                         "%s stores %s, but %s %s; data.range is one of stored numbers, so all images must store the "
                         "same: convert one of them",
                         path, here, numbers->name, first);
    }
    ++numbers->n[image->largest == 0 ? 2 : image->largest > UINT8_MAX];
    return DAE_OK;
}

void image_numbers_describe(const struct image_numbers *numbers, const char *path, int bits, struct text *notice)
{
    static const char *const name[] = {"8 bits", "16 bits", "floats"};
    if ((numbers->n[0] > 0) + (numbers->n[1] > 0) + (numbers->n[2] > 0) < 2)
        return;
    text_printf(notice, "%s%s: images of ", notice->len ? "; " : "", path);
    for (int i = 0, named = 0; i < 3; ++i)
        if (numbers->n[i] > 0)
            text_printf(notice, "%s%s (%lld)", named++ ? " and " : "", name[i], (long long)numbers->n[i]);
    text_printf(notice, ", all taken as %s", name[bits == 8 ? 0 : bits == 16 ? 1 : 2]);
}

/* In memory, or in a store. */
static enum dae_status widen(struct dataset *set, int bits, struct error *err)
{
    if (!set->images) {
        TRY(image_pool_widen(&set->values, &set->block_bytes, bits, err));
    } else {
        TRY(image_store_widen(&set->images, bits, err));
        set->block_bytes = set->images->bytes;
        set->checksum = image_store_checksum(set->images);
    }
    set->kind = dataset_kind_of(bits);
    return DAE_OK;
}

enum dae_status image_numbers_match(struct dataset *train, struct dataset *test, struct error *err)
{
    const int bits = dataset_bits(train) > dataset_bits(test) ? dataset_bits(train) : dataset_bits(test);
    TRY(widen(train, bits, err));
    return widen(test, bits, err);
}
