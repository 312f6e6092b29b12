#define _GNU_SOURCE
#include "data/image_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "data/image_pool.h"

/* ---- Making one. ------------------------------------------------------------------------------------------------- */

static enum dae_status make_room(struct image_store *store, int64_t more, struct error *err)
{
    int64_t capacity = store->capacity ? store->capacity : 64;
    while (capacity < store->n + more)
        capacity *= 2;
    if (capacity == store->capacity)
        return DAE_OK;
    struct stored_image *grown = realloc(store->image, (size_t)capacity * sizeof *grown);
    if (!grown)
        return error_no_memory(err, "images", (unsigned long long)capacity * sizeof *grown);
    store->image = grown;
    store->capacity = capacity;
    return DAE_OK;
}

static uint64_t pixel_bytes(const struct image_store *store)
{
    return (uint64_t)(store->patch.dim[2] * store->bits / 8);
}

static uint64_t image_bytes(const struct image_store *store, uint32_t height, uint32_t width)
{
    return (uint64_t)height * width * pixel_bytes(store);
}

/* There is room for it. */
static void add(struct image_store *store, uint64_t at, uint64_t noisy_at, uint32_t height, uint32_t width)
{
    store->image[store->n++] = (struct stored_image){store->places, at, noisy_at, height, width};
    store->places += image_pool_places(&store->patch, height, width);
}

static enum dae_status allocate(const struct dae_shape *patch, int bits, bool paired, struct image_store **out,
                                struct error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return error_no_memory(err, "images", sizeof **out);
    **out = (struct image_store){.patch = *patch, .bits = bits, .paired = paired, .fd = -1};
    return DAE_OK;
}

/* /tmp may be memory; /var/tmp is not. */
static enum dae_status open_file(struct image_store *store, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/var/tmp";
    store->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (store->fd < 0)
        return error_set(err, DAE_IO, "cannot keep the images in a file in %s: %s; set TMPDIR to another folder",
                         folder, strerror(errno));
    return DAE_OK;
}

enum dae_status image_store_new(const struct dae_shape *patch, int bits, bool paired, struct image_store **out,
                                struct error *err)
{
    struct image_store *store CLEANUP(image_store_free_cleanup) = NULL;
    *out = NULL;
    TRY(allocate(patch, bits, paired, &store, err));
    TRY(open_file(store, err));
    *out = store;
    store = NULL;
    return DAE_OK;
}

enum dae_status image_store_of_block(const void *block, const struct dae_shape *patch, struct image_store **out,
                                     struct error *err)
{
    const int64_t n = image_pool_images(block);
    struct image_store *store CLEANUP(image_store_free_cleanup) = NULL;
    *out = NULL;
    TRY(allocate(patch, image_pool_bits(block), image_pool_noisy(block, 0) != NULL, &store, err));
    TRY(make_room(store, n, err));
    store->block = block;
    for (int64_t i = 0; i < n; ++i) {
        int64_t height, width;
        const uint8_t *pixels = image_pool_image(block, i, &height, &width);
        const uint8_t *noisy = image_pool_noisy(block, i);
        add(store, (uint64_t)(pixels - store->block), noisy ? (uint64_t)(noisy - store->block) : 0, (uint32_t)height,
            (uint32_t)width);
    }
    *out = store;
    store = NULL;
    return DAE_OK;
}

void image_store_free(struct image_store *store)
{
    if (!store)
        return;
    if (store->fd >= 0)
        close(store->fd);
    free(store->image);
    free(store);
}

static enum dae_status write_all(const struct image_store *store, uint64_t at, const uint8_t *bytes, size_t len,
                                 struct error *err)
{
    while (len > 0) {
        const ssize_t n = pwrite(store->fd, bytes, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, DAE_IO,
                             "cannot keep the images, %llu MiB so far, in a file without a name: %s; set TMPDIR to a "
                             "folder with more room",
                             (unsigned long long)(at >> 20), n < 0 ? strerror(errno) : "no room");
        at += (uint64_t)n;
        bytes += n;
        len -= (size_t)n;
    }
    return DAE_OK;
}

enum dae_status image_store_append(struct image_store *store, int64_t n, const uint32_t *size, const void *pixels,
                                   const void *noisy, size_t len, struct error *err)
{
    const size_t all = len * (size_t)store->bits / 8;
    uint64_t at = store->bytes, noisy_at = store->bytes + all;
    TRY(make_room(store, n, err));
    TRY(write_all(store, at, pixels, all, err));
    store->crc = (uint32_t)crc32_z(store->crc, pixels, all);
    if (store->paired) {
        TRY(write_all(store, noisy_at, noisy, all, err));
        store->noisy_crc = (uint32_t)crc32_z(store->noisy_crc, noisy, all);
    }
    store->bytes += (store->paired ? 2 : 1) * all;
    for (int64_t i = 0; i < n; ++i) {
        const uint64_t bytes = image_bytes(store, size[2 * i], size[2 * i + 1]);
        add(store, at, store->paired ? noisy_at : 0, size[2 * i], size[2 * i + 1]);
        at += bytes;
        noisy_at += bytes;
    }
    return DAE_OK;
}

void image_store_leave_out(struct image_store *store, const bool *held)
{
    const int64_t n = store->n;
    store->n = 0;
    store->places = 0;
    for (int64_t i = 0; i < n; ++i)
        if (!held[i]) {
            const struct stored_image image = store->image[i];
            add(store, image.at, image.noisy_at, image.height, image.width);
        }
}

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status read_bytes(const struct image_store *store, uint64_t at, uint8_t *bytes, size_t len,
                                  struct error *err)
{
    if (store->block) {
        memcpy(bytes, store->block + at, len);
        return DAE_OK;
    }
    while (len > 0) {
        const ssize_t n = pread(store->fd, bytes, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, DAE_IO, "cannot read the images back from their file without a name: %s",
                             n < 0 ? strerror(errno) : "it has become shorter");
        at += (uint64_t)n;
        bytes += n;
        len -= (size_t)n;
    }
    return DAE_OK;
}

enum dae_status image_store_read(const struct image_store *store, int64_t i, void *pixels, void *noisy,
                                 struct error *err)
{
    const struct stored_image *image = &store->image[i];
    const size_t len = (size_t)image_bytes(store, image->height, image->width);
    TRY(read_bytes(store, image->at, pixels, len, err));
    return noisy ? read_bytes(store, image->noisy_at, noisy, len, err) : DAE_OK;
}

/* Appends image i of a store with fewer bits. */
static enum dae_status copy_wider(struct image_store *to, const struct image_store *from, int64_t i, struct error *err)
{
    const struct stored_image *image = &from->image[i];
    const uint32_t size[2] = {image->height, image->width};
    const size_t bytes = (size_t)image_bytes(from, image->height, image->width), len = bytes * 8 / (size_t)from->bits,
                 wide_bytes = len * (size_t)to->bits / 8, n = from->paired ? 2 : 1;
    uint8_t *narrow CLEANUP(cleanup_free) = malloc(n * bytes), *wide CLEANUP(cleanup_free) = malloc(n * wide_bytes);
    if (!narrow || !wide)
        return error_no_memory(err, "images", n * (bytes + wide_bytes));
    TRY(image_store_read(from, i, narrow, from->paired ? narrow + bytes : NULL, err));
    image_pool_convert(narrow, from->bits, wide, to->bits, n * len);
    return image_store_append(to, 1, size, wide, from->paired ? wide + wide_bytes : NULL, len, err);
}

enum dae_status image_store_widen(struct image_store **store, int bits, struct error *err)
{
    const struct image_store *narrow = *store;
    struct image_store *wide CLEANUP(image_store_free_cleanup) = NULL;
    if (bits <= narrow->bits)
        return DAE_OK;
    TRY(image_store_new(&narrow->patch, bits, narrow->paired, &wide, err));
    for (int64_t i = 0; i < narrow->n; ++i)
        TRY(copy_wider(wide, narrow, i, err));
    image_store_free(*store);
    *store = wide;
    wide = NULL;
    return DAE_OK;
}

/* Copies the rows of a patch (h,w) of such pixels from its corner on, then turns them. */
static enum dae_status cut(const struct image_store *store, uint64_t corner, uint64_t row_bytes, uint32_t turn,
                           uint8_t *room, uint8_t *out, struct error *err)
{
    const size_t pixel = (size_t)pixel_bytes(store), n = (size_t)store->patch.dim[1] * pixel;
    for (int64_t y = 0; y < store->patch.dim[0]; ++y)
        TRY(read_bytes(store, corner + (uint64_t)y * row_bytes, room + (size_t)y * n, n, err));
    image_pool_turn(&store->patch, turn, pixel, room, out);
    return DAE_OK;
}

enum dae_status image_store_cut(const struct image_store *store, struct philox_key key, uint8_t *room, uint8_t *out,
                                struct error *err)
{
    const uint64_t at = image_pool_place(store->places, key);
    int64_t low = 0, high = store->n; /* the last image whose places begin at or before `at` is in [low, high) */
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (store->image[middle].before <= at)
            low = middle;
        else
            high = middle;
    }
    const struct stored_image *image = &store->image[low];
    const uint64_t across = image->width - (uint64_t)store->patch.dim[1] + 1, place = at - image->before,
                   corner = (place / across * image->width + place % across) * pixel_bytes(store),
                   row_bytes = image->width * pixel_bytes(store);
    const uint32_t turn = image_pool_turn_of(key);
    TRY(cut(store, image->at + corner, row_bytes, turn, room, out, err));
    if (!store->paired)
        return DAE_OK;
    return cut(store, image->noisy_at + corner, row_bytes, turn, room,
               out + dae_shape_len(&store->patch) * store->bits / 8, err);
}

/* The words of a block's head, modulo 2^32 where the images are too large for one. */
uint32_t image_store_checksum(const struct image_store *store)
{
    const uint64_t len = store->paired ? store->bytes / 2 : store->bytes;
    uint64_t at = sizeof(uint32_t) * (3 + 4 * (uint64_t)store->n);
    const uint32_t head[3] = {image_pool_first_word(store->n, store->bits), (uint32_t)store->places,
                              store->paired ? (uint32_t)len : 0};
    uLong crc = crc32_z(0, (const Bytef *)head, sizeof head);
    for (int64_t i = 0; i < store->n; ++i) {
        const struct stored_image *image = &store->image[i];
        const uint32_t entry[4] = {(uint32_t)image->before, (uint32_t)at, image->height, image->width};
        crc = crc32_z(crc, (const Bytef *)entry, sizeof entry);
        at += image_bytes(store, image->height, image->width);
    }
    crc = crc32_combine(crc, store->crc, (z_off_t)len);
    return (uint32_t)(store->paired ? crc32_combine(crc, store->noisy_crc, (z_off_t)len) : crc);
}
