#include "train/start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/shape.h"
#include "config/tree.h"
#include "format/safetensors.h"
#include "model/model_file.h"

void start_release(struct start *start)
{
    text_release(&start->notes);
    *start = (struct start){0};
}

/* A file while it is read. */
struct taking {
    const char *path;
    const struct safetensors *file;
    struct start *start;
    bool *used; /* (n_tensors) */
    int n_taken, n_fresh, n_layers;
    struct text fresh, unused; /* names, separated by commas */
    struct error *err;
};

static void release(struct taking *t)
{
    free(t->used);
    text_release(&t->fresh);
    text_release(&t->unused);
}

static void add_name(struct text *text, const char *name)
{
    text_printf(text, "%s%.64s", text->len ? ", " : "", name);
}

/* The tensor NODE.NAME, or NULL. */
static const struct st_tensor *find(const struct taking *t, const struct node *node, int w)
{
    char name[NETWORK_NAME_LEN + 64];
    snprintf(name, sizeof name, "%s.%s", node->name, node->plan.weight[w].name);
    return safetensors_find(t->file, name);
}

static enum dae_status take_weight(struct taking *t, const struct node *node, int w, const struct st_tensor *tensor)
{
    const struct dae_shape *shape = &node->plan.weight[w].shape;
    float *to = t->start->parameters + node->weight_offset[w];
    struct dae_shape theirs = {.rank = tensor->rank < DAE_MAX_RANK ? tensor->rank : DAE_MAX_RANK};
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    for (int i = 0; i < theirs.rank; ++i)
        theirs.dim[i] = (int64_t)tensor->shape[i];
    if (tensor->dtype != ST_F32 || tensor->rank != shape->rank || !shape_equal(&theirs, shape))
        return error_at(t->err, DAE_CHECKPOINT, node->mark,
                        "%s: tensor '%s' is %s %s, but layer '%s' needs F32 %s; give the layer another name to let it "
                        "start from random numbers",
                        t->path, tensor->name, safetensors_dtype_name(tensor->dtype), shape_text(&theirs, have),
                        node->name, shape_text(shape, want));
    memcpy(to, tensor->data, safetensors_bytes(tensor));
    for (int64_t i = 0; i < dae_shape_len(shape); ++i)
        if (!isfinite(to[i]))
            return error_set(t->err, DAE_CHECKPOINT, "%s: tensor '%s' is not finite; the training had diverged",
                             t->path, tensor->name);
    t->used[tensor - t->file->tensors] = true;
    return DAE_OK;
}

/* All weights of a layer, or none: a half of it would compute nothing that was trained. */
static enum dae_status take_layer(struct taking *t, const struct node *node)
{
    int missing = -1, found = 0;
    for (int w = 0; w < node->plan.n_weights; ++w) {
        const struct st_tensor *tensor = find(t, node, w);
        found += tensor != NULL;
        missing = tensor ? missing : w;
        if (tensor)
            TRY(take_weight(t, node, w, tensor));
    }
    if (missing >= 0 && found > 0)
        return error_at(t->err, DAE_CHECKPOINT, node->mark,
                        "%s: of layer '%s' it has some weights, but not '%s'; give the layer another name to let it "
                        "start from random numbers",
                        t->path, node->name, node->plan.weight[missing].name);
    if (missing >= 0 && node->frozen)
        return error_at(t->err, DAE_CHECKPOINT, node->mark,
                        "%s: it has no layer '%s', which train.freeze names: it would keep random numbers", t->path,
                        node->name);
    t->n_taken += found > 0;
    t->n_fresh += missing >= 0;
    if (missing >= 0)
        add_name(&t->fresh, node->name);
    return DAE_OK;
}

static enum dae_status write_notes(struct taking *t)
{
    struct text *notes = &t->start->notes, frozen CLEANUP(text_release) = {0};
    const struct network *network = t->start->network;
    for (size_t i = 0; i < t->file->n_tensors; ++i)
        if (!t->used[i])
            add_name(&t->unused, t->file->tensors[i].name);
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].frozen)
            add_name(&frozen, network->node[i].name);
    text_printf(notes, "start: the weights of %d of %d layers are taken from %s (SHA-256 %.12s...)\n", t->n_taken,
                t->n_taken + t->n_fresh, t->path, t->start->sha256);
    if (t->fresh.len)
        text_printf(notes, "start: not in the model, so from random numbers: %s\n", t->fresh.data);
    if (t->unused.len)
        text_printf(notes, "start: in the model, but in no layer: %s\n", t->unused.data);
    if (frozen.len)
        text_printf(notes, "start: frozen: %s\n", frozen.data);
    return notes->failed || t->fresh.failed || t->unused.failed || frozen.failed
               ? error_no_memory(t->err, t->path, notes->len)
               : DAE_OK;
}

/* Fills the parameters from an open file, which must be a model. */
static enum dae_status take(const char *path, const struct safetensors *file, struct start *start, struct error *err)
{
    struct taking t CLEANUP(release) = {.path = path, .file = file, .start = start, .err = err};
    const struct network *network = start->network;
    TRY(model_file_check_kind(path, file, err));
    if (!(t.used = calloc(file->n_tensors + 1, sizeof *t.used)))
        return error_no_memory(err, path, file->n_tensors);
    network_init(network, start->parameters);
    for (int i = network->noisy + 1; i < network->n_nodes; ++i)
        if (network->node[i].plan.n_weights > 0)
            TRY(take_layer(&t, &network->node[i]));
    if (t.n_taken == 0)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it has no layer of this network: no name of a layer with weights is the same", path);
    return write_notes(&t);
}

static enum dae_status check_hash(const char *path, const char *have, const char *want, struct error *err)
{
    if (!want || strcmp(have, want) == 0)
        return DAE_OK;
    return error_set(err, DAE_CHECKPOINT,
                     "%s: its SHA-256 is %s, but train.from_sha256 is %.64s: it is not the model that the config was "
                     "written for; name that one, or remove from_sha256",
                     path, have, want);
}

static enum dae_status begin(struct start *start, const char *path, const struct network *network, struct arena *arena,
                             struct error *err)
{
    const size_t len = (size_t)network->parameters_len;
    start->network = network;
    start->path = arena_text(arena, path, strlen(path));
    start->parameters = arena_array(arena, len + 1, sizeof *start->parameters);
    return start->path && start->parameters ? DAE_OK : error_no_memory(err, path, len * sizeof(float));
}

enum dae_status start_read(const char *path, const char *sha256, const struct network *network, struct arena *arena,
                           struct start *start, struct error *err)
{
    char *bytes CLEANUP(cleanup_free) = NULL;
    struct safetensors file CLEANUP(safetensors_close) = {0};
    size_t len;
    TRY(model_file_find(path, arena, &path, err));
    TRY(file_read(path, SIZE_MAX / 2, DAE_IO, &bytes, &len, err));
    TRY(begin(start, path, network, arena, err));
    sha256_text(bytes, len, start->sha256);
    TRY(safetensors_read(path, bytes, len, 0, &file, err));
    TRY(check_hash(path, start->sha256, sha256, err));
    return take(path, &file, start, err);
}

enum dae_status start_record(const struct start *start, struct value *config, struct arena *arena, struct error *err)
{
    return value_map_put(arena, value_map_get(config, "train"), "from_sha256",
                         value_scalar_new(arena, start->sha256, true))
               ? DAE_OK
               : error_no_memory(err, "config", 0);
}

enum dae_status start_keep(const struct start *start, const struct value *config, const char *kept, struct error *err)
{
    return model_file_save(kept, start->network, start->parameters, config, NULL, err);
}

enum dae_status start_read_kept(const char *kept, const char *path, const char *sha256, const struct network *network,
                                struct arena *arena, struct start *start, struct error *err)
{
    struct safetensors file CLEANUP(safetensors_close) = {0};
    struct value *config;
    TRY(safetensors_open(kept, 0, &file, err));
    TRY(begin(start, path, network, arena, err));
    const char *yaml = safetensors_meta(&file, "config");
    TRY(tree_parse_text(kept, yaml ? yaml : "", yaml ? strlen(yaml) : 0, arena, &config, err));
    const struct value *hash = value_map_get(value_map_get(config, "train"), "from_sha256");
    if (!hash || hash->kind != VALUE_SCALAR || strlen(hash->text) != SHA256_TEXT - 1)
        return error_set(err, DAE_CHECKPOINT, "%s: it does not say which model the run started from", kept);
    memcpy(start->sha256, hash->text, sizeof start->sha256);
    TRY(check_hash(path, start->sha256, sha256, err));
    return take(kept, &file, start, err);
}

static bool same_weights(const struct node *a, const struct node *b)
{
    bool same = a->plan.n_weights == b->plan.n_weights;
    for (int w = 0; same && w < a->plan.n_weights; ++w)
        same = strcmp(a->plan.weight[w].name, b->plan.weight[w].name) == 0 &&
               shape_equal(&a->plan.weight[w].shape, &b->plan.weight[w].shape);
    return same;
}

void start_apply(const struct start *start, const struct network *network, float *parameters)
{
    network_init(network, parameters);
    for (int i = network->noisy + 1; i < network->n_nodes; ++i) {
        const struct node *to = &network->node[i];
        const int number = to->plan.n_weights > 0 ? network_find(start->network, to->name) : -1;
        const struct node *from = number > 0 ? &start->network->node[number] : NULL;
        for (int w = 0; from && same_weights(from, to) && w < to->plan.n_weights; ++w)
            memcpy(parameters + to->weight_offset[w], start->parameters + from->weight_offset[w],
                   (size_t)dae_shape_len(&to->plan.weight[w].shape) * sizeof *parameters);
    }
}
