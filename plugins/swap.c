/* Swap noise for tables: a cell takes the number of another sample in the same column, so that columns keep their
 * distributions. */
#include "dae/plugin.h"

static const char kernel_source[] =
#include "swap.cl.inc"
    ;

struct swap {
    struct dae_level p;
};

static const struct dae_param params[] = {
    {.key = "p",
     .type = DAE_LEVEL,
     .offset = offsetof(struct swap, p),
     .default_value = 0.15,
     .min = 0,
     .max = 1,
     .help = "probability of replacing a number"},
    {0},
};

static int swap_plan(const void *state, struct dae_plan *plan)
{
    (void)state;
    plan->output = plan->input[0];
    plan->flops = 4 * dae_shape_len(&plan->output);
    return 0;
}

static void swap_reference(const void *state, const struct dae_plan *plan, const struct dae_draw *draw,
                           const double *const *x, const double *const *w, double *y)
{
    const struct swap *noise = state;
    (void)w;
    const int64_t len = dae_shape_len(&plan->output);
    const uint32_t first = (uint32_t)((len + 63) / 64 * 64); /* element of the first donor's draw */
    const float p = draw->level(draw->key, &noise->p);
    for (int64_t i = 0; i < len; ++i) {
        /* One of the others: the numbers from this sample's on move up by one. */
        const uint64_t word = draw->word(draw->key, first + (uint32_t)i);
        uint32_t donor = (uint32_t)(word * (uint64_t)(draw->n_samples - 1) >> 32);
        donor += donor >= draw->id;
        y[i] = draw->unit(draw->key, (uint32_t)i) <= p ? (double)draw->data(draw->key, donor, i) : x[0][i];
    }
}

DAE_PLUGIN_TABLE = {
    .abi = DAE_ABI,
    .size = sizeof(struct dae_plugin),
    .kind = DAE_CORRUPTION,
    .name = "swap",
    .help = "replaces numbers by those of other samples at the same place",
    .flags = DAE_DRAWS | DAE_MASKS | DAE_READS_DATA,
    .state_bytes = sizeof(struct swap),
    .params = params,
    .plan = swap_plan,
    .kernel_source = kernel_source,
    .reference = swap_reference,
};
