#include "base/shape.h"

#include <stdio.h>
#include <string.h>

bool shape_equal(const struct dae_shape *a, const struct dae_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

const char *shape_text(const struct dae_shape *shape, char text[SHAPE_TEXT])
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < shape->rank && at < SHAPE_TEXT - 6; ++i)
        at += (size_t)snprintf(text + at, SHAPE_TEXT - at, "%s%lld", i ? "x" : "", (long long)shape->dim[i]);
    return text;
}

bool shape_len_fits(const struct dae_shape *shape, int64_t most)
{
    int64_t len = 1;
    for (int i = 0; i < shape->rank; ++i)
        if (shape->dim[i] < 1 || __builtin_mul_overflow(len, shape->dim[i], &len) || len > most)
            return false;
    return true;
}
