/* A transport over pairs of local sockets, for ranks that are processes of one machine with the same parent. */
#ifndef TRAIN_SOCKET_TRANSPORT_H
#define TRAIN_SOCKET_TRANSPORT_H

#include "base/error.h"
#include "dae/transport.h"

enum { SOCKET_TRANSPORT_MAX = 16 }; /* ranks; each pair of them takes four descriptors until the processes are apart */

extern const struct dae_transport socket_transport; /* its `open` is NULL: see below */

/* The sockets of all ranks, made before the processes are started. */
struct socket_mesh;
/* For `size` ranks, 2 to SOCKET_TRANSPORT_MAX. DAE_IO if the descriptors do not suffice. */
MUST_USE enum dae_status socket_mesh_new(int size, struct socket_mesh **out, struct error *err);
/* In the process of that rank: keeps its own sockets, which become a transport's `self`, and frees the mesh. NULL:
 * out of memory. */
void *socket_mesh_join(struct socket_mesh *mesh, int rank);
void socket_mesh_free(struct socket_mesh *mesh); /* closes all; NULL is fine */

#endif
