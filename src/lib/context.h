/* What every function of the library shares: the context, its error, the caller's callbacks and locale. */
#ifndef LIB_CONTEXT_H
#define LIB_CONTEXT_H

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "config/value.h"
#include "dae/dae.h"
#include "device/device.h"
#include "graph/network.h"
#include "graph/registry.h"
#include "train/settings.h"

/* The options of dae_open. */
struct context_options {
    const struct value *device, *plugins; /* NULL: not given */
    int64_t memory;                       /* MiB */
    bool trust_device;
};

/* The caller's callbacks. */
struct listener {
    void (*log)(void *user, const char *line);
    void *log_user;
    int (*progress)(void *user, double done);
    void *progress_user;
    double told_at; /* seconds: when progress was called last */
    int cancelled;  /* another thread sets it: read and written atomically */
};

struct dae_context {
    struct error err;
    char place[1024]; /* of the error: the name */
    struct arena arena;
    struct context_options options;
    struct registry *registry; /* NULL: dae_open failed */
    const char *prober;        /* the program that probes drivers; NULL: there is none */
    struct listener listener;
};

/* At the start of each public function that works: numbers in texts are read and written in the C locale by this thread
 * until the function returns. The context's last error is forgotten. */
struct visit {
    locale_t before;
};
struct visit context_enter(struct dae_context *context);
void context_leave(struct visit *visit);
#define ENTER(context) struct visit visit __attribute__((unused)) CLEANUP(context_leave) = context_enter(context)
/* The same for functions that close something, which keep the error. */
struct visit context_enter_to_close(void);
#define ENTER_TO_CLOSE() struct visit visit __attribute__((unused)) CLEANUP(context_leave) = context_enter_to_close()

/* Tells the caller a line, or several that each end with a newline; in the caller's locale. */
void listener_log(const struct listener *listener, const char *lines);
/* Tells how much is done, at most some times a second. DAE_INTERRUPTED once the caller has cancelled. */
MUST_USE enum dae_status listener_progress(struct listener *listener, double done, struct error *err);

/* Parses a config, a text that messages call "config". Without the key `data`, the samples come from the caller.
 * DAE_CONFIG at the place, and for a context that could not be opened. */
MUST_USE enum dae_status context_read_config(const struct dae_context *context, const char *text, struct arena *arena,
                                             struct value **config, struct error *err);

/* Opens and checks the device that the options, $DAE_CL_PLATFORM or the config ask for. The caller owns it:
 * context_close_device. */
MUST_USE enum dae_status context_open_device(struct dae_context *context, const struct value *config,
                                             const struct network *network, const struct settings *settings,
                                             struct device **device, struct error *err);
/* The same without the check. */
MUST_USE enum dae_status context_open_unchecked(struct dae_context *context, const struct value *config,
                                                struct device **device, struct error *err);
/* Tells the device's last notices, and closes it. NULL is fine. */
void context_close_device(struct dae_context *context, struct device *device);

/* Finishes a public function that returns a text: *json is the printed value, which is freed. */
MUST_USE enum dae_status context_print(cJSON *value, char **json, struct error *err);

#endif
