/* Generated electrocardiograms (data/ecg.h). */
#include <stdio.h>

#include "data/ecg.h"
#include "data/sources/drawn.h"

struct options {
    struct drawn drawn;
    int64_t window;
    double rate;
};

static const struct dae_row rows[] = {
    DRAWN_ROWS("4096", "512", "signals"),
    DAE_INT(struct options, window, 1024, 16, 1048576, "points of a signal: samples are (window, 1)"),
    DAE_FLOAT(struct options, rate, 360, 50, 10000, "points per second"),
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    const struct drawn *drawn = &o->drawn;
    const uint64_t seed = (uint64_t)drawn->seed;
    snprintf(notice->text, sizeof notice->text, "ecg: generated signals, not recordings");
    TRY(ecg_draw(seed, 0, shape_min(drawn->train, drawn->common.limit), o->window, o->rate, train, err));
    return ecg_draw(seed, SOURCE_FIRST_TEST, shape_min(drawn->test, drawn->common.test_limit), o->window, o->rate, test,
                    err);
}

const struct source source_ecg = {
    .name = "ecg",
    .help = "generated signals that look like electrocardiograms",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .load = load,
};
