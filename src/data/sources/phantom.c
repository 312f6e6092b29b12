/* Generated volumes (data/phantom.h). */
#include <stdio.h>

#include "data/phantom.h"
#include "data/sources/drawn.h"

struct options {
    struct drawn drawn;
    int64_t patch[3];
};

static const struct dae_row rows[] = {
    DRAWN_ROWS("1024", "64", "volumes"),
    DAE_INTS(struct options, patch, 24, 4, 1024,
             "size of a volume in voxels, n or [d, h, w]: samples are (d, h, w, 1)"),
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    const struct drawn *drawn = &o->drawn;
    const uint64_t seed = (uint64_t)drawn->seed;
    snprintf(notice->text, sizeof notice->text, "phantom: generated volumes, not scans");
    TRY(phantom_draw(seed, 0, shape_min(drawn->train, drawn->common.limit), o->patch, train, err));
    return phantom_draw(seed, SOURCE_FIRST_TEST, shape_min(drawn->test, drawn->common.test_limit), o->patch, test, err);
}

const struct source source_phantom = {
    .name = "phantom",
    .help = "generated volumes of spheres, tubes and texture",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .load = load,
};
