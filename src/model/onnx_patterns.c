#include <math.h>
#include <string.h>

#include "model/onnx_operators.h"

static const double root = 1.41421356237309505;

/* The graph's edges: per value, the number of the node that computes it, and of the last node that reads it; -1: none.
 */
struct edges {
    const struct onnx_layers *l;
    int *maker, *reader;
};

static bool find_edges(struct onnx_layers *l, struct edges *e)
{
    const size_t n = (size_t)l->model->n_values + 1;
    *e = (struct edges){l, arena_array(l->arena, n, sizeof *e->maker), arena_array(l->arena, n, sizeof *e->reader)};
    if (!e->maker || !e->reader)
        return false;
    for (size_t i = 0; i < n; ++i)
        e->maker[i] = e->reader[i] = -1;
    for (int i = 0; i < l->model->n_nodes; ++i) {
        const struct onnx_node *node = &l->nodes[i];
        if (!l->value[node->output].n_readers)
            continue;
        e->maker[node->output] = i;
        for (int j = 0; j < node->n_inputs; ++j)
            if (node->input[j] >= 0)
                e->reader[node->input[j]] = i;
    }
    return true;
}

/* The constant of one float that a value is; NaN if it is none. */
static double number_of(const struct onnx_layers *l, int value)
{
    const struct onnx_tensor *tensor = value >= 0 ? l->value[value].tensor : NULL;
    return tensor && tensor->type == ONNX_FLOAT && onnx_tensor_len(tensor) == 1 ? *(const float *)tensor->data : NAN;
}

static bool is_near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fabs(b);
}

static bool is_binary(const struct onnx_node *node, const char *op)
{
    return node && node->n_inputs == 2 && node->n_attributes == 0 && strcmp(node->op, op) == 0;
}

/* The node that computes a value, or the one that reads it, if one node reads it; else NULL. */
static struct onnx_node *maker_of(const struct edges *e, int value)
{
    const bool one = value >= 0 && e->l->value[value].n_readers == 1;
    return one && e->maker[value] >= 0 ? &e->l->nodes[e->maker[value]] : NULL;
}

static struct onnx_node *reader_of(const struct edges *e, int value)
{
    const bool one = e->l->value[value].n_readers == 1;
    return one && e->reader[value] >= 0 ? &e->l->nodes[e->reader[value]] : NULL;
}

/* x of x / sqrt(2), or of its product with the inverse; -1 if the node is neither. */
static int divided_by_root(const struct edges *e, const struct onnx_node *node)
{
    if (is_binary(node, "Div") && is_near(number_of(e->l, node->input[1]), root))
        return node->input[0];
    for (int i = 0; is_binary(node, "Mul") && i < 2; ++i)
        if (is_near(number_of(e->l, node->input[i]), 1 / root))
            return node->input[1 - i];
    return -1;
}

/* What a product contains in addition to 1 + erf: x, and constants. */
struct factors {
    int x;
    int n_x;
    double constant;
};

static bool add_factor(const struct edges *e, int value, bool nested, struct factors *f)
{
    const double number = number_of(e->l, value);
    const struct onnx_node *maker = nested ? NULL : maker_of(e, value);
    if (value == f->x)
        return ++f->n_x == 1;
    if (!isnan(number)) {
        f->constant *= number;
        return true;
    }
    return is_binary(maker, "Mul") && add_factor(e, maker->input[0], true, f) &&
           add_factor(e, maker->input[1], true, f);
}

/* The last of the products by which 1 + erf(x / sqrt(2)), a value, becomes Gelu; NULL if it does not. */
static struct onnx_node *end_of_product(const struct edges *e, int x, int value)
{
    struct factors f = {x, 0, 1};
    struct onnx_node *node = NULL;
    while (f.n_x < 1 || !is_near(f.constant, 0.5)) {
        node = reader_of(e, value);
        if (!is_binary(node, "Mul") || !add_factor(e, node->input[node->input[0] == value], false, &f))
            return NULL;
        value = node->output;
    }
    return node;
}

void onnx_patterns_replace(struct onnx_layers *l)
{
    struct edges e;
    if (!find_edges(l, &e)) {
        l->failed = true;
        return;
    }
    for (int i = 0; i < l->model->n_nodes; ++i) {
        const struct onnx_node *erf = &l->nodes[i];
        if (strcmp(erf->op, "Erf") != 0 || erf->n_inputs != 1 || !l->value[erf->output].n_readers)
            continue;
        const int x = divided_by_root(&e, maker_of(&e, erf->input[0]));
        const struct onnx_node *sum = x >= 0 ? reader_of(&e, erf->output) : NULL;
        if (!is_binary(sum, "Add") || !is_near(number_of(l, sum->input[sum->input[0] == erf->output]), 1))
            continue;
        struct onnx_node *last = end_of_product(&e, x, sum->output);
        int *input = arena_array(l->arena, 1, sizeof *input);
        l->failed = l->failed || !input;
        if (last && input) {
            *input = x;
            *last = (struct onnx_node){"Gelu", last->name, 1, input, last->output, 0, NULL};
        }
    }
}
