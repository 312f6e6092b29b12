/* Structured noise: whole rectangles of an image are lost (as in cutout, DeVries and Taylor 2017). */
#include <stdio.h>

#include "dae/plugin.h"

static const char kernel_source[] =
#include "block.cl.inc"
    ;

enum { MAX_COUNT = 32 };

struct block {
    int64_t size[2], count;
    double fill;
};

static const struct dae_param params[] = {
    {.key = "size",
     .type = DAE_INT_PAIR,
     .offset = offsetof(struct block, size),
     .default_value = 8,
     .min = 1,
     .max = 65536,
     .help = "height and width of a rectangle, n or [h, w]"},
    {.key = "count",
     .type = DAE_INT,
     .offset = offsetof(struct block, count),
     .default_value = 1,
     .min = 1,
     .max = MAX_COUNT,
     .help = "rectangles in an image; they may overlap"},
    {.key = "fill",
     .type = DAE_FLOAT,
     .offset = offsetof(struct block, fill),
     .default_value = 0,
     .min = -1e30,
     .max = 1e30,
     .help = "what stands in them, in every channel"},
    {0},
};

static int block_plan(const void *state, struct dae_plan *plan)
{
    const struct block *block = state;
    const struct dae_shape *input = &plan->input[0];
    if (input->rank != 3) {
        snprintf(plan->problem, sizeof plan->problem, "it wants an image (H,W,C)");
        return 1;
    }
    if (block->size[0] > input->dim[0] || block->size[1] > input->dim[1]) {
        snprintf(plan->problem, sizeof plan->problem, "a block of %lldx%lld is larger than the image",
                 (long long)block->size[0], (long long)block->size[1]);
        return 1;
    }
    plan->output = *input;
    plan->flops = dae_shape_len(input);
    return 0;
}

/* Where block b begins, of `places` places: element b draws the row, element 32 + b the column. */
static int64_t place(const struct dae_draw *draw, int64_t element, int64_t places)
{
    return (int64_t)((uint64_t)draw->word(draw->key, (uint32_t)element) * (uint64_t)places >> 32);
}

static void block_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                            const double *const *x, const double *const *w, double *y)
{
    const struct block *block = state;
    const int64_t height = plan->input[0].dim[0], width = plan->input[0].dim[1], channels = plan->input[0].dim[2];
    (void)w;
    for (int64_t i = 0; i < dae_shape_len(&plan->output); ++i)
        y[i] = x[0][i];
    for (int64_t b = 0; b < block->count; ++b) {
        const int64_t top = place(draw, b, height - block->size[0] + 1);
        const int64_t left = place(draw, MAX_COUNT + b, width - block->size[1] + 1);
        for (int64_t r = top; r < top + block->size[0]; ++r)
            for (int64_t c = left * channels; c < (left + block->size[1]) * channels; ++c)
                y[r * width * channels + c] = block->fill;
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "block",
    .help = "fills rectangles of an image, placed at random",
    .flags = DAE_DRAWS | DAE_MASKS,
    .state_bytes = sizeof(struct block),
    .params = params,
    .plan = block_plan,
    .kernel_source = kernel_source,
    .reference = block_reference,
};
