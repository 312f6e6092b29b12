#include "check/candidates.h"

#include <assert.h>

/* Products by rows x vectors, and convolutions by vectors, vectors of a pixel, rows of weights. Sizes that were fastest
 * on some device come first, because there may be time for only a few. */
static const int products[][2] = {{8, 2}, {6, 2}, {12, 2}, {4, 4}, {6, 4}, {14, 1}, {8, 1},
                                  {6, 1}, {5, 1}, {4, 1},  {3, 1}, {2, 1}, {3, 2},  {2, 2}};
static const int convolutions[][3] = {{16, 2, 12}, {12, 2, 12}, {16, 1, 12}, {8, 2, 6}, {8, 1, 9}, {6, 2, 3},
                                      {6, 1, 6},   {4, 2, 2},   {4, 1, 4},   {3, 1, 3}, {2, 1, 2}};
enum {
    N_PRODUCTS = sizeof products / sizeof products[0],
    N_CONVOLUTIONS = sizeof convolutions / sizeof convolutions[0],
};
static_assert(1 + N_PRODUCTS + N_CONVOLUTIONS <= CANDIDATES_MOST, "candidates");

static bool has_products(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plugin && network->node[i].plan.n_products > 0)
            return true;
    return false;
}

static bool has_convolutions(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plugin && network->node[i].plugin->folds && !network->node[i].plugin->batch_wide)
            return true;
    return false;
}

/* Layers that may compute in blocks of pixels. */
static bool has_blocks(const struct network *network)
{
    for (int i = 1; i < network->n_nodes; ++i)
        if (network->node[i].plan.block > 0)
            return true;
    return false;
}

bool candidates_apply(enum candidate_kind kind, const struct tuning *tuning, const struct network *network)
{
    switch (kind) {
    case CANDIDATE_WINOGRAD:
        return tuning->wide && !tuning->winograd_asked && has_blocks(network);
    case CANDIDATE_CONVOLUTIONS:
        return tuning->wide && has_convolutions(network);
    case CANDIDATE_PRODUCTS:
        return tuning->wide && !tuning->clblast && has_products(network);
    default:
        return false;
    }
}

static bool suits(const struct properties *properties, int rows, int columns)
{
    return tuning_has_room(properties, rows, columns) && !tuning_has_room(properties, 4 * rows + 4, columns);
}

static bool next_product(const struct properties *properties, int *at, struct tuning *next)
{
    while (*at < N_PRODUCTS) {
        const int rows = products[*at][0], columns = products[*at][1];
        ++*at;
        if ((rows == next->gemm_rows && columns == next->gemm_columns) || !suits(properties, rows, columns))
            continue;
        next->gemm_rows = rows;
        next->gemm_columns = columns;
        return true;
    }
    return false;
}

static bool next_convolution(const struct properties *properties, int *at, struct tuning *next)
{
    while (*at < N_CONVOLUTIONS) {
        const int tile = convolutions[*at][0], block = convolutions[*at][1], rows = convolutions[*at][2];
        ++*at;
        if ((tile == next->conv_tile && block == next->conv_block && rows == next->conv_rows) ||
            !suits(properties, tile / block, block) || !tuning_has_room(properties, rows, block))
            continue;
        next->conv_tile = tile;
        next->conv_block = block;
        next->conv_rows = rows;
        return true;
    }
    return false;
}

bool candidates_next(enum candidate_kind kind, const struct properties *properties, const struct tuning *from, int *at,
                     struct tuning *next)
{
    *next = *from;
    if (kind == CANDIDATE_PRODUCTS)
        return next_product(properties, at, next);
    if (kind == CANDIDATE_CONVOLUTIONS)
        return next_convolution(properties, at, next);
    next->winograd = !from->winograd;
    return (*at)++ == 0;
}

const char *candidates_text(enum candidate_kind kind, const struct tuning *tuning, struct arena *arena)
{
    if (kind == CANDIDATE_PRODUCTS)
        return arena_printf(arena, "products by %d rows x %d vectors", tuning->gemm_rows, tuning->gemm_columns);
    if (kind == CANDIDATE_CONVOLUTIONS)
        return arena_printf(arena, "convolutions by %d pixels x %d vectors, %d rows of weights",
                            tuning->conv_tile / tuning->conv_block, tuning->conv_block, tuning->conv_rows);
    return arena_printf(arena, "%s Winograd's algorithm", tuning->winograd ? "with" : "without");
}
