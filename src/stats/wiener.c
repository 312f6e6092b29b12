#include "stats/wiener.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PIXELS = 200000 };

/* A millionth of the windows' mean variance, for images in which neighbouring pixels are equal. */
static const double ridge = 1e-6;

static size_t greatest_divisor(size_t a, size_t b)
{
    return b == 0 ? a : greatest_divisor(b, a % b);
}

enum dae_status wiener_init(struct wiener *wiener, size_t n, size_t height, size_t width, size_t channels,
                            struct error *err)
{
    const bool signal = height == 1;
    const size_t pixels = height * width,
                 taps = (size_t)(signal ? WIENER_POINTS : WIENER_SIDE * WIENER_SIDE) * channels;
    *wiener = (struct wiener){.height = height,
                              .width = width,
                              .channels = channels,
                              .half = {signal ? 0 : WIENER_SIDE / 2, (signal ? WIENER_POINTS : WIENER_SIDE) / 2},
                              .every = 1 + n * pixels / MOST_PIXELS};
    while (greatest_divisor(wiener->every, pixels) != 1)
        ++wiener->every; /* so that every place of the images has its turn */
    TRY(affine_init(&wiener->map, taps, channels, err));
    wiener->window = malloc(MOMENTS_BLOCK * taps * sizeof *wiener->window);
    wiener->pixel = malloc(MOMENTS_BLOCK * channels * sizeof *wiener->pixel);
    if (!wiener->window || !wiener->pixel)
        return error_no_memory(err, "Wiener filter", MOMENTS_BLOCK * taps * sizeof *wiener->window);
    return DAE_OK;
}

static size_t mirrored(ptrdiff_t at, size_t len)
{
    const ptrdiff_t period = 2 * (ptrdiff_t)len;
    at = (at % period + period) % period;
    return (size_t)(at < (ptrdiff_t)len ? at : period - 1 - at);
}

/* The window around a pixel, by rows. */
static void take_window(const struct wiener *wiener, const float *image, size_t pixel, float *window)
{
    const size_t c = wiener->channels, y = pixel / wiener->width, x = pixel % wiener->width;
    for (ptrdiff_t r = -wiener->half[0]; r <= wiener->half[0]; ++r) {
        const float *row = image + mirrored((ptrdiff_t)y + r, wiener->height) * wiener->width * c;
        for (ptrdiff_t k = -wiener->half[1]; k <= wiener->half[1]; ++k, window += c)
            memcpy(window, row + mirrored((ptrdiff_t)x + k, wiener->width) * c, c * sizeof *window);
    }
}

void wiener_add(struct wiener *wiener, const float *noisy, const float *clean, size_t n)
{
    const size_t c = wiener->channels, pixels = wiener->height * wiener->width, taps = (size_t)wiener->map.x.d;
    size_t rows = 0, at = wiener->next;
    for (; at < n * pixels; at += wiener->every) {
        const size_t image = at / pixels * pixels * c;
        take_window(wiener, noisy + image, at % pixels, wiener->window + rows * taps);
        memcpy(wiener->pixel + rows * c, clean + at * c, c * sizeof *clean);
        if (++rows == MOMENTS_BLOCK) {
            affine_add(&wiener->map, wiener->window, wiener->pixel, rows);
            rows = 0;
        }
    }
    affine_add(&wiener->map, wiener->window, wiener->pixel, rows);
    wiener->next = at - n * pixels;
}

enum dae_status wiener_solve(struct wiener *wiener, struct error *err)
{
    return affine_solve(&wiener->map, ridge, err);
}

void wiener_apply(struct wiener *wiener, const float *noisy, float *out, size_t n)
{
    const size_t c = wiener->channels, pixels = wiener->height * wiener->width, taps = (size_t)wiener->map.x.d;
    for (size_t first = 0; first < n * pixels; first += MOMENTS_BLOCK) {
        const size_t rows = (size_t)moments_block_rows(n * pixels - first);
        for (size_t i = 0; i < rows; ++i)
            take_window(wiener, noisy + (first + i) / pixels * pixels * c, (first + i) % pixels,
                        wiener->window + i * taps);
        affine_apply(&wiener->map, wiener->window, out + first * c, rows);
    }
}

void wiener_release(struct wiener *wiener)
{
    affine_release(&wiener->map);
    free(wiener->window);
    free(wiener->pixel);
    *wiener = (struct wiener){0};
}
