#include "device/gemm.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clblast_c.h>

#include "base/shape.h"
#include "base/text.h"
#include "device/cl_status.h"
#include "device/handles.h"
#include "device/program.h"
#include "device/sources.h"

enum {
    TURNED_ROWS = 32,        /* of C, from which transposing such pieces pays off; more than a tile may have */
    ITEMS_EACH_UNIT = 16,    /* so that units that finish early find more work */
    TURNED_EACH_UNIT = 4,    /* the same if each item transposes pieces of B */
    SMALLEST_ITEM = 1 << 17, /* multiplications, a few microseconds; less would not be worth a start */
};

/* How A and B are stored. */
enum stored { NN, NT, TN, N_STORED };
static const char *const stored_name[] = {"nn", "nt", "tn"};

struct product_kernels {
    struct kernel *multiply; /* or, for CLBlast, the kernel that finishes its product */
    struct kernel *turned;   /* wide, with a transposed B: the one for many rows; else NULL */
};

struct gemm_program {
    struct gemm_program *next;
    struct program *program;
    struct product_kernels kernels[N_STORED];
};

struct gemm {
    struct gemm *next;
    struct gemm_pool *pool;
    enum stored stored;
    bool bias;
    int fold, number; /* the kind of fold, and its number in the program; 0 for none */
    char *fold_source;
    const struct product_kernels
        *kernels; /* NULL until the program is built; products that differ only in their fold share it */
};

struct gemm_pool {
    struct device *device;
    struct gemm *first;
    struct gemm_program *programs;
    int n_folds;
    bool clblast;
};

static void free_products(struct gemm_pool *pool)
{
    while (pool->first) {
        struct gemm *next = pool->first->next;
        free(pool->first->fold_source);
        free(pool->first);
        pool->first = next;
    }
    while (pool->programs) {
        struct gemm_program *next = pool->programs->next;
        for (int s = 0; s < N_STORED; ++s) {
            kernel_free(pool->programs->kernels[s].multiply);
            kernel_free(pool->programs->kernels[s].turned);
        }
        program_free(pool->programs->program);
        free(pool->programs);
        pool->programs = next;
    }
}

void gemm_pool_free(struct gemm_pool *pool)
{
    if (!pool)
        return;
    free_products(pool);
    if (pool->clblast)
        CLBlastClearCache(); /* it holds objects of this context */
    free(pool);
}

/* The functions of a fold, on 1 number and on 16: fold_T_<number>, whose number is printed later. */
static void write_fold(const struct gemm_spec *spec, struct text *text)
{
    static const char *const type[] = {"float", "float16"};
    const char *const arguments[] = {"const %s x", "const %s dy, const %s y"};
    text_add(text, spec->definitions);
    for (int t = 0; t < 2; ++t) {
        text_printf(text, "#undef V\n#define V %s\nINLINE V FOLD(%s)(", type[t], type[t]);
        text_printf(text, arguments[spec->fold == 2], type[t], type[t]);
        text_printf(text, ") { return %s; }\n", spec->expression);
    }
    sources_undefine(text, spec->definitions); /* so that the next fold can define its own */
}

enum dae_status gemm_prepare(struct gemm_pool *pool, const struct gemm_spec *spec, struct gemm **out, struct error *err)
{
    *out = NULL;
    if (spec->transpose_a && spec->transpose_b)
        return error_set(err, DAE_BUG, "a product of two transposed matrices is not supported");
    const enum stored stored = spec->transpose_a ? TN : spec->transpose_b ? NT : NN;
    struct text text = {0};
    text_add(&text, "");
    if (spec->fold)
        write_fold(spec, &text);
    int number = spec->fold ? pool->n_folds + 1 : 0;
    for (struct gemm *other = pool->first; other && !text.failed; other = other->next) {
        if (strcmp(other->fold_source, text.data) != 0)
            continue;
        number = other->number;
        if (other->stored == stored && other->bias == spec->bias) {
            text_release(&text);
            *out = other;
            return DAE_OK;
        }
    }
    struct gemm *gemm = text.failed ? NULL : calloc(1, sizeof *gemm);
    if (!gemm) {
        text_release(&text);
        return error_no_memory(err, "matrix product", sizeof *gemm);
    }
    *gemm = (struct gemm){
        .next = pool->first,
        .pool = pool,
        .stored = stored,
        .bias = spec->bias,
        .fold = spec->fold,
        .number = number,
        .fold_source = text.data,
    };
    if (number > pool->n_folds)
        pool->n_folds = number;
    *out = pool->first = gemm;
    return DAE_OK;
}

/* Whether `gemm` is the first unbuilt product with its fold, or with its fold and its way to store. */
static bool is_first(const struct gemm *gemm, bool stored_alike)
{
    for (const struct gemm *other = gemm->pool->first; other != gemm; other = other->next)
        if (!other->kernels && other->number == gemm->number && (!stored_alike || other->stored == gemm->stored))
            return false;
    return true;
}

/* Whether a product with this way to store must be built. */
static bool is_wanted(const struct gemm_pool *pool, int stored)
{
    for (const struct gemm *gemm = pool->first; gemm; gemm = gemm->next)
        if (!gemm->kernels && (int)gemm->stored == stored)
            return true;
    return false;
}

/* FOLD_SUM selects among the folds of the products with one way to store. */
static void define_folds(const struct gemm_pool *pool, int stored, struct text *text)
{
    text_add(text, "#define FOLD_SUM(T, fold, sum, other) (");
    for (const struct gemm *gemm = pool->first; gemm; gemm = gemm->next)
        if (!gemm->kernels && (int)gemm->stored == stored && gemm->fold && is_first(gemm, true))
            text_printf(text, "(fold) == %d ? fold_##T##_%d(sum%s) : ", gemm->number, gemm->number,
                        gemm->fold == 2 ? ", other" : "");
    text_add(text, "(sum))\n");
}

static enum dae_status write_source(const struct gemm_pool *pool, struct text *text, struct error *err)
{
    const struct tuning *tuning = device_tuning(pool->device);
    const bool finish = pool->clblast, wide = tuning->wide && !finish;
    tuning_define(tuning, text);
    TRY(sources_add(text, "dae.clh", err));
    text_printf(text, "#define WIDE %d\n#define GRID %d\n#define FINISH %d\n", wide, !wide && !finish, finish);
    text_printf(text, "#define ROWS %d\n#define COLUMNS %d\n#define DOTS %d\n#define PIECE %d\n#define TILE %d\n",
                tuning->gemm_rows, tuning->gemm_columns, tuning->gemm_dots, tuning->gemm_piece, tuning->gemm_tile);
    for (const struct gemm *gemm = pool->first; gemm; gemm = gemm->next)
        if (!gemm->kernels && gemm->fold && is_first(gemm, false))
            text_printf(text, "#define FOLD(T) fold_##T##_%d\n%s#undef FOLD\n", gemm->number, gemm->fold_source);
    for (int s = 0; s < N_STORED; ++s) {
        if (!is_wanted(pool, s))
            continue;
        text_printf(text, "#define GEMM(name) gemm_##name##_%s\n#define TRANSPOSE_A %d\n#define TRANSPOSE_B %d\n",
                    stored_name[s], s == TN, s == NT);
        define_folds(pool, s, text);
        TRY(sources_add(text, "gemm.cl", err));
    }
    return text->failed ? error_no_memory(err, "kernel source", text->len) : DAE_OK;
}

static enum dae_status take_kernels(struct gemm_program *built, int stored, const char *entry, bool wide,
                                    struct error *err)
{
    char name[32];
    snprintf(name, sizeof name, "gemm_%s_%s", entry, stored_name[stored]);
    TRY(kernel_new(built->program, name, &built->kernels[stored].multiply, err));
    if (!wide || stored != NT)
        return DAE_OK;
    snprintf(name, sizeof name, "gemm_turned_%s", stored_name[stored]);
    return kernel_new(built->program, name, &built->kernels[stored].turned, err);
}

enum dae_status gemm_pool_build(struct gemm_pool *pool, struct error *err)
{
    const bool wide = device_tuning(pool->device)->wide && !pool->clblast;
    const char *entry = pool->clblast ? "finish" : wide ? "wide" : "grid";
    bool wanted[N_STORED];
    for (int s = 0; s < N_STORED; ++s)
        wanted[s] = is_wanted(pool, s);
    if (!wanted[NN] && !wanted[NT] && !wanted[TN])
        return DAE_OK;
    struct gemm_program *built = calloc(1, sizeof *built);
    if (!built)
        return error_no_memory(err, "matrix products", sizeof *built);
    built->next = pool->programs;
    pool->programs = built;
    struct text text = {0};
    enum dae_status status = write_source(pool, &text, err);
    if (status == DAE_OK)
        status = program_build(pool->device, "matrix products", text.data, "-cl-std=CL1.2", &built->program, err);
    text_release(&text);
    for (int s = 0; s < N_STORED && status == DAE_OK; ++s)
        if (wanted[s])
            status = take_kernels(built, s, entry, wide, err);
    for (struct gemm *gemm = pool->first; gemm && status == DAE_OK; gemm = gemm->next)
        if (!gemm->kernels)
            gemm->kernels = &built->kernels[gemm->stored];
    return status;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t count_of(const struct gemm_product *p)
{
    return p->batch[0] * p->batch[1];
}

/* How many tiles one work-item takes: enough to be worth its start, and few enough to keep every unit busy. */
static int64_t tiles_each(const struct gemm *gemm, const struct gemm_product *p, int64_t *items)
{
    const struct tuning *tuning = device_tuning(gemm->pool->device);
    const int64_t rows = gemm->stored == NT ? tuning->gemm_dots : tuning->gemm_rows;
    const int64_t columns = gemm->stored == NT ? 16 : 16 * tuning->gemm_columns;
    const int64_t tiles = divide_up(p->m, rows) * divide_up(p->n, columns) * count_of(p);
    const int64_t work = (p->m < rows ? p->m : rows) * columns * p->k;
    int64_t each = tiles / (ITEMS_EACH_UNIT * tuning->units), most = divide_up(tiles, tuning->units);
    if (each * work < SMALLEST_ITEM)
        each = divide_up(SMALLEST_ITEM, work);
    if (each > most)
        each = most;
    *items = divide_up(tiles, each);
    return each;
}

/* The same if each transposes its own piece of B: a whole column, or as much of it as keeps every unit busy. */
static int64_t turned_tiles_each(const struct gemm *gemm, const struct gemm_product *p, int64_t *items)
{
    const struct tuning *tuning = device_tuning(gemm->pool->device);
    const int64_t down = divide_up(p->m, tuning->gemm_rows);
    const int64_t columns = divide_up(p->n, 16 * tuning->gemm_columns) * count_of(p);
    int64_t each = divide_up(down, divide_up(TURNED_EACH_UNIT * tuning->units, columns));
    if (each * tuning->gemm_rows < TURNED_ROWS)
        each = divide_up(TURNED_ROWS, tuning->gemm_rows);
    *items = columns * divide_up(down, each);
    return each;
}

static enum dae_status run_own(const struct gemm *gemm, const struct gemm_product *p, struct error *err)
{
    const bool wide = device_tuning(gemm->pool->device)->wide, turned = gemm->kernels->turned && p->m >= TURNED_ROWS;
    int64_t items = 0, each = 0;
    if (wide)
        each = turned ? turned_tiles_each(gemm, p, &items) : tiles_each(gemm, p, &items);
    const struct gemm_operand bias = gemm->bias ? p->bias : (struct gemm_operand){p->c.buffer, 0};
    const struct gemm_operand other = gemm->fold == 2 ? p->other : (struct gemm_operand){p->c.buffer, 0};
    const struct kernel_arg args[] = {ARG_INT(p->m),
                                      ARG_INT(p->n),
                                      ARG_INT(p->k),
                                      ARG_BUFFER(p->a.buffer),
                                      ARG_INT(p->a.offset),
                                      ARG_BUFFER(p->b.buffer),
                                      ARG_INT(p->b.offset),
                                      ARG_BUFFER(p->c.buffer),
                                      ARG_INT(p->c.offset),
                                      ARG_INT(p->add),
                                      ARG_INT(gemm->bias),
                                      ARG_BUFFER(bias.buffer),
                                      ARG_INT(bias.offset),
                                      ARG_INT(gemm->number),
                                      ARG_BUFFER(other.buffer),
                                      ARG_INT(other.offset),
                                      ARG_INT(p->a_row),
                                      ARG_INT(p->b_row),
                                      ARG_INT(p->c_row),
                                      ARG_INT(count_of(p)),
                                      ARG_INT(p->batch[1]),
                                      ARG_INT(p->a_step[0]),
                                      ARG_INT(p->a_step[1]),
                                      ARG_INT(p->b_step[0]),
                                      ARG_INT(p->b_step[1]),
                                      ARG_INT(p->c_step[0]),
                                      ARG_INT(p->c_step[1]),
                                      ARG_INT(each)};
    const int n_args = sizeof args / sizeof args[0];
    if (wide) {
        const size_t global[2] = {(size_t)items, 1}, local[2] = {1, 1};
        return kernel_launch(turned ? gemm->kernels->turned : gemm->kernels->multiply, global, local, args, n_args,
                             err);
    }
    const size_t tile = (size_t)device_tuning(gemm->pool->device)->gemm_tile, local[2] = {tile, tile};
    const size_t global[2] = {(size_t)shape_round_up(p->n, (int64_t)tile),
                              (size_t)(shape_round_up(p->m, (int64_t)tile) * count_of(p))};
    return kernel_launch(gemm->kernels->multiply, global, local, args, n_args - 1, err);
}

/* One product of the batch, with its matrices at these offsets. */
static enum dae_status run_clblast(const struct gemm *gemm, const struct gemm_product *p, int64_t a, int64_t b,
                                   int64_t c, struct error *err)
{
    struct device *device = gemm->pool->device;
    CLBlastStatusCode code =
        CLBlastSgemm(CLBlastLayoutRowMajor, gemm->stored == TN ? CLBlastTransposeYes : CLBlastTransposeNo,
                     gemm->stored == NT ? CLBlastTransposeYes : CLBlastTransposeNo, (size_t)p->m, (size_t)p->n,
                     (size_t)p->k, 1.0f, p->a.buffer->memory, (size_t)(p->a.offset + a), (size_t)p->a_row,
                     p->b.buffer->memory, (size_t)(p->b.offset + b), (size_t)p->b_row, p->add ? 1.0f : 0.0f,
                     p->c.buffer->memory, (size_t)(p->c.offset + c), (size_t)p->c_row, &device->queue, NULL);
    ++device->counters.launches;
    if (code != CLBlastSuccess)
        return error_set(err, DAE_OPENCL, "CLBlastSgemm failed: %lldx%lldx%lld: %s", (long long)p->m, (long long)p->n,
                         (long long)p->k, cl_status_text((int)code));
    if (!gemm->bias && !gemm->fold)
        return DAE_OK;
    const struct kernel_arg args[] = {ARG_INT(p->m),
                                      ARG_INT(p->n),
                                      ARG_BUFFER(p->c.buffer),
                                      ARG_INT(p->c.offset + c),
                                      ARG_INT(gemm->bias),
                                      ARG_BUFFER(gemm->bias ? p->bias.buffer : p->c.buffer),
                                      ARG_INT(gemm->bias ? p->bias.offset : 0),
                                      ARG_INT(gemm->number),
                                      ARG_BUFFER(gemm->fold == 2 ? p->other.buffer : p->c.buffer),
                                      ARG_INT(gemm->fold == 2 ? p->other.offset + c : 0),
                                      ARG_INT(p->c_row)};
    const size_t group = (size_t)device_tuning(device)->group;
    const size_t global[2] = {(size_t)shape_round_up(p->m * p->n, (int64_t)group), 1}, local[2] = {group, 1};
    return kernel_launch(gemm->kernels->multiply, global, local, args, sizeof args / sizeof args[0], err);
}

static enum dae_status run_batch_by_clblast(const struct gemm *gemm, const struct gemm_product *p, struct error *err)
{
    for (int64_t i = 0; i < p->batch[0]; ++i)
        for (int64_t j = 0; j < p->batch[1]; ++j)
            TRY(run_clblast(gemm, p, i * p->a_step[0] + j * p->a_step[1], i * p->b_step[0] + j * p->b_step[1],
                            i * p->c_step[0] + j * p->c_step[1], err));
    return DAE_OK;
}

/* Replaces zeros by the values that they stand for. */
static struct gemm_product completed(const struct gemm *gemm, const struct gemm_product *product)
{
    struct gemm_product p = *product;
    p.a_row = p.a_row ? p.a_row : gemm->stored == TN ? p.m : p.k;
    p.b_row = p.b_row ? p.b_row : gemm->stored == NT ? p.k : p.n;
    p.c_row = p.c_row ? p.c_row : p.n;
    for (int i = 0; i < 2; ++i)
        p.batch[i] = p.batch[i] ? p.batch[i] : 1;
    return p;
}

enum dae_status gemm_run(struct gemm *gemm, const struct gemm_product *product, struct error *err)
{
    const struct gemm_product p = completed(gemm, product);
    if (p.m < 1 || p.n < 1 || p.k < 1 || p.m > INT_MAX || p.n > INT_MAX || p.k > INT_MAX || p.batch[0] < 1 ||
        p.batch[1] < 1 || p.batch[0] > INT_MAX || p.batch[1] > INT_MAX / p.batch[0])
        return error_set(err, DAE_BUG, "%lldx%lld matrix products of %lldx%lldx%lld", (long long)p.batch[0],
                         (long long)p.batch[1], (long long)p.m, (long long)p.n, (long long)p.k);
    if (p.a_row < (gemm->stored == TN ? p.m : p.k) || p.b_row < (gemm->stored == NT ? p.k : p.n) || p.c_row < p.n)
        return error_set(err, DAE_BUG, "a matrix product of %lldx%lldx%lld whose rows overlap: %lld, %lld and %lld",
                         (long long)p.m, (long long)p.n, (long long)p.k, (long long)p.a_row, (long long)p.b_row,
                         (long long)p.c_row);
    TRY(gemm_pool_build(gemm->pool, err));
    return gemm->pool->clblast ? run_batch_by_clblast(gemm, &p, err) : run_own(gemm, &p, err);
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
    const struct gemm_product product = {.m = M, .n = N, .k = K, .a = {on_a, 0}, .b = {on_b, 0}, .c = {on_c, 0}};
    TRY_GOTO(gemm_run(gemm, &product, err), done);
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

/* Whether CLBlast can be used; if not, a notice says why. */
static enum dae_status try_clblast(struct gemm_pool *pool, struct error *err)
{
    struct error test = {0};
    char line[sizeof test.text + 128];
    bool good;
    pool->clblast = true;
    if (self_test(pool, &good, &test) == DAE_OK && good)
        return DAE_OK;
    pool->clblast = false;
    free_products(pool);
    CLBlastClearCache();
    snprintf(line, sizeof line, "gemm: CLBlast failed its self-test (%s); dae-cl's own kernels are used instead",
             test.status == DAE_OK ? "wrong numbers" : test.text);
    return device_add_notice(pool->device, line, err);
}

enum dae_status gemm_pool_new(struct device *device, struct gemm_pool **out, struct error *err)
{
    *out = NULL;
    struct gemm_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return error_no_memory(err, "matrix products", sizeof *pool);
    pool->device = device;
    enum dae_status status = device_tuning(device)->clblast ? try_clblast(pool, err) : DAE_OK;
    if (status != DAE_OK) {
        gemm_pool_free(pool);
        return status;
    }
    *out = pool;
    return DAE_OK;
}
