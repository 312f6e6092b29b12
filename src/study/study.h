/* Studies: the experiments that courses on denoising autoencoders teach, each one file src/study/NAME.c that defines
 * `const struct study study_NAME`, and one line of STUDIES below. A study trains what it needs, measures, and returns
 * tables, figures as arrays, and findings in words. It prints and draws nothing: src/cli/study_output.c turns its
 * result into CSV, JSON, pictures and a section of the report.
 *
 *     dae-cl study NAME CONFIG [--set studies.NAME.key=value]
 *     studies: [noise_levels, {level_sweep: {epochs: 3}}]        in a config that is run
 *     studies: {noise_levels: {}, level_sweep: {epochs: 3}}      the same, and how the resolved config has it */
#ifndef STUDY_STUDY_H
#define STUDY_STUDY_H

#include <signal.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/rows.h"
#include "data/source.h"
#include "graph/network.h"
#include "model/model.h"
#include "train/settings.h"
#include "train/start.h"

/* ---- What a study returns. The task's arena owns all memory. ----------------------------------------------------- */

/* A table of numbers under named rows and columns; one CSV file. NaN: an empty cell. */
struct study_table {
    const char *name; /* safe as a file name: NAME.csv, and the key in the JSON */
    const char *caption;
    const char *row_title; /* heads the column of row names */
    int n_rows, n_columns;
    const char *const *row_name;    /* (n_rows) */
    const char *const *column_name; /* (n_columns) */
    const double *value;            /* (n_rows,n_columns) */
    int n_digits;                   /* significant digits shown to people; files have all */
    const char *mark;               /* a word that highlights the row: "ours", "best"; NULL: no highlight */
    int marked_row;
};

/* Where to write a new table's numbers and names. */
struct study_cells {
    struct study_table *table;
    const char **row, **column; /* (n_rows), (n_columns); NULL if the names were given */
    double *value;              /* (n_rows,n_columns), zeros */
};

struct study_curve {
    const char *name;
    int n;
    const double *x, *y;  /* (n) */
    const double *margin; /* (n) half of each error bar's length, or NULL */
    bool expected;        /* drawn as a dashed line: a theory, not a measurement */
};

struct study_figure {
    const char *name; /* safe as a file name: NAME.png, NAME.svg */
    const char *title, *caption, *alt;
    enum {
        STUDY_LINES,    /* curves */
        STUDY_TILES,    /* rows of images under labels */
        STUDY_HEAT_MAP, /* a table as coloured cells */
        STUDY_SCATTER,  /* points in the plane, coloured by class */
        STUDY_FIELD,    /* arrows in the plane over points */
    } kind;
    const char *x_label, *y_label; /* LINES, SCATTER, FIELD, HEAT_MAP */
    bool log_y;                    /* LINES */
    const double *trained;         /* LINES: (2) the lowest and highest x of training, marked; or NULL */
    int n_curves;
    const struct study_curve *curve; /* LINES: (n_curves) */
    struct study_tiles {
        int n_rows, n_columns, height, width, channels;
        const char *const *label;    /* (n_rows) */
        const float *image;          /* (n_rows,n_columns,H,W,C) in [0, 1] */
        const char *const *note;     /* (n_rows,n_columns), entries or all may be NULL */
    } tiles;                         /* TILES */
    const struct study_table *table; /* HEAT_MAP */
    int n_points;
    const float *point;   /* SCATTER, FIELD: (n_points,2) */
    const uint8_t *label; /* SCATTER: (n_points), or NULL */
    int n_frame;
    const float *frame; /* SCATTER: (n_frame,2) points that the axes cover as well, or NULL */
    int n_arrows;
    const float *arrow; /* FIELD: (n_arrows,4): x, y, dx, dy */
};

enum { STUDY_MAX_TABLES = 16, STUDY_MAX_FIGURES = 16, STUDY_MAX_FINDINGS = 24 };

struct study_result {
    const char *title; /* of the report's section */
    const char *about; /* a paragraph on the question and how it was measured */
    int n_tables, n_figures, n_findings;
    const struct study_table *table[STUDY_MAX_TABLES];
    const struct study_figure *figure[STUDY_MAX_FIGURES];
    const char *finding[STUDY_MAX_FINDINGS]; /* what the numbers say, with the numbers; also if a claim fails */
};

/* Adds a table: `head` has everything but the numbers, with NULL for names that are written later; 0 digits mean 4.
 * DAE_NO_MEMORY. More than STUDY_MAX_TABLES is a bug. */
MUST_USE enum dae_status study_add_table(struct study_result *result, struct arena *arena,
                                         const struct study_table *head, struct study_cells *cells, struct error *err);

/* ---- What a study gets. ------------------------------------------------------------------------------------------ */

struct study_task {
    struct device *device;
    const struct registry *registry;
    struct arena *arena;  /* for the result and whatever lives as long */
    struct value *config; /* resolved; a study changes copies only, see study_variant */
    const struct settings *settings;
    const struct network *network;
    const struct dataset *train_set, *test_set;
    struct loader *train, *test;
    struct loader *validation; /* chooses the epoch of the networks that study_train trains; NULL: the last epoch */
    const struct start *start; /* what networks start from; NULL: random numbers */
    const float *model;        /* (parameters_len) of the trained network if a run asks for the study; else NULL */
    const float *standard;     /* the same for the network trained without noise, if a run has it; else NULL */
    const char *data_root;     /* where data are searched first ($DAE_CL_DATA), or NULL */
    const char *folder;        /* where trained models are kept, so that a stopped study can continue */
    bool resume;               /* whether to continue with what is in the folder */
    const volatile sig_atomic_t *stop;
    /* Updates the study's progress bar with the part done, in [0, 1]; or NULL. */
    void (*on_progress)(void *context, double done, const char *what);
    void *context;
    double done, share; /* study_train moves the bar from done to done + share, and updates done */
};

/* The network of the config with some keys replaced, for sweeps. */
struct study_variant {
    struct value *config;
    struct settings settings;
    struct network network;
};

/* `assignments` are "key.path=value" as for --set, ended by NULL. The arena owns the memory. DAE_CONFIG at the
 * place. */
MUST_USE enum dae_status study_variant(const struct study_task *task, const char *const *assignments,
                                       struct study_variant **out, struct error *err);

/* The same with another corruption: `corruption` is a value as for the config's key; a copy of it is used, so that
 * errors have its place. */
MUST_USE enum dae_status study_variant_under(const struct study_task *task, const struct value *corruption,
                                             const char *const *assignments, struct study_variant **out,
                                             struct error *err);
/* Parameters (parameters_len) of the variant, trained on task->train, or without corruption when `corrupt` is false.
 * They are kept as a checkpoint NAME in the folder. With task->resume, a finished network is loaded and an unfinished
 * one continues, unless it has another config, in which case it is trained from scratch. DAE_INTERRUPTED or
 * DAE_TERMINATED after a signal. */
MUST_USE enum dae_status study_train(struct study_task *task, const struct study_variant *variant, bool corrupt,
                                     const char *name, const float **parameters, struct error *err);

/* Moves the bar by a share of the study; `what` says what is done from now on. */
void study_progress(struct study_task *task, double share, const char *what);

/* DAE_INTERRUPTED or DAE_TERMINATED after a signal, for long measurements without study_train and study_pass. */
MUST_USE enum dae_status study_stopped(const struct study_task *task, struct error *err);

/* Takes all samples of `loader` through the variant's network, under its corruption or clean, as model_each does: the
 * training loader with the draws of split 0, any other with those of PHILOX_HELD_OUT. A signal ends it. */
MUST_USE enum dae_status study_pass(const struct study_task *task, const struct study_variant *variant,
                                    const float *parameters, struct loader *loader, bool corrupt, model_visit *visit,
                                    void *context, struct error *err);

/* ---- The table of studies. --------------------------------------------------------------------------------------- */

struct study {
    const char *name;           /* as in YAML and on the command line */
    const char *help;           /* one line */
    const struct dae_row *rows; /* its options, which all have a default; NULL if there are none */
    size_t options_bytes;       /* of the struct that the rows fill */
    bool chooses_noise;         /* adds its own noise to clean samples; not for pairs, whose noise is in the files */
    /* Checks what the rows cannot, before any data or device is touched: DAE_CONFIG at the place, `options` (the map
     * with its defaults, of which `filled` is the struct) or elsewhere in the config if the network lacks what the
     * study needs (a node named `code`, images). May be NULL. */
    enum dae_status (*plan)(const struct study_task *task, const struct value *options, void *filled,
                            struct error *err);
    /* Refuses loaded data that the study cannot use (task also has train_set and test_set), before a device is opened
     * or a network trained: DAE_CONFIG at the place. May be NULL. */
    enum dae_status (*check_data)(const struct study_task *task, struct error *err);
    enum dae_status (*run)(struct study_task *task, const void *options, struct study_result *result,
                           struct error *err);
};

/* In the order of the manual. */
#define STUDIES(X)                                                                                                     \
    X(noise_levels)                                                                                                    \
    X(compare)                                                                                                         \
    X(level_sweep)                                                                                                     \
    X(type_matrix)                                                                                                     \
    X(features)                                                                                                        \
    X(progressive)                                                                                                     \
    X(score)                                                                                                           \
    X(contraction)                                                                                                     \
    X(finance_signal)                                                                                                  \
    X(finance_factors)                                                                                                 \
    X(finance_impute)
#define DECLARE(name) extern const struct study study_##name;
STUDIES(DECLARE)
#undef DECLARE

enum { STUDY_MAX = 32 };

/* Ends with NULL; at most STUDY_MAX. */
extern const struct study *const studies[];

/* DAE_CONFIG at the mark: "no study is called 'nois_levels' (did you mean 'noise_levels'?)". */
MUST_USE enum dae_status study_find(const char *name, struct mark mark, const struct study **study, struct error *err);

/* A study with its options, ready to run. */
struct study_plan {
    const struct study *study;
    void *options;
};

/* Makes the map of `studies:` out of a list, so that studies.NAME.key is a place in every config. DAE_CONFIG for what
 * is neither, and for a study that is listed twice. Does nothing when there is no such key. */
MUST_USE enum dae_status study_tidy(struct value *config, struct arena *arena, struct error *err);

/* Plans one study with the options that the config has for it, or with defaults, which are written back. `task` has all
 * that needs neither data nor device: registry, arena, config, settings, network. */
MUST_USE enum dae_status study_plan_one(const struct study_task *task, const struct study *study,
                                        struct study_plan *plan, struct error *err);
/* Asks each of n studies whether the data will do. */
MUST_USE enum dae_status study_check_data(const struct study_task *task, const struct study_plan *plans, int n,
                                          struct error *err);
/* Plans all that the config names, in its order. */
MUST_USE enum dae_status study_plan_all(const struct study_task *task, struct study_plan plans[STUDY_MAX], int *n,
                                        struct error *err);

#endif
