#include "config/root.h"

const struct dae_row root_rows[] = {
    ROW_OF(struct root, name, ROW_NAME, "run", NULL, "name of the run; letters, digits, _ . and -"),
    DAE_INT(struct root, seed, 1, 0, INFINITY, "seed of every random draw: initial weights, order of samples, noise"),
    ROW_OF(struct root, device, ROW_VALUE, "", "text or map",
           "the OpenCL device, written as for --platform, or the map below; chosen automatically if not given"),
    ROW_OF(struct root, data, ROW_VALUE, NULL, "map", "where the samples come from"),
    ROW_OF(struct root, corruption, ROW_VALUE, "", "corruption, or list of them",
           "what is done to the clean input, in this order; `one_of: [corruptions]` in place of a corruption picks one "
           "for each sample"),
    ROW_OF(struct root, model, ROW_VALUE, NULL, "map", "the network"),
    ROW_OF(struct root, train, ROW_VALUE, NULL, "map", "how it is trained"),
    ROW_OF(struct root, compare, ROW_WORDS, "",
           "standard_ae|affine|pca|wiener|median|savitzky_golay|band_pass|median_3d|gaussian_3d",
           "baselines to train and to compare with the network"),
    ROW_OF(struct root, studies, ROW_VALUE, "", "list of studies, or map",
           "experiments on the trained network, each a name or `NAME: {options}`; see Studies below"),
    {.key = NULL},
};
