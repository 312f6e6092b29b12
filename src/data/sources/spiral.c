/* Points of a spiral (data/plane.h). */
#include "data/plane.h"
#include "data/sources/drawn.h"

struct options {
    struct drawn drawn;
    double scale;
};

static const struct dae_row rows[] = {
    DRAWN_ROWS("10000", "2000", "points"),
    DAE_FLOAT(struct options, scale, 1, 0.001, 1000, "of both coordinates"),
    {.key = NULL},
};

static double scale_of(const void *options)
{
    return ((const struct options *)options)->scale;
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    const struct drawn *drawn = &o->drawn;
    const uint64_t seed = (uint64_t)drawn->seed;
    const int64_t n_train = shape_min(drawn->train, drawn->common.limit),
                  n_test = shape_min(drawn->test, drawn->common.test_limit);
    (void)notice;
    TRY(plane_draw(seed, 0, n_train, o->scale, train, err));
    return plane_draw(seed, SOURCE_FIRST_TEST, n_test, o->scale, test, err);
}

const struct source source_spiral = {
    .name = "spiral",
    .help = "points of a spiral in the plane",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .load = load,
    .plane = scale_of,
};
