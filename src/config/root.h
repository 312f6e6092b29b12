/* The top level of a config. Each map below it belongs to the floor that reads it. */
#ifndef CONFIG_ROOT_H
#define CONFIG_ROOT_H

#include "config/rows.h"

struct root {
    const char *name;
    int64_t seed;
    const struct value *device, *data, *corruption, *model, *train, *studies; /* NULL: absent */
    uint32_t compare;                                                         /* bits of enum root_compare */
};

enum root_compare {
    ROOT_STANDARD_AE = 1,
    ROOT_AFFINE = 2,
    ROOT_PCA = 4,
    ROOT_WIENER = 8,
    ROOT_MEDIAN = 16,
    ROOT_SAVITZKY_GOLAY = 32,
    ROOT_BAND_PASS = 64,
    ROOT_MEDIAN_3D = 128,
    ROOT_GAUSSIAN_3D = 256,
};

extern const struct dae_row root_rows[];

#endif
