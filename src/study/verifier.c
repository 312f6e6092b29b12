#include "study/verifier.h"

#include <math.h>

void *verifier_take(struct verifier *v, int64_t count, size_t size)
{
    void *memory = arena_array(v->arena, (size_t)count, size);
    v->no_memory = v->no_memory || !memory;
    return memory;
}

enum dae_status verifier_memory(const struct verifier *v)
{
    return v->no_memory ? error_no_memory(v->err, "verification", 0) : DAE_OK;
}

void verifier_row(struct verifier *v, int node, const char *name, const char *what, double error, double bound,
                  const char *note)
{
    const struct node *from = node >= 0 ? &v->network->node[node] : NULL;
    struct verify_report *report = v->report;
    char *label = arena_printf(v->arena, "%s%s%s", from ? from->name : "", name[0] ? "." : "", name);
    v->no_memory = v->no_memory || !label;
    report->row[report->n_rows++] = (struct verify_row){
        .node = label ? label : "",
        .plugin = from && from->plugin ? from->plugin->name : "",
        .what = what,
        .error = error,
        .bound = bound,
        .passed = error <= bound,
        .note = note ? note : "",
    };
    report->n_failed += !(error <= bound);
}

struct batch verifier_batch(const struct verifier *v, int64_t first, int64_t n)
{
    return (struct batch){
        .data = v->on_data, .order = v->on_order, .first = BEFORE + first, .n = n, .epoch = v->options->epoch};
}

double verifier_roundings(double terms)
{
    return (8 * sqrt(terms) + 16) * 0x1p-24;
}

void worst_add(struct worst *worst, double have, double want, double bound)
{
    const double error = fabs(have - want);
    const double share = error <= bound                  ? (error > 0 ? error / bound : 0)
                         : bound > 0 && error < INFINITY ? error / bound
                                                         : INFINITY;
    if (worst->n++ == 0 || share > worst->share)
        *worst = (struct worst){error, bound, share, worst->n};
}
