/* Shared by the tests of this folder: the plugins, and a network from a few lines of YAML. */
#ifndef TESTS_GRAPH_NETWORKS_H
#define TESTS_GRAPH_NETWORKS_H

#include <stdlib.h>
#include <string.h>

#include "../plugins/probe.h"
#include "config/tree.h"
#include "graph/build.h"
#include "graph/registry.h"

/* The built plugins and the probe, or NULL with the reason printed. */
static struct registry *open_plugins(void)
{
    const char *folder = getenv("DAE_CL_PLUGINS");
    const char *const folders[] = {folder ? folder : "build/plugins"};
    struct error err = {0};
    struct registry *registry = NULL;
    if (registry_open(folders, 1, &registry, &err) != DAE_OK ||
        registry_add(registry, &probe_plugin, "probe", &err) != DAE_OK) {
        print_error("%s\n", err.text);
        registry_close(registry);
        return NULL;
    }
    return registry;
}

/* Parses and builds; the text is called net.yaml in messages. */
__attribute__((unused)) static enum dae_status build_text(const struct registry *registry, const char *text,
                                                          bool input_gradient, struct arena *arena,
                                                          struct network *network, struct error *err)
{
    struct value *config;
    TRY(tree_parse_text("net.yaml", text, strlen(text), arena, &config, err));
    return network_build(registry, config, arena, input_gradient, network, err);
}

/* For a group of tests: opens and closes the plugins. */
static struct registry *registry;

__attribute__((unused)) static int open_registry(void **state)
{
    (void)state;
    return (registry = open_plugins()) ? 0 : -1;
}

__attribute__((unused)) static int close_registry(void **state)
{
    (void)state;
    registry_close(registry);
    return 0;
}

#endif
