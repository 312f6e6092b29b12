#include "model/receptive_field.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/shape.h"

/* Larger scales leave nothing of any image. */
enum { SCALE_MAX = 1 << 20 };

/* One axis of a node: `own` of its pixels correspond to `pixels` of the network's input, without a common divisor.
 */
struct scale {
    int64_t pixels, own, reach;
};

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

static int64_t common_multiple(int64_t a, int64_t b)
{
    return a / common_divisor(a, b) * b;
}

/* What a plan says of an axis of its input. */
struct plan_axis {
    int64_t reach, down, up;
};

static struct plan_axis plan_axis(const struct dae_plan *plan, int axis)
{
    const bool volume = plan->input[0].rank == 4;
    const int i = volume ? axis - 1 : axis;
    return i < 0 ? (struct plan_axis){plan->reach_d, plan->down_d, plan->up_d}
                 : (struct plan_axis){plan->reach[i], plan->down[i], plan->up[i]};
}

/* Derives a layer's scale from its input's. `up` pixels of its output share `down` of its input, so the input of a
 * pixel may be that far from its place, in addition to the layer's own reach. Fractions of a pixel are rounded up. */
static struct scale behind(const struct dae_plan *plan, int axis, struct scale x)
{
    const struct plan_axis own = plan_axis(plan, axis);
    const int64_t down = own.down, up = own.up;
    const int64_t reach = x.pixels * (own.reach * up + down * (up - 1)), unit = x.own * up;
    struct scale y = {x.pixels * down, x.own * up, x.reach + (reach + unit - 1) / unit};
    const int64_t divisor = common_divisor(y.pixels, y.own);
    y.pixels /= divisor;
    y.own /= divisor;
    return y;
}

static bool refuse(struct receptive_field *field, struct mark mark, const char *problem)
{
    field->mark = mark;
    snprintf(field->problem, sizeof field->problem, "%s", problem);
    return false;
}

static bool refuse_node(struct receptive_field *field, const struct node *node, const char *problem)
{
    char text[256];
    snprintf(text, sizeof text, "%s \"%s\" %s", node->plugin->name, node->name, problem);
    return refuse(field, node->mark, text);
}

/* Whether a layer's shapes agree with what its plan says for every size. */
static bool shapes_agree(const struct dae_plan *plan, int input, int axis)
{
    const struct plan_axis own = plan_axis(plan, axis);
    const int64_t in = plan->input[input].dim[axis], out = plan->output.dim[axis];
    return plan->input[input].rank == plan->output.rank && in % own.down == 0 && in / own.down * own.up == out;
}

/* Follows one axis into a node; the `scale` of the nodes before it is known. */
static bool follow(const struct network *network, int number, int axis, struct scale *scale,
                   struct receptive_field *field)
{
    const struct node *node = &network->node[number];
    if (plan_axis(&node->plan, axis).reach < 0)
        return refuse_node(field, node,
                           "does not treat all pixels the same, or its padding does not fit its kernel and stride");
    for (int j = 0; j < node->plan.n_inputs; ++j) {
        const struct scale y = behind(&node->plan, axis, scale[node->input[j]]);
        if (!shapes_agree(&node->plan, j, axis))
            return refuse_node(field, node, "reads an image whose size is not a multiple of its stride");
        if (j > 0 && (y.pixels != scale[number].pixels || y.own != scale[number].own))
            return refuse_node(field, node, "combines images of different scales");
        scale[number] = (struct scale){y.pixels, y.own, shape_max(y.reach, j > 0 ? scale[number].reach : 0)};
    }
    const int64_t pixels = scale[number].pixels, own = scale[number].own, block = node->plan.block;
    if (block > 0) {
        field->grid[axis] = common_multiple(field->grid[axis], pixels * (block / common_divisor(block, own)));
        field->least[axis] = shape_max(field->least[axis], (node->plan.block_side * pixels + own - 1) / own);
    }
    field->stride[axis] = common_multiple(field->stride[axis], pixels);
    if (shape_max(pixels, own) > SCALE_MAX || field->stride[axis] > SCALE_MAX)
        return refuse_node(field, node, "has a scale too far from the input's");
    return true;
}

static bool find_all(const struct network *network, struct scale *scale, struct receptive_field *field)
{
    const struct node *input = &network->node[0], *output = &network->node[network->output];
    const int rank = input->plan.output.rank;
    if (rank < 2)
        return refuse(field, input->mark,
                      "its input is neither an image (H, W, C) nor a signal (T, C) nor a volume (D, H, W, C)");
    if (network_layers_read_mask(network))
        return refuse(field, input->mark, "its layers read the mask");
    for (int axis = 0; axis < rank - 1; ++axis) {
        for (int i = 0; i <= network->noisy; ++i)
            scale[i] = (struct scale){1, 1, 0};
        for (int i = network->noisy + 1; i <= network->output; ++i)
            if (!follow(network, i, axis, scale, field))
                return false;
        if (scale[network->output].pixels != 1 || scale[network->output].own != 1)
            return refuse_node(field, output,
                               rank == 2   ? "is the output, but does not have the input's length"
                               : rank == 3 ? "is the output, but does not have the input's height and width"
                                           : "is the output, but does not have the input's depth, height and width");
        field->grid[axis] = common_multiple(field->grid[axis], field->stride[axis]);
        field->reach[axis] = scale[network->output].reach;
    }
    return true;
}

enum dae_status receptive_field_find(const struct network *network, struct receptive_field *field, struct error *err)
{
    *field = (struct receptive_field){.stride = {1, 1, 1}, .grid = {1, 1, 1}, .least = {1, 1, 1}};
    struct scale *scale = calloc((size_t)network->n_nodes, sizeof *scale);
    if (!scale)
        return error_no_memory(err, "receptive field", (size_t)network->n_nodes * sizeof *scale);
    field->any_size = find_all(network, scale, field);
    free(scale);
    return DAE_OK;
}
