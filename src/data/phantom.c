#include "data/phantom.h"

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "base/shape.h"

static const double pi = 3.14159265358979323846;

enum {
    SOLIDS_MAX = 9,
    PER_SOLID = 16, /* words of a solid, from element 16 on */
};

/* All points within `radius` of the line from a to b: a sphere if they are equal, else a tube. Its brightness is value
 * + texture * sin(wave . place). */
struct solid {
    double a[3], along[3]; /* b - a */
    double radius, value, texture, wave[3];
};

static double between(struct philox_key key, uint32_t element, double low, double high)
{
    return low + (high - low) * philox_uniform(key, element);
}

static struct solid solid_of(struct philox_key key, uint32_t number, const int64_t side[3])
{
    const uint32_t word = 16 + PER_SOLID * number;
    const bool tube = philox_uniform(key, word) < 0.5;
    const double least = (double)shape_min(side[0], shape_min(side[1], side[2]));
    struct solid solid = {.radius = tube ? between(key, word + 1, 0.8, 0.08 * least + 1)
                                         : between(key, word + 1, 0.06 * least + 1, 0.28 * least + 1),
                          .value = between(key, word + 2, 0.25, 0.9),
                          .texture = philox_uniform(key, word + 3) < 0.4 ? between(key, word + 4, 0.03, 0.1) : 0};
    for (uint32_t a = 0; a < 3; ++a) {
        solid.a[a] = between(key, word + 5 + a, 0, (double)side[a]);
        solid.along[a] = tube ? between(key, word + 8 + a, -1, 1) * (double)side[a] : 0;
        solid.wave[a] = between(key, word + 11 + a, -1, 1) * pi / 2;
    }
    return solid;
}

/* The distance of a place from the line. */
static double distance(const struct solid *solid, const double place[3])
{
    double square = 0, length = 0, dot = 0;
    for (int a = 0; a < 3; ++a) {
        length += solid->along[a] * solid->along[a];
        dot += (place[a] - solid->a[a]) * solid->along[a];
    }
    const double part = length > 0 ? fmin(fmax(dot / length, 0), 1) : 0;
    for (int a = 0; a < 3; ++a) {
        const double d = place[a] - solid->a[a] - part * solid->along[a];
        square += d * d;
    }
    return sqrt(square);
}

/* A voxel at the surface is covered in part. */
static double paint(const struct solid *solid, const double place[3], double under)
{
    const double covered = fmin(fmax(solid->radius + 0.5 - distance(solid, place), 0), 1);
    if (covered == 0)
        return under;
    double angle = 0;
    for (int a = 0; a < 3; ++a)
        angle += solid->wave[a] * place[a];
    return under + covered * (solid->value + solid->texture * sin(angle) - under);
}

static void draw(struct philox_key key, const int64_t side[3], float *x)
{
    struct solid solid[SOLIDS_MAX];
    const int n = 4 + (int)(between(key, 0, 0, SOLIDS_MAX - 4 + 1) - 1e-9);
    const double background = between(key, 1, 0.05, 0.2);
    for (int i = 0; i < n; ++i)
        solid[i] = solid_of(key, (uint32_t)i, side);
    for (int64_t i = 0; i < side[0] * side[1] * side[2]; ++i) {
        const double place[3] = {(double)(i / side[2] / side[1]) + 0.5, (double)(i / side[2] % side[1]) + 0.5,
                                 (double)(i % side[2]) + 0.5};
        double value = background;
        for (int s = 0; s < n; ++s)
            value = paint(&solid[s], place, value);
        x[i] = (float)value;
    }
}

enum dae_status phantom_draw(uint64_t seed, uint32_t first, int64_t n, const int64_t side[3], struct dataset *set,
                             struct error *err)
{
    const struct dae_shape shape = {4, {side[0], side[1], side[2], 1}};
    size_t bytes = SIZE_MAX;
    set->n = n;
    set->kind = DATASET_FLOAT;
    set->shape = shape;
    float *values = NULL;
    if (shape_len_fits(&shape, INT32_MAX) &&
        !__builtin_mul_overflow((size_t)n * sizeof *values, (size_t)dae_shape_len(&shape), &bytes))
        values = malloc(bytes);
    set->values = values;
    if (!values)
        return error_no_memory(err, "generated volumes", bytes);
    for (int64_t i = 0; i < n; ++i)
        draw((struct philox_key){.seed = seed, .stream = PHILOX_PHANTOM, .sample = first + (uint32_t)i}, side,
             values + i * dae_shape_len(&shape));
    return DAE_OK;
}
