/* The data of a run, resident on the host: where it is found, how it is checked, and what a sample is. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/tree.h"
#include "dae/plugin.h"
#include "data/dataset_options.h"
#include "data/panel/panel_columns.h"
#include "data/panel/panel_source.h"

enum dataset_kind {
    DATASET_UINT8, /* to be divided by 255 */
    DATASET_FLOAT, /* as it is */
};

/* One split. Zero-initialise; loaded by dataset_load, freed by dataset_release. */
struct dataset {
    int64_t n;              /* samples, at least 1 */
    struct dae_shape shape; /* of one sample, channels last: (H,W,C), or (N) */
    enum dataset_kind kind;
    void *values;       /* (n, shape) uint8_t or float, finite but for holes, which are NaN; malloc'ed */
    size_t block_bytes; /* above 0: `values` is a block of images (image_pool.h), and samples are patches of them */
    char *image_names;  /* of such a block: (images) texts one behind the other; NULL: they have none; malloc'ed */
    char *hole;         /* where the first hole is, in words; NULL: there is none; malloc'ed */
    struct mark mark;   /* of the source in the config, for messages about holes */
    struct panel_columns *columns; /* of a panel's training samples; else NULL; malloc'ed */
    uint8_t *labels;               /* (n), or NULL; malloc'ed */
    int64_t memory_bytes;          /* of the device that the samples may take; 0: as much as there is */
    uint32_t checksum;             /* of the training samples as they were loaded: CRC-32 of `values` */
};

/* One line for the user, empty when there is nothing to say. */
struct dataset_notice {
    char text[1024];
};

/* Loads both splits as the `data` map of a config says; dataset_keys lists what it may say. data_root is $DAE_CL_DATA,
 * or NULL; MNIST is looked for in its folder mnist/, then in ./data, the user's data folder and the installed one.
 * IDX and NPY arrays (n,d) give samples (d), (n,h,w) give (h,w,1), (n,h,w,c) give (h,w,c). Panels give windows of rows,
 * flattened and standardised: see panel_samples.h.
 * On success the caller releases both. A wrong map: DAE_CONFIG at its place; missing MNIST without a fallback, damaged
 * files, an empty set, unequal counts or shapes, NaN or infinity: DAE_BAD_DATA; missing files: DAE_IO; DAE_NO_MEMORY.
 */
MUST_USE enum dae_status dataset_load(const struct value *data_section, const char *data_root, struct dataset *train,
                                      struct dataset *test, struct dataset_notice *notice, struct error *err);

/* Checks the map alone, without looking for any file. DAE_CONFIG at its place. */
MUST_USE enum dae_status dataset_check(const struct value *data_section, struct error *err);

/* Which of the sets in the plane (data/plane.h) the map asks for, and the scale of a spiral. DAE_CONFIG. */
enum dataset_plane { DATASET_NO_PLANE, DATASET_MIXTURE, DATASET_SPIRAL };
MUST_USE enum dae_status dataset_plane(const struct value *data_section, enum dataset_plane *plane, double *scale,
                                       struct error *err);

/* The panel that the section names, as it came, with its split and clip, for what works on days and not on samples. On
 * success the caller releases. Another source, or a window of several rows: DAE_CONFIG at the source. */
MUST_USE enum dae_status dataset_panel(const struct value *data_section, const char *data_root, struct panel_data *data,
                                       double *clip, struct error *err);

void dataset_release(struct dataset *set);

/* Bytes of one sample, and of all `values`. */
size_t dataset_sample_bytes(const struct dataset *set);
size_t dataset_bytes(const struct dataset *set);

/* Decodes sample i, 0 <= i < n, into x (shape): bytes over 255, floats as they are. */
void dataset_value(const struct dataset *set, int64_t i, float *x);

#endif
