#include "model/torch_import.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/fields.h"

/* The tensors of a module: those in the file whose names have the same beginning, or those of one of our layers. */
struct module {
    const char *name;
    int name_len;
    bool done;    /* it has its counterpart */
    int first, n; /* ours: tensors of the layout */
};

struct matcher {
    const char *path;
    const struct safetensors *file;
    const struct torch_layout *layout;
    struct arena arena;
    struct module *ours, *theirs;
    int n_ours, n_theirs;
    int *module_of;                  /* per tensor of the file: its module, or -1 if it is ignored */
    const struct st_tensor **source; /* per tensor of the layout */
    bool *negated;                   /* per tensor of the layout: its numbers change their sign */
    bool *used;                      /* per tensor of the file */
    struct text *matches;
    struct error *err;
};

static void release(struct matcher *m)
{
    arena_release(&m->arena);
}

/* ---- Names and shapes. ------------------------------------------------------------------------------------------- */

static const char *role_of(const struct st_tensor *tensor)
{
    const char *dot = strrchr(tensor->name, '.');
    return dot ? dot + 1 : tensor->name;
}

static int prefix_of(const struct st_tensor *tensor)
{
    const char *dot = strrchr(tensor->name, '.');
    return dot ? (int)(dot - tensor->name) : 0;
}

/* Numbers in names count by value, so that layer.10 comes after layer.9. */
static int compare_names(const char *a, int a_len, const char *b, int b_len)
{
    int i = 0, j = 0;
    while (i < a_len && j < b_len) {
        if (isdigit((unsigned char)a[i]) && isdigit((unsigned char)b[j])) {
            char *a_end, *b_end;
            const unsigned long long x = strtoull(a + i, &a_end, 10), y = strtoull(b + j, &b_end, 10);
            if (x != y)
                return x < y ? -1 : 1;
            i = (int)(a_end - a);
            j = (int)(b_end - b);
        } else if (a[i] != b[j]) {
            return (unsigned char)a[i] < (unsigned char)b[j] ? -1 : 1;
        } else {
            ++i;
            ++j;
        }
    }
    return (i < a_len) - (j < b_len);
}

static int compare_modules(const void *a, const void *b)
{
    const struct module *x = a, *y = b;
    const int order = compare_names(x->name, x->name_len, y->name, y->name_len);
    if (order != 0 || x->name_len != y->name_len) /* a.1 and a.01 */
        return order != 0 ? order : x->name_len - y->name_len;
    return memcmp(x->name, y->name, (size_t)x->name_len);
}

/* Whether two names are the same but for their numbers. */
static bool differ_in_numbers(const struct module *a, const struct module *b)
{
    int i = 0, j = 0;
    while (i < a->name_len && j < b->name_len) {
        const bool digits = isdigit((unsigned char)a->name[i]) && isdigit((unsigned char)b->name[j]);
        if (!digits && a->name[i] != b->name[j])
            return false;
        for (++i; digits && i < a->name_len && isdigit((unsigned char)a->name[i]);)
            ++i;
        for (++j; digits && j < b->name_len && isdigit((unsigned char)b->name[j]);)
            ++j;
    }
    return i == a->name_len && j == b->name_len;
}

static void add_shape(struct text *text, int rank, const uint64_t *theirs, const int64_t *ours)
{
    text_add(text, "(");
    for (int i = 0; i < rank; ++i)
        text_printf(text, "%s%lld", i ? "," : "", theirs ? (long long)theirs[i] : (long long)ours[i]);
    text_add(text, ")");
}

/* Whether a tensor of the file can be the weight: it has its shape, or is the one factor of a PReLU for all channels.
 */
static bool has_shape(const struct st_tensor *theirs, const struct torch_tensor *ours, const struct matcher *m)
{
    const struct node *node = &m->layout->network->node[ours->node];
    if (theirs->rank == 1 && theirs->shape[0] == 1 && ours->rank == 1 && node->plugin->pointwise)
        return true;
    bool same = theirs->rank == ours->rank;
    for (int i = 0; i < ours->rank && same; ++i)
        same = theirs->shape[i] == (uint64_t)ours->dim[i];
    return same;
}

/* The tensor of a module with that role, or NULL. */
static const struct st_tensor *find_role(const struct matcher *m, int module, const char *role)
{
    for (size_t i = 0; i < m->file->n_tensors; ++i)
        if (m->module_of[i] == module && strcmp(role_of(&m->file->tensors[i]), role) == 0)
            return &m->file->tensors[i];
    return NULL;
}

/* Whether all tensors of one are those of the other. */
static bool fits(const struct matcher *m, const struct module *ours, int module)
{
    int found = 0, all = 0;
    for (int i = ours->first; i < ours->first + ours->n; ++i) {
        const struct torch_tensor *mine = &m->layout->tensor[i];
        const struct st_tensor *tensor = find_role(m, module, mine->role);
        if (tensor ? !has_shape(tensor, mine, m) : !mine->optional)
            return false;
        found += tensor != NULL;
    }
    for (size_t i = 0; i < m->file->n_tensors; ++i)
        all += m->module_of[i] == module;
    return found == all;
}

static bool same_shapes(const struct matcher *m, const struct module *a, const struct module *b)
{
    bool same = a->n == b->n;
    for (int i = 0; i < a->n && same; ++i) {
        const struct torch_tensor *x = &m->layout->tensor[a->first + i], *y = &m->layout->tensor[b->first + i];
        same = strcmp(x->role, y->role) == 0 && x->rank == y->rank &&
               memcmp(x->dim, y->dim, (size_t)x->rank * sizeof *x->dim) == 0;
    }
    return same;
}

/* ---- Lists. ------------------------------------------------------------------------------------------------------ */

static enum dae_status list_ours(struct matcher *m)
{
    const struct torch_layout *layout = m->layout;
    m->ours = arena_array(&m->arena, (size_t)layout->n_tensors + 1, sizeof *m->ours);
    m->source = arena_array(&m->arena, (size_t)layout->n_tensors + 1, sizeof *m->source);
    m->negated = arena_array(&m->arena, (size_t)layout->n_tensors + 1, sizeof *m->negated);
    if (!m->ours || !m->source || !m->negated)
        return error_no_memory(m->err, m->path, 0);
    for (int i = 0; i < layout->n_tensors; ++i) {
        const char *name = layout->network->node[layout->tensor[i].node].name;
        if (i == 0 || layout->tensor[i].node != layout->tensor[i - 1].node)
            m->ours[m->n_ours++] = (struct module){.name = name, .name_len = (int)strlen(name), .first = i};
        ++m->ours[m->n_ours - 1].n;
    }
    return DAE_OK;
}

static enum dae_status list_theirs(struct matcher *m)
{
    const size_t n = m->file->n_tensors;
    m->theirs = arena_array(&m->arena, n + 1, sizeof *m->theirs);
    m->module_of = arena_array(&m->arena, n + 1, sizeof *m->module_of);
    m->used = arena_array(&m->arena, n + 1, sizeof *m->used);
    struct module *all = arena_array(&m->arena, n + 1, sizeof *all);
    if (!m->theirs || !m->module_of || !m->used || !all)
        return error_no_memory(m->err, m->path, n);
    for (size_t i = 0; i < n; ++i)
        all[i] = (struct module){.name = m->file->tensors[i].name, .name_len = prefix_of(&m->file->tensors[i])};
    qsort(all, n, sizeof *all, compare_modules);
    for (size_t i = 0; i < n; ++i)
        if (i == 0 || all[i].name_len != all[i - 1].name_len ||
            memcmp(all[i].name, all[i - 1].name, (size_t)all[i].name_len) != 0)
            m->theirs[m->n_theirs++] = all[i];
    for (size_t i = 0; i < n; ++i) {
        const struct module name = {.name = m->file->tensors[i].name, .name_len = prefix_of(&m->file->tensors[i])};
        const struct module *found = bsearch(&name, m->theirs, (size_t)m->n_theirs, sizeof *m->theirs, compare_modules);
        const bool counts = strcmp(role_of(&m->file->tensors[i]), "num_batches_tracked") == 0;
        m->used[i] = counts;
        m->module_of[i] = counts ? -1 : (int)(found - m->theirs);
    }
    return DAE_OK;
}

/* ---- Matching. --------------------------------------------------------------------------------------------------- */

static void match(struct matcher *m, struct module *ours, int module, bool negated)
{
    for (int i = ours->first; i < ours->first + ours->n; ++i) {
        m->source[i] = find_role(m, module, m->layout->tensor[i].role);
        m->negated[i] = negated;
        if (m->source[i])
            m->used[m->source[i] - m->file->tensors] = true;
    }
    ours->done = m->theirs[module].done = true;
    text_printf(m->matches, "%s: %s%.*s\n", ours->name, negated ? "-" : "", m->theirs[module].name_len,
                m->theirs[module].name);
}

static int find_module(const struct matcher *m, const char *name)
{
    for (int i = 0; i < m->n_theirs; ++i)
        if (strlen(name) == (size_t)m->theirs[i].name_len && memcmp(m->theirs[i].name, name, strlen(name)) == 0)
            return i;
    return -1;
}

static void add_theirs(const struct matcher *m, int module, struct text *text)
{
    bool first = true;
    for (size_t i = 0; i < m->file->n_tensors; ++i)
        if (m->module_of[i] == module) {
            text_printf(text, "%s%s ", first ? "" : ", ", role_of(&m->file->tensors[i]));
            add_shape(text, m->file->tensors[i].rank, m->file->tensors[i].shape, NULL);
            first = false;
        }
}

static void add_ours(const struct matcher *m, const struct module *ours, struct text *text)
{
    for (int i = ours->first; i < ours->first + ours->n; ++i) {
        text_printf(text, "%s%s ", i > ours->first ? ", " : "", m->layout->tensor[i].role);
        add_shape(text, m->layout->tensor[i].rank, NULL, m->layout->tensor[i].dim);
    }
}

/* A line LAYER.role: TENSOR of the map. */
static enum dae_status map_tensor(struct matcher *m, const struct entry *entry, const char *theirs, bool *found)
{
    for (int i = 0; i < m->layout->n_tensors && !*found; ++i) {
        const struct torch_tensor *ours = &m->layout->tensor[i];
        const char *layer = m->layout->network->node[ours->node].name;
        const size_t len = strlen(layer);
        if (strncmp(entry->key, layer, len) != 0 || entry->key[len] != '.' ||
            strcmp(entry->key + len + 1, ours->role) != 0)
            continue;
        const struct st_tensor *tensor = safetensors_find(m->file, theirs);
        if (!tensor)
            return error_at(m->err, DAE_CONFIG, entry->value->mark, "%s has no tensor '%.64s'", m->path, theirs);
        if (!has_shape(tensor, ours, m)) {
            struct text text CLEANUP(text_release) = {0};
            add_shape(&text, tensor->rank, tensor->shape, NULL);
            text_add(&text, ", but it needs ");
            add_shape(&text, ours->rank, NULL, ours->dim);
            return error_at(m->err, DAE_CONFIG, entry->mark, "%s: the tensor '%.64s' is %s", entry->key, theirs,
                            text.data ? text.data : "");
        }
        m->source[i] = tensor;
        m->used[tensor - m->file->tensors] = true;
        m->module_of[tensor - m->file->tensors] = -1;
        *found = true;
        text_printf(m->matches, "%s: %s\n", entry->key, theirs);
    }
    return DAE_OK;
}

/* A line LAYER: MODULE. */
static enum dae_status map_module(struct matcher *m, const struct entry *entry, struct module *ours, const char *theirs)
{
    struct text text CLEANUP(text_release) = {0};
    const bool negated = *theirs == '-';
    const int module = find_module(m, theirs += negated);
    if (module < 0)
        return error_at(m->err, DAE_CONFIG, entry->value->mark, "%s has no module '%.64s'", m->path, theirs);
    if (m->theirs[module].done)
        return error_at(m->err, DAE_CONFIG, entry->value->mark, "the module '%.64s' is given to two layers", theirs);
    if (fits(m, ours, module)) {
        match(m, ours, module, negated);
        return DAE_OK;
    }
    add_theirs(m, module, &text);
    text_add(&text, "; the layer has ");
    add_ours(m, ours, &text);
    return error_at(m->err, DAE_CONFIG, entry->mark, "%s: '%.64s' has %s", ours->name, theirs,
                    text.data ? text.data : "");
}

static enum dae_status read_map(struct matcher *m, const struct value *map)
{
    TRY(field_map(map, m->err));
    for (int i = 0; i < map->n; ++i) {
        const struct entry *entry = &map->entries[i];
        const char *theirs;
        bool found = false;
        TRY(field_text(entry->value, &theirs, m->err));
        for (int k = 0; k < m->n_ours && !found; ++k)
            if (strcmp(m->ours[k].name, entry->key) == 0) {
                TRY(map_module(m, entry, &m->ours[k], theirs));
                found = true;
            }
        if (!found)
            TRY(map_tensor(m, entry, theirs, &found));
        if (!found)
            return error_at(m->err, DAE_CONFIG, entry->mark, "no layer with weights is called '%.64s'", entry->key);
    }
    for (int k = 0; k < m->n_ours; ++k) /* layers whose tensors were all named */
        for (int i = m->ours[k].first; i < m->ours[k].first + m->ours[k].n; ++i)
            m->ours[k].done = m->ours[k].done || m->source[i];
    return DAE_OK;
}

static enum dae_status unmatched(struct matcher *m, const struct module *ours, const int *module, int n_modules,
                                 int n_layers)
{
    struct text layers CLEANUP(text_release) = {0}, modules CLEANUP(text_release) = {0},
                       shape CLEANUP(text_release) = {0};
    add_ours(m, ours, &shape);
    for (int k = 0; k < m->n_ours; ++k)
        if (!m->ours[k].done && same_shapes(m, ours, &m->ours[k]))
            text_printf(&layers, "%s%s", layers.len ? ", " : "", m->ours[k].name);
    for (int k = 0; k < n_modules; ++k)
        text_printf(&modules, "%s%.*s", k ? ", " : "", m->theirs[module[k]].name_len, m->theirs[module[k]].name);
    enum dae_status status;
    if (n_modules == 0)
        status = error_set(m->err, DAE_CHECKPOINT, "%s: no module has the shapes of layer%s %s: %s", m->path,
                           n_layers > 1 ? "s" : "", layers.data ? layers.data : "", shape.data ? shape.data : "");
    else
        status = error_set(
            m->err, DAE_CHECKPOINT,
            "%s: %d layer%s (%s) and %d module%s (%s) have the same shapes, %s, so it is not known which is which",
            m->path, n_layers, n_layers > 1 ? "s" : "", layers.data ? layers.data : "", n_modules,
            n_modules > 1 ? "s" : "", modules.data ? modules.data : "", shape.data ? shape.data : "");
    error_note(m->err, "--map FILE says it, in lines LAYER: MODULE");
    return status;
}

/* All layers of the shapes of `ours`, in the order of the network, and all modules of these shapes. */
static enum dae_status match_alike(struct matcher *m, const struct module *ours)
{
    int *module = arena_array(&m->arena, (size_t)m->n_theirs + 1, sizeof *module), n = 0, n_layers = 0;
    bool ordered = true;
    if (!module)
        return error_no_memory(m->err, m->path, 0);
    for (int k = 0; k < m->n_ours; ++k)
        n_layers += !m->ours[k].done && same_shapes(m, ours, &m->ours[k]);
    for (int k = 0; k < m->n_theirs; ++k)
        if (!m->theirs[k].done && fits(m, ours, k))
            module[n++] = k;
    for (int k = 1; k < n; ++k)
        ordered = ordered && differ_in_numbers(&m->theirs[module[0]], &m->theirs[module[k]]);
    if (n != n_layers || !ordered)
        return unmatched(m, ours, module, n, n_layers);
    const struct module like = *ours;
    for (int k = 0, i = 0; k < m->n_ours; ++k)
        if (!m->ours[k].done && same_shapes(m, &like, &m->ours[k]))
            match(m, &m->ours[k], module[i++], false);
    return DAE_OK;
}

static enum dae_status match_all(struct matcher *m)
{
    struct text left CLEANUP(text_release) = {0};
    for (int k = 0; k < m->n_ours; ++k) {
        const int module = m->ours[k].done ? -1 : find_module(m, m->ours[k].name);
        if (module >= 0 && !m->theirs[module].done && fits(m, &m->ours[k], module))
            match(m, &m->ours[k], module, false);
    }
    for (int k = 0; k < m->n_ours; ++k)
        if (!m->ours[k].done)
            TRY(match_alike(m, &m->ours[k]));
    for (size_t i = 0; i < m->file->n_tensors; ++i)
        if (!m->used[i]) {
            text_printf(&left, "%s%.64s ", left.len ? ", " : "", m->file->tensors[i].name);
            add_shape(&left, m->file->tensors[i].rank, m->file->tensors[i].shape, NULL);
        }
    return left.len ? error_set(m->err, DAE_CHECKPOINT, "%s: no layer of the network takes these tensors: %s", m->path,
                                left.data)
                    : DAE_OK;
}

/* ---- Numbers. ---------------------------------------------------------------------------------------------------- */

static float number_at(const struct st_tensor *tensor, int64_t i)
{
    float out;
    uint32_t bits;
    switch (tensor->dtype) {
    case ST_F16:
        return onnx_from_half(((const uint16_t *)tensor->data)[i]);
    case ST_BF16: /* the upper half of a float */
        bits = (uint32_t)((const uint16_t *)tensor->data)[i] << 16;
        memcpy(&out, &bits, sizeof out);
        return out;
    case ST_F64:
        return (float)((const double *)tensor->data)[i];
    default:
        return ((const float *)tensor->data)[i];
    }
}

static enum dae_status take_numbers(const struct matcher *m, const struct torch_tensor *to,
                                    const struct st_tensor *from, bool negated, float *parameters)
{
    const enum st_dtype type = from->dtype;
    if (type != ST_F16 && type != ST_BF16 && type != ST_F32 && type != ST_F64)
        return error_set(m->err, DAE_CHECKPOINT, "%s: tensor '%.64s' is %s; weights are F16, BF16, F32 or F64", m->path,
                         from->name, safetensors_dtype_name(type));
    const bool one = from->rank == 1 && from->shape[0] == 1;
    for (int64_t i = 0; i < to->len; ++i) {
        const float number = number_at(from, one ? 0 : i);
        if (!isfinite(number))
            return error_set(m->err, DAE_CHECKPOINT, "%s: tensor '%.64s' has a number that is no finite 32-bit float",
                             m->path, from->name);
        parameters[to->place[i]] = negated ? -number : number;
    }
    return DAE_OK;
}

static enum dae_status take_all(const struct matcher *m, float *parameters)
{
    for (int i = 0; i < m->layout->n_tensors; ++i) {
        const struct torch_tensor *to = &m->layout->tensor[i];
        const char *layer = m->layout->network->node[to->node].name;
        if (!m->source[i] && !to->optional)
            return error_set(m->err, DAE_CHECKPOINT, "%s: layer '%s' got no tensor for its %s", m->path, layer,
                             to->role);
        if (m->source[i])
            TRY(take_numbers(m, to, m->source[i], m->negated[i], parameters));
        for (int64_t k = 0; !m->source[i] && k < to->len; ++k)
            parameters[to->place[k]] = to->fill;
    }
    return DAE_OK;
}

enum dae_status torch_import(const char *path, const struct safetensors *file, const struct torch_layout *layout,
                             const struct value *map, float *parameters, struct text *matches, struct error *err)
{
    struct matcher m CLEANUP(release) = {.path = path, .file = file, .layout = layout, .matches = matches, .err = err};
    TRY(list_ours(&m));
    TRY(list_theirs(&m));
    if (map)
        TRY(read_map(&m, map));
    TRY(match_all(&m));
    TRY(take_all(&m, parameters));
    return matches->failed ? error_no_memory(err, path, matches->len) : DAE_OK;
}
