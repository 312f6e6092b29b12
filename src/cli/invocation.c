#include "cli/invocation.h"
#include "cli/output.h"
#include "cli/stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/first_tuning.h"
#include "check/trust.h"
#include "cli/command.h"
#include "cli/driver_guard.h"
#include "cli/installed.h"
#include "cli/shipped.h"
#include "config/tree.h"
#include "driver/driver.h"
#include "study/study.h"

enum { TRUST_PATIENCE = 300 }; /* seconds; a check takes some, and a compiler on a busy machine a minute */

int invocation_count(const struct invocation *invocation, const char *name)
{
    int n = 0;
    for (int i = 0; i < invocation->n_options; ++i)
        n += strcmp(invocation->option[i].name, name) == 0;
    return n;
}

const char *invocation_nth(const struct invocation *invocation, const char *name, int index)
{
    for (int i = 0; i < invocation->n_options; ++i)
        if (strcmp(invocation->option[i].name, name) == 0 && index-- == 0)
            return invocation->option[i].value;
    return NULL;
}

bool invocation_has(const struct invocation *invocation, const char *name)
{
    return invocation_count(invocation, name) > 0;
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
    return invocation_nth(invocation, name, invocation_count(invocation, name) - 1);
}

enum dae_status invocation_config(const struct invocation *invocation, const char *path, struct arena *arena,
                                  struct value **config, struct error *err)
{
    TRY(shipped_config(path, arena, &path, err));
    const enum dae_status status = tree_parse_file(path, arena, config, err);
    if (status != DAE_OK) {
        shipped_note_path(path, err);
        return status;
    }
    TRY(field_map(*config, err));
    for (int i = 0; i < invocation_count(invocation, "set"); ++i) {
        TRY(study_tidy(*config, arena, err)); /* so that studies.NAME.key exists for --set */
        TRY(tree_set(*config, invocation_nth(invocation, "set", i), arena, err));
    }
    return DAE_OK;
}

/* The folder of this program's plugins. */
static const char *own_plugins(struct arena *arena, struct error *err)
{
    const char *place[INSTALLED_PLACES], *folder = installed_plugins(arena, place);
    if (folder)
        return folder;
    enum dae_status status = error_set(err, DAE_PLUGIN, "there is no plugin folder; build with make, or make install");
    for (int i = 0; i < INSTALLED_PLACES; ++i)
        if (status == DAE_PLUGIN && place[i])
            error_note(err, "looked for %s", place[i]);
    return NULL;
}

enum dae_status invocation_registry(const struct invocation *invocation, struct registry **registry, struct error *err)
{
    *registry = NULL;
    struct arena arena = {0};
    int n_extra = invocation_count(invocation, "plugins");
    const char **folders = arena_array(&arena, (size_t)n_extra + 1, sizeof *folders);
    if (!folders)
        return error_no_memory(err, "plugin folders", (unsigned long long)n_extra * sizeof *folders);
    folders[0] = own_plugins(&arena, err);
    for (int i = 0; i < n_extra; ++i)
        folders[i + 1] = invocation_nth(invocation, "plugins", i);
    enum dae_status status = folders[0] ? registry_open(folders, n_extra + 1, registry, err) : err->status;
    arena_release(&arena);
    return status;
}

enum dae_status invocation_request(const struct invocation *invocation, const struct value *config,
                                   struct device_request *request, struct error *err)
{
    const char *environment = getenv("DAE_CL_PLATFORM"), *option = invocation_value(invocation, "platform");
    TRY(device_request_read(config ? value_map_get(config, "device") : NULL, request, err));
    if (option) {
        request->platform = option;
        request->asked_by = "--platform";
    } else if (environment && *environment) {
        request->platform = environment;
        request->asked_by = "$DAE_CL_PLATFORM";
    }
    return DAE_OK;
}

static enum dae_status open_named(const struct device_request *request, const char *name, struct device **device,
                                  struct error *err)
{
    enum dae_status status = driver_open(name, &request->tuning, device, err);
    if (status == DAE_OK)
        driver_guard_arm(*device);
    if (status != DAE_OK && request->asked_by)
        error_note(err, "'%s' comes from %s", request->platform, request->asked_by);
    return status;
}

enum dae_status invocation_device(const struct invocation *invocation, const struct value *config,
                                  struct device **device, struct error *err)
{
    struct device_request request;
    TRY(invocation_request(invocation, config, &request, err));
    if (request.platform && strchr(request.platform, ','))
        return error_set(err, DAE_CONFIG, "'%s' (from %s) names several devices; only dae-cl run uses more than one",
                         request.platform, request.asked_by);
    TRY(open_named(&request, request.platform, device, err));
    output_note("%s", device_new_notices(*device));
    return DAE_OK;
}

enum dae_status invocation_device_of(const struct invocation *invocation, const struct value *config, int number,
                                     struct device **device, struct error *err)
{
    struct device_request request;
    char name[256];
    int n = 1;
    TRY(invocation_request(invocation, config, &request, err));
    const char *at = request.platform;
    for (const char *c = at; c && *c; ++c)
        n += *c == ',';
    for (int i = 0; i < number % n; ++i)
        at = strchr(at, ',') + 1;
    const size_t len = at ? strcspn(at, ",") : 0;
    if (len >= sizeof name)
        return error_set(err, DAE_CONFIG, "platform '%s': each name must be shorter than %zu characters",
                         request.platform, sizeof name);
    snprintf(name, sizeof name, "%.*s", (int)len, at ? at : "");
    TRY(open_named(&request, at ? name : NULL, device, err));
    output_note("%s", device_new_notices(*device));
    return DAE_OK;
}

static void print_line(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

enum dae_status invocation_trust(const struct invocation *invocation, const struct network *network,
                                 const struct settings *settings, struct device *device, struct error *err)
{
    const struct trust_options options = {
        .use_anyway = invocation_has(invocation, option_trust.name),
        .choose = "--platform",
        .anyway = "--trust-device",
        .say = print_line,
    };
    driver_guard_suspect(trust_stranger(network, settings, NULL));
    driver_guard_wait(device, "the check at its first use", TRUST_PATIENCE);
    const enum dae_status status = trust_check(&options, network, settings, device, err);
    driver_guard_in_time();
    return status;
}

enum dae_status invocation_trust_and_tune(const struct invocation *invocation, const struct network *network,
                                          const struct settings *settings, struct device *device, struct error *err)
{
    TRY(invocation_trust(invocation, network, settings, device, err));
    driver_guard_wait(device, "the tuning at its first use", TRUST_PATIENCE);
    first_tuning(device, network, settings, stop_signal(), print_line, NULL);
    driver_guard_in_time();
    return DAE_OK;
}

void invocation_close(struct device *device)
{
    if (device)
        output_note("%s", device_new_notices(device));
    device_close(device);
}

static enum dae_status check_other(struct device *const *device, int i, const char *request, struct error *err)
{
    for (int k = 0; k < i; ++k)
        if (device_facts(device[k])->handle == device_facts(device[i])->handle)
            return error_set(err, DAE_CONFIG, "platform '%s': names %d and %d mean the same device, '%s'", request,
                             k + 1, i + 1, device_facts(device[i])->name);
    return DAE_OK;
}

enum dae_status invocation_devices(const struct invocation *invocation, const struct value *config,
                                   struct device *device[MULTI_DEVICE_MAX], int *n, struct error *err)
{
    struct device_request request;
    char name[256];
    *n = 0;
    TRY(invocation_request(invocation, config, &request, err));
    TRY(driver_expect(request.platform, err));
    const char *at = request.platform;
    do {
        const size_t len = at ? strcspn(at, ",") : 0;
        if (*n == MULTI_DEVICE_MAX || len >= sizeof name)
            return error_set(err, DAE_CONFIG, "platform '%s': at most %d names, each shorter than %zu characters",
                             request.platform, MULTI_DEVICE_MAX, sizeof name);
        snprintf(name, sizeof name, "%.*s", (int)len, at ? at : "");
        TRY(open_named(&request, at ? name : NULL, &device[*n], err));
        TRY(check_other(device, *n, request.platform, err));
        const char *notices = device_new_notices(device[*n]);
        if (*n == 0 || strcmp(notices, device_notices(device[0])) != 0)
            output_note("%s", notices);
        ++*n;
        at = at && at[len] ? at + len + 1 : NULL;
    } while (at);
    return DAE_OK;
}
