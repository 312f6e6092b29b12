#include "device/gemm.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clblast_c.h>

#include "base/text.h"
#include "device/cl_status.h"
#include "device/handles.h"
#include "device/sources.h"

enum {
    WIDE_ROWS = 8, /* with WIDE_COLUMNS vectors: 16 accumulators, enough to hide the latency of fma */
    WIDE_COLUMNS = 2,
    GRID_TILE = 16, /* a work-group of 256; smaller devices get GRID_SMALL */
    GRID_SMALL = 8,
    FINISH_GROUP = 64,
};

struct gemm {
    struct gemm *next;
    struct gemm_pool *pool;
    struct gemm_spec spec;
    char *source; /* what the program was built from: equal sources share it */
    bool shared;
    struct program *program;
    struct kernel *multiply, *finish, *transpose;
};

struct gemm_pool {
    struct device *device;
    struct gemm *first;
    struct buffer *transposed; /* one operand, grown on demand */
    int tile;
    bool clblast;
};

static void gemm_free(struct gemm *gemm)
{
    kernel_free(gemm->multiply);
    kernel_free(gemm->finish);
    kernel_free(gemm->transpose);
    if (!gemm->shared)
        program_free(gemm->program);
    free(gemm->source);
    free(gemm);
}

void gemm_pool_free(struct gemm_pool *pool)
{
    if (!pool)
        return;
    /* Borrowed programs first: they were built by products further down the list. */
    while (pool->first) {
        struct gemm *next = pool->first->next;
        gemm_free(pool->first);
        pool->first = next;
    }
    buffer_free(pool->transposed);
    if (pool->clblast)
        CLBlastClearCache(); /* it holds objects of this context */
    free(pool);
}

static enum dae_status write_source(const struct gemm_pool *pool, const struct gemm_spec *spec, struct text *text,
                                    struct error *err)
{
    TRY(sources_add(text, "dae.clh", err));
    text_add(text, spec->definitions);
    text_printf(text, "#define TRANSPOSE_A %d\n#define TRANSPOSE_B %d\n#define BIAS %d\n#define FOLD %d\n",
                spec->transpose_a, spec->transpose_b, spec->bias, spec->fold);
    text_printf(text, "#define ROWS %d\n#define COLUMNS %d\n#define TILE %d\n", WIDE_ROWS, WIDE_COLUMNS, pool->tile);
    if (spec->expression)
        text_printf(text, "#define FOLD_EXPRESSION (%s)\n", spec->expression);
    TRY(sources_add(text, "gemm.cl", err));
    return text->failed ? error_no_memory(err, "kernel source", text->len) : DAE_OK;
}

enum dae_status gemm_prepare(struct gemm_pool *pool, const struct gemm_spec *spec, struct gemm **out, struct error *err)
{
    *out = NULL;
    if (spec->transpose_a && spec->transpose_b)
        return error_set(err, DAE_BUG, "a product of two transposed matrices is not provided");
    struct gemm *gemm = calloc(1, sizeof *gemm);
    struct text text = {0};
    if (!gemm)
        return error_no_memory(err, "matrix product", sizeof *gemm);
    gemm->pool = pool;
    gemm->spec = *spec;
    gemm->spec.definitions = gemm->spec.expression = NULL;
    enum dae_status status;
    TRY_GOTO(write_source(pool, spec, &text, err), failed);
    gemm->source = text.data;
    for (struct gemm *other = pool->first; other && !gemm->program; other = other->next)
        if (strcmp(other->source, gemm->source) == 0)
            gemm->program = other->program;
    gemm->shared = gemm->program != NULL;
    if (!gemm->program)
        TRY_GOTO(program_build(pool->device, "matrix product", gemm->source, "-cl-std=CL1.2", &gemm->program, err),
                 failed);
    bool wide = device_tuning(pool->device)->wide;
    if (pool->clblast)
        TRY_GOTO(kernel_new(gemm->program, "gemm_finish", &gemm->finish, err), failed);
    else
        TRY_GOTO(kernel_new(gemm->program, wide ? "gemm_wide" : "gemm_grid", &gemm->multiply, err), failed);
    if (wide && spec->transpose_b && !pool->clblast)
        TRY_GOTO(kernel_new(gemm->program, "gemm_transpose", &gemm->transpose, err), failed);
    gemm->next = pool->first;
    pool->first = gemm;
    *out = gemm;
    return DAE_OK;
failed:
    if (!gemm->source)
        text_release(&text);
    gemm_free(gemm);
    return status;
}

static size_t round_up(int64_t n, size_t multiple)
{
    return ((size_t)n + multiple - 1) / multiple * multiple;
}

static enum dae_status transpose(struct gemm *gemm, int64_t rows, int64_t columns, struct gemm_operand *operand,
                                 struct error *err)
{
    struct gemm_pool *pool = gemm->pool;
    uint64_t bytes = (uint64_t)rows * (uint64_t)columns * sizeof(float);
    if (!pool->transposed || buffer_bytes(pool->transposed) < bytes) {
        TRY(device_finish(pool->device, err)); /* products in flight read the old one */
        buffer_free(pool->transposed);
        TRY(buffer_new(pool->device, bytes, "transposed weights", &pool->transposed, err));
    }
    const struct kernel_arg args[] = {ARG_INT(rows), ARG_INT(columns), ARG_BUFFER(operand->buffer),
                                      ARG_INT(operand->offset), ARG_BUFFER(pool->transposed)};
    const size_t global[2] = {(size_t)(rows + 15) / 16, (size_t)(columns + 15) / 16}, local[2] = {1, 1};
    TRY(kernel_launch(gemm->transpose, global, local, args, 5, err));
    *operand = (struct gemm_operand){pool->transposed, 0};
    return DAE_OK;
}

static enum dae_status run_own(struct gemm *gemm, int64_t m, int64_t n, int64_t k, struct gemm_operand a,
                               struct gemm_operand b, struct gemm_operand c, bool add, struct gemm_operand bias,
                               struct gemm_operand other, struct error *err)
{
    if (gemm->transpose)
        TRY(transpose(gemm, n, k, &b, err));
    const struct kernel_arg args[] = {ARG_INT(m),
                                      ARG_INT(n),
                                      ARG_INT(k),
                                      ARG_BUFFER(a.buffer),
                                      ARG_INT(a.offset),
                                      ARG_BUFFER(b.buffer),
                                      ARG_INT(b.offset),
                                      ARG_BUFFER(c.buffer),
                                      ARG_INT(c.offset),
                                      ARG_INT(add),
                                      ARG_BUFFER(gemm->spec.bias ? bias.buffer : c.buffer),
                                      ARG_INT(gemm->spec.bias ? bias.offset : 0),
                                      ARG_BUFFER(gemm->spec.fold == 2 ? other.buffer : c.buffer),
                                      ARG_INT(gemm->spec.fold == 2 ? other.offset : 0)};
    if (device_tuning(gemm->pool->device)->wide) {
        const size_t global[2] = {round_up(m, WIDE_ROWS) / WIDE_ROWS,
                                  round_up(n, 16 * WIDE_COLUMNS) / (16 * WIDE_COLUMNS)};
        const size_t local[2] = {1, 1};
        return kernel_launch(gemm->multiply, global, local, args, sizeof args / sizeof args[0], err);
    }
    size_t tile = (size_t)gemm->pool->tile;
    const size_t global[2] = {round_up(n, tile), round_up(m, tile)}, local[2] = {tile, tile};
    return kernel_launch(gemm->multiply, global, local, args, sizeof args / sizeof args[0], err);
}

static enum dae_status run_clblast(struct gemm *gemm, int64_t m, int64_t n, int64_t k, struct gemm_operand a,
                                   struct gemm_operand b, struct gemm_operand c, bool add, struct gemm_operand bias,
                                   struct gemm_operand other, struct error *err)
{
    struct device *device = gemm->pool->device;
    const struct gemm_spec *spec = &gemm->spec;
    CLBlastStatusCode code =
        CLBlastSgemm(CLBlastLayoutRowMajor, spec->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo,
                     spec->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo, (size_t)m, (size_t)n, (size_t)k,
                     1.0f, a.buffer->memory, (size_t)a.offset, (size_t)(spec->transpose_a ? m : k), b.buffer->memory,
                     (size_t)b.offset, (size_t)(spec->transpose_b ? k : n), add ? 1.0f : 0.0f, c.buffer->memory,
                     (size_t)c.offset, (size_t)n, &device->queue, NULL);
    ++device->counters.launches;
    if (code != CLBlastSuccess)
        return error_set(err, DAE_OPENCL, "CLBlastSgemm failed: %lldx%lldx%lld: %s", (long long)m, (long long)n,
                         (long long)k, cl_status_text((int)code));
    if (!spec->bias && !spec->fold)
        return DAE_OK;
    const struct kernel_arg args[] = {ARG_INT(m),
                                      ARG_INT(n),
                                      ARG_BUFFER(c.buffer),
                                      ARG_INT(c.offset),
                                      ARG_BUFFER(spec->bias ? bias.buffer : c.buffer),
                                      ARG_INT(spec->bias ? bias.offset : 0),
                                      ARG_BUFFER(spec->fold == 2 ? other.buffer : c.buffer),
                                      ARG_INT(spec->fold == 2 ? other.offset : 0)};
    const size_t global[2] = {round_up(m * n, FINISH_GROUP), 1}, local[2] = {FINISH_GROUP, 1};
    return kernel_launch(gemm->finish, global, local, args, sizeof args / sizeof args[0], err);
}

enum dae_status gemm_run(struct gemm *gemm, int64_t m, int64_t n, int64_t k, struct gemm_operand a,
                         struct gemm_operand b, struct gemm_operand c, bool add, struct gemm_operand bias,
                         struct gemm_operand other, struct error *err)
{
    if (m < 1 || n < 1 || k < 1 || m > INT_MAX || n > INT_MAX || k > INT_MAX)
        return error_set(err, DAE_BUG, "matrix product of %lldx%lldx%lld", (long long)m, (long long)n, (long long)k);
    return gemm->pool->clblast ? run_clblast(gemm, m, n, k, a, b, c, add, bias, other, err)
                               : run_own(gemm, m, n, k, a, b, c, add, bias, other, err);
}

/* One odd-sized product against double precision on the host: worst error in units of the sum's own rounding bound. */
static enum dae_status self_test(struct gemm_pool *pool, bool *good, struct error *err)
{
    enum { M = 17, N = 33, K = 29 };
    float a[M * K], b[K * N], c[M * N];
    for (int i = 0; i < M * K; ++i)
        a[i] = (float)((i * 37 + 11) % 101) / 101.0f - 0.5f;
    for (int i = 0; i < K * N; ++i)
        b[i] = (float)((i * 53 + 7) % 97) / 97.0f - 0.5f;
    struct buffer *on_a = NULL, *on_b = NULL, *on_c = NULL;
    struct gemm *gemm;
    const struct gemm_spec spec = {.definitions = ""};
    enum dae_status status;
    *good = false;
    TRY_GOTO(gemm_prepare(pool, &spec, &gemm, err), done);
    TRY_GOTO(buffer_new(pool->device, sizeof a, "self-test", &on_a, err), done);
    TRY_GOTO(buffer_new(pool->device, sizeof b, "self-test", &on_b, err), done);
    TRY_GOTO(buffer_new(pool->device, sizeof c, "self-test", &on_c, err), done);
    TRY_GOTO(buffer_write(on_a, 0, a, sizeof a, err), done);
    TRY_GOTO(buffer_write(on_b, 0, b, sizeof b, err), done);
    const struct gemm_operand none = {0};
    TRY_GOTO(gemm_run(gemm, M, N, K, (struct gemm_operand){on_a, 0}, (struct gemm_operand){on_b, 0},
                      (struct gemm_operand){on_c, 0}, false, none, none, err),
             done);
    TRY_GOTO(buffer_read(on_c, 0, c, sizeof c, err), done);
    *good = true;
    for (int i = 0; i < M; ++i)
        for (int j = 0; j < N; ++j) {
            double sum = 0, size = 0;
            for (int p = 0; p < K; ++p) {
                double term = (double)a[i * K + p] * (double)b[p * N + j];
                sum += term;
                size += fabs(term);
            }
            /* Higham 2002, eq. 3.5: |error| <= k u / (1 - k u) * sum |a b|, u = 2^-24. */
            if (!(fabs((double)c[i * N + j] - sum) <= (K + 1) * 0x1p-24 * size + 1e-30))
                *good = false;
        }
done:
    buffer_free(on_a);
    buffer_free(on_b);
    buffer_free(on_c);
    return status;
}

enum dae_status gemm_pool_new(struct device *device, char *notice, size_t notice_len, struct gemm_pool **out,
                              struct error *err)
{
    *out = NULL;
    notice[0] = '\0';
    struct gemm_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return error_no_memory(err, "matrix products", sizeof *pool);
    pool->device = device;
    pool->clblast = device_tuning(device)->clblast;
    pool->tile = device_facts(device)->max_work_group >= GRID_TILE * GRID_TILE ? GRID_TILE : GRID_SMALL;
    if (pool->clblast) {
        struct error test = {0};
        bool good;
        if (self_test(pool, &good, &test) != DAE_OK || !good) {
            snprintf(notice, notice_len, "gemm: CLBlast failed its self-test (%s); our own kernels are used instead",
                     test.status == DAE_OK ? "wrong numbers" : test.text);
            while (pool->first) {
                struct gemm *next = pool->first->next;
                gemm_free(pool->first);
                pool->first = next;
            }
            CLBlastClearCache();
            pool->clblast = false;
        }
    }
    *out = pool;
    return DAE_OK;
}
