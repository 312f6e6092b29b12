#include "data/image_pool.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_WORDS = 3,
    ENTRY_WORDS = 4,
    STORE_BYTES = 64 << 20, /* of images that are moved to the store at once */
};
static const uint64_t block_max = INT32_MAX;
static const uint32_t has_words = UINT32_C(1) << 30, has_floats = UINT32_C(1) << 31;

uint32_t image_pool_first_word(int64_t n, int bits)
{
    return (uint32_t)n | (bits == 16 ? has_words : bits == 32 ? has_floats : 0);
}

static size_t head_bytes(int64_t n)
{
    return (HEAD_WORDS + ENTRY_WORDS * (size_t)n) * sizeof(uint32_t);
}

static enum dae_status refuse_size(struct error *err)
{
    return error_set(err, DAE_BAD_DATA, "the images take more than 2^31 bytes; lower data.limit");
}

/* ---- Numbers. ---------------------------------------------------------------------------------------------------- */

static float number_at(const void *pixels, int bits, size_t i)
{
    return bits == 8    ? (float)((const uint8_t *)pixels)[i] * (1.0f / 255.0f)
           : bits == 16 ? (float)((const uint16_t *)pixels)[i] * (1.0f / 65535.0f)
                        : ((const float *)pixels)[i];
}

static void put_number(void *pixels, int bits, size_t i, float value)
{
    if (bits == 8)
        ((uint8_t *)pixels)[i] = (uint8_t)image_step(value, UINT8_MAX);
    else if (bits == 16)
        ((uint16_t *)pixels)[i] = (uint16_t)image_step(value, UINT16_MAX);
    else
        ((float *)pixels)[i] = value;
}

void image_pool_convert(const void *from, int from_bits, void *to, int to_bits, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        put_number(to, to_bits, i, number_at(from, from_bits, i));
}

/* ---- Memory. ----------------------------------------------------------------------------------------------------- */

static enum dae_status resize(void **pixels, size_t bytes, struct error *err)
{
    void *grown = realloc(*pixels, bytes);
    if (!grown)
        return error_no_memory(err, "images", bytes);
    *pixels = grown;
    return DAE_OK;
}

static enum dae_status widen(void **pixels, int from, int to, size_t n, size_t room, struct error *err)
{
    void *wide = malloc(room * (size_t)to / 8);
    if (!wide)
        return error_no_memory(err, "images", room * (size_t)to / 8);
    image_pool_convert(*pixels, from, wide, to, n);
    free(*pixels);
    *pixels = wide;
    return DAE_OK;
}

/* What went to the store has room for many, which nothing needs any more. */
static enum dae_status widen_pool(struct image_pool *pool, int bits, struct error *err)
{
    const size_t room = pool->len > 0 ? pool->len : 1;
    if (pool->pixels)
        TRY(widen(&pool->pixels, pool->bits, bits, pool->len, room, err));
    if (pool->noisy)
        TRY(widen(&pool->noisy, pool->bits, bits, pool->len, room, err));
    if (pool->pixels)
        pool->room = room;
    if (pool->store)
        TRY(image_store_widen(&pool->store, bits, err));
    pool->bits = bits;
    return DAE_OK;
}

static enum dae_status make_room(struct image_pool *pool, size_t more, bool paired, struct error *err)
{
    if (pool->len + more > pool->room) {
        const size_t room = pool->room + (more > pool->room ? more : pool->room), bytes = room * (size_t)pool->bits / 8;
        TRY(resize(&pool->pixels, bytes, err));
        if (paired)
            TRY(resize(&pool->noisy, bytes, err));
        pool->room = room;
    }
    if (pool->n < pool->capacity)
        return DAE_OK;
    const int64_t capacity = pool->capacity ? 2 * pool->capacity : 64;
    void *entry = pool->entry;
    TRY(resize(&entry, (size_t)capacity * ENTRY_WORDS * sizeof *pool->entry, err));
    pool->entry = entry;
    pool->capacity = capacity;
    return DAE_OK;
}

/* ---- Adding. ----------------------------------------------------------------------------------------------------- */

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

int image_pool_bits_of(const struct image *image)
{
    return image->largest == 0 ? 32 : image->largest > UINT8_MAX ? 16 : 8;
}

/* The bits that the pool gives an image. A transfer spreads some of the stored numbers over all others. */
static int bits_in(const struct image_pool *pool, const struct image *image)
{
    const bool spread = pool->transfer && !transfer_is_none(pool->transfer);
    const int bits = image_pool_bits_of(image);
    return pool->depth ? pool->depth : spread && bits == 8 ? 16 : bits;
}

/* Puts the numbers from number `at` on. transfer NULL: none. */
static void put_pixels(const struct image *image, int64_t channels, const struct transfer *transfer, bool noisy,
                       int bits, void *to, size_t at)
{
    for (int64_t i = 0; i < image->height * image->width; ++i) {
        const float *from = image->pixels + i * image->channels;
        for (int64_t c = 0; c < channels; ++c) {
            float value = image->channels == 1 ? from[0] : channels == 1 ? image_grey(from) : from[c];
            if (transfer)
                transfer_apply(transfer, noisy, image->largest, &value, 1);
            put_number(to, bits, at++, value);
        }
    }
}

void image_pool_pixels(const struct image *image, int64_t channels, int bits, void *to)
{
    put_pixels(image, channels, NULL, false, bits, to, 0);
}

/* Moves all images to the store. */
static enum dae_status store_images(struct image_pool *pool, struct error *err)
{
    if (!pool->store)
        TRY(image_store_new(&pool->patch, pool->bits, pool->noisy != NULL, &pool->store, err));
    uint32_t *size CLEANUP(cleanup_free) = malloc((size_t)pool->n * 2 * sizeof *size + 1);
    if (!size)
        return error_no_memory(err, "images", (unsigned long long)pool->n * 2 * sizeof *size);
    for (int64_t i = 0; i < pool->n; ++i)
        memcpy(size + 2 * i, pool->entry + i * ENTRY_WORDS + 2, 2 * sizeof *size);
    TRY(image_store_append(pool->store, pool->n, size, pool->pixels, pool->noisy, pool->len, err));
    pool->n = 0;
    pool->len = 0;
    return DAE_OK;
}

/* Whether the pool is to move what it has before it takes `more` numbers of so many bits, which all will have. */
static bool is_full(const struct image_pool *pool, bool paired, uint64_t more, int bits)
{
    const uint64_t most = pool->store && pool->most > STORE_BYTES ? STORE_BYTES : pool->most;
    return most > 0 && pool->n > 0 && (paired ? 2 : 1) * (pool->len + more) * (uint64_t)(bits / 8) > most;
}

/* Makes room for one more image, of at least so many bits, and lists it. *at: the number of its first pixel. */
static enum dae_status list(struct image_pool *pool, int64_t height, int64_t width, int bits, bool paired, size_t *at,
                            struct error *err)
{
    const uint64_t more = (uint64_t)(height * width * pool->patch.dim[2]);
    if (bits < pool->bits)
        bits = pool->bits;
    if (is_full(pool, paired, more, bits))
        TRY(store_images(pool, err));
    if (head_bytes(pool->n + 1) + (paired ? 2 : 1) * (pool->len + more) * (uint64_t)(bits / 8) > block_max)
        return refuse_size(err);
    if (bits > pool->bits)
        TRY(widen_pool(pool, bits, err));
    TRY(make_room(pool, (size_t)more, paired, err));
    const uint32_t entry[ENTRY_WORDS] = {(uint32_t)places_before_next(pool), (uint32_t)pool->len, (uint32_t)height,
                                         (uint32_t)width};
    memcpy(pool->entry + pool->n++ * ENTRY_WORDS, entry, sizeof entry);
    *at = pool->len;
    pool->len += (size_t)more;
    return DAE_OK;
}

/* `noisy`: NULL, or of the image's shape. */
static enum dae_status add(struct image_pool *pool, const struct image *image, const struct image *noisy,
                           struct error *err)
{
    const int64_t channels = pool->patch.dim[2];
    size_t at;
    if (image->height < pool->patch.dim[0] || image->width < pool->patch.dim[1]) {
        ++pool->n_small;
        return DAE_OK;
    }
    int bits = bits_in(pool, image);
    if (noisy && bits_in(pool, noisy) > bits)
        bits = bits_in(pool, noisy);
    TRY(list(pool, image->height, image->width, bits, noisy != NULL, &at, err));
    put_pixels(image, channels, pool->transfer, false, pool->bits, pool->pixels, at);
    if (noisy)
        put_pixels(noisy, channels, pool->transfer, true, pool->bits, pool->noisy, at);
    return DAE_OK;
}

static unsigned char *number(void *pixels, int bits, size_t at)
{
    return (unsigned char *)pixels + at * (size_t)bits / 8;
}

enum dae_status image_pool_add_pixels(struct image_pool *pool, int64_t height, int64_t width, const void *pixels,
                                      const void *noisy, struct error *err)
{
    const size_t bytes = (size_t)(height * width * pool->patch.dim[2]) * (size_t)pool->depth / 8;
    size_t at;
    TRY(list(pool, height, width, pool->depth, noisy != NULL, &at, err));
    memcpy(number(pool->pixels, pool->bits, at), pixels, bytes);
    if (noisy)
        memcpy(number(pool->noisy, pool->bits, at), noisy, bytes);
    return DAE_OK;
}

enum dae_status image_pool_add_stored(struct image_pool *pool, const struct image_store *from, int64_t i,
                                      struct error *err)
{
    const struct stored_image *image = &from->image[i];
    size_t at;
    TRY(list(pool, image->height, image->width, pool->depth, from->paired, &at, err));
    return image_store_read(from, i, number(pool->pixels, pool->bits, at),
                            from->paired ? number(pool->noisy, pool->bits, at) : NULL, err);
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
    const size_t entries = (size_t)pool->n * ENTRY_WORDS, head = head_bytes(pool->n), each = (size_t)pool->bits / 8,
                 bytes = pool->len * each;
    *len = head + (pool->noisy ? 2 : 1) * bytes;
    uint32_t *words = malloc(*len);
    *block = words;
    if (!words)
        return error_no_memory(err, "images", *len);
    words[0] = image_pool_first_word(pool->n, pool->bits);
    words[1] = (uint32_t)places_before_next(pool);
    words[2] = pool->noisy ? (uint32_t)bytes : 0;
    memcpy(words + HEAD_WORDS, pool->entry, entries * sizeof *words);
    for (int64_t i = 0; i < pool->n; ++i) {
        uint32_t *first = &words[HEAD_WORDS + i * ENTRY_WORDS + 1];
        *first = (uint32_t)(head + *first * each);
    }
    memcpy((uint8_t *)words + head, pool->pixels, bytes);
    if (pool->noisy)
        memcpy((uint8_t *)words + head + bytes, pool->noisy, bytes);
    return DAE_OK;
}

int64_t image_pool_count(const struct image_pool *pool)
{
    return pool->n + (pool->store ? pool->store->n : 0);
}

enum dae_status image_pool_finish(struct image_pool *pool, struct dataset *set, struct error *err)
{
    set->kind = dataset_kind_of(pool->bits);
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
    return *(const uint32_t *)block & ~(has_words | has_floats);
}

int image_pool_bits(const void *block)
{
    const uint32_t first = *(const uint32_t *)block;
    return first & has_floats ? 32 : first & has_words ? 16 : 8;
}

const void *image_pool_image(const void *block, int64_t i, int64_t *height, int64_t *width)
{
    const uint32_t *entry = (const uint32_t *)block + HEAD_WORDS + i * ENTRY_WORDS;
    *height = entry[2];
    *width = entry[3];
    return (const uint8_t *)block + entry[1];
}

const void *image_pool_noisy(const void *block, int64_t i)
{
    const uint32_t *words = block;
    return words[2] > 0 ? (const uint8_t *)block + words[HEAD_WORDS + i * ENTRY_WORDS + 1] + words[2] : NULL;
}

void image_pool_numbers(const void *block, const void *pixels, int64_t n, float *out)
{
    image_pool_convert(pixels, image_pool_bits(block), out, 32, (size_t)n);
}

enum dae_status image_pool_part(const void *block, const struct dae_shape *patch, const bool *held, bool wanted,
                                void **out, size_t *out_len, struct error *err)
{
    const int64_t n = image_pool_images(block), each = patch->dim[2] * image_pool_bits(block) / 8;
    const bool paired = ((const uint32_t *)block)[2] > 0;
    int64_t n_part = 0, height, width;
    size_t pixels_len = 0;
    for (int64_t i = 0; i < n; ++i)
        if (held[i] == wanted) {
            (void)image_pool_image(block, i, &height, &width);
            pixels_len += (size_t)(height * width * each);
            ++n_part;
        }
    const size_t head = head_bytes(n_part);
    uint32_t *words = malloc(*out_len = head + (paired ? 2 : 1) * pixels_len), *entry = words + HEAD_WORDS;
    *out = words;
    if (!words)
        return error_no_memory(err, "images", *out_len);
    uint32_t at = (uint32_t)head, places = 0;
    for (int64_t i = 0; i < n; ++i)
        if (held[i] == wanted) {
            const void *pixels = image_pool_image(block, i, &height, &width);
            const size_t len = (size_t)(height * width * each);
            const uint32_t own[ENTRY_WORDS] = {places, at, (uint32_t)height, (uint32_t)width};
            memcpy(entry, own, sizeof own);
            memcpy((uint8_t *)words + at, pixels, len);
            if (paired)
                memcpy((uint8_t *)words + at + pixels_len, image_pool_noisy(block, i), len);
            entry += ENTRY_WORDS;
            at += (uint32_t)len;
            places += (uint32_t)image_pool_places(patch, height, width);
        }
    words[0] = image_pool_first_word(n_part, image_pool_bits(block));
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

void image_pool_turn(const struct dae_shape *patch, uint32_t turn, size_t pixel_bytes, const uint8_t *pixels,
                     uint8_t *out)
{
    const int64_t h = patch->dim[0], w = patch->dim[1];
    for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
            const bool swap = (turn & 4) && h == w;
            int64_t r = swap ? x : y, c = swap ? y : x;
            r = turn & 1 ? h - 1 - r : r;
            c = turn & 2 ? w - 1 - c : c;
            memcpy(out, pixels + (size_t)(r * w + c) * pixel_bytes, pixel_bytes);
            out += pixel_bytes;
        }
}

enum dae_status image_pool_widen(void **block, size_t *len, int bits, struct error *err)
{
    const uint32_t *old = *block;
    const int64_t n = image_pool_images(old);
    const size_t head = head_bytes(n), from = (size_t)image_pool_bits(old) / 8, to = (size_t)bits / 8,
                 numbers = (*len - head) / from, bytes = head + numbers * to;
    if (to <= from)
        return DAE_OK;
    if (bytes > block_max)
        return refuse_size(err);
    uint32_t *words = malloc(bytes);
    if (!words)
        return error_no_memory(err, "images", bytes);
    memcpy(words, old, head);
    words[2] = (uint32_t)(old[2] / from * to);
    words[0] = image_pool_first_word(n, bits);
    for (int64_t i = 0; i < n; ++i) {
        uint32_t *first = &words[HEAD_WORDS + i * ENTRY_WORDS + 1];
        *first = (uint32_t)(head + (*first - head) / from * to);
    }
    image_pool_convert((const uint8_t *)old + head, image_pool_bits(old), (uint8_t *)words + head, bits, numbers);
    free(*block);
    *block = words;
    *len = bytes;
    return DAE_OK;
}

/* Cuts the pixels that are `behind` bytes after those of the images. */
static void cut(const void *block, uint32_t behind, const struct dae_shape *patch, struct philox_key key, float *out)
{
    const uint32_t *words = block;
    const int64_t h = patch->dim[0], w = patch->dim[1], channels = patch->dim[2];
    const uint32_t at = (uint32_t)((uint64_t)philox_word(key, 0) * words[1] >> 32), turn = philox_word(key, 16) >> 29;
    int64_t i = 0, height, width;
    while (i + 1 < image_pool_images(block) && words[HEAD_WORDS + (i + 1) * ENTRY_WORDS] <= at)
        ++i;
    const uint8_t *pixels = (const uint8_t *)image_pool_image(block, i, &height, &width) + behind;
    const int64_t place = at - words[HEAD_WORDS + i * ENTRY_WORDS], across = width - w + 1;
    const int64_t corner = (place / across * width + place % across) * channels;
    for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
            const bool swap = (turn & 4) && h == w;
            int64_t r = swap ? x : y, c = swap ? y : x;
            r = turn & 1 ? h - 1 - r : r;
            c = turn & 2 ? w - 1 - c : c;
            for (int64_t k = 0; k < channels; ++k)
                *out++ = number_at(pixels, image_pool_bits(block), (size_t)(corner + (r * width + c) * channels + k));
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
