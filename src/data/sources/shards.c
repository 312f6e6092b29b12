/* Images and arrays in tar archives that are read in each epoch. */
#include "data/sources/shards.h"

#include "base/cleanup.h"
#include "data/shard_set.h"

static const struct dae_row rows[] = {
    SHARDS_ROWS,
    ROW_OF(struct shards, clean, ROW_TEXT, "", "ending",
           "what follows a sample's stem and a dot in the name of its file, such as png or img.npy; if not given, the "
           "only image or .npy"),
    DAE_INTS(struct shards, patch, 0, 0, 4096,
             "size in pixels of what is cut out of an image as a sample, as of source images; 0: samples are whole "
             "images or arrays, all of one shape"),
    {.key = NULL},
};

static struct shard_options options_of(const struct shards *o, bool test)
{
    const int channels = o->channels ? 3 : 1;
    struct shard_options options = {.clean = o->clean,
                                    .noisy = o->noisy,
                                    .channels = channels,
                                    .crops = test || o->patch[0] == 0 ? 1 : o->crops,
                                    .limit = test ? o->common.test_limit : o->common.limit,
                                    .as_stored = o->orient == 1,
                                    .depth = o->depth == 3 ? 32 : 8 * o->depth};
    if (o->patch[0] > 0)
        options.patch = (struct dae_shape){3, {o->patch[0], o->patch[1], channels}};
    return options;
}

static enum dae_status load_train(const struct shards *o, struct dataset *train, struct error *err)
{
    const struct shard_options options = options_of(o, false);
    struct shard_set *set CLEANUP(shard_set_free_cleanup) = NULL;
    TRY(shard_set_new(o->train, o->common.data_root, o->common.mark, &options, &set, err));
    TRY(shard_set_index(set, o->index, err));
    TRY(shard_set_look(set, err));
    set->window = o->window;
    *train = (struct dataset){.n = set->samples * set->options.crops,
                              .shape = set->shape,
                              .kind = set->kind,
                              .mark = o->common.mark,
                              .checksum = shard_set_checksum(set),
                              .shards = set};
    set = NULL;
    return DAE_OK;
}

enum dae_status shards_load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct shards *o = options;
    const struct shard_options of_test = options_of(o, true);
    struct shard_set *set CLEANUP(shard_set_free_cleanup) = NULL;
    (void)notice;
    TRY(load_train(o, train, err));
    TRY(shard_set_new(o->test, o->common.data_root, o->common.mark, &of_test, &set, err));
    set->shape = train->shape;
    set->kind = train->kind;
    return shard_set_load(set, o->test_patches, test, err);
}

static enum dae_status check(const void *options, struct error *err)
{
    const struct shards *o = options;
    return (o->patch[0] == 0) == (o->patch[1] == 0)
               ? DAE_OK
               : error_at(err, DAE_CONFIG, value_map_get(o->common.map, "patch")->mark,
                          "data.patch: one of the sizes is 0; both are, for whole samples, or none is");
}

const struct source source_shards = {
    .name = "shards",
    .help = "images or arrays in tar archives (WebDataset), read again in each epoch",
    .rows = rows,
    .options_bytes = sizeof(struct shards),
    .check = check,
    .load = shards_load,
};
