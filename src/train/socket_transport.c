#define _GNU_SOURCE
#include "train/socket_transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    TURN_MS = 100, /* between two looks at the clock */
    MOST_WORDS = 64,
    SECOND_HAND = 11, /* DAE_RANK: told by a rank that itself only lost another one */
};

/* How long a rank that lost another one is given for the others to notice the same by themselves. */
static const double second_hand_seconds = 4;

/* One socket carries messages, the other one words, so that a word never waits for a message. */
struct peer {
    int data, words; /* -1: the own rank */
};

struct sockets {
    int rank, size;
    struct peer peer[SOCKET_TRANSPORT_MAX];
};

struct socket_mesh {
    int size;
    struct peer end[SOCKET_TRANSPORT_MAX][SOCKET_TRANSPORT_MAX]; /* end[a][b]: what rank a has of b */
};

static void close_peer(struct peer *peer)
{
    if (peer->data >= 0)
        close(peer->data);
    if (peer->words >= 0)
        close(peer->words);
    *peer = (struct peer){-1, -1};
}

/* Programs that a rank starts must not keep its connections. */
static bool connect_pair(int *a, int *b)
{
    int end[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, end) < 0)
        return false;
    *a = end[0];
    *b = end[1];
    return true;
}

enum dae_status socket_mesh_new(int size, struct socket_mesh **out, struct error *err)
{
    struct socket_mesh *mesh = calloc(1, sizeof *mesh);
    *out = NULL;
    if (!mesh)
        return error_no_memory(err, "sockets", sizeof *mesh);
    mesh->size = size;
    for (int a = 0; a < size; ++a)
        for (int b = 0; b < size; ++b)
            mesh->end[a][b] = (struct peer){-1, -1};
    for (int a = 0; a < size; ++a)
        for (int b = 0; b < a; ++b)
            if (!connect_pair(&mesh->end[a][b].data, &mesh->end[b][a].data) ||
                !connect_pair(&mesh->end[a][b].words, &mesh->end[b][a].words)) {
                const enum dae_status status =
                    error_set(err, DAE_IO, "cannot create sockets for %d ranks: %s", size, strerror(errno));
                socket_mesh_free(mesh);
                return status;
            }
    *out = mesh;
    return DAE_OK;
}

void socket_mesh_free(struct socket_mesh *mesh)
{
    for (int a = 0; mesh && a < mesh->size; ++a)
        for (int b = 0; b < mesh->size; ++b)
            close_peer(&mesh->end[a][b]);
    free(mesh);
}

void *socket_mesh_join(struct socket_mesh *mesh, int rank)
{
    struct sockets *s = calloc(1, sizeof *s);
    if (s) {
        s->rank = rank;
        s->size = mesh->size;
        for (int i = 0; i < mesh->size; ++i) {
            s->peer[i] = mesh->end[rank][i];
            mesh->end[rank][i] = (struct peer){-1, -1};
        }
    }
    socket_mesh_free(mesh);
    return s;
}

/* ---- An exchange. ------------------------------------------------------------------------------------------------ */

/* How far the exchange with one rank is. */
struct turn {
    uint64_t sent, received;
    double heard;       /* when it last gave a sign of life */
    double ended;       /* when it told that it ends; 0: it has not */
    unsigned char word; /* the last one that is not 0 */
    bool closed;        /* its end of a connection is */
    bool owes;          /* at the end of this look: something is missing from it, and nothing was there to read */
};

static bool is_complete(const struct turn *turn, const struct dae_transport_message *message)
{
    return turn->sent == message->send_bytes && turn->received == message->receive_bytes;
}

/* Whether a call on a socket that never blocks only has to be repeated later. */
static bool would_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void hear_words(const struct peer *peer, struct turn *turn)
{
    unsigned char words[MOST_WORDS];
    ssize_t n;
    while ((n = recv(peer->words, words, sizeof words, 0)) > 0) {
        turn->heard = clock_seconds();
        for (ssize_t i = 0; i < n; ++i)
            if (words[i] != 0 && !turn->word) {
                turn->word = words[i];
                turn->ended = turn->heard;
            }
    }
    turn->closed |= n == 0 || (n < 0 && !would_wait());
}

static void move_bytes(const struct peer *peer, const struct dae_transport_message *message, struct turn *turn)
{
    ssize_t n = 1;
    while (turn->received < message->receive_bytes && n > 0) {
        n = recv(peer->data, (char *)message->receive + turn->received, message->receive_bytes - turn->received, 0);
        if (n > 0) {
            turn->received += (uint64_t)n;
            turn->heard = clock_seconds();
        }
        turn->closed |= n == 0 || (n < 0 && !would_wait());
    }
    n = 1;
    while (turn->sent < message->send_bytes && n > 0) {
        n = send(peer->data, (const char *)message->send + turn->sent, message->send_bytes - turn->sent, MSG_NOSIGNAL);
        if (n > 0)
            turn->sent += (uint64_t)n;
        turn->closed |= n < 0 && !would_wait();
    }
    turn->owes = !is_complete(turn, message);
}

/* Whether the rank is lost. Words say more than a closed connection, so they are read first. */
static bool is_lost(const struct turn *turn, double patience, struct dae_transport_loss *loss)
{
    const double now = clock_seconds();
    if (!turn->owes)
        return false;
    loss->word = turn->word;
    if (turn->word == SECOND_HAND && now - turn->ended < second_hand_seconds)
        return false;
    if (turn->word)
        loss->kind = DAE_TRANSPORT_LEFT;
    else if (turn->closed)
        loss->kind = DAE_TRANSPORT_GONE;
    else if (now - turn->heard > patience)
        loss->kind = DAE_TRANSPORT_SILENT;
    else
        return false;
    return true;
}

/* Waits until a socket of a rank with which something is open can be read or written, or for a turn. */
static void wait_turn(const struct sockets *s, const struct dae_transport_message *message, const struct turn *turn)
{
    struct pollfd fds[2 * SOCKET_TRANSPORT_MAX];
    nfds_t n = 0;
    for (int i = 0; i < s->size; ++i) {
        if (i == s->rank || is_complete(&turn[i], &message[i]) || turn[i].closed)
            continue;
        const bool reads = turn[i].received < message[i].receive_bytes, writes = turn[i].sent < message[i].send_bytes;
        fds[n++] =
            (struct pollfd){.fd = s->peer[i].data, .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0))};
        fds[n++] = (struct pollfd){.fd = s->peer[i].words, .events = POLLIN};
    }
    poll(fds, n, TURN_MS);
}

static int exchange(void *self, const struct dae_transport_message *message, double patience,
                    struct dae_transport_loss *loss)
{
    const struct sockets *s = self;
    struct turn turn[SOCKET_TRANSPORT_MAX] = {{0}};
    *loss = (struct dae_transport_loss){.rank = -1};
    for (int i = 0; i < s->size; ++i)
        turn[i].heard = clock_seconds();
    for (;;) {
        bool complete = true;
        for (int i = 0; i < s->size; ++i) {
            if (i == s->rank || is_complete(&turn[i], &message[i]))
                continue;
            hear_words(&s->peer[i], &turn[i]);
            move_bytes(&s->peer[i], &message[i], &turn[i]);
            complete = complete && !turn[i].owes;
        }
        if (complete)
            return 0;
        for (int i = 0; i < s->size; ++i)
            if (i != s->rank && is_lost(&turn[i], patience, loss)) {
                loss->rank = i;
                return -1;
            }
        wait_turn(s, message, turn);
    }
}

/* A full socket has enough words that say the same. */
static void tell(void *self, unsigned char word)
{
    const struct sockets *s = self;
    for (int i = 0; i < s->size; ++i) {
        if (i == s->rank)
            continue;
        const ssize_t sent = send(s->peer[i].words, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent;
    }
}

static void close_all(void *self, int clean)
{
    struct sockets *s = self;
    (void)clean;
    for (int i = 0; i < s->size; ++i)
        close_peer(&s->peer[i]);
    free(s);
}

const struct dae_transport socket_transport = {
    .bytes = sizeof(struct dae_transport),
    .name = "local sockets",
    .exchange = exchange,
    .tell = tell,
    .close = close_all,
};
