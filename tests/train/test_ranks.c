/* Ranks without a device: the tree gives the same bits however its parts are spread, and what ranks say to each other
 * over local sockets, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "train/exchange_cost.h"
#include "train/part_tree.h"
#include "train/ranks.h"
#include "train/socket_transport.h"

enum { LEN = 37 };

/* ---- The tree. --------------------------------------------------------------------------------------------------- */

static float part[PART_TREE_MAX][LEN];

/* Numbers of very different sizes, so that another order gives other bits. */
static void draw_parts(unsigned seed)
{
    srand(seed);
    for (int p = 0; p < PART_TREE_MAX; ++p)
        for (int k = 0; k < LEN; ++k)
            part[p][k] = (float)(rand() - RAND_MAX / 2) * (rand() % 2 ? 1e-3F : 1.0F);
}

/* As it is defined: the left half plus the right half. */
static float tree_sum(int first, int n, int k)
{
    return n == 1 ? part[first][k] : tree_sum(first, n / 2, k) + tree_sum(first + n / 2, n / 2, k);
}

static void sum_over(int parts, int ranks, float *total)
{
    static float sum[PART_TREE_MAX][LEN];
    struct part_stack all = {0};
    int next = 0;
    memcpy(sum, part, sizeof sum);
    for (int r = 0; r < ranks; ++r) {
        const struct part_range own = part_tree_share(parts, ranks, r);
        struct part_range root[PART_TREE_ROOTS];
        struct part_stack stack = {0};
        assert_int_equal(own.first, next);
        assert_true(own.n >= 1);
        next += own.n;
        for (int i = 0; i < own.n; ++i)
            part_stack_push(&stack, (struct part_range){own.first + i, 1}, sum[own.first + i], LEN);
        assert_int_equal(part_tree_roots(own, root), stack.n);
        assert_memory_equal(root, stack.range, (size_t)stack.n * sizeof *root);
        for (int i = 0; i < stack.n; ++i)
            part_stack_push(&all, root[i], stack.sum[i], LEN);
    }
    assert_int_equal(next, parts);
    assert_int_equal(all.n, 1);
    memcpy(total, all.sum[0], LEN * sizeof *total);
}

static void the_tree_has_the_same_bits_for_any_number_of_ranks(void **state)
{
    (void)state;
    int differs = 0;
    for (int parts = 1; parts <= PART_TREE_MAX; parts *= 2)
        for (int ranks = 1; ranks <= parts && ranks <= 70; ++ranks) {
            float want[LEN], in_a_row[LEN] = {0}, got[LEN];
            draw_parts((unsigned)parts);
            for (int k = 0; k < LEN; ++k)
                want[k] = tree_sum(0, parts, k);
            for (int p = 0; p < parts; ++p)
                for (int k = 0; k < LEN; ++k)
                    in_a_row[k] += part[p][k];
            sum_over(parts, ranks, got);
            assert_memory_equal(want, got, sizeof want);
            differs += memcmp(want, in_a_row, sizeof want) != 0;
        }
    assert_true(differs > 0); /* the numbers can tell one order from another */
}

static void the_cost_is_that_of_halving_where_ranks_divide_the_parts(void **state)
{
    (void)state;
    const struct network_link link = {1e9, 50e-6};
    const int64_t len = 840000; /* divisible by each number of ranks */
    for (int ranks = 2; ranks <= 8; ++ranks) {
        const struct exchange_cost cost = exchange_cost(len, 8, ranks, &link);
        const double halving = 2.0 * (ranks - 1) / ranks * (double)len * sizeof(float);
        const double headers = 16.0 * (ranks - 1);
        if (8 % ranks == 0) {
            assert_float_equal(cost.bytes_sent, halving + headers, 0.5);
            assert_float_equal(cost.seconds, 2 * 50e-6 + 8 * (halving + headers) / 1e9, 1e-9);
            assert_float_equal(cost.share, 1.0 / ranks, 1e-9);
        } else {
            assert_true(cost.bytes_sent >= halving);
            assert_true(cost.bytes_sent <= 1.5 * halving + headers);
            assert_true(cost.share > 1.0 / ranks);
        }
    }
}

/* ---- Processes. -------------------------------------------------------------------------------------------------- */

/* What each rank does; returns what the process exits with. */
typedef int play_fn(struct ranks *ranks);

/* Plays in `n` processes and returns the exit status of each. */
static void play_ranks(int n, play_fn *play, int *status)
{
    struct socket_mesh *mesh;
    struct error err = {0};
    pid_t child[SOCKET_TRANSPORT_MAX];
    assert_int_equal(socket_mesh_new(n, &mesh, &err), DAE_OK);
    for (int i = 0; i < n; ++i) {
        child[i] = fork();
        if (child[i] != 0)
            continue;
        struct ranks *ranks;
        const struct dae_transport_place place = {i, n, i};
        alarm(60);
        if (ranks_new(&socket_transport, socket_mesh_join(mesh, i), &place, &ranks, &err) != DAE_OK)
            _exit(99);
        _exit(play(ranks));
    }
    socket_mesh_free(mesh);
    for (int i = 0; i < n; ++i) {
        int state;
        assert_int_equal(waitpid(child[i], &state, 0), child[i]);
        status[i] = WIFEXITED(state) ? WEXITSTATUS(state) : 128;
    }
}

/* More than a socket holds, both ways at once. */
static int play_exchanges(struct ranks *ranks)
{
    enum { EACH = 300000 };
    static unsigned char bytes[SOCKET_TRANSPORT_MAX * EACH];
    const int n = ranks_count(ranks), own = ranks_number(ranks);
    struct error err = {0};
    uint64_t begin[SOCKET_TRANSPORT_MAX + 1];
    int other;
    for (int turn = 0; turn < 5; ++turn) {
        for (int i = 0; i <= n; ++i)
            begin[i] = (uint64_t)i * EACH;
        memset(bytes, 0, sizeof bytes);
        memset(bytes + begin[own], 10 * turn + own + 1, EACH);
        if (ranks_gather(ranks, bytes, begin, &err) != DAE_OK)
            return 1;
        for (int i = 0; i < n * EACH; ++i)
            if (bytes[i] != 10 * turn + i / EACH + 1)
                return 2;
        uint64_t number = own == 0 ? 77 : 0;
        if (ranks_broadcast(ranks, &number, sizeof number, &err) != DAE_OK || number != 77)
            return 3;
        if (ranks_agree(ranks, number, &other, &err) != DAE_OK || other != -1)
            return 4;
        if (ranks_agree(ranks, own == n - 1 ? 1 : 2, &other, &err) != DAE_OK || other != (n > 1 ? n - 1 : -1))
            return 5;
    }
    ranks_leave(ranks, DAE_OK);
    return 0;
}

static void ranks_exchange_and_agree(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n += 2) {
        int status[SOCKET_TRANSPORT_MAX];
        play_ranks(n, play_exchanges, status);
        for (int i = 0; i < n; ++i)
            assert_int_equal(status[i], 0);
    }
}

static int play_comparison(struct ranks *ranks)
{
    struct error err = {0};
    const char *const text[] = {"a: 1\nb: 2\nc: 3\n", "a: 1\nb: 2\nc: 3\n", "a: 1\nc: 4\n"};
    if (ranks_compare(ranks, "a: 1\n", &err) != DAE_OK)
        return 1;
    if (ranks_compare(ranks, text[ranks_number(ranks)], &err) != DAE_CONFIG)
        return 2;
    const bool names =
        strstr(err.text, "rank 2 does not train what rank 0 trains: it has \"c: 4\", rank 0 has \"b: 2\"") != NULL;
    ranks_leave(ranks, DAE_CONFIG);
    return names ? 0 : 3;
}

static void ranks_that_differ_name_the_line(void **state)
{
    (void)state;
    int status[3];
    play_ranks(3, play_comparison, status);
    for (int i = 0; i < 3; ++i)
        assert_int_equal(status[i], 0);
}

/* Waits for rank 2, which does not come. */
static int wait_in_vain(struct ranks *ranks, const char *words)
{
    struct error err = {0};
    unsigned char bytes[3];
    const uint64_t begin[] = {0, 1, 2, 3};
    const double begun = clock_seconds();
    if (ranks_gather(ranks, bytes, begin, &err) != DAE_RANK)
        return 1;
    if (clock_seconds() - begun > 12)
        return 2;
    if (!strstr(err.text, words)) {
        fprintf(stderr, "%s\n", err.text);
        return 3;
    }
    ranks_leave(ranks, DAE_RANK);
    return 0;
}

static int play_failure(struct ranks *ranks)
{
    if (ranks_number(ranks) < 2)
        return wait_in_vain(ranks, "rank 2 ended with exit status 5 (a file could not be read or written)");
    ranks_leave(ranks, DAE_IO);
    return 5;
}

static int play_death(struct ranks *ranks)
{
    return ranks_number(ranks) < 2 ? wait_in_vain(ranks, "rank 2 died: its connection is closed") : 7;
}

/* It computes for longer than a rank may be silent, which is no failure. */
static int play_late(struct ranks *ranks)
{
    struct error err = {0};
    unsigned char bytes[3];
    const uint64_t begin[] = {0, 1, 2, 3};
    if (ranks_number(ranks) == 2)
        sleep(10);
    const enum dae_status status = ranks_gather(ranks, bytes, begin, &err);
    ranks_leave(ranks, status);
    return (int)status;
}

static void a_lost_rank_is_named_with_the_reason(void **state)
{
    (void)state;
    int status[3];
    play_ranks(3, play_failure, status);
    assert_int_equal(status[0] + status[1], 0);
    assert_int_equal(status[2], 5);
    play_ranks(3, play_death, status);
    assert_int_equal(status[0] + status[1], 0);
    assert_int_equal(status[2], 7);
}

static void a_rank_that_is_late_is_waited_for(void **state)
{
    (void)state;
    int status[3];
    play_ranks(3, play_late, status);
    assert_int_equal(status[0] + status[1] + status[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_has_the_same_bits_for_any_number_of_ranks),
        cmocka_unit_test(the_cost_is_that_of_halving_where_ranks_divide_the_parts),
        cmocka_unit_test(ranks_exchange_and_agree),
        cmocka_unit_test(ranks_that_differ_name_the_line),
        cmocka_unit_test(a_lost_rank_is_named_with_the_reason),
        cmocka_unit_test(a_rank_that_is_late_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
