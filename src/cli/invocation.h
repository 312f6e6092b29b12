/* What the user asked of one subcommand: the parsed command line, and what most subcommands open from it. */
#ifndef CLI_INVOCATION_H
#define CLI_INVOCATION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/rows.h"
#include "device/device.h"
#include "graph/registry.h"
#include "train/multi_device.h"

struct command;

/* Made by command_parse; texts are borrowed from argv. */
struct invocation {
    const struct command *command;
    const char **argument; /* n_arguments of them, as many as the command takes */
    int n_arguments;
    struct given {
        const char *name;  /* of the option, borrowed from the command's table */
        const char *value; /* NULL for a flag */
    } * option;            /* n_options of them, in the order given */
    int n_options;
};

/* Options by the name in the command's table, without dashes. */
bool invocation_has(const struct invocation *invocation, const char *name);
/* The value given last, or NULL. */
const char *invocation_value(const struct invocation *invocation, const char *name);
/* How often it was given, and the value given `index`-th, from 0. */
int invocation_count(const struct invocation *invocation, const char *name);
const char *invocation_nth(const struct invocation *invocation, const char *name, int index);

/* Parses the YAML file `path`, which must hold a map, and carries out every --set. The tree lives in the arena.
 * DAE_CONFIG at the place of what is wrong. */
MUST_USE enum dae_status invocation_config(const struct invocation *invocation, const char *path, struct arena *arena,
                                           struct value **config, struct error *err);

/* Loads the plugins of the build tree, or else the installed ones, then those of each --plugins folder.
 * Owned by the caller: registry_close. */
MUST_USE enum dae_status invocation_registry(const struct invocation *invocation, struct registry **registry,
                                             struct error *err);

/* The keys of the map `device`. */
extern const struct dae_row invocation_device_rows[];

/* Which device is meant, and how it is to be used. Texts are borrowed from argv, the environment or the tree. */
struct device_request {
    const char *platform; /* for driver_open */
    const char *asked_by; /* where that word comes from, "$DAE_CL_PLATFORM"; NULL when nobody asked */
    struct tuning_request tuning;
};

/* The platform: --platform, else $DAE_CL_PLATFORM, else the config's `device`, else automatic. Shape and GEMM: the
 * config's `device`. Pure, so that a wrong `device` is found before any OpenCL call. config may be NULL. */
MUST_USE enum dae_status invocation_request(const struct invocation *invocation, const struct value *config,
                                            struct device_request *request, struct error *err);

/* Opens the device that invocation_request names, and prints its notices. Owned by the caller: invocation_close. */
MUST_USE enum dae_status invocation_device(const struct invocation *invocation, const struct value *config,
                                           struct device **device, struct error *err);
/* The same for a list of names, NAME,NAME: *n devices, at most MULTI_DEVICE_MAX, no two the same (DAE_CONFIG). The
 * caller closes those that are not NULL, after a failure too. */
MUST_USE enum dae_status invocation_devices(const struct invocation *invocation, const struct value *config,
                                            struct device *device[MULTI_DEVICE_MAX], int *n, struct error *err);
/* Prints the notices that came up while the device was used, and closes it. NULL is fine. */
void invocation_close(struct device *device);

#endif
