#include "format/image_orient.h"

#include <stdlib.h>
#include <string.h>

#include "format/exif.h"
#include "format/image_extras.h"

bool image_orient_is_transposed(int orientation)
{
    return orientation >= 5;
}

/* The place in the stored (H,W) page of the pixel that belongs at row y, column x of the turned one. */
static int64_t source_of(int orientation, int64_t height, int64_t width, int64_t y, int64_t x)
{
    const int64_t row = image_orient_is_transposed(orientation) ? x : y;
    const int64_t column = image_orient_is_transposed(orientation) ? y : x;
    const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    return (from_below ? height - 1 - row : row) * width + (from_right ? width - 1 - column : column);
}

/* from, to: (pages,H,W) of `each` bytes; `to` gets the turned pages. */
static void turn(const struct image *image, const unsigned char *from, unsigned char *to, size_t each)
{
    const bool transposed = image_orient_is_transposed(image->orientation);
    const int64_t height = transposed ? image->width : image->height;
    const int64_t width = transposed ? image->height : image->width;
    for (int64_t page = 0; page < image->pages; ++page, from += (size_t)(height * width) * each)
        for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x, to += each)
                memcpy(to, from + (size_t)source_of(image->orientation, image->height, image->width, y, x) * each,
                       each);
}

/* Exchanges the horizontal and the vertical pixel density. */
static void transpose_density(struct image_extras *extras)
{
    struct image_chunk *density = image_extras_find(extras, "pHYs");
    unsigned char across[4];
    if (!density || density->len < 8)
        return;
    memcpy(across, density->bytes, 4);
    memmove(density->bytes, density->bytes + 4, 4);
    memcpy(density->bytes + 4, across, 4);
}

enum dae_status image_orient_apply(const char *name, struct image *image, struct error *err)
{
    if (image->orientation == 1)
        return DAE_OK;
    const size_t n = (size_t)(image->pages * image->height * image->width);
    const size_t each = (size_t)image->channels * sizeof *image->pixels;
    const bool has_alpha = image->extras && image->extras->alpha;
    float *pixels = malloc(n * each);
    uint16_t *alpha = has_alpha ? malloc(n * sizeof *alpha) : NULL;
    if (!pixels || (has_alpha && !alpha)) {
        free(pixels);
        free(alpha);
        return error_no_memory(err, name, n * each);
    }
    turn(image, (const unsigned char *)image->pixels, (unsigned char *)pixels, each);
    free(image->pixels);
    image->pixels = pixels;
    if (has_alpha) {
        turn(image, (const unsigned char *)image->extras->alpha, (unsigned char *)alpha, sizeof *alpha);
        free(image->extras->alpha);
        image->extras->alpha = alpha;
    }
    if (image_orient_is_transposed(image->orientation)) {
        const int64_t height = image->height;
        image->height = image->width;
        image->width = height;
        if (image->extras)
            transpose_density(image->extras);
    }
    struct image_chunk *exif = image->extras ? image_extras_find(image->extras, "eXIf") : NULL;
    if (exif)
        exif_reset_orientation(exif->bytes, exif->len);
    image->orientation = 1;
    return DAE_OK;
}
