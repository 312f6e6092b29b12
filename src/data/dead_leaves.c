#include "data/dead_leaves.h"

#include <stdbool.h>
#include <string.h>

#include "base/philox.h"

enum {
    FINE = 16,           /* units per pixel */
    RADIUS_MIN = 2,      /* pixels; the largest is half the side */
    MARGIN = 40,         /* centres may be this many pixels outside */
    LEAVES_MAX = 100000, /* long before that every pixel is covered */
};

struct leaf {
    int64_t x, y, radius2; /* in units, squared ones */
    int value[3];          /* at the centre, times 256 */
    int shade_x, shade_y;  /* change per pixel, times 256 */
};

/* Number below n. */
static int64_t below(struct philox_key key, uint32_t element, int64_t n)
{
    return (int64_t)((uint64_t)philox_word(key, element) * (uint64_t)n >> 32);
}

/* The density of radii falls as r^-3, so 1 / r^2 is uniform: small and large leaves cover equal areas. */
static struct leaf draw_leaf(struct philox_key key, uint32_t number, int side)
{
    const uint32_t first = 64 * number;
    const double low = 4.0 / ((double)side * side), high = 1.0 / (RADIUS_MIN * RADIUS_MIN);
    const double part = (double)philox_word(key, first) / 4294967296.0;
    struct leaf leaf = {.x = below(key, first + 16, (side + 2 * MARGIN) * FINE) - MARGIN * FINE,
                        .y = below(key, first + 32, (side + 2 * MARGIN) * FINE) - MARGIN * FINE,
                        .radius2 = (int64_t)(FINE * FINE / (low + part * (high - low))),
                        .shade_x = (int)below(key, first + 48, 257) - 128,
                        .shade_y = (int)below(key, first + 49, 257) - 128};
    for (uint32_t c = 0; c < 3; ++c)
        leaf.value[c] = (int)below(key, first + 50 + c, 256 * 256);
    return leaf;
}

static uint8_t byte_of(int value)
{
    value /= 256;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The rows or columns of pixels that a leaf can reach: [*begin, *end). */
static void reach(int64_t centre, int64_t radius2, int side, int *begin, int *end)
{
    int64_t radius = 0;
    while (radius * radius < radius2)
        radius += FINE;
    int64_t first = (centre - radius) / FINE - 1, last = (centre + radius) / FINE + 2;
    *begin = (int)(first < 0 ? 0 : first);
    *end = (int)(last > side ? side : last);
}

void dead_leaves_draw(uint64_t seed, uint32_t number, int side, int channels, uint8_t *pixels)
{
    const struct philox_key key = {seed, PHILOX_LEAVES, 0, number};
    bool covered[DEAD_LEAVES_SIDE * DEAD_LEAVES_SIDE] = {false};
    int left = side * side;
    memset(pixels, 0, (size_t)(side * side * channels));
    for (uint32_t n = 0; n < LEAVES_MAX && left > 0; ++n) {
        const struct leaf leaf = draw_leaf(key, n, side);
        int x0, x1, y0, y1;
        reach(leaf.x, leaf.radius2, side, &x0, &x1);
        reach(leaf.y, leaf.radius2, side, &y0, &y1);
        for (int y = y0; y < y1; ++y)
            for (int x = x0; x < x1; ++x) {
                const int64_t dx = x * FINE - leaf.x, dy = y * FINE - leaf.y;
                bool *is_covered = &covered[y * side + x];
                if (*is_covered || dx * dx + dy * dy > leaf.radius2)
                    continue;
                *is_covered = true;
                --left;
                const int shade = (int)((leaf.shade_x * dx + leaf.shade_y * dy) / FINE);
                for (int c = 0; c < channels; ++c)
                    pixels[(y * side + x) * channels + c] = byte_of(leaf.value[c] + shade);
            }
    }
}
