#include "train/settings.h"

#include <math.h>
#include <string.h>

#include "config/root.h"
#include "data/validation_set.h"
#include "graph/params.h"
#include "train/part_tree.h"

/* Well within the range of float, in which a device compares. */
#define MIN_CLIP 1e-12
#define MAX_CLIP 1e12

/* The map `train`. */
struct train_map {
    const char *from, *from_sha256;
    const struct value *loss, *optimizer, *freeze;
    int64_t batch, epochs, warm_up, parts;
    double contractive, clip_gradient, checkpoint_minutes;
    struct lr_schedule_map schedule;
    struct {
        const struct value *map;
        double decay;
    } average;
    struct {
        const struct value *map;
        int64_t patience;
        double min_delta;
    } early_stop;
};

#define S struct train_map
const struct dae_row settings_train_rows[] = {
    ROW_OF(S, loss, ROW_VALUE, NULL, "loss, or list of them",
           "what training minimises; of a list, the sum of each loss times its `weight`"),
    ROW_OF(S, optimizer, ROW_VALUE, NULL, "optimizer", "how training updates the parameters"),
    DAE_INT(S, batch, 128, 1, 65536, "samples per step"),
    DAE_INT(S, epochs, 10, 1, 1000000, "passes over the training samples"),
    ROW_RANGE(
        S, parts, DAE_TYPE_INT, "", 1, PART_TREE_MAX,
        "equal parts, a power of two, into which a batch is cut so that up to as many ranks train it, with the same "
        "bits for any number of them; if not given, 1"),
    ROW_RANGE(S, contractive, DAE_TYPE_FLOAT, "", 0, 1000000,
              "weight of the squared Frobenius norm of the whole reconstruction's Jacobian, added to each sample's "
              "training loss"),
    ROW_MAP_OF(S, schedule, "", "how the learning rate falls: either `step` or `cosine`"),
    ROW_MAP_OF(S, schedule.step, "", "the learning rate falls after certain epochs"),
    ROW_LIST(S, schedule.step.after, ROW_INTEGERS, NULL, FIELD_MAX_NUMBERS, 1, 1000000,
             "the epochs after which the rate falls, ascending"),
    DAE_FLOAT(S, schedule.step.factor, 0.1, 0, 1, "factor by which it is then multiplied"),
    ROW_MAP_OF(S, schedule.cosine, "", "the learning rate falls along half a cosine wave"),
    DAE_FLOAT(S, schedule.cosine.to, 0, 0, 1, "the fraction of it that remains at the end"),
    ROW_RANGE(S, warm_up, DAE_TYPE_INT, "", 0, 1000000000,
              "updates over which the learning rate rises from 0; if not given, there is no warm-up"),
    ROW_RANGE(S, clip_gradient, DAE_TYPE_FLOAT, "", MIN_CLIP, MAX_CLIP,
              "largest norm of a batch's gradient over all parameters; a larger gradient is scaled down to it"),
    DAE_FLOAT(S, checkpoint_minutes, 10, 0.01, INFINITY,
              "minutes of training after which a checkpoint is written, also within an epoch"),
    ROW_MAP_OF(S, average, "",
               "keep a running mean of the parameters, which is validated, tested and saved instead of them; if not "
               "given, none is kept"),
    DAE_FLOAT(S, average.decay, 0.999, 0, 1, "decay of the mean at each update, above 0 and below 1"),
    ROW_MAP_OF(S, early_stop, "",
               "end the training when the validation loss no longer falls; requires `data.validation`"),
    DAE_REQUIRED_INT(S, early_stop.patience, 1, 1000000,
                     "number of epochs in a row without a validation loss more than min_delta below the lowest before, "
                     "after which training ends"),
    DAE_FLOAT(S, early_stop.min_delta, 0, 0, INFINITY, "how far below the lowest loss so far a loss must be to count"),
    ROW_OF(S, from, ROW_TEXT, "", "file",
           "a trained model, or the folder of its run, whose weights training starts from; layers are found by their "
           "names, and those that the model does not have start from random numbers"),
    ROW_OF(S, from_sha256, ROW_TEXT, "", "64 hex digits",
           "SHA-256 of that model's file, which `dae-cl run` writes to its config.yaml; another file is refused"),
    ROW_OF(S, freeze, ROW_VALUE, "", "name of a layer, or list of them",
           "their weights stay as they are in the model; they act as outside of training; requires `train.from`"),
    {.key = NULL},
};
#undef S

/* Equal parts make equal work, and the sum of each has the same number of samples. */
static enum dae_status check_parts(const struct value *parts, const struct train_map *train, struct error *err)
{
    if (parts && (train->parts & (train->parts - 1)) != 0)
        return field_refuse(parts, "a power of two", err);
    if (parts && train->batch % train->parts != 0)
        return error_at(err, DAE_CONFIG, parts->mark,
                        "train.parts: a batch of %lld samples cannot be cut into %lld equal parts; make train.batch a "
                        "multiple of train.parts",
                        (long long)train->batch, (long long)train->parts);
    return DAE_OK;
}

static enum dae_status check_train(const struct train_map *train, const struct value *data, struct error *err)
{
    const struct value *average = train->average.map, *early_stop = train->early_stop.map;
    if (average && !(train->average.decay > 0 && train->average.decay < 1))
        return field_refuse(value_map_get(average, "decay"), "a number above 0 and below 1", err);
    if (train->freeze && !train->from)
        return error_at(err, DAE_CONFIG, train->freeze->mark,
                        "train.freeze requires train.from: without a trained model, the layers would keep random "
                        "numbers");
    if (train->from_sha256 && !train->from)
        return error_at(err, DAE_CONFIG, data->mark, "train.from_sha256 requires train.from");
    /* Training samples say nothing about the value of the next epoch, and test samples must not decide it. */
    if (early_stop && !validation_set_wanted(data))
        return error_at(err, DAE_CONFIG, early_stop->mark,
                        "train.early_stop requires samples that are neither trained on nor part of the test set: set "
                        "data.validation to hold some out");
    return DAE_OK;
}

enum dae_status settings_read(const struct registry *registry, struct value *config, struct arena *arena,
                              struct settings *settings, struct error *err)
{
    struct root root = {0};
    struct train_map map = {0};
    TRY(rows_read(config, root_rows, "the config", arena, &root, err));
    TRY(source_check(root.data, err));
    TRY(validation_set_check(root.data, err));
    struct value *train = value_map_get(config, "train");
    TRY(rows_read(train, settings_train_rows, "train", arena, &map, err));
    *settings = (struct settings){
        .name = root.name,
        .data = root.data,
        .batch = map.batch,
        .epochs = map.epochs,
        .parts = map.parts > 0 ? map.parts : 1,
        .contractive = map.contractive,
        .clip_gradient = map.clip_gradient,
        .average = map.average.decay,
        .checkpoint_minutes = map.checkpoint_minutes,
        .early_stop = {map.early_stop.patience, map.early_stop.min_delta},
        .compare_standard = root.compare & ROOT_STANDARD_AE,
        .compare_affine = root.compare & ROOT_AFFINE,
        .compare_pca = root.compare & ROOT_PCA,
        .compare_wiener = root.compare & ROOT_WIENER,
        .compare_median = root.compare & ROOT_MEDIAN,
        .compare_savitzky_golay = root.compare & ROOT_SAVITZKY_GOLAY,
        .compare_band_pass = root.compare & ROOT_BAND_PASS,
        .compare_volume = {root.compare & ROOT_MEDIAN_3D, root.compare & ROOT_GAUSSIAN_3D},
        .studies = root.studies,
        .from = map.from,
        .from_sha256 = map.from_sha256,
    };
    TRY(params_read(registry, PLUGIN_OPTIMIZER, value_map_get(train, "optimizer"), NULL, 0, arena, &settings->optimizer,
                    &settings->optimizer_state, err));
    TRY(lr_schedule_read(&map.schedule, map.warm_up, &settings->rate, err));
    TRY(check_parts(value_map_get(train, "parts"), &map, err));
    return check_train(&map, root.data, err);
}
