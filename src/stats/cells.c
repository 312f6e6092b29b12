#include "stats/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum dae_status cells_init(struct cells *cells, int64_t n, int d, struct error *err)
{
    *cells = (struct cells){.n = n, .d = d};
    size_t count, bytes;
    if (__builtin_mul_overflow((size_t)n, (size_t)d, &count) || __builtin_mul_overflow(count, sizeof(double), &bytes))
        return error_no_memory(err, "panel", SIZE_MAX);
    cells->x = malloc(bytes);
    cells->seen = calloc(count, 1);
    if (!cells->x || !cells->seen) {
        cells_release(cells);
        return error_no_memory(err, "panel", bytes + count);
    }
    for (size_t i = 0; i < count; ++i)
        cells->x[i] = NAN;
    return DAE_OK;
}

enum dae_status cells_copy(struct cells *copy, const struct cells *cells, struct error *err)
{
    TRY(cells_init(copy, cells->n, cells->d, err));
    size_t count = (size_t)cells->n * (size_t)cells->d;
    memcpy(copy->x, cells->x, count * sizeof *copy->x);
    memcpy(copy->seen, cells->seen, count);
    return DAE_OK;
}

void cells_release(struct cells *cells)
{
    free(cells->x);
    free(cells->seen);
    *cells = (struct cells){0};
}

struct cells cells_rows(const struct cells *cells, int64_t first, int64_t end)
{
    return (struct cells){
        .n = end - first, .d = cells->d, .x = cells->x + first * cells->d, .seen = cells->seen + first * cells->d};
}

bool cells_are_whole(const struct cells *cells)
{
    return !memchr(cells->seen, 0, (size_t)cells->n * (size_t)cells->d);
}

void cells_hide(struct cells *cells, int64_t row, int column)
{
    cells->seen[row * cells->d + column] = 0;
    cells->x[row * cells->d + column] = NAN;
}
