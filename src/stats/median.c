#include "stats/median.h"

#include <math.h>

enum { TAPS = 9 };

/* The fifth of nine, by insertion. */
static float middle(float tap[TAPS])
{
    for (int i = 0; i < TAPS; ++i) {
        const float x = tap[i];
        int k = i;
        if (isnan(x))
            return x;
        for (; k > 0 && tap[k - 1] > x; --k)
            tap[k] = tap[k - 1];
        tap[k] = x;
    }
    return tap[TAPS / 2];
}

/* A mirror that repeats the edge shows the edge itself one step outside of it. */
static size_t held(size_t at, size_t step, size_t len)
{
    const size_t shifted = at + step; /* one more than the place meant */
    if (shifted == 0)
        return 0;
    return shifted > len ? len - 1 : shifted - 1;
}

void median_filter(const float *image, float *out, size_t n, size_t h, size_t w, size_t c)
{
    for (size_t i = 0; i < n; ++i, image += h * w * c, out += h * w * c)
        for (size_t y = 0; y < h; ++y)
            for (size_t x = 0; x < w; ++x)
                for (size_t k = 0; k < c; ++k) {
                    float tap[TAPS];
                    for (size_t t = 0; t < TAPS; ++t)
                        tap[t] = image[(held(y, t / 3, h) * w + held(x, t % 3, w)) * c + k];
                    out[(y * w + x) * c + k] = middle(tap);
                }
}
