/* The parsed command line of a subcommand, and what most subcommands open from it. */
#ifndef CLI_INVOCATION_H
#define CLI_INVOCATION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/rows.h"
#include "device/device.h"
#include "driver/request.h"
#include "graph/registry.h"
#include "train/multi_device.h"
#include "train/settings.h"

struct command;

/* Made by command_parse; texts are borrowed from argv. */
struct invocation {
    const struct command *command;
    const char **argument; /* n_arguments of them, as many as the command accepts */
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
/* How often the option was given, and its value number `index`, from 0. */
int invocation_count(const struct invocation *invocation, const char *name);
const char *invocation_nth(const struct invocation *invocation, const char *name, int index);

/* Parses the YAML file `path`, or the config of that name (cli/shipped.h), which must contain a map, and applies every
 * --set. The tree is in the arena, and its mark names the file. DAE_CONFIG at the place of the error. */
MUST_USE enum dae_status invocation_config(const struct invocation *invocation, const char *path, struct arena *arena,
                                           struct value **config, struct error *err);

/* Loads the plugins of the build tree, or else the installed ones, then those of each --plugins folder. The caller owns
 * the registry: registry_close. */
MUST_USE enum dae_status invocation_registry(const struct invocation *invocation, struct registry **registry,
                                             struct error *err);

/* The platform: --platform, else $DAE_CL_PLATFORM, else the config's `device`, else automatic. Shape and GEMM: the
 * config's `device`. Pure, so that an invalid `device` is found before any OpenCL call. config may be NULL. */
MUST_USE enum dae_status invocation_request(const struct invocation *invocation, const struct value *config,
                                            struct device_request *request, struct error *err);

/* Opens the device that invocation_request names, and prints its notices. The caller owns it: invocation_close. */
MUST_USE enum dae_status invocation_device(const struct invocation *invocation, const struct value *config,
                                           struct device **device, struct error *err);
/* The same for a list of names, NAME,NAME: *n devices, at most MULTI_DEVICE_MAX, no two the same (DAE_CONFIG). The
 * caller closes those that are not NULL, also after a failure. */
MUST_USE enum dae_status invocation_devices(const struct invocation *invocation, const struct value *config,
                                            struct device *device[MULTI_DEVICE_MAX], int *n, struct error *err);
/* Of such a list only number `number`, counted around: the device of a rank. */
MUST_USE enum dae_status invocation_device_of(const struct invocation *invocation, const struct value *config,
                                              int number, struct device **device, struct error *err);
/* Checks that the device can be trusted (check/trust.h), and prints what is found. A driver that hangs in the check
 * ends the program. */
MUST_USE enum dae_status invocation_trust(const struct invocation *invocation, const struct network *network,
                                          const struct settings *settings, struct device *device, struct error *err);

/* The same, and then measures a few sizes of tiles if the device has not been measured (check/first_tuning.h). Not for
 * ranks. */
MUST_USE enum dae_status invocation_trust_and_tune(const struct invocation *invocation, const struct network *network,
                                                   const struct settings *settings, struct device *device,
                                                   struct error *err);

/* Prints the device's new notices and closes it. NULL is fine. */
void invocation_close(struct device *device);

#endif
