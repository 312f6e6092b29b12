/* Graph building: what is right, and each mistake with its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "networks.h"

static void good(const char *text, struct arena *arena, struct network *network)
{
    struct error err = {0};
    if (build_text(registry, text, false, arena, network, &err) != DAE_OK)
        fail_msg("%s", err.text);
}

static void chain_and_branches(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct network n;
    good("seed: 7\n"
         "corruption: [{gaussian: {}}, {gaussian: {sigma: 0.1}}]\n"
         "model:\n"
         "  input: [4, 4, 1]\n"
         "  layers:\n"
         "    - conv2d: {filters: 3, kernel: 3, pad: 1}\n"
         "      name: a\n"
         "    - relu\n"
         "    - conv2d: {filters: 3, kernel: 1}\n"
         "    - {add: {}, from: [conv2d_1, a]}\n"
         "    - {concat: {}, from: [input, add_1]}\n"
         "    - {conv2d: {filters: 1, kernel: 1}}\n"
         "  code: a\n"
         "train: {loss: mse}\n",
         &arena, &n);
    assert_int_equal(n.n_nodes, 10);
    assert_int_equal(n.noisy, 2);
    assert_int_equal(n.output, 8);
    assert_int_equal(n.loss, 9);
    assert_int_equal(n.code, network_find(&n, "a"));
    assert_string_equal(n.node[1].name, "gaussian_1");
    assert_string_equal(n.node[2].name, "gaussian_2");
    assert_int_equal(n.node[network_find(&n, "concat_1")].input[0],
                     n.noisy); /* "input" is what the first layer reads */
    assert_int_equal(n.node[network_find(&n, "a")].n_readers, 2);
    assert_int_equal(n.node[n.loss].input[0], n.output);
    assert_int_equal(n.node[n.loss].input[1], 0);
    assert_int_equal(n.n_parameters, (9 * 3 + 3) + (3 * 3 + 3) + (4 + 1));
    assert_int_equal(n.parameters_len % 16, 0);
    assert_int_equal(n.seed, 7);
    assert_false(n.node[n.noisy].wants_gradient);
    for (int i = 0; i < n.n_nodes; ++i)
        for (int w = 0; w < n.node[i].plan.n_weights; ++w)
            assert_int_equal(n.node[i].weight_offset[w] % 16, 0);
    arena_release(&arena);
}

static void initial_parameters_come_from_the_seed(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct network n;
    static const char text[] = "model: {input: [9], layers: [{dense: {units: 9}}]}\ntrain: {loss: mse}\n";
    float a[112] = {0}, b[112];
    good(text, &arena, &n);
    assert_int_equal(n.parameters_len, 96 + 16);
    network_init(&n, a);
    n.seed ^= 1;
    network_init(&n, b);
    int same = 0;
    for (int i = 0; i < 112; ++i) {
        const int padding = (i >= 81 && i < 96) || i >= 105;
        assert_true(padding ? a[i] == 0 : a[i] > -1.0f / 3 && a[i] < 1.0f / 3);
        same += !padding && a[i] == b[i];
    }
    assert_int_equal(same, 0);
    arena_release(&arena);
}

#define LAYERS(layers) "model:\n  input: [4, 4, 1]\n  layers:\n" layers "train: {loss: mse}\n"
#define CONV "    - {conv2d: {filters: 1, kernel: 1}, name: a}\n"

static const struct {
    const char *text, *message;
} mistakes[] = {
    {LAYERS("    - {conv2d: {filters: 3, kernel: 3}, name: narrow}\n" CONV
            "    - {add: {}, name: sum, from: [narrow, a]}\n"),
     "net.yaml:6:8: error: add \"sum\": its inputs differ in shape\n"
     "note: it reads \"narrow\", which is 2x2x3\n"
     "note: it reads \"a\", which is 2x2x1"},
    {LAYERS("    - dense: {units: 3}\n"),
     "net.yaml:4:7: error: dense \"dense_1\": expects a vector (N); add a flatten layer before it\n"
     "note: it reads \"input\", which is 4x4x1"},
    {LAYERS("    - conv2d: {filters: 2, kernel: 3}\n      name: last\n"),
     "net.yaml:4:7: error: the output \"last\" is 2x2x2, but the clean input that it must restore is 4x4x1"},
    {LAYERS("    - conv2x: {filters: 3}\n"),
     "net.yaml:4:7: error: no layer is called 'conv2x' (did you mean 'conv2d'?)"},
    {LAYERS("    - conv2d: {filter: 3}\n"),
     "net.yaml:4:16: error: unknown key 'filter' in conv2d (did you mean 'filters'?)"},
    {LAYERS("    - conv2d: {kernel: 3}\n"), "net.yaml:4:15: error: conv2d: key 'filters' is missing: output channels"},
    {LAYERS(CONV CONV), "net.yaml:5:47: error: two layers are called 'a'; names must differ"},
    {LAYERS("    - {conv2d: {filters: 1, kernel: 1}, name: input}\n"),
     "net.yaml:4:47: error: two layers are called 'input'; names must differ"},
    {LAYERS(CONV "    - {relu: {}, name: r, from: b}\n    - {relu: {}, name: b}\n"),
     "net.yaml:5:33: error: r reads 'b', but no layer above it has that name; a layer can only read 'input' and layers "
     "above it"},
    {LAYERS("    - {relu: {}, name: r, from: r}\n"),
     "net.yaml:4:33: error: r reads 'r', but no layer above it has that name; a layer can only read 'input' and layers "
     "above it"},
    {LAYERS(CONV "    - {conv2d: {filters: 1, kernel: 1}, from: input}\n"),
     "net.yaml:4:8: error: no layer reads layer 'a'; only the last layer is the output"},
    {LAYERS("    - relu: {}\n"), "net.yaml:4:5: error: the network has nothing to train: no layer has weights"},
    {LAYERS("    - {add: {}, name: sum}\n"),
     "net.yaml:4:8: error: add \"sum\": expects 2 to 8 inputs, got 1; name them with from: [a, b]"},
    {LAYERS("    - {relu: {}, name: r, from: [input, input]}\n"),
     "net.yaml:4:33: error: relu \"r\": expects 1 input, got 2"},
    {"model: {input: [50000, 50000, 1], layers: [relu]}\ntrain: {loss: mse}\n",
     "net.yaml:1:16: error: input: its shape of 50000x50000x1 is empty or too large"},
    {"model:\n  input: [1000000]\n  layers:\n    - dense: {units: 1000000}\ntrain: {loss: mse}\n",
     "net.yaml:4:7: error: dense_1: its weight of 1000000x1000000 is empty or too large"},
    {"model: {input: [4], layers: [{dense: {units: 4}}], code: nowhere}\ntrain: {loss: mse}\n",
     "net.yaml:1:58: error: model.code: no layer is called 'nowhere'"},
    {"model: {input: [4], layers: [{dense: {units: 4}}]}\ntrain: {loss: msa}\n",
     "net.yaml:2:15: error: no loss is called 'msa' (did you mean 'mse'?)"},
    {"model: {input: [4], layers: [{dense: {units: 4}, relu: {}}]}\ntrain: {loss: mse}\n",
     "net.yaml:1:50: error: 'dense' and 'relu' in one item; write each layer as a separate item"},
    {"model: {layers: [flatten]}\ntrain: {loss: mse}\n",
     "net.yaml:1:8: error: model: key 'input' is missing: the shape of a sample, channels last"},
};

static void every_mistake_has_its_message(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; ++i) {
        struct arena arena = {0};
        struct network n;
        struct error err = {0};
        if (build_text(registry, mistakes[i].text, false, &arena, &n, &err) == DAE_CONFIG &&
            strcmp(err.text, mistakes[i].message) == 0) {
            arena_release(&arena);
            continue;
        }
        ++wrong;
        print_error("got:    %s\nwanted: %s\n", err.text, mistakes[i].message);
        arena_release(&arena);
    }
    assert_int_equal(wrong, 0);
}

/* A product of many layers' sizes that overflows step by step. */
static void enlargement_that_overflows_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct network n;
    struct error err = {0};
    assert_int_equal(build_text(registry,
                                LAYERS("    - upsample2d: {factor: 64}\n    - upsample2d: {factor: 64}\n"
                                       "    - upsample2d: {factor: 64}\n    - upsample2d: {factor: 64}\n"),
                                false, &arena, &n, &err),
                     DAE_CONFIG);
    assert_non_null(strstr(err.text, "is empty or too large"));
    arena_release(&arena);
}

/* A loss that compares refuses another size, where the network's own check is off. */
static void a_loss_refuses_another_size(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct network n;
    struct error err = {0};
    assert_int_equal(build_text(registry, "model: {input: [4], layers: [{dense: {units: 3}}]}\ntrain: {loss: mse}\n",
                                true, &arena, &n, &err),
                     DAE_CONFIG);
    assert_non_null(strstr(err.text, "differ in size"));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_and_branches),
        cmocka_unit_test(initial_parameters_come_from_the_seed),
        cmocka_unit_test(every_mistake_has_its_message),
        cmocka_unit_test(enlargement_that_overflows_is_refused),
        cmocka_unit_test(a_loss_refuses_another_size),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
