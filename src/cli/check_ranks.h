/* What `check` says about several ranks. */
#ifndef CLI_CHECK_RANKS_H
#define CLI_CHECK_RANKS_H

#include "base/json.h"
#include "cli/command.h"
#include "graph/network.h"
#include "train/exchange_cost.h"

/* --ranks, --network and --images-per-second. */
struct check_ranks {
    int ranks; /* 0: nothing was asked */
    struct network_link link;
    const char *network;      /* as it was given */
    double images_per_second; /* of one rank; 0: not given */
    struct exchange_cost cost;
};

extern const struct command_option option_check_ranks, option_network, option_images_per_second;

/* Reads and predicts. DAE_CONFIG for numbers that are none, more ranks than parts, or a part of the options. */
MUST_USE enum dae_status check_ranks_read(const struct invocation *invocation, const struct network *network,
                                          const struct settings *settings, struct check_ranks *ranks,
                                          struct error *err);
void check_ranks_print(const struct check_ranks *ranks, const struct settings *settings);
void check_ranks_json(const struct check_ranks *ranks, const struct settings *settings, cJSON *object);

#endif
