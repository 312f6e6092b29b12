/* The contract of a transport: how the processes ("ranks") of one training reach each other. A transport moves bytes
 * and notices who is gone; what the bytes mean is dae-cl's.
 *
 * A transport in a file of its own exports `const struct dae_transport dae_transport_v1`. dae-cl calls `open` once, and
 * then the other functions from one thread at a time, except `tell`, which another thread may call at any time. */
#ifndef DAE_TRANSPORT_H
#define DAE_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

enum { DAE_TRANSPORT_PROBLEM = 256 }; /* bytes of a text about a failure */

/* Who this process is. */
struct dae_transport_place {
    int rank, size;
    int local_rank; /* its number among the ranks on the same machine, from 0 */
};

/* What goes to one rank, and what comes from it. Both sides know both lengths, which may be 0. */
struct dae_transport_message {
    const void *send;
    void *receive;
    uint64_t send_bytes, receive_bytes;
};

/* Why an exchange could not be completed. */
struct dae_transport_loss {
    enum {
        DAE_TRANSPORT_SILENT = 1, /* the rank gave no sign of life for as long as the caller was willing to wait */
        DAE_TRANSPORT_GONE,       /* its process no longer exists, or the connection to it is closed */
        DAE_TRANSPORT_LEFT,       /* it told that it is ending, with `word` */
        DAE_TRANSPORT_FAILED,     /* the transport itself failed, and `problem` says why */
    } kind;
    int rank;           /* -1: no particular one */
    unsigned char word; /* DAE_TRANSPORT_LEFT only */
    char problem[DAE_TRANSPORT_PROBLEM];
};

struct dae_transport {
    uint32_t bytes;   /* sizeof(struct dae_transport) of the header that it was compiled with */
    const char *name; /* "Open MPI" */

    /* Joins the others. *self is passed to the other functions. Returns 0, or non-zero with the reason in `problem`. */
    int (*open)(void **self, struct dae_transport_place *place, char problem[DAE_TRANSPORT_PROBLEM]);

    /* Sends and receives message[0 .. size) at once, and returns when all are complete; that of the own rank is
     * ignored. Messages between two ranks arrive in the order of the calls. Returns 0, or non-zero with *loss filled
     * if a rank from which something is missing has given no sign of life, neither bytes nor a word, for `patience`
     * seconds since the call began, is gone, or told a word other than 0. No exchange can follow a failed one. */
    int (*exchange)(void *self, const struct dae_transport_message *message, double patience,
                    struct dae_transport_loss *loss);

    /* Tells every other rank one word without waiting: 0 means that this one is alive, anything else that it ends. */
    void (*tell)(void *self, unsigned char word);

    /* Leaves. `clean`: all ranks do so, after the same exchange; else the others may still be waiting. */
    void (*close)(void *self, int clean);
};

#endif
