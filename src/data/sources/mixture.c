/* Points of a Gaussian mixture (data/plane.h). */
#include "data/plane.h"
#include "data/sources/drawn.h"

static const struct dae_row rows[] = {
    DRAWN_ROWS("10000", "2000", "points"),
    {.key = NULL},
};

static double no_scale(const void *options)
{
    (void)options;
    return 0;
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct drawn *o = options;
    const uint64_t seed = (uint64_t)o->seed;
    (void)notice;
    TRY(plane_draw(seed, 0, shape_min(o->train, o->common.limit), 0, train, err));
    return plane_draw(seed, SOURCE_FIRST_TEST, shape_min(o->test, o->common.test_limit), 0, test, err);
}

const struct source source_mixture = {
    .name = "mixture",
    .help = "points of a Gaussian mixture in the plane",
    .rows = rows,
    .options_bytes = sizeof(struct drawn),
    .load = load,
    .plane = no_scale,
};
