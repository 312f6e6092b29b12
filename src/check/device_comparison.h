/* Compares one network on two devices, node by node, on the same data. */
#ifndef CHECK_DEVICE_COMPARISON_H
#define CHECK_DEVICE_COMPARISON_H

#include "check/verify.h"

/* Fills the report with the differences of the two devices: those of each node's values, minus what the difference of
 * its inputs explains according to the reference, those of masks, which must be equal bit for bit, and those of each
 * gradient. Rows are in the order of the network: the first failed one names the node where the devices diverge, and
 * its note says which of the two is further from the reference. The bound is the sum of both devices' own bounds. */
MUST_USE enum dae_status device_comparison_run(struct device *const device[2], const struct network *network,
                                               const struct verify_options *options, struct arena *arena,
                                               struct verify_report *report, struct error *err);

#endif
