/* The options of sources that draw single samples. */
#ifndef DATA_SOURCES_DRAWN_H
#define DATA_SOURCES_DRAWN_H

#include "base/shape.h"
#include "data/source.h"

/* The first member of their options. */
struct drawn {
    struct source_common common;
    int64_t train, test, seed;
};
#define DRAWN_ROWS(n_train, n_test, what)                                                                              \
    ROW_RANGE(struct drawn, train, DAE_TYPE_INT, n_train, 1, 10000000, "training " what),                              \
        ROW_RANGE(struct drawn, test, DAE_TYPE_INT, n_test, 1, 10000000, "test " what),                                \
        DAE_INT(struct drawn, seed, 1, 0, INT32_MAX, "seed of the set that is drawn")

#endif
