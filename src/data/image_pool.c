#include "data/image_pool.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_WORDS = 3,
    ENTRY_WORDS = 4,
    STORE_BYTES = 64 << 20, /* of images that are moved to the store at once */
};
static const uint64_t block_max = INT32_MAX;

static uint8_t byte_of(float value)
{
    return (uint8_t)(value * 255.0f + 0.5f);
}

static bool grow(void **memory, size_t bytes)
{
    void *grown = realloc(*memory, bytes);
    *memory = grown ? grown : *memory;
    return grown != NULL;
}

static enum dae_status make_room_for(uint8_t **pixels, size_t *room, size_t len, size_t more, struct error *err)
{
    if (len + more <= *room)
        return DAE_OK;
    const size_t wanted = *room + (more > *room ? more : *room);
    if (!grow((void **)pixels, wanted))
        return error_no_memory(err, "images", wanted);
    *room = wanted;
    return DAE_OK;
}

static enum dae_status make_room(struct image_pool *pool, size_t more, bool paired, struct error *err)
{
    TRY(make_room_for(&pool->pixels, &pool->pixels_room, pool->pixels_len, more, err));
    if (paired)
        TRY(make_room_for(&pool->noisy, &pool->noisy_room, pool->pixels_len, more, err));
    if (pool->n == pool->capacity) {
        const int64_t capacity = pool->capacity ? 2 * pool->capacity : 64;
        if (!grow((void **)&pool->entry, (size_t)capacity * ENTRY_WORDS * sizeof *pool->entry))
            return error_no_memory(err, "images", (size_t)capacity * ENTRY_WORDS * sizeof *pool->entry);
        pool->capacity = capacity;
    }
    return DAE_OK;
}

uint64_t image_pool_places(const struct dae_shape *patch, int64_t height, int64_t width)
{
    return (uint64_t)(height - patch->dim[0] + 1) * (uint64_t)(width - patch->dim[1] + 1);
}

static uint64_t places_before_next(const struct image_pool *pool)
{
    if (pool->n == 0)
        return 0;
    const uint32_t *last = pool->entry + (pool->n - 1) * ENTRY_WORDS;
    return last[0] + image_pool_places(&pool->patch, last[2], last[3]);
}

void image_pool_bytes(const struct image *image, int64_t channels, uint8_t *to)
{
    for (int64_t i = 0; i < image->height * image->width; ++i) {
        const float *from = image->pixels + i * image->channels;
        for (int64_t c = 0; c < channels; ++c)
            *to++ = byte_of(image->channels == 1 ? from[0] : channels == 1 ? image_grey(from) : from[c]);
    }
}

/* Moves all images to the store. */
static enum dae_status store_images(struct image_pool *pool, struct error *err)
{
    if (!pool->store)
        TRY(image_store_new(&pool->patch, pool->noisy != NULL, &pool->store, err));
    uint32_t *size CLEANUP(cleanup_free) = malloc((size_t)pool->n * 2 * sizeof *size + 1);
    if (!size)
        return error_no_memory(err, "images", (unsigned long long)pool->n * 2 * sizeof *size);
    for (int64_t i = 0; i < pool->n; ++i)
        memcpy(size + 2 * i, pool->entry + i * ENTRY_WORDS + 2, 2 * sizeof *size);
    TRY(image_store_append(pool->store, pool->n, size, pool->pixels, pool->noisy, pool->pixels_len, err));
    pool->n = 0;
    pool->pixels_len = 0;
    return DAE_OK;
}

/* Whether the pool is to move what it has before it takes `more` bytes. */
static bool is_full(const struct image_pool *pool, bool paired, uint64_t more)
{
    const uint64_t most = pool->store && pool->most > STORE_BYTES ? STORE_BYTES : pool->most;
    return most > 0 && pool->n > 0 && (paired ? 2 : 1) * (pool->pixels_len + more) > most;
}

/* Makes room for one more image and lists it. */
static enum dae_status list(struct image_pool *pool, int64_t height, int64_t width, bool paired, struct error *err)
{
    const uint64_t more = (uint64_t)(height * width * pool->patch.dim[2]);
    if (is_full(pool, paired, more))
        TRY(store_images(pool, err));
    const uint64_t head = (HEAD_WORDS + ENTRY_WORDS * (uint64_t)(pool->n + 1)) * sizeof(uint32_t);
    if (head + (paired ? 2 : 1) * (pool->pixels_len + more) > block_max)
        return error_set(err, DAE_BAD_DATA, "the images take more than 2^31 bytes; lower data.limit");
    TRY(make_room(pool, more, paired, err));
    const uint32_t entry[ENTRY_WORDS] = {(uint32_t)places_before_next(pool), (uint32_t)pool->pixels_len,
                                         (uint32_t)height, (uint32_t)width};
    memcpy(pool->entry + pool->n++ * ENTRY_WORDS, entry, sizeof entry);
    pool->pixels_len += more;
    return DAE_OK;
}

/* `noisy`: NULL, or of the image's shape. */
static enum dae_status add(struct image_pool *pool, const struct image *image, const struct image *noisy,
                           struct error *err)
{
    const int64_t channels = pool->patch.dim[2], len = image->height * image->width * channels;
    if (image->height < pool->patch.dim[0] || image->width < pool->patch.dim[1]) {
        ++pool->n_small;
        return DAE_OK;
    }
    TRY(list(pool, image->height, image->width, noisy != NULL, err));
    image_pool_bytes(image, channels, pool->pixels + pool->pixels_len - len);
    if (noisy)
        image_pool_bytes(noisy, channels, pool->noisy + pool->pixels_len - len);
    return DAE_OK;
}

enum dae_status image_pool_add_bytes(struct image_pool *pool, int64_t height, int64_t width, const uint8_t *pixels,
                                     const uint8_t *noisy, struct error *err)
{
    const size_t len = (size_t)(height * width * pool->patch.dim[2]);
    TRY(list(pool, height, width, noisy != NULL, err));
    memcpy(pool->pixels + pool->pixels_len - len, pixels, len);
    if (noisy)
        memcpy(pool->noisy + pool->pixels_len - len, noisy, len);
    return DAE_OK;
}

enum dae_status image_pool_add_stored(struct image_pool *pool, const struct image_store *from, int64_t i,
                                      struct error *err)
{
    const struct stored_image *image = &from->image[i];
    TRY(list(pool, image->height, image->width, from->paired, err));
    const size_t at = pool->pixels_len - (size_t)image->height * image->width * (size_t)pool->patch.dim[2];
    return image_store_read(from, i, pool->pixels + at, from->paired ? pool->noisy + at : NULL, err);
}

enum dae_status image_pool_add(struct image_pool *pool, const struct image *image, struct error *err)
{
    if (pool->noisy)
        return error_set(err, DAE_BUG, "an image without a partner among pairs");
    return add(pool, image, NULL, err);
}

enum dae_status image_pool_add_pair(struct image_pool *pool, const struct image *clean, const struct image *noisy,
                                    struct error *err)
{
    if (clean->height != noisy->height || clean->width != noisy->width || clean->channels != noisy->channels ||
        (pool->n > 0 && !pool->noisy))
        return error_set(err, DAE_BUG, "a pair of which one image is missing");
    return add(pool, clean, noisy, err);
}

enum dae_status image_pool_block(const struct image_pool *pool, void **block, size_t *len, struct error *err)
{
    const size_t entries = (size_t)pool->n * ENTRY_WORDS, head = (HEAD_WORDS + entries) * sizeof(uint32_t);
    *len = head + (pool->noisy ? 2 : 1) * pool->pixels_len;
    uint32_t *words = malloc(*len);
    *block = words;
    if (!words)
        return error_no_memory(err, "images", *len);
    words[0] = (uint32_t)pool->n;
    words[1] = (uint32_t)places_before_next(pool);
    words[2] = pool->noisy ? (uint32_t)pool->pixels_len : 0;
    memcpy(words + HEAD_WORDS, pool->entry, entries * sizeof *words);
    for (int64_t i = 0; i < pool->n; ++i)
        words[HEAD_WORDS + i * ENTRY_WORDS + 1] += (uint32_t)head;
    memcpy((uint8_t *)words + head, pool->pixels, pool->pixels_len);
    if (pool->noisy)
        memcpy((uint8_t *)words + head + pool->pixels_len, pool->noisy, pool->pixels_len);
    return DAE_OK;
}

int64_t image_pool_count(const struct image_pool *pool)
{
    return pool->n + (pool->store ? pool->store->n : 0);
}

enum dae_status image_pool_finish(struct image_pool *pool, struct dataset *set, struct error *err)
{
    if (!pool->store)
        return image_pool_block(pool, &set->values, &set->block_bytes, err);
    TRY(store_images(pool, err));
    set->images = pool->store;
    set->block_bytes = pool->store->bytes;
    set->checksum = image_store_checksum(pool->store);
    pool->store = NULL;
    return DAE_OK;
}

void image_pool_release(struct image_pool *pool)
{
    image_store_free(pool->store);
    free(pool->entry);
    free(pool->pixels);
    free(pool->noisy);
    *pool = (struct image_pool){0};
}

/* ---- Reading a block. -------------------------------------------------------------------------------------------- */

int64_t image_pool_images(const void *block)
{
    return *(const uint32_t *)block;
}

const uint8_t *image_pool_image(const void *block, int64_t i, int64_t *height, int64_t *width)
{
    const uint32_t *entry = (const uint32_t *)block + HEAD_WORDS + i * ENTRY_WORDS;
    *height = entry[2];
    *width = entry[3];
    return (const uint8_t *)block + entry[1];
}

const uint8_t *image_pool_noisy(const void *block, int64_t i)
{
    const uint32_t *words = block;
    return words[2] > 0 ? (const uint8_t *)block + words[HEAD_WORDS + i * ENTRY_WORDS + 1] + words[2] : NULL;
}

enum dae_status image_pool_part(const void *block, const struct dae_shape *patch, const bool *held, bool wanted,
                                void **out, size_t *out_len, struct error *err)
{
    const int64_t n = image_pool_images(block), channels = patch->dim[2];
    const bool paired = ((const uint32_t *)block)[2] > 0;
    int64_t n_part = 0, height, width;
    size_t pixels_len = 0;
    for (int64_t i = 0; i < n; ++i)
        if (held[i] == wanted) {
            (void)image_pool_image(block, i, &height, &width);
            pixels_len += (size_t)(height * width * channels);
            ++n_part;
        }
    const size_t head = (HEAD_WORDS + ENTRY_WORDS * (size_t)n_part) * sizeof(uint32_t);
    uint32_t *words = malloc(*out_len = head + (paired ? 2 : 1) * pixels_len), *entry = words + HEAD_WORDS;
    *out = words;
    if (!words)
        return error_no_memory(err, "images", *out_len);
    uint32_t at = (uint32_t)head, places = 0;
    for (int64_t i = 0; i < n; ++i)
        if (held[i] == wanted) {
            const uint8_t *pixels = image_pool_image(block, i, &height, &width);
            const size_t len = (size_t)(height * width * channels);
            const uint32_t own[ENTRY_WORDS] = {places, at, (uint32_t)height, (uint32_t)width};
            memcpy(entry, own, sizeof own);
            memcpy((uint8_t *)words + at, pixels, len);
            if (paired)
                memcpy((uint8_t *)words + at + pixels_len, image_pool_noisy(block, i), len);
            entry += ENTRY_WORDS;
            at += (uint32_t)len;
            places += (uint32_t)image_pool_places(patch, height, width);
        }
    words[0] = (uint32_t)n_part;
    words[1] = places;
    words[2] = paired ? (uint32_t)pixels_len : 0;
    return DAE_OK;
}

uint64_t image_pool_place(uint64_t places, struct philox_key key)
{
    const uint64_t word = philox_word(key, 0);
    if (places <= UINT32_MAX)
        return word * places >> 32;
    return (uint64_t)((unsigned __int128)(word << 32 | philox_word(key, 1)) * places >> 64);
}

uint32_t image_pool_turn_of(struct philox_key key)
{
    return philox_word(key, 16) >> 29;
}

void image_pool_turn(const struct dae_shape *patch, uint32_t turn, const uint8_t *pixels, uint8_t *out)
{
    const int64_t h = patch->dim[0], w = patch->dim[1], channels = patch->dim[2];
    for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
            const bool swap = (turn & 4) && h == w;
            int64_t r = swap ? x : y, c = swap ? y : x;
            r = turn & 1 ? h - 1 - r : r;
            c = turn & 2 ? w - 1 - c : c;
            for (int64_t k = 0; k < channels; ++k)
                *out++ = pixels[(r * w + c) * channels + k];
        }
}

/* Cuts the pixels that are `behind` bytes after those of the images. */
static void cut(const void *block, uint32_t behind, const struct dae_shape *patch, struct philox_key key, float *out)
{
    const uint32_t *words = block;
    const int64_t h = patch->dim[0], w = patch->dim[1], channels = patch->dim[2];
    const uint32_t at = (uint32_t)((uint64_t)philox_word(key, 0) * words[1] >> 32), turn = philox_word(key, 16) >> 29;
    int64_t i = 0, height, width;
    while (i + 1 < words[0] && words[HEAD_WORDS + (i + 1) * ENTRY_WORDS] <= at)
        ++i;
    const uint8_t *pixels = image_pool_image(block, i, &height, &width) + behind;
    const int64_t place = at - words[HEAD_WORDS + i * ENTRY_WORDS], across = width - w + 1;
    const uint8_t *corner = pixels + (place / across * width + place % across) * channels;
    for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
            const bool swap = (turn & 4) && h == w;
            int64_t r = swap ? x : y, c = swap ? y : x;
            r = turn & 1 ? h - 1 - r : r;
            c = turn & 2 ? w - 1 - c : c;
            for (int64_t k = 0; k < channels; ++k)
                *out++ = (float)corner[(r * width + c) * channels + k] * (1.0f / 255.0f);
        }
}

void image_pool_cut(const void *block, const struct dae_shape *patch, struct philox_key key, float *out)
{
    cut(block, 0, patch, key, out);
}

void image_pool_cut_noisy(const void *block, const struct dae_shape *patch, struct philox_key key, float *out)
{
    cut(block, ((const uint32_t *)block)[2], patch, key, out);
}
