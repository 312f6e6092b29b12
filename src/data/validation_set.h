/* Samples held out of the training set to judge epochs by. They are neither trained on nor test samples, which are used
 * only after all decisions. */
#ifndef DATA_VALIDATION_SET_H
#define DATA_VALIDATION_SET_H

#include "config/fields.h"
#include "data/dataset.h"

/* Whether the `data` map asks for one. */
bool validation_set_wanted(const struct value *data_section);
/* DAE_CONFIG at its place unless the value is a number of samples, or a part of them below 1. */
MUST_USE enum dae_status validation_set_check(const struct value *data_section, struct error *err);

/* Moves samples, or whole images, from `train` to `validation`, which then gets n_patches patches; it stays empty if
 * none are asked for. Windows of a panel that share rows with those held out are dropped from both. The caller releases
 * the sets. DAE_CONFIG at the place if no sample is left to train on; DAE_NO_MEMORY. */
MUST_USE enum dae_status validation_set_take(const struct value *data_section, int64_t n_patches, struct dataset *train,
                                             struct dataset *validation, struct error *err);

#endif
