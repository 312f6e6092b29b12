/* What a config says in addition to the network: how to train, on what, and what to compare with. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "config/rows.h"
#include "config/value.h"
#include "data/source.h"
#include "graph/plugin.h"
#include "graph/registry.h"
#include "stats/volume_filter.h"
#include "train/early_stop.h"
#include "train/lr_schedule.h"

struct settings {
    const char *name; /* safe as a file name */
    const struct value *data;
    int64_t batch, epochs;
    int64_t parts;      /* into which a batch is cut (train/parts.h); 1: it is not */
    double contractive; /* weight of the penalty on the Jacobian (graph/jacobian.h); 0: none */
    const struct plugin *optimizer;
    const void *optimizer_state;
    struct lr_schedule rate;
    double clip_gradient;      /* the largest norm of a batch's gradient; 0: no limit */
    double average;            /* decay of the running mean of the parameters that is kept and used; 0: none */
    double checkpoint_minutes; /* most training between two checkpoints; INFINITY: only after each epoch */
    struct early_stop early_stop;
    bool compare_standard, compare_affine, compare_pca, compare_wiener, compare_median;
    bool compare_savitzky_golay, compare_band_pass;
    bool compare_volume[VOLUME_FILTERS]; /* with the filters of volumes */
    const struct value *studies;         /* for study/study.h, or NULL */
    const char *from;                    /* the model that training starts from; NULL: random numbers */
    const char *from_sha256;             /* of its file; NULL: not given */
};

/* The keys of the map `train`. */
extern const struct dae_row settings_train_rows[];

/* Reads the top-level keys name, data, train and compare, refuses unknown keys, and writes defaults back. The data map
 * is checked without opening any file. Texts and state are in the tree and the arena. */
MUST_USE enum dae_status settings_read(const struct registry *registry, struct value *config, struct arena *arena,
                                       struct settings *settings, struct error *err);

#endif
