#include "format/onnx.h"

#include <math.h>
#include <string.h>

void onnx_release(struct onnx_model *model)
{
    arena_release(&model->arena);
    *model = (struct onnx_model){0};
}

/* The list with room for one more item; it doubles when its length is a power of two. NULL when out of memory. */
static void *grow(struct arena *arena, void *list, int n, size_t bytes)
{
    if (n & (n - 1))
        return list;
    void *grown = arena_array(arena, n ? 2 * (size_t)n : 1, bytes);
    return grown && n ? memcpy(grown, list, (size_t)n * bytes) : grown;
}

/* Defines onnx_add_NAME, which appends an item to a list. */
#define DEFINE_ADD(name, list, count, type)                                                                            \
    bool onnx_add_##name(struct onnx_model *model, const type *item)                                                   \
    {                                                                                                                  \
        type *grown = grow(&model->arena, model->list, model->count, sizeof *grown);                                   \
        if (!grown)                                                                                                    \
            return false;                                                                                              \
        model->list = grown;                                                                                           \
        grown[model->count++] = *item;                                                                                 \
        return true;                                                                                                   \
    }
DEFINE_ADD(tensor, tensor, n_tensors, struct onnx_tensor)
DEFINE_ADD(input, input, n_inputs, struct onnx_info)
DEFINE_ADD(output, output, n_outputs, struct onnx_info)
DEFINE_ADD(info, info, n_infos, struct onnx_info)

static bool is_taken(const struct onnx_model *model, const char *name)
{
    for (int i = 0; i < model->n_values; ++i)
        if (strcmp(model->value[i], name) == 0)
            return true;
    return false;
}

int onnx_add_value(struct onnx_model *model, const char *name)
{
    const char **grown = grow(&model->arena, model->value, model->n_values, sizeof *grown);
    const char *own = arena_text(&model->arena, name, strlen(name));
    for (int i = 2; grown && own && is_taken(model, own); ++i)
        own = arena_printf(&model->arena, "%s_%d", name, i);
    if (!grown || !own)
        return -1;
    model->value = grown;
    grown[model->n_values] = own;
    return model->n_values++;
}

static void *copy(struct arena *arena, const void *items, int n, size_t bytes)
{
    void *own = arena_array(arena, (size_t)n + 1, bytes);
    return own && n ? memcpy(own, items, (size_t)n * bytes) : own;
}

bool onnx_add_node(struct onnx_model *model, const struct onnx_node *node)
{
    struct onnx_node *grown = grow(&model->arena, model->node, model->n_nodes, sizeof *grown);
    int *input = copy(&model->arena, node->input, node->n_inputs, sizeof *input);
    struct dae_onnx_attribute *attribute = copy(&model->arena, node->attribute, node->n_attributes, sizeof *attribute);
    bool whole = grown && input && attribute;
    for (int i = 0; whole && i < node->n_attributes; ++i)
        if (attribute[i].kind == DAE_ONNX_KIND_INTS) {
            attribute[i].integers =
                copy(&model->arena, attribute[i].integers, attribute[i].n, sizeof *attribute[i].integers);
            whole = attribute[i].integers;
        }
    if (!whole)
        return false;
    model->node = grown;
    grown[model->n_nodes] = *node;
    grown[model->n_nodes].input = input;
    grown[model->n_nodes++].attribute = attribute;
    return true;
}

bool onnx_add_meta(struct onnx_model *model, const char *key, const char *text)
{
    struct onnx_meta *grown = grow(&model->arena, model->meta, model->n_meta, sizeof *grown);
    if (!grown || !text)
        return false;
    model->meta = grown;
    grown[model->n_meta++] = (struct onnx_meta){key, text};
    return true;
}

uint16_t onnx_half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const double size = fabs((double)x);
    if (isnan(x))
        return sign | 0x7e00;
    if (size >= 65520)
        return sign | 0x7c00;
    /* A half is a multiple of 2^(exponent - 10); below 2^-14 all have the smallest exponent. */
    int exponent;
    (void)frexp(size, &exponent);
    exponent = size < 0x1p-14 ? -14 : exponent - 1;
    const int units = (int)nearbyint(ldexp(size, 10 - exponent));
    return (uint16_t)(sign | (((exponent + 14) << 10) + units));
}

float onnx_from_half(uint16_t half)
{
    const int exponent = half >> 10 & 31, units = half & 0x3ff;
    const double size = exponent == 31 ? (units ? NAN : INFINITY)
                                       : ldexp(exponent ? 1024 + units : units, (exponent ? exponent : 1) - 25);
    return (float)(half & 0x8000 ? -size : size);
}

int64_t onnx_tensor_len(const struct onnx_tensor *tensor)
{
    int64_t len = 1;
    for (int i = 0; i < tensor->rank; ++i)
        len *= tensor->dim[i];
    return len;
}

const struct onnx_tensor *onnx_find_tensor(const struct onnx_model *model, int value)
{
    for (int i = 0; i < model->n_tensors; ++i)
        if (model->tensor[i].value == value)
            return &model->tensor[i];
    return NULL;
}

const struct dae_onnx_attribute *onnx_find_attribute(const struct onnx_node *node, const char *name)
{
    for (int i = 0; i < node->n_attributes; ++i)
        if (strcmp(node->attribute[i].name, name) == 0)
            return &node->attribute[i];
    return NULL;
}
