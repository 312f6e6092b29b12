#include "check/trust.h"
#include "check/verification.h"
#include "graph/build.h"
#include "lib/context.h"

static enum dae_status verify(struct dae_context *context, const char *config, struct arena *arena,
                              struct verification *v, struct error *err)
{
    TRY(context_read_config(context, config, arena, &v->config, err));
    TRY(settings_read(context->registry, v->config, arena, &v->settings, err));
    TRY(network_build(context->registry, v->config, arena, false, &v->network, err));
    TRY(context_open_unchecked(context, v->config, &v->device[0], err));
    listener_log(&context->listener, device_line(v->device[0]));
    TRY(verification_run(v, arena, err));
    return v->report.n_failed + v->report.n_void == 0 ? trust_remember_pass(v->device[0], err) : DAE_OK;
}

enum dae_status dae_verify(struct dae_context *context, const char *config, char **json)
{
    struct arena arena CLEANUP(arena_release) = {0};
    struct verification v = {0};
    *json = NULL;
    ENTER(context);
    struct error *err = &context->err;
    enum dae_status status = verify(context, config, &arena, &v, err);
    if (status == DAE_OK)
        status = context_print(verification_json(&v), json, err);
    context_close_device(context, v.device[0]);
    return status;
}
