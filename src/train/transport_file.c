#include "train/transport_file.h"

#include <dlfcn.h>

#include "graph/registry.h"

static enum dae_status find(void *library, const char *path, const struct dae_transport **out, struct error *err)
{
    const struct dae_transport *transport = dlsym(library, "dae_transport_v1");
    if (!transport)
        return error_set(err, DAE_PLUGIN,
                         "transport %s cannot be used: it does not export dae_transport_v1; is it a transport, and of "
                         "contract 1?",
                         path);
    if (transport->bytes != sizeof *transport)
        return error_set(err, DAE_PLUGIN,
                         "transport %s cannot be used: its table has %u bytes, and this program's has %zu; compile it "
                         "with this program's dae/transport.h",
                         path, (unsigned)transport->bytes, sizeof *transport);
    if (!transport->name || !transport->open || !transport->exchange || !transport->tell || !transport->close)
        return error_set(err, DAE_PLUGIN, "transport %s cannot be used: its table lacks a name or a function", path);
    *out = transport;
    return DAE_OK;
}

enum dae_status transport_file_open(const char *path, struct ranks **out, struct error *err)
{
    const struct dae_transport *transport = NULL;
    struct dae_transport_place place = {0};
    char problem[DAE_TRANSPORT_PROBLEM] = "";
    void *self = NULL;
    *out = NULL;
    TRY(registry_check_file(path, err));
    /* Global, because an MPI library loads parts of itself that look for its symbols. */
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!library)
        return error_set(err, DAE_PLUGIN, "transport %s cannot be loaded: %s", path, dlerror());
    TRY(find(library, path, &transport, err));
    if (transport->open(&self, &place, problem) != 0)
        return error_set(err, DAE_RANK, "%s cannot join the ranks: %s", transport->name, problem);
    return ranks_new(transport, self, &place, out, err);
}
