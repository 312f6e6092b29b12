/* A config's network on a device, for tests that measure it. Included once by a test program, after cmocka. */
#ifndef TESTS_CHECK_SUBJECT_H
#define TESTS_CHECK_SUBJECT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/tree.h"
#include "driver/driver.h"
#include "graph/build.h"
#include "train/settings.h"

/* A config's network, on the CPU in the form that is the same everywhere. */
struct subject {
    struct arena arena;
    struct value *config;
    struct registry *registry;
    struct settings settings;
    struct network network;
    struct device *device;
};

static struct error err;

static void check(enum dae_status status)
{
    if (status != DAE_OK)
        fail_msg("%s", err.text);
}

static void open_device(struct device **device)
{
    const struct tuning_request tuning = {.shape = "wide", .gemm = "own"};
    err = (struct error){0};
    check(driver_open("cpu", &tuning, device, &err));
}

static void open_subject(struct subject *s, const char *yaml, const char *change)
{
    const char *build = getenv("BUILD");
    char plugins[256];
    memset(s, 0, sizeof *s);
    open_device(&s->device);
    snprintf(plugins, sizeof plugins, "%s/plugins", build ? build : "build");
    const char *const folders[] = {plugins};
    check(tree_parse_text("test.yaml", yaml, strlen(yaml), &s->arena, &s->config, &err));
    if (change)
        check(tree_set(s->config, change, &s->arena, &err));
    check(registry_open(folders, 1, &s->registry, &err));
    check(settings_read(s->registry, s->config, &s->arena, &s->settings, &err));
    check(network_build(s->registry, s->config, &s->arena, false, &s->network, &err));
}

static void close_subject(struct subject *s)
{
    device_close(s->device);
    registry_close(s->registry);
    arena_release(&s->arena);
}

#endif
