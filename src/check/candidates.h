/* What tuning tries on a device that computes in the shape wide. */
#ifndef CHECK_CANDIDATES_H
#define CHECK_CANDIDATES_H

#include <stdbool.h>

#include "base/arena.h"
#include "device/properties.h"
#include "device/tuning.h"
#include "graph/network.h"

enum { CANDIDATES_MOST = 32 }; /* of all kinds together, at most */
enum candidate_kind { CANDIDATE_WINOGRAD, CANDIDATE_CONVOLUTIONS, CANDIDATE_PRODUCTS, CANDIDATE_KINDS };

/* Whether this kind changes how a device with this tuning trains the network, and the user left it to dae-cl. */
bool candidates_apply(enum candidate_kind kind, const struct tuning *tuning, const struct network *network);

/* Sets *next to `from` with another choice of this kind: of those from number *at on, the first that differs from
 * `from`, fits in the device's registers and fills a quarter of them. *at becomes the number after it. False if there
 * is none. Call it only for a kind that applies. */
bool candidates_next(enum candidate_kind kind, const struct properties *properties, const struct tuning *from, int *at,
                     struct tuning *next);

/* "products by 6 rows x 2 vectors", in the arena; NULL without memory. */
const char *candidates_text(enum candidate_kind kind, const struct tuning *tuning, struct arena *arena);

#endif
