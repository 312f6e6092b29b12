/* Placement in one buffer: a property test over random lifetimes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "graph/placement.h"

enum { ROUNDS = 2000, MAX_ITEMS = 24, STEPS = 12 };

static uint32_t draw(int round, int element)
{
    return philox_word((struct philox_key){1, 0, 0, (uint32_t)round}, (uint32_t)element);
}

static int64_t padded(int64_t len)
{
    return (len + PLACEMENT_ALIGN - 1) / PLACEMENT_ALIGN * PLACEMENT_ALIGN;
}

static void solve(struct placement_item *items, int n, int64_t *total)
{
    struct error err = {0};
    if (placement_solve(items, n, total, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

static void random_lifetimes_never_overlap(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; ++round) {
        struct placement_item items[MAX_ITEMS];
        const int n = 1 + (int)(draw(round, 0) % MAX_ITEMS);
        int64_t live[STEPS] = {0}, sum = 0, most = 0, total;
        for (int i = 0; i < n; ++i) {
            const int first = (int)(draw(round, 3 * i + 1) % STEPS), length = (int)(draw(round, 3 * i + 2) % STEPS);
            items[i] = (struct placement_item){.len = draw(round, 3 * i + 3) % 100,
                                               .first = first,
                                               .last = first + length < STEPS ? first + length : STEPS - 1};
            sum += padded(items[i].len);
            for (int step = items[i].first; step <= items[i].last; ++step)
                live[step] += items[i].len;
        }
        solve(items, n, &total);
        for (int i = 0; i < n; ++i) {
            assert_true(items[i].offset >= 0 && items[i].offset % PLACEMENT_ALIGN == 0);
            assert_true(items[i].offset + items[i].len <= total);
            for (int j = 0; j < i; ++j) {
                const struct placement_item *a = &items[i], *b = &items[j];
                if (a->first > b->last || b->first > a->last || a->len == 0 || b->len == 0)
                    continue;
                assert_true(a->offset + a->len <= b->offset || b->offset + b->len <= a->offset);
            }
        }
        for (int step = 0; step < STEPS; ++step)
            most = live[step] > most ? live[step] : most;
        assert_true(total >= most && total <= sum);
    }
}

static void memory_is_used_again(void **state)
{
    (void)state;
    struct placement_item chain[] = {{100, 0, 1, 0}, {100, 1, 2, 0}, {100, 2, 3, 0}, {100, 3, 4, 0}};
    int64_t total;
    solve(chain, 4, &total);
    assert_int_equal(total, 2 * padded(100));
}

static void the_same_items_get_the_same_places(void **state)
{
    (void)state;
    struct placement_item a[9], b[9];
    int64_t total[2];
    for (int i = 0; i < 9; ++i)
        a[i] = b[i] = (struct placement_item){.len = 40, .first = i / 3, .last = i / 3 + 1};
    solve(a, 9, &total[0]);
    solve(b, 9, &total[1]);
    assert_memory_equal(a, b, sizeof a);
}

static void sums_beyond_all_memory_are_refused(void **state)
{
    (void)state;
    struct placement_item items[] = {{INT64_MAX - 20, 0, 1, 0}, {64, 0, 1, 0}}, one = {INT64_MAX, 0, 0, 0};
    struct error err = {0};
    int64_t total;
    assert_int_equal(placement_solve(items, 2, &total, &err), DAE_NO_MEMORY);
    err = (struct error){0};
    assert_int_equal(placement_solve(&one, 1, &total, &err), DAE_NO_MEMORY);
}

static void nothing_needs_nothing(void **state)
{
    (void)state;
    int64_t total = 7;
    solve(NULL, 0, &total);
    assert_int_equal(total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lifetimes_never_overlap),
        cmocka_unit_test(memory_is_used_again),
        cmocka_unit_test(the_same_items_get_the_same_places),
        cmocka_unit_test(sums_beyond_all_memory_are_refused),
        cmocka_unit_test(nothing_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
