/* What the ranks of one training compare before they begin. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/version.h"
#include "cli/session.h"
#include "config/tree.h"
#include "train/circumstances.h"

enum { LARGEST = 256 << 20 };

/* "KEY: size and sum of the file", the same on all machines that have the same file. */
static enum dae_status add_file(const char *key, const char *path, struct text *text, struct error *err)
{
    char *bytes;
    size_t len;
    TRY(file_read(path, LARGEST, DAE_IO, &bytes, &len, err));
    text_printf(text, "%s: %zu bytes, sum %016llx\n", key, len,
                (unsigned long long)ranks_sum(RANKS_SUM_START, bytes, len));
    free(bytes);
    return DAE_OK;
}

/* Plugins that are part of dae-cl have its version; a network's others are compared as files. */
static enum dae_status add_plugins(const struct registry *registry, struct text *text, struct error *err)
{
    for (int i = 0; i < registry_count(registry); ++i) {
        const struct plugin *plugin = registry_at(registry, i);
        char key[128];
        snprintf(key, sizeof key, "plugin %s", plugin->name);
        if (plugin->stranger)
            TRY(add_file(key, plugin->stranger, text, err));
        else
            text_printf(text, "%s: of dae-cl\n", key);
    }
    return DAE_OK;
}

/* Read from the same files, or generated from the same seed. */
static void add_set(const char *key, const struct dataset *set, struct text *text)
{
    text_printf(text, "%s: %lld, sum %016llx\n", key, (long long)set->n,
                set->values ? (unsigned long long)ranks_sum(RANKS_SUM_START, set->values, dataset_bytes(set))
                            : (unsigned long long)set->checksum);
}

/* The device without what decides no bit: how many units it has. */
static void add_device(const struct session *session, struct text *text)
{
    const struct platform_device *facts = device_facts(session->device);
    struct tuning tuning = *device_tuning(session->device);
    tuning.units = 1;
    text_printf(text, "device: %s, %s\ndriver: %s\ntuning: ", facts->name, facts->platform, facts->driver);
    tuning_describe(&tuning, text);
    text_add(text, "\n");
}

enum dae_status session_compare_ranks(struct session *session, struct error *err)
{
    struct text text CLEANUP(text_release) = {0};
    if (!session->ranks)
        return DAE_OK;
    text_printf(&text, "dae-cl: %s\n", DAE_CL_VERSION);
    TRY(add_file("program", "/proc/self/exe", &text, err));
    TRY(tree_write(session->config, &text, err));
    add_set("training samples", &session->train_set, &text);
    add_set("validation samples", &session->validation_set, &text);
    add_set("test samples", &session->test_set, &text);
    TRY(add_plugins(session->registry, &text, err));
    add_device(session, &text);
    if (text.failed)
        return error_no_memory(err, "text of a rank", text.len);
    return ranks_compare(session->ranks, text.data, err);
}
