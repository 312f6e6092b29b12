/* A transport over MPI: one file for each implementation that is installed (Open MPI, MPICH), compiled by its own
 * mpicc, because their binary interfaces differ. Needs MPI 3 and threads (MPI_THREAD_MULTIPLE). */
#define _GNU_SOURCE
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dae/transport.h"

enum { TAG_DATA = 1, TAG_WORD = 2, SECOND_HAND = 11, MOST_WORDS = 64 };
enum { SHORTEST_NAP = 20000, LONGEST_NAP = 100000 }; /* nanoseconds between two looks */

static const double second_hand_seconds = 4;
static const double farewell_seconds = 1;

enum { PIECE = 48 << 10, DEPTH = 16 };

struct flow {
    char *at; /* what follows the pieces that are on their way */
    uint64_t left;
    MPI_Request request[DEPTH]; /* n of them from `first` on, in a circle */
    int first, n;
};

struct mpi {
    int rank, size;
    MPI_Comm data, words;
    double *heard, *ended; /* (size) as in an exchange over sockets (train/socket_transport.c) */
    unsigned char *word;   /* (size) */
    struct flow *in, *out; /* (size) */
    /* Words that are on their way. `tell` may be called from another thread, but never from two at once. */
    MPI_Request telling[MOST_WORDS];
    unsigned char said[MOST_WORDS];
    int next;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void nap(long *length)
{
    const struct timespec t = {0, *length};
    nanosleep(&t, NULL);
    *length = *length * 2 < LONGEST_NAP ? *length * 2 : LONGEST_NAP;
}

static void leave(struct mpi *m)
{
    free(m->heard);
    free(m->ended);
    free(m->word);
    free(m->in);
    free(m->out);
    free(m);
}

static int open_mpi(void **self, struct dae_transport_place *place, char problem[DAE_TRANSPORT_PROBLEM])
{
    int begun = 0, level = 0;
    MPI_Comm node;
    struct mpi *m = calloc(1, sizeof *m);
    MPI_Initialized(&begun);
    if (!m || begun) {
        snprintf(problem, DAE_TRANSPORT_PROBLEM, m ? "MPI is already in use in this process" : "out of memory");
        free(m);
        return -1;
    }
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS || level < MPI_THREAD_MULTIPLE) {
        snprintf(problem, DAE_TRANSPORT_PROBLEM,
                 "this MPI has no MPI_THREAD_MULTIPLE, without which a rank that hangs cannot be told from a slow one");
        free(m);
        return -1;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &m->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &m->size);
    MPI_Comm_dup(MPI_COMM_WORLD, &m->data);
    MPI_Comm_dup(MPI_COMM_WORLD, &m->words);
    MPI_Comm_set_errhandler(m->data, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(m->words, MPI_ERRORS_RETURN);
    *place = (struct dae_transport_place){m->rank, m->size, 0};
    if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, m->rank, MPI_INFO_NULL, &node) == MPI_SUCCESS) {
        MPI_Comm_rank(node, &place->local_rank);
        MPI_Comm_free(&node);
    }
    const size_t n = (size_t)m->size;
    m->heard = calloc(n, sizeof *m->heard);
    m->ended = calloc(n, sizeof *m->ended);
    m->word = calloc(n, sizeof *m->word);
    m->in = calloc(n, sizeof *m->in);
    m->out = calloc(n, sizeof *m->out);
    for (int i = 0; i < MOST_WORDS; ++i)
        m->telling[i] = MPI_REQUEST_NULL;
    if (!m->heard || !m->ended || !m->word || !m->in || !m->out) {
        snprintf(problem, DAE_TRANSPORT_PROBLEM, "out of memory");
        leave(m);
        return -1;
    }
    *self = m;
    return 0;
}

static int failed(struct dae_transport_loss *loss, int rank, const char *call, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int len = 0;
    MPI_Error_string(code, text, &len);
    *loss = (struct dae_transport_loss){.kind = DAE_TRANSPORT_FAILED, .rank = rank};
    snprintf(loss->problem, sizeof loss->problem, "%s: %.200s", call, text);
    return -1;
}

/* Takes all words that have arrived. */
static int hear_words(struct mpi *m, struct dae_transport_loss *loss)
{
    int there = 1;
    while (there) {
        MPI_Status status;
        unsigned char word;
        int code = MPI_Iprobe(MPI_ANY_SOURCE, TAG_WORD, m->words, &there, &status);
        if (code == MPI_SUCCESS && there)
            code = MPI_Recv(&word, 1, MPI_UNSIGNED_CHAR, status.MPI_SOURCE, TAG_WORD, m->words, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS)
            return failed(loss, -1, "MPI_Iprobe", code);
        if (!there)
            break;
        m->heard[status.MPI_SOURCE] = seconds();
        if (word && !m->word[status.MPI_SOURCE]) {
            m->word[status.MPI_SOURCE] = word;
            m->ended[status.MPI_SOURCE] = seconds();
        }
    }
    return 0;
}

/* A message in pieces, of which a few are on their way at once. Open MPI sends short messages at once, and long ones
 * over TCP only after an answer, which waits behind the data that the same connection carries the other way: two ranks
 * that exchange long messages would take turns. Pieces also have no limit of 2 GiB. */
static int advance(struct mpi *m, struct flow *flow, int rank, int sends, struct dae_transport_loss *loss)
{
    int done = 1;
    while (flow->n > 0 && done) {
        const int code = MPI_Test(&flow->request[flow->first], &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS)
            return failed(loss, rank, "MPI_Test", code);
        if (!done)
            break;
        flow->first = (flow->first + 1) % DEPTH;
        --flow->n;
    }
    while (flow->n < DEPTH && flow->left > 0) {
        const int bytes = flow->left < PIECE ? (int)flow->left : PIECE;
        MPI_Request *request = &flow->request[(flow->first + flow->n) % DEPTH];
        const int code = sends ? MPI_Isend(flow->at, bytes, MPI_BYTE, rank, TAG_DATA, m->data, request)
                               : MPI_Irecv(flow->at, bytes, MPI_BYTE, rank, TAG_DATA, m->data, request);
        if (code != MPI_SUCCESS)
            return failed(loss, rank, sends ? "MPI_Isend" : "MPI_Irecv", code);
        ++flow->n;
        flow->at += bytes;
        flow->left -= (uint64_t)bytes;
    }
    return 0;
}

static void begin(struct mpi *m, const struct dae_transport_message *message)
{
    for (int i = 0; i < m->size; ++i) {
        const int other = i != m->rank;
        m->heard[i] = seconds();
        m->in[i] = (struct flow){.at = message[i].receive, .left = other ? message[i].receive_bytes : 0};
        /* It is only read. */
        m->out[i] = (struct flow){.at = (char *)(uintptr_t)message[i].send, .left = other ? message[i].send_bytes : 0};
    }
}

/* One look: *complete, or a loss. */
static int look(struct mpi *m, double patience, int *complete, struct dae_transport_loss *loss)
{
    const double now = seconds();
    *complete = 1;
    for (int rank = 0; rank < m->size; ++rank) {
        if (advance(m, &m->in[rank], rank, 0, loss) != 0 || advance(m, &m->out[rank], rank, 1, loss) != 0)
            return -1;
        if (m->in[rank].n == 0 && m->out[rank].n == 0)
            continue;
        *complete = 0;
        *loss = (struct dae_transport_loss){.rank = rank, .word = m->word[rank]};
        if (m->word[rank] == SECOND_HAND && now - m->ended[rank] < second_hand_seconds)
            continue;
        loss->kind = m->word[rank] ? DAE_TRANSPORT_LEFT : DAE_TRANSPORT_SILENT;
        if (m->word[rank] || now - m->heard[rank] > patience)
            return -1;
    }
    return 0;
}

static int exchange(void *self, const struct dae_transport_message *message, double patience,
                    struct dae_transport_loss *loss)
{
    struct mpi *m = self;
    long length = SHORTEST_NAP;
    int complete = 0;
    begin(m, message);
    for (;;) {
        if (hear_words(m, loss) != 0 || look(m, patience, &complete, loss) != 0)
            return -1;
        if (complete)
            return 0;
        nap(&length);
    }
}

/* If none of the last words has been sent yet, there is no use in another one. */
static void tell(void *self, unsigned char word)
{
    struct mpi *m = self;
    for (int i = 0; i < m->size; ++i) {
        int done = 1;
        if (i == m->rank)
            continue;
        if (m->telling[m->next] != MPI_REQUEST_NULL)
            MPI_Test(&m->telling[m->next], &done, MPI_STATUS_IGNORE);
        if (done) {
            m->said[m->next] = word;
            MPI_Isend(&m->said[m->next], 1, MPI_UNSIGNED_CHAR, i, TAG_WORD, m->words, &m->telling[m->next]);
        }
        m->next = (m->next + 1) % MOST_WORDS;
    }
}

/* MPI_Finalize waits for all ranks. Where they do not all leave, the process ends without it, after the last words have
 * had time to arrive, because mpirun then ends the others. */
static void close_mpi(void *self, int clean)
{
    struct mpi *m = self;
    const double begun = seconds();
    long length = SHORTEST_NAP;
    while (!clean && seconds() - begun < farewell_seconds) {
        for (int i = 0; i < MOST_WORDS; ++i) {
            int done;
            MPI_Test(&m->telling[i], &done, MPI_STATUS_IGNORE);
        }
        nap(&length);
    }
    if (!clean)
        return; /* requests may still use its memory */
    for (int i = 0; i < MOST_WORDS; ++i)
        if (m->telling[i] != MPI_REQUEST_NULL)
            MPI_Request_free(&m->telling[i]);
    MPI_Finalize();
    leave(m);
}

const struct dae_transport dae_transport_v1 = {
    .bytes = sizeof(struct dae_transport),
    .name = DAE_MPI_NAME,
    .open = open_mpi,
    .exchange = exchange,
    .tell = tell,
    .close = close_mpi,
};
