#include "check/check_products.h"

#include <math.h>

#include "base/philox.h"
#include "base/shape.h"
#include "device/gemm.h"

enum { MARGIN = 16 }; /* floats before C that nothing may write */
static const float UNWRITTEN = 12345.0f;

/* Which of the three products of a layer, and its sizes. */
struct product {
    const char *what;
    bool transpose_a, transpose_b;
    int64_t m, n, k;
};

struct operands {
    int64_t len; /* floats of each */
    float *a, *b, *c;
    struct buffer *on_a, *on_b, *on_c;
};

static void free_operands(struct operands *o)
{
    buffer_free(o->on_a);
    buffer_free(o->on_b);
    buffer_free(o->on_c);
}

static enum dae_status make_operands(struct verifier *v, int64_t len, struct operands *o)
{
    *o = (struct operands){.len = len};
    /* The device's memory first: it is checked before it is asked for. */
    struct buffer **buffers[] = {&o->on_a, &o->on_b, &o->on_c};
    for (int i = 0; i < 3; ++i)
        TRY(buffer_new(v->device, (uint64_t)len * sizeof(float), "operand", buffers[i], v->err));
    o->a = verifier_take(v, len, sizeof *o->a);
    o->b = verifier_take(v, len, sizeof *o->b);
    o->c = verifier_take(v, len, sizeof *o->c);
    TRY(verifier_memory(v));
    /* Numbers of 16 bits from -1/2 to 1/2, which repeat after 65537, a multiple of no tile. */
    for (int64_t i = 0; i < len; ++i) {
        o->a[i] = (float)(i * 40503 % 65537) * 0x1p-16f - 0.5f;
        o->b[i] = (float)(i * 25173 % 65537) * 0x1p-16f - 0.5f;
    }
    TRY(buffer_write(o->on_a, 0, o->a, (uint64_t)len * sizeof(float), v->err));
    return buffer_write(o->on_b, 0, o->b, (uint64_t)len * sizeof(float), v->err);
}

static void compare_element(const struct operands *o, const struct product *p, int64_t i, int64_t j,
                            struct worst *worst)
{
    const float *a = p->transpose_a ? o->a + i : o->a + i * p->k, *b = p->transpose_b ? o->b + j * p->k : o->b + j;
    const int64_t a_step = p->transpose_a ? p->m : 1, b_step = p->transpose_b ? 1 : p->n;
    double sum = 0, size = 0;
    for (int64_t q = 0; q < p->k; ++q) {
        const double term = (double)a[q * a_step] * (double)b[q * b_step];
        sum += term;
        size += fabs(term);
    }
    worst_add(worst, (double)o->c[MARGIN + i * p->n + j], sum, verifier_roundings((double)p->k) * size);
}

static void compare(const struct operands *o, const struct product *p, double work, struct worst *worst)
{
    const int64_t len = p->m * p->n, affordable = (int64_t)(work / (double)p->k) + 1;
    if (len <= affordable) {
        for (int64_t e = 0; e < len; ++e)
            compare_element(o, p, e / p->n, e % p->n, worst);
        return;
    }
    const int64_t edge = affordable / 4; /* of the last column and of the last row, at most */
    for (int64_t i = 0; i < p->m && i < edge; ++i)
        compare_element(o, p, p->m - 1 - i, p->n - 1, worst);
    for (int64_t j = 1; j < p->n && j < edge; ++j)
        compare_element(o, p, p->m - 1, p->n - 1 - j, worst);
    const struct philox_key key = {1, 0, 0, (uint32_t)p->k};
    for (int64_t e = 0; e < affordable / 2; ++e) {
        const int64_t at = (int64_t)(((uint64_t)philox_word(key, (uint32_t)e) * (uint64_t)len) >> 32);
        compare_element(o, p, at / p->n, at % p->n, worst);
    }
}

static enum dae_status check_product(struct verifier *v, struct gemm *gemm, struct operands *o, const struct product *p,
                                     double work, struct worst *worst, int64_t *stray)
{
    const struct gemm_product product = {
        .m = p->m, .n = p->n, .k = p->k, .a = {o->on_a, 0}, .b = {o->on_b, 0}, .c = {o->on_c, MARGIN}};
    for (int64_t i = 0; i < o->len; ++i)
        o->c[i] = UNWRITTEN;
    TRY(buffer_write(o->on_c, 0, o->c, (uint64_t)o->len * sizeof(float), v->err));
    TRY(gemm_run(gemm, &product, v->err));
    TRY(buffer_read(o->on_c, 0, o->c, (uint64_t)o->len * sizeof(float), v->err));
    for (int64_t i = 0; i < o->len; ++i)
        *stray += (o->c[i] == UNWRITTEN) != (i < MARGIN || i >= MARGIN + p->m * p->n);
    compare(o, p, work, worst);
    return DAE_OK;
}

static enum dae_status check_weight(struct verifier *v, struct gemm_pool *pool, int node, int w, const int64_t *samples,
                                    int n_samples, double work, struct operands *o)
{
    const struct dae_weight *weight = &v->network->node[node].plan.weight[w];
    const int64_t k = weight->shape.dim[0], n = weight->shape.dim[1];
    const char *note = "batches of";
    for (int i = 0; i < n_samples && note; ++i)
        note = arena_printf(v->arena, "%s%s %lld", note, i ? "," : "", (long long)samples[i]);
    v->no_memory = v->no_memory || !note;
    for (int kind = 0; kind < 3; ++kind) {
        struct worst worst = {0};
        int64_t stray = 0;
        struct product p = {"product", kind == 2, kind == 1, 0, 0, 0};
        p.what = kind == 0 ? "product" : kind == 1 ? "product, B transposed" : "product, A transposed";
        const struct gemm_spec spec = {.transpose_a = p.transpose_a, .transpose_b = p.transpose_b, .definitions = ""};
        struct gemm *gemm;
        TRY(gemm_prepare(pool, &spec, &gemm, v->err));
        for (int i = 0; i < n_samples; ++i) {
            p.m = kind == 2 ? k : samples[i];
            p.n = kind == 1 ? k : n;
            p.k = kind == 0 ? k : kind == 1 ? n : samples[i];
            TRY(check_product(v, gemm, o, &p, work, &worst, &stray));
        }
        v->report->n_numbers += worst.n;
        verifier_row(
            v, node, weight->name, p.what, stray ? INFINITY : worst.error, worst.bound,
            stray ? arena_printf(v->arena, "numbers of C not written, or written outside of it: %lld", (long long)stray)
                  : note);
    }
    return DAE_OK;
}

/* The matrix of a slot, with DAE_MAX_WEIGHTS slots per node; or NULL. */
static const struct dae_shape *matrix(const struct network *network, int slot)
{
    const struct node *at = &network->node[slot / DAE_MAX_WEIGHTS];
    const int w = slot % DAE_MAX_WEIGHTS;
    const bool is =
        at->plugin && at->plugin->batch_wide && w < at->plan.n_weights && at->plan.weight[w].shape.rank == 2;
    return is ? &at->plan.weight[w].shape : NULL;
}

/* Of two products with the same sizes, one is enough. */
static const struct dae_shape *new_matrix(const struct network *network, int slot)
{
    const struct dae_shape *shape = matrix(network, slot);
    for (int i = 0; shape && i < slot; ++i) {
        const struct dae_shape *other = matrix(network, i);
        if (other && other->dim[0] == shape->dim[0] && other->dim[1] == shape->dim[1])
            return NULL;
    }
    return shape;
}

enum dae_status check_products_run(struct verifier *v, const int64_t *samples, int n_samples, double work)
{
    const struct network *network = v->network;
    const int n_slots = network->n_nodes * DAE_MAX_WEIGHTS;
    int64_t most = 0, m = 1;
    for (int i = 0; i < n_samples; ++i)
        m = shape_max(m, samples[i]);
    for (int i = 0; i < n_slots; ++i) {
        const struct dae_shape *shape = new_matrix(network, i);
        if (shape)
            most = shape_max(most, shape_max(dae_shape_len(shape), m * shape_max(shape->dim[0], shape->dim[1])));
    }
    if (most == 0)
        return DAE_OK;
    struct operands o;
    struct gemm_pool *pool = NULL;
    enum dae_status status = make_operands(v, most + 2 * MARGIN, &o);
    if (status == DAE_OK)
        status = gemm_pool_new(v->device, &pool, v->err);
    for (int i = 0; i < n_slots && status == DAE_OK; ++i)
        if (new_matrix(network, i))
            status = check_weight(v, pool, i / DAE_MAX_WEIGHTS, i % DAE_MAX_WEIGHTS, samples, n_samples, work, &o);
    if (status == DAE_OK)
        status = verifier_guards(v, "products");
    gemm_pool_free(pool);
    free_operands(&o);
    return status;
}
