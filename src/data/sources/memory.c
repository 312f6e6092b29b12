/* Samples that a program gives through the library (dae/dae.h). A model that was trained on them is like any other. */
#include "data/source.h"

static const struct dae_row rows[] = {
    {.key = NULL},
};

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct source_common *common = options;
    (void)train, (void)test, (void)notice;
    return error_at(err, DAE_CONFIG, common->mark,
                    "data.source: memory: only a program that uses libdae can give these samples; choose another "
                    "source");
}

const struct source source_memory = {
    .name = "memory",
    .help = "samples that a program gives through libdae; not for the command line",
    .rows = rows,
    .options_bytes = sizeof(struct source_common),
    .flags = SOURCE_GIVEN,
    .load = load,
};
