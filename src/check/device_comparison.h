/* One network on two devices, node by node, on the same data. */
#ifndef CHECK_DEVICE_COMPARISON_H
#define CHECK_DEVICE_COMPARISON_H

#include "check/verify.h"

/* Fills the report with what the two devices differ by: each node's values, less what the difference of its inputs
 * explains (the reference tells how much that is), and masks, which must be equal bit for bit; then each gradient.
 * Rows come in the order of the network: the first failed one names the node where the devices part. Its note says
 * which of the two is further from the reference. The bound is the sum of both devices' own bounds. */
MUST_USE enum dae_status device_comparison_run(struct device *const device[2], const struct network *network,
                                               const struct verify_options *options, struct arena *arena,
                                               struct verify_report *report, struct error *err);

#endif
