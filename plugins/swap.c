/* Swap noise for tables: a cell takes the number of another sample in the same column, which preserves the columns'
 * distributions. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "swap.cl.inc"
    ;

struct swap {
    struct dae_level p;
};

static const struct dae_row rows[] = {
    DAE_LEVEL(struct swap, p, 0.15, 0, 1, "probability of replacing a number"),
    {0},
};

static int swap_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 4 * dae_shape_len(&plan->output);
    return 0;
}

static void swap_reference(const struct dae_reference *call)
{
    const struct dae_draw *draw = call->draw;
    const struct swap *noise = call->state;
    const int64_t len = dae_shape_len(&call->plan->output);
    const uint32_t first = (uint32_t)((len + 63) / 64 * 64); /* element of the first donor's draw */
    const double p = noise->p.value;
    for (int64_t i = 0; i < len; ++i) {
        /* Selects one of the other samples: numbers from this sample's on move up by one. */
        const uint64_t word = draw->word(draw, first + (uint32_t)i);
        uint32_t donor = (uint32_t)(word * (uint64_t)(draw->n_samples - 1) >> 32);
        donor += donor >= draw->id;
        call->y[i] = (double)draw->unit(draw, (uint32_t)i) <= p ? (double)draw->data(draw, donor, i) : call->x[0][i];
    }
}

DAE_NOISE = {
    DAE_TABLE("swap",
              "replaces numbers with those of other samples at the same place\n"
              "Use it for tables: every replacement is a plausible number of its column.",
              struct swap, rows),
    .replaces = true,
    .kernel = kernel_source,
    .reads_data = true,
    .plan = swap_plan,
    .sample_reference = swap_reference,
};
