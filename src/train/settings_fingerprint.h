/* What decides the bytes of a training, as text that a checkpoint keeps: a line for each setting,
 * "model.layers.0.conv2d.pad: 1", with " # default" at its end if that is what the setting is unless given.
 *
 * A setting at its default that the other fingerprint lacks makes no difference, so an option that a plugin gets later
 * does not stop the checkpoints that were written before, as long as its default does what was done without it. A
 * default that has changed makes one, because both fingerprints have the setting. */
#ifndef TRAIN_SETTINGS_FINGERPRINT_H
#define TRAIN_SETTINGS_FINGERPRINT_H

#include "base/error.h"
#include "base/text.h"
#include "config/value.h"
#include "data/dataset.h"

/* Appends the fingerprint: a part of the resolved config, and a checksum of the training samples, because files may
 * change or be replaced by generated data. `corrupt` distinguishes a denoising run from a standard one. DAE_NO_MEMORY,
 * DAE_CONFIG if the config is too large. */
MUST_USE enum dae_status settings_fingerprint(const struct value *config, const struct dataset *train_set, bool corrupt,
                                              struct text *text, struct error *err);

/* Appends the first setting in which two fingerprints differ, as "seed: 2"; nothing if trainings with them may continue
 * each other's checkpoints. Settings that decide no training step by themselves are not compared: how files are called
 * and how many rows of them are used, which the checksum of the samples covers, the test set, and the name of the code.
 * `then` may be of a version that wrote fingerprints as YAML. DAE_NO_MEMORY. */
MUST_USE enum dae_status settings_fingerprint_difference(const char *then, const char *now, struct text *difference,
                                                         struct error *err);

#endif
