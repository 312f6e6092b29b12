/* The samples of a pass in the order of their use, made ahead by host threads in a bounded memory.
 *
 * A pass is cut into windows of whole batches. Two windows are in memory: the trainer has one while the threads fill
 * the other. What a set is made of (rows in memory, images, shards) is behind struct stream_kind. */
#ifndef DATA_STREAM_H
#define DATA_STREAM_H

#include "base/cleanup.h"
#include "data/dataset.h"

/* What one process takes of a pass. With parts, each batch is cut as train/parts.h does, and only some parts are made:
 * rows are the samples of these parts, batch after batch. */
struct stream_pass {
    const int32_t *order; /* (n): the number of each sample, in the order of the pass */
    int64_t n, batch;
    int64_t window;        /* batches of a window */
    int parts, first, own; /* of each batch, parts [first, first + own) of `parts` are made */
    uint64_t seed;         /* of the network, with epoch and split: for draws, as on the device */
    uint32_t epoch, split;
    bool shuffled; /* `order` was chosen by the seed and the epoch; else it is 0, 1, 2, ... */
};

/* Own rows in the first `batches` batches of the pass. */
int64_t stream_pass_rows(const struct stream_pass *pass, int64_t batches);
int64_t stream_pass_windows(const struct stream_pass *pass);
/* The position in the order of row `row` of a window. */
int64_t stream_pass_position(const struct stream_pass *pass, int64_t window, int64_t row);
/* The row of a position in a window, which is in an own part of its batch. */
int64_t stream_pass_row(const struct stream_pass *pass, int64_t window, int64_t position);

enum { STREAM_ITEM_ROWS = 64 }; /* that a thread makes at a time at most, so that threads seldom meet */

/* Rows [first, first + n) of a window. */
struct stream_rows {
    int64_t window, first, n;
};

/* How the rows of a kind of set are made. */
struct stream_kind {
    size_t work_bytes; /* of what a thread keeps between take and make; zeroed at first */
    /* Prepares for the rows from the start of a window on. May be NULL. */
    enum dae_status (*begin)(void *maker, const struct stream_pass *pass, int64_t window, struct error *err);
    /* Takes what rows->n rows need, or fewer, which it sets: one thread at a time, in the order of the rows. May be
     * NULL. */
    enum dae_status (*take)(void *maker, struct stream_rows *rows, void *work, struct error *err);
    /* Makes them, in any number of threads. `memory` is of the whole window, in which these rows have places: their
     * own, unless `take` has chosen others. */
    enum dae_status (*make)(const void *maker, const struct stream_pass *pass, const struct stream_rows *rows,
                            void *work, unsigned char *memory, struct error *err);
    void (*release)(void *work); /* may be NULL */
    void (*free)(void *maker);
};

struct stream;

/* Rows of row_bytes, of at most window_rows a window. Takes over the maker, also after a failure. DAE_NO_MEMORY. The
 * caller owns the stream. */
MUST_USE enum dae_status stream_new(const struct stream_kind *kind, void *maker, size_t row_bytes, int64_t window_rows,
                                    struct stream **out, struct error *err);
void stream_free(struct stream *stream); /* NULL is fine */
CLEANUP_POINTER(stream_free, struct stream)

/* Starts the threads on a pass, which is copied, but not its order, from a window on. What an earlier pass has made is
 * dropped. */
MUST_USE enum dae_status stream_begin(struct stream *stream, const struct stream_pass *pass, int64_t window,
                                      struct error *err);
/* Ends the threads. The pass's order may then change. */
void stream_end(struct stream *stream);
/* Waits for a window, the first or the one after the last that was taken; its rows stay until the next call. A
 * thread's failure is the result, with its message. */
MUST_USE enum dae_status stream_take(struct stream *stream, int64_t window, const unsigned char **rows,
                                     struct error *err);

#endif
