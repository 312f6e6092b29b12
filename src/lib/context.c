#define _GNU_SOURCE /* uselocale */
#include "lib/context.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "check/first_tuning.h"
#include "check/trust.h"
#include "config/rows.h"
#include "config/tree.h"
#include "driver/driver.h"
#include "driver/probe.h"
#include "driver/request.h"
#include "lib/place.h"

static const double telling_seconds = 0.05;

const char *dae_version(void)
{
    return DAE_CL_VERSION;
}

const char *dae_status_text(enum dae_status status)
{
    return status_text(status);
}

void dae_free(char *text)
{
    free(text);
}

/* ---- Entering and leaving. --------------------------------------------------------------------------------------- */

static locale_t plain;                 /* the C locale; (locale_t)0 when out of memory */
static _Thread_local locale_t outside; /* the caller's */

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

struct visit context_enter_to_close(void)
{
    outside = uselocale(plain);
    return (struct visit){outside};
}

struct visit context_enter(struct dae_context *context)
{
    context->err = (struct error){0};
    return context_enter_to_close();
}

void context_leave(struct visit *visit)
{
    uselocale(visit->before);
}

static void call_log(const struct listener *listener, const char *line)
{
    const locale_t own = uselocale(outside), kept = outside;
    listener->log(listener->log_user, line);
    uselocale(own);
    outside = kept; /* the callback may have entered */
}

void listener_log(const struct listener *listener, const char *lines)
{
    while (listener->log && *lines) {
        const size_t len = strcspn(lines, "\n");
        char *line CLEANUP(cleanup_free) = strndup(lines, len);
        if (line && len > 0)
            call_log(listener, line);
        lines += len + (lines[len] == '\n');
    }
}

enum dae_status listener_progress(struct listener *listener, double done, struct error *err)
{
    const double now = clock_seconds();
    if (listener->progress && now - listener->told_at >= telling_seconds) {
        listener->told_at = now;
        const locale_t own = uselocale(outside), kept = outside;
        if (listener->progress(listener->progress_user, done) != 0)
            __atomic_store_n(&listener->cancelled, 1, __ATOMIC_RELAXED);
        uselocale(own);
        outside = kept;
    }
    if (!__atomic_load_n(&listener->cancelled, __ATOMIC_RELAXED))
        return DAE_OK;
    return error_stopped(err, SIGINT, "cancelled");
}

enum dae_status context_print(cJSON *value, char **json, struct error *err)
{
    struct text text = {0};
    const enum dae_status status = json_print(value, true, "JSON", &text, err);
    cJSON_Delete(value);
    if (status != DAE_OK)
        text_release(&text);
    *json = text.data;
    return status;
}

/* ---- Opening. ---------------------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static int n_open;                                       /* contexts; the last to close remembers what was compiled */

static const struct dae_row option_rows[] = {
    ROW_OF(struct context_options, device, ROW_VALUE, "", "device", "the device, as in a config"),
    ROW_OF(struct context_options, plugins, ROW_VALUE, "", "folders", "list of further folders with plugins"),
    DAE_INT(struct context_options, memory, 256, 1, 1 << 24, "MiB of the device for tiles of images"),
    DAE_BOOL(struct context_options, trust_device, false, "whether to use a device that computes wrong numbers"),
    {.key = NULL},
};

static enum dae_status read_options(struct dae_context *context, const char *text, struct error *err)
{
    struct value *map;
    TRY(tree_parse_text("options", text, strlen(text), &context->arena, &map, err));
    if (value_is_nothing(map) && !(map = value_map_new(&context->arena)))
        return error_no_memory(err, "options", 0);
    TRY(field_map(map, err));
    TRY(rows_read(map, option_rows, "options", &context->arena, &context->options, err));
    struct device_request unused;
    return device_request_read(context->options.device, &unused, err);
}

static enum dae_status load_plugins(struct dae_context *context, struct error *err)
{
    const struct value *list = context->options.plugins;
    const int n = list ? list->n : 0;
    if (list)
        TRY(field_list(list, 0, -1, err));
    const char **folder = arena_array(&context->arena, (size_t)n + 1, sizeof *folder);
    if (!folder)
        return error_no_memory(err, "plugin folders", 0);
    TRY(place_find_plugins(&context->arena, &folder[0], err));
    for (int i = 0; i < n; ++i)
        TRY(field_text(list->items[i], &folder[i + 1], err));
    return registry_open(folder, n + 1, &context->registry, err);
}

static enum dae_status open_context(struct dae_context *context, const char *options, struct error *err)
{
    TRY(read_options(context, options ? options : "{}", err));
    TRY(place_find_prober(&context->arena, &context->prober, err));
    return load_plugins(context, err);
}

enum dae_status dae_open(const char *options, struct dae_context **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain);
    struct dae_context *context = plain ? calloc(1, sizeof *context) : NULL;
    *out = context;
    if (!context)
        return DAE_NO_MEMORY;
    pthread_mutex_lock(&lock);
    ++n_open;
    pthread_mutex_unlock(&lock);
    ENTER(context);
    return open_context(context, options, &context->err);
}

void dae_close(struct dae_context *context)
{
    if (!context)
        return;
    ENTER_TO_CLOSE();
    pthread_mutex_lock(&lock);
    if (--n_open == 0)
        driver_finish();
    pthread_mutex_unlock(&lock);
    registry_close(context->registry);
    arena_release(&context->arena);
    free(context);
}

static void skip_prefix(const char **text)
{
    static const char prefix[] = "dae-cl: error: ";
    if (strncmp(*text, prefix, strlen(prefix)) == 0)
        *text += strlen(prefix);
}

const char *dae_error(const struct dae_context *context)
{
    const char *text = context ? context->err.text : "out of memory";
    skip_prefix(&text);
    return text;
}

const char *dae_error_place(const struct dae_context *context, int *line, int *column)
{
    struct dae_context *c = (struct dae_context *)context; /* it only keeps the name */
    *line = *column = 0;
    return c && error_place(&c->err, c->place, sizeof c->place, line, column) ? c->place : NULL;
}

void dae_set_log(struct dae_context *context, void (*log)(void *user, const char *line), void *user)
{
    context->listener.log = log;
    context->listener.log_user = user;
}

void dae_set_progress(struct dae_context *context, int (*progress)(void *user, double done), void *user)
{
    context->listener.progress = progress;
    context->listener.progress_user = user;
}

void dae_cancel(struct dae_context *context)
{
    __atomic_store_n(&context->listener.cancelled, 1, __ATOMIC_RELAXED);
}

enum dae_status context_read_config(const struct dae_context *context, const char *text, struct arena *arena,
                                    struct value **config, struct error *err)
{
    if (!context->registry)
        return error_set(err, DAE_CONFIG, "the context could not be opened");
    TRY(tree_parse_text("config", text, strlen(text), arena, config, err));
    TRY(field_map(*config, err));
    if (value_map_get(*config, "data"))
        return DAE_OK;
    struct value *data = value_map_new(arena);
    const bool put = data && value_map_put(arena, data, "source", value_scalar_new(arena, "memory", false)) &&
                     value_map_put(arena, *config, "data", data);
    return put ? DAE_OK : error_no_memory(err, "config", 0);
}

/* ---- Devices. ---------------------------------------------------------------------------------------------------- */

enum { N_SIGNALS = 64 };

/* Drivers set signal handlers when they are loaded, and their threads inherit the mask of the thread that loads them.
 * The host's handlers come back, and its signals stay out of those threads. */
struct signals {
    struct sigaction action[N_SIGNALS + 1];
    bool known[N_SIGNALS + 1];
    sigset_t mask;
};

static void keep_signals(struct signals *kept)
{
    sigset_t all;
    sigfillset(&all);
    pthread_mutex_lock(&lock);
    pthread_sigmask(SIG_SETMASK, &all, &kept->mask);
    for (int i = 1; i <= N_SIGNALS; ++i)
        kept->known[i] = sigaction(i, NULL, &kept->action[i]) == 0;
}

static void restore_signals(const struct signals *kept)
{
    for (int i = 1; i <= N_SIGNALS; ++i) {
        struct sigaction now;
        if (kept->known[i] && sigaction(i, NULL, &now) == 0 && now.sa_handler != kept->action[i].sa_handler)
            sigaction(i, &kept->action[i], NULL);
    }
    pthread_sigmask(SIG_SETMASK, &kept->mask, NULL);
    pthread_mutex_unlock(&lock);
}

static enum dae_status read_request(const struct dae_context *context, const struct value *config,
                                    struct device_request *request, struct error *err)
{
    const struct value *own = context->options.device;
    const char *environment = getenv("DAE_CL_PLATFORM");
    TRY(device_request_read(own ? own : value_map_get(config, "device"), request, err));
    if (own) {
        request->asked_by = "the option `device`";
    } else if (environment && *environment) {
        request->platform = environment;
        request->asked_by = "$DAE_CL_PLATFORM";
    }
    if (request->platform && strchr(request->platform, ','))
        return error_set(err, DAE_CONFIG, "'%s' (from %s) names several devices; the library uses one",
                         request->platform, request->asked_by);
    return DAE_OK;
}

enum dae_status context_open_unchecked(struct dae_context *context, const struct value *config, struct device **device,
                                       struct error *err)
{
    struct device_request request;
    struct signals signals;
    *device = NULL;
    TRY(read_request(context, config, &request, err));
    keep_signals(&signals);
    probe_by_program(context->prober);
    const enum dae_status status = driver_open(request.platform, &request.tuning, device, err);
    restore_signals(&signals);
    if (status != DAE_OK && request.asked_by)
        error_note(err, "'%s' comes from %s", request.platform, request.asked_by);
    if (status == DAE_OK)
        listener_log(&context->listener, device_new_notices(*device));
    return status;
}

static void say(void *listener, const char *line)
{
    listener_log(listener, line);
}

enum dae_status context_open_device(struct dae_context *context, const struct value *config,
                                    const struct network *network, const struct settings *settings,
                                    struct device **device, struct error *err)
{
    const struct trust_options options = {
        .use_anyway = context->options.trust_device,
        .choose = "the option `device`",
        .anyway = "the option `trust_device`",
        .say = say,
        .context = &context->listener,
    };
    TRY(context_open_unchecked(context, config, device, err));
    listener_log(&context->listener, device_line(*device));
    TRY(trust_check(&options, network, settings, *device, err));
    first_tuning(*device, network, settings, NULL, say, &context->listener);
    return DAE_OK;
}

void context_close_device(struct dae_context *context, struct device *device)
{
    if (device)
        listener_log(&context->listener, device_new_notices(device));
    device_close(device);
}

enum dae_status dae_devices(struct dae_context *context, char **json)
{
    struct platform_list list;
    struct signals signals;
    *json = NULL;
    ENTER(context);
    struct error *err = &context->err;
    keep_signals(&signals);
    probe_by_program(context->prober);
    enum dae_status status = driver_expect(NULL, err);
    if (status == DAE_OK)
        status = driver_list_devices(&list, err);
    restore_signals(&signals);
    TRY(status);
    for (int i = 0; i < list.n_notices; ++i)
        listener_log(&context->listener, list.notice[i]);
    status = context_print(driver_list_json(&list), json, err);
    platform_list_release(&list);
    return status;
}
