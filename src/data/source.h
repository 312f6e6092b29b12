/* Sources of samples. Each is one file src/data/sources/NAME.c that defines `const struct source source_NAME`, and one
 * line of SOURCES below; `source: NAME` in the map `data` of a config selects it. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "config/rows.h"
#include "data/dataset.h"
#include "data/panel/panel.h"
#include "data/transfer.h"

/* In the order of the manual. */
#define SOURCES(X)                                                                                                     \
    X(mnist)                                                                                                           \
    X(idx)                                                                                                             \
    X(digits)                                                                                                          \
    X(npy)                                                                                                             \
    X(csv)                                                                                                             \
    X(factor_panel)                                                                                                    \
    X(mixture)                                                                                                         \
    X(spiral)                                                                                                          \
    X(images)                                                                                                          \
    X(image_pairs)                                                                                                     \
    X(shards)                                                                                                          \
    X(shard_pairs)                                                                                                     \
    X(dead_leaves)                                                                                                     \
    X(signals)                                                                                                         \
    X(ecg)                                                                                                             \
    X(volumes)                                                                                                         \
    X(phantom)                                                                                                         \
    X(memory)

/* Drawn test samples are numbered from here on, far from training samples, for any sizes of the two splits. */
#define SOURCE_FIRST_TEST (UINT32_C(1) << 31)

/* The first member of the options of every source: the common keys, and where to search for files. */
struct source_common {
    int source;                     /* index in `sources` */
    int64_t limit, test_limit;      /* most samples, or images, of either split */
    int64_t memory;                 /* of the device, MiB; 0: no limit */
    const struct value *validation; /* see data/validation_set.h */
    struct mark mark;               /* of the source's name in the config */
    const struct value *map;        /* the section `data` */
    const char *data_root;          /* $DAE_CL_DATA, or NULL */
};

/* The same for sources of panels. */
struct source_panel {
    struct source_common common;
    int64_t window; /* rows of a sample */
    int returns;    /* enum panel_returns */
    double clip;    /* see panel_standardise */
};

#define SOURCE_WINDOW_ROW                                                                                              \
    DAE_INT(struct source_panel, window, 1, 1, INT32_MAX,                                                              \
            "number of consecutive rows in a sample, flattened oldest first: its shape is [window * assets]")

/* A panel as it was read, with its split. Zero-initialise. */
struct panel_data {
    struct panel panel; /* not standardised */
    struct panel_split split;
    double *covariance; /* (d,d) of the rows' distribution, whose mean is 0; NULL if it is unknown; malloc'ed */
};
void panel_data_release(struct panel_data *data);

enum source_flag {
    SOURCE_BYTES = 1, /* samples are bytes, 0 to 255 for 0 to 1 */
    SOURCE_PAIRS = 2, /* samples are pairs of a noisy and a clean image: the corruption is in the data */
    SOURCE_GIVEN = 4, /* samples come from the caller: source_take instead of source_load */
};

/* One line for the user, or "". */
struct source_notice {
    char text[1024];
};

struct source {
    const char *name;           /* as in YAML */
    const char *help;           /* one line */
    const struct dae_row *rows; /* its keys in addition to those of every source */
    size_t options_bytes;       /* of the struct that the rows fill */
    unsigned flags;             /* enum source_flag */
    /* Checks what the rows cannot, without opening any file. DAE_CONFIG at the place. May be NULL. */
    enum dae_status (*check)(const void *options, struct error *err);
    /* Fills both splits, which the caller releases, also after a failure. The caller checks that their samples have the
     * same shape. */
    enum dae_status (*load)(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err);
    /* Instead of `load`, if the options begin with a struct source_panel: opens the panel, from which the caller takes
     * samples. On success the caller releases it. */
    enum dae_status (*open_panel)(const void *options, struct panel_data *data, struct error *err);
    /* Sets in the plane (data/plane.h): the scale of the spiral, or 0 for the mixture. NULL: another set. */
    double (*plane)(const void *options);
    /* How stored numbers become those of the network. NULL: as they are. */
    struct transfer (*transfer)(const void *options);
};

#define DECLARE(name) extern const struct source source_##name;
SOURCES(DECLARE)
#undef DECLARE

/* Ends with NULL. */
extern const struct source *const sources[];
/* The keys of struct source_common. */
extern const struct dae_row source_common_rows[];

/* The keys of a source and the common keys, ended by a row without key. */
enum { SOURCE_MAX_ROWS = 32 };
void source_rows(const struct source *source, struct dae_row rows[SOURCE_MAX_ROWS + 1]);

/* Checks the `data` map of a config without opening any file. DAE_CONFIG at the place. */
MUST_USE enum dae_status source_check(const struct value *data_section, struct error *err);

/* The source that the map names, or NULL; the other keys are ignored. */
const struct source *source_named(const struct value *data_section);

/* Loads both splits as the map says. data_root is $DAE_CL_DATA, or NULL; MNIST is searched in its folder mnist/, then
 * in ./data, the user's data folder and the installed one. IDX and NPY arrays (n,d) give samples (d), (n,h,w) give
 * (h,w,1), (n,h,w,c) give (h,w,c). Panels give windows of rows, flattened and standardised: see panel_samples.h. On
 * success the caller releases both. A wrong map: DAE_CONFIG at its place; missing MNIST without a fallback, damaged
 * files, an empty set, unequal counts or shapes, NaN or infinity: DAE_BAD_DATA; missing files: DAE_IO;
 * DAE_NO_MEMORY. */
MUST_USE enum dae_status source_load(const struct value *data_section, const char *data_root, struct dataset *train,
                                     struct dataset *test, struct source_notice *notice, struct error *err);

/* For a source with SOURCE_GIVEN: completes sets that the caller has filled, of which `test` may be empty, as the map
 * says. DAE_CONFIG, DAE_BAD_DATA for unequal shapes; the caller releases both, whatever the outcome. */
MUST_USE enum dae_status source_take(const struct value *data_section, struct dataset *train, struct dataset *test,
                                     struct error *err);

/* Whether the key `fallback` replaces missing folders of `train` and `test`. It does so for the folders that a config
 * names, but not if one of them was typed on the command line, unless `fallback` was as well: a typing error must not
 * start a training on generated data. */
bool source_may_fall_back(const struct source_common *common);

/* Loads `other` in place of a source whose files are absent, with the first `shared` bytes of the given options and its
 * own defaults for the rest. */
MUST_USE enum dae_status source_stand_in(const struct source *other, const void *options, size_t shared,
                                         struct dataset *train, struct dataset *test, struct source_notice *notice,
                                         struct error *err);

/* Whether the map asks for a set in the plane (data/plane.h); the scale of the spiral, or 0 for the mixture.
 * DAE_CONFIG. */
MUST_USE enum dae_status source_plane(const struct value *data_section, bool *is_plane, double *scale,
                                      struct error *err);

/* The transfer of the map's source; none if there is no map, or it names another kind of source. DAE_CONFIG. */
MUST_USE enum dae_status source_transfer(const struct value *data_section, struct transfer *transfer,
                                         struct error *err);

/* The panel that the map names, with its split and clip, for code that works on days and not on samples. On success the
 * caller releases it. DAE_CONFIG at the source if it is not a panel or has a window of several rows. */
MUST_USE enum dae_status source_open_panel(const struct value *data_section, const char *data_root,
                                           struct panel_data *data, double *clip, struct error *err);

#endif
