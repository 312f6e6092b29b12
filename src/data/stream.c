#define _GNU_SOURCE
#include "data/stream.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/shape.h"

enum {
    N_WINDOWS = 2,
    MOST_THREADS = 16,
};

/* A window in memory. */
struct window {
    unsigned char *rows;
    int64_t number, n, made; /* number -1: none; of its n rows `made` are finished */
};

struct stream {
    const struct stream_kind *kind;
    void *maker;
    size_t row_bytes;
    int64_t window_rows;
    struct stream_pass pass;
    struct window window[N_WINDOWS];
    pthread_t thread[MOST_THREADS];
    int n_threads;        /* that run */
    pthread_mutex_t turn; /* to take rows */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct stream_rows next; /* not yet taken: its window and first row */
    int64_t used;            /* the window that the trainer has, or waits for */
    bool stops;
    enum dae_status status; /* of the threads */
    struct error error;
};

/* ---- Passes. ----------------------------------------------------------------------------------------------------- */

static int64_t own_rows(const struct stream_pass *pass, int64_t n)
{
    return n * (pass->first + pass->own) / pass->parts - n * pass->first / pass->parts;
}

int64_t stream_pass_rows(const struct stream_pass *pass, int64_t batches)
{
    const int64_t full = pass->n / pass->batch;
    return batches <= full ? batches * own_rows(pass, pass->batch)
                           : full * own_rows(pass, pass->batch) + own_rows(pass, pass->n % pass->batch);
}

int64_t stream_pass_windows(const struct stream_pass *pass)
{
    const int64_t batches = (pass->n + pass->batch - 1) / pass->batch;
    return (batches + pass->window - 1) / pass->window;
}

int64_t stream_pass_position(const struct stream_pass *pass, int64_t window, int64_t row)
{
    const int64_t full = own_rows(pass, pass->batch), batch = window * pass->window + row / full,
                  n = shape_min(pass->n - batch * pass->batch, pass->batch);
    return batch * pass->batch + n * pass->first / pass->parts + row % full;
}

int64_t stream_pass_row(const struct stream_pass *pass, int64_t window, int64_t position)
{
    const int64_t batch = position / pass->batch, n = shape_min(pass->n - batch * pass->batch, pass->batch);
    return (batch - window * pass->window) * own_rows(pass, pass->batch) + position % pass->batch -
           n * pass->first / pass->parts;
}

/* ---- Threads. ---------------------------------------------------------------------------------------------------- */

/* Moves on to the next window that has rows, if there is room for it. */
static bool enter_window(struct stream *s)
{
    struct window *window = &s->window[s->next.window % N_WINDOWS];
    if (window->number == s->next.window && s->next.first < window->n)
        return true;
    if (window->number == s->next.window)
        s->next = (struct stream_rows){.window = s->next.window + 1};
    if (s->next.window >= stream_pass_windows(&s->pass) || s->next.window > s->used + 1)
        return false;
    window = &s->window[s->next.window % N_WINDOWS];
    const int64_t before = stream_pass_rows(&s->pass, s->next.window * s->pass.window);
    window->number = s->next.window;
    window->n = stream_pass_rows(&s->pass, (s->next.window + 1) * s->pass.window) - before;
    window->made = 0;
    return s->next.first < window->n;
}

/* Waits until there are rows to make. False: the thread ends. */
static bool wait_for_rows(struct stream *s, struct stream_rows *rows)
{
    pthread_mutex_lock(&s->lock);
    while (!s->stops && !enter_window(s))
        pthread_cond_wait(&s->changed, &s->lock);
    *rows = s->next;
    rows->n = shape_min(s->window[rows->window % N_WINDOWS].n - rows->first, STREAM_ITEM_ROWS);
    const bool goes_on = !s->stops;
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

static void fail(struct stream *s, enum dae_status status, const struct error *err)
{
    pthread_mutex_lock(&s->lock);
    if (s->status == DAE_OK) {
        s->status = status;
        s->error = *err;
    }
    s->stops = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Takes rows in turn with the other threads. */
static bool take(struct stream *s, struct stream_rows *rows, void *work)
{
    struct error err = {0};
    pthread_mutex_lock(&s->turn);
    bool goes_on = wait_for_rows(s, rows);
    if (goes_on) {
        const enum dae_status status = s->kind->take ? s->kind->take(s->maker, rows, work, &err) : DAE_OK;
        if (status != DAE_OK) {
            fail(s, status, &err);
            goes_on = false;
        } else {
            pthread_mutex_lock(&s->lock);
            s->next.first += rows->n;
            pthread_mutex_unlock(&s->lock);
        }
    }
    pthread_mutex_unlock(&s->turn);
    return goes_on;
}

static void *run(void *context)
{
    struct stream *s = context;
    struct stream_rows rows;
    struct error err = {0};
    void *work = calloc(1, s->kind->work_bytes + 1);
    if (!work)
        fail(s, error_no_memory(&err, "a thread", s->kind->work_bytes), &err);
    while (work && take(s, &rows, work)) {
        struct window *window = &s->window[rows.window % N_WINDOWS];
        const enum dae_status status = s->kind->make(s->maker, &s->pass, &rows, work, window->rows, &err);
        if (status != DAE_OK) {
            fail(s, status, &err);
            break;
        }
        pthread_mutex_lock(&s->lock);
        window->made += rows.n;
        if (window->made == window->n)
            pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
    }
    if (work && s->kind->release)
        s->kind->release(work);
    free(work);
    return NULL;
}

void stream_end(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->stops = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    while (s->n_threads > 0)
        pthread_join(s->thread[--s->n_threads], NULL);
}

/* Signals are for the main thread. */
static enum dae_status start(struct stream *s, struct error *err)
{
    cpu_set_t cores;
    sigset_t all, before;
    const int most = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (s->n_threads < most && s->n_threads < MOST_THREADS &&
           pthread_create(&s->thread[s->n_threads], NULL, run, s) == 0)
        ++s->n_threads;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->n_threads > 0 ? DAE_OK : error_no_memory(err, "a thread", 0);
}

/* ---- The stream. ------------------------------------------------------------------------------------------------- */

enum dae_status stream_new(const struct stream_kind *kind, void *maker, size_t row_bytes, int64_t window_rows,
                           struct stream **out, struct error *err)
{
    struct stream *s CLEANUP(stream_free_cleanup) = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) {
        kind->free(maker);
        return error_no_memory(err, "stream of samples", sizeof *s);
    }
    *s = (struct stream){.kind = kind, .maker = maker, .row_bytes = row_bytes, .window_rows = window_rows};
    pthread_mutex_init(&s->turn, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    for (int i = 0; i < N_WINDOWS; ++i)
        if (!(s->window[i].rows = malloc((size_t)window_rows * row_bytes)))
            return error_no_memory(err, "window of the data set", (unsigned long long)window_rows * row_bytes);
    *out = s;
    s = NULL;
    return DAE_OK;
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    stream_end(s);
    for (int i = 0; i < N_WINDOWS; ++i)
        free(s->window[i].rows);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->turn);
    s->kind->free(s->maker);
    free(s);
}

enum dae_status stream_begin(struct stream *s, const struct stream_pass *pass, int64_t window, struct error *err)
{
    stream_end(s);
    s->pass = *pass;
    s->next = (struct stream_rows){.window = window};
    s->used = window;
    s->stops = false;
    s->status = DAE_OK;
    s->error = (struct error){0};
    for (int i = 0; i < N_WINDOWS; ++i)
        s->window[i].number = -1;
    if (stream_pass_rows(pass, pass->window) > s->window_rows)
        return error_set(err, DAE_BUG, "a window of %lld rows", (long long)stream_pass_rows(pass, pass->window));
    if (s->kind->begin)
        TRY(s->kind->begin(s->maker, pass, window, err));
    return start(s, err);
}

enum dae_status stream_take(struct stream *s, int64_t number, const unsigned char **rows, struct error *err)
{
    const struct window *window = &s->window[number % N_WINDOWS];
    pthread_mutex_lock(&s->lock);
    s->used = number;
    pthread_cond_broadcast(&s->changed);
    while (s->status == DAE_OK && (window->number != number || window->made < window->n))
        pthread_cond_wait(&s->changed, &s->lock);
    const enum dae_status status = s->status;
    if (status != DAE_OK)
        *err = s->error;
    pthread_mutex_unlock(&s->lock);
    *rows = window->rows;
    return status;
}
