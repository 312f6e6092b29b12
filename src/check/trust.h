/* Whether the numbers of a device can be trusted: it is checked at its first use, and the verdict is remembered. */
#ifndef CHECK_TRUST_H
#define CHECK_TRUST_H

#include "check/verify.h"
#include "graph/network.h"
#include "train/settings.h"

struct trust_options {
    bool use_anyway;             /* a device that computes wrong numbers is used with a warning */
    const char *choose, *anyway; /* how the user chooses another device, and how to use this one: "--platform" */
    void (*say)(void *context, const char *line); /* gets each line without its newline */
    void *context;
};

/* Looks up the verdict on this device, driver and version of dae-cl. If there is none, runs the quick check with this
 * network, says so in one line, and remembers the verdict. A check that proves nothing about the device (the config
 * diverges, or the failing network has a foreign plugin) is void: it says so, and nothing is remembered. A device that
 * failed, now or before, is DAE_OPENCL with what differed and what to do, or only a line of warning. Call it before
 * data go to the device. */
MUST_USE enum dae_status trust_check(const struct trust_options *options, const struct network *network,
                                     const struct settings *settings, struct device *device, struct error *err);

/* The plugin that is not part of dae-cl (plugin->stranger) and is the likeliest cause of a failed row, or of a failure
 * in general if row is NULL: the optimiser for an update; else the first from the row's node on, because a gradient
 * passes through the layers after it. NULL if all plugins are part of dae-cl. */
const struct plugin *trust_stranger(const struct network *network, const struct settings *settings,
                                    const struct verify_row *row);
/* What to look at in that plugin after a row failed: ": its y, or forward, disagrees with its reference"; or "". */
const char *trust_suspect(const struct verify_row *row, const struct plugin *stranger);

/* The first row that failed, or else the first that is void; or NULL. */
const struct verify_row *trust_fault(const struct verify_report *report);

/* Remembers that the device passed the whole verification, which replaces an earlier verdict. */
MUST_USE enum dae_status trust_remember_pass(const struct device *device, struct error *err);

/* Whether the config's data are bytes, as far as its source says; else floats. */
bool trust_data_are_bytes(const struct settings *settings);

/* "conv2d_1.weight: gradient off by 0.3, the bound is 0.001". */
void trust_describe(const struct verify_row *row, char *text, size_t len);

#endif
