/* Structured noise: whole rectangles of an image are lost (as in cutout, DeVries and Taylor 2017). */

#include "dae/plugin.h"

static const char kernel_source[] =
#include "block.cl.inc"
    ;

enum { MAX_COUNT = 32 };

struct block {
    int64_t size[2], count;
    double fill;
};

static const struct dae_row rows[] = {
    DAE_INTS(struct block, size, 8, 1, 65536, "height and width of each rectangle, n or [h, w]"),
    DAE_INT(struct block, count, 1, 1, MAX_COUNT, "rectangles in an image; they may overlap"),
    DAE_FLOAT(struct block, fill, 0, -1e30, 1e30, "value that fills them, in every channel"),
    {0},
};

static int block_plan(const void *state, struct dae_plan *plan)
{
    const struct block *block = state;
    const struct dae_shape *input = &plan->input[0];
    if (input->rank != 3)
        return dae_plan_fail(plan, "expects an image (H, W, C)");
    if (block->size[0] > input->dim[0] || block->size[1] > input->dim[1])
        return dae_plan_fail(plan, "a block of %lldx%lld is larger than the image", (long long)block->size[0],
                             (long long)block->size[1]);
    plan->output = *input;
    plan->flops = dae_shape_len(input);
    return 0;
}

/* Where block b begins, of `places` places: element b draws the row, element 32 + b the column. */
static int64_t place(const struct dae_draw *draw, int64_t element, int64_t places)
{
    return (int64_t)((uint64_t)draw->word(draw, (uint32_t)element) * (uint64_t)places >> 32);
}

static void block_reference(const struct dae_reference *call)
{
    const struct dae_draw *draw = call->draw;
    const struct block *block = call->state;
    const int64_t height = call->plan->input[0].dim[0], width = call->plan->input[0].dim[1],
                  channels = call->plan->input[0].dim[2];
    for (int64_t i = 0; i < dae_shape_len(&call->plan->output); ++i)
        call->y[i] = call->x[0][i];
    for (int64_t b = 0; b < block->count; ++b) {
        const int64_t top = place(draw, b, height - block->size[0] + 1);
        const int64_t left = place(draw, MAX_COUNT + b, width - block->size[1] + 1);
        for (int64_t r = top; r < top + block->size[0]; ++r)
            for (int64_t c = left * channels; c < (left + block->size[1]) * channels; ++c)
                call->y[r * width * channels + c] = block->fill;
    }
}

DAE_NOISE = {
    DAE_TABLE("block",
              "fills rectangles at random places of an image\n"
              "Use it for scratches, logos and other holes that are to be painted in.",
              struct block, rows),
    .replaces = true,
    .kernel = kernel_source,
    .plan = block_plan,
    .sample_reference = block_reference,
};
