#include "data/plane.h"

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"

/* Separate, but close enough that noise of 0.5 blurs them into each other. */
const struct plane_component plane_mixture[PLANE_COMPONENTS] = {
    {0.3, {-1.0, -0.6}, 0.20},
    {0.3, {1.0, -0.6}, 0.22},
    {0.4, {0.0, 1.0}, 0.24},
};

static const double first_t = 3, last_t = 15, radius_per_t = 0.04;

/* What is drawn for a point; each has its own words. */
enum draw { DRAW_COMPONENT, DRAW_POINT, DRAW_T };

static struct philox_key key_of(uint64_t seed, enum draw draw, uint32_t number)
{
    return (struct philox_key){.seed = seed, .stream = PHILOX_PLANE, .epoch = draw, .sample = number};
}

static void draw_mixture(uint64_t seed, uint32_t first, int64_t n, float *points, uint8_t *components)
{
    for (int64_t i = 0; i < n; ++i) {
        const uint32_t number = first + (uint32_t)i;
        double left = philox_uniform(key_of(seed, DRAW_COMPONENT, number), 0);
        int k = 0;
        while (k < PLANE_COMPONENTS - 1 && left > plane_mixture[k].weight)
            left -= plane_mixture[k++].weight;
        components[i] = (uint8_t)k;
        for (int a = 0; a < 2; ++a)
            points[2 * i + a] =
                (float)(plane_mixture[k].mean[a] +
                        plane_mixture[k].sigma * philox_normal(key_of(seed, DRAW_POINT, number), (uint32_t)a));
    }
}

void plane_spiral_point(double t, double scale, double point[2])
{
    point[0] = scale * radius_per_t * t * sin(t);
    point[1] = scale * radius_per_t * t * cos(t);
}

static void draw_spiral(uint64_t seed, uint32_t first, int64_t n, double scale, float *points)
{
    for (int64_t i = 0; i < n; ++i) {
        const double u = philox_uniform(key_of(seed, DRAW_T, first + (uint32_t)i), 0);
        double point[2];
        plane_spiral_point(first_t + (last_t - first_t) * u, scale, point);
        points[2 * i] = (float)point[0];
        points[2 * i + 1] = (float)point[1];
    }
}

enum dae_status plane_draw(uint64_t seed, uint32_t first, int64_t n, double scale, struct dataset *set,
                           struct error *err)
{
    set->n = n;
    set->kind = DATASET_FLOAT;
    set->shape = (struct dae_shape){.rank = 1, .dim = {2}};
    set->values = malloc((size_t)n * 2 * sizeof(float));
    set->labels = scale > 0 ? NULL : malloc((size_t)n);
    if (!set->values || (scale <= 0 && !set->labels))
        return error_no_memory(err, "points", (unsigned long long)n * 2 * sizeof(float));
    if (scale > 0)
        draw_spiral(seed, first, n, scale, set->values);
    else
        draw_mixture(seed, first, n, set->values, set->labels);
    return DAE_OK;
}

static double distance(double t, const double x[2], double scale)
{
    double point[2];
    plane_spiral_point(t, scale, point);
    return hypot(x[0] - point[0], x[1] - point[1]);
}

double plane_spiral_nearest(const double x[2], double scale, double nearest[2])
{
    /* Turns are 0.25 apart and steps of the grid at most 0.01 long, so the best point of the grid is next to the
     * minimum. */
    const int n = 720;
    const double step = (last_t - first_t) / n;
    double best = first_t;
    for (int i = 1; i <= n; ++i)
        if (distance(first_t + i * step, x, scale) < distance(best, x, scale))
            best = first_t + i * step;
    double low = fmax(best - step, first_t), high = fmin(best + step, last_t);
    while (high - low > 1e-9) { /* the distance has one minimum in this interval */
        const double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (distance(a, x, scale) < distance(b, x, scale))
            high = b;
        else
            low = a;
    }
    plane_spiral_point(low, scale, nearest);
    return distance(low, x, scale);
}
