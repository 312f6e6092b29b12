/* Drawn digits (data/digits.h). */
#include "data/digits.h"
#include "data/sources/drawn.h"

static const struct dae_row rows[] = {
    DRAWN_ROWS("60000", "10000", "samples to generate"),
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct drawn *o = options;
    (void)notice;
    TRY(digits_draw((uint64_t)o->seed, 0, shape_min(o->train, o->common.limit), train, err));
    return digits_draw((uint64_t)o->seed, SOURCE_FIRST_TEST, shape_min(o->test, o->common.test_limit), test, err);
}

const struct source source_digits = {
    .name = "digits",
    .help = "generated digits that look like handwriting, any number of them",
    .rows = rows,
    .options_bytes = sizeof(struct drawn),
    .flags = SOURCE_BYTES,
    .load = load,
};
