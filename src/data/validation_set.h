/* Samples held out of the training set, to judge epochs by: neither trained on nor those of the test set, which is
 * looked at when all is decided. */
#ifndef DATA_VALIDATION_SET_H
#define DATA_VALIDATION_SET_H

#include "config/fields.h"
#include "data/dataset.h"

/* Whether the `data` map asks for one. */
bool validation_set_wanted(const struct value *data_section);
/* What is asked for is a number of samples, or a part below 1 of them: else DAE_CONFIG at its place. */
MUST_USE enum dae_status validation_set_check(const struct value *data_section, struct error *err);

/* Moves samples, or whole images, from `train` to `validation`, which gets n_patches patches then; it stays empty when
 * none are asked for. Windows of a panel that share rows with those held out go from both. The caller releases. Not one
 * sample left to train on: DAE_CONFIG at the place; DAE_NO_MEMORY. */
MUST_USE enum dae_status validation_set_take(const struct value *data_section, int64_t n_patches, struct dataset *train,
                                             struct dataset *validation, struct error *err);

#endif
