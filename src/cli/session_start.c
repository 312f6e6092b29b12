#include "cli/session_start.h"

#include <string.h>
#include <unistd.h>

enum { NAME_LEN = 1200 };

/* Where a run keeps it, so that --resume does not need the model. */
static const char start_name[] = "checkpoint/start.safetensors";

/* Appends the names of "a,b" to a list. */
static bool add_names(struct value *list, const char *text, struct arena *arena)
{
    bool whole = true;
    for (const char *name = text; name && whole; name = *name ? name + 1 : NULL) {
        const size_t len = strcspn(name, ",");
        const char *own = arena_text(arena, name, len);
        whole = own && value_list_add(arena, list, value_scalar_new(arena, own, true));
        name += len;
    }
    return whole;
}

enum dae_status session_start_options(struct session *session, struct value *config, struct error *err)
{
    const struct invocation *invocation = session->invocation;
    const char *from = invocation_value(invocation, "from");
    struct value *train = value_map_get(config, "train"), *list = value_list_new(&session->arena);
    struct arena *arena = &session->arena;
    const int n = invocation_count(invocation, "freeze");
    bool whole = list != NULL;
    for (int i = 0; i < n && whole; ++i)
        whole = add_names(list, invocation_nth(invocation, "freeze", i), arena);
    if (!train || train->kind != VALUE_MAP) /* refused where the config is read */
        return DAE_OK;
    if (from)
        whole = whole && value_map_put(arena, train, "from", value_scalar_new(arena, from, true));
    if (n > 0)
        whole = whole && value_map_put(arena, train, "freeze", list);
    return whole ? DAE_OK : error_no_memory(err, "config", 0);
}

enum dae_status session_start_read(struct session *session, struct error *err)
{
    const struct settings *settings = &session->settings;
    struct start *start = &session->start;
    char kept[NAME_LEN];
    if (!settings->from)
        return DAE_OK;
    /* A model that the command line names is not the one that an earlier run's config.yaml was written for. */
    const char *sha256 = invocation_has(session->invocation, "from") ? NULL : settings->from_sha256;
    TRY(run_folder_path(&session->folder, start_name, kept, sizeof kept, err));
    const bool gone = access(settings->from, R_OK) != 0;
    if (gone && session->use.resume && run_folder_has(&session->folder, start_name))
        TRY(start_read_kept(kept, settings->from, sha256, &session->network, &session->arena, start, err));
    else
        TRY(start_read(settings->from, sha256, &session->network, &session->arena, start, err));
    return start_record(start, session->config, &session->arena, err);
}

enum dae_status session_start_keep(struct session *session, struct error *err)
{
    char kept[NAME_LEN];
    if (!session->start.path || session->use.light || run_folder_has(&session->folder, start_name))
        return DAE_OK;
    TRY(run_folder_path(&session->folder, start_name, kept, sizeof kept, err));
    return start_keep(&session->start, session->config, kept, err);
}
