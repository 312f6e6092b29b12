/* libdae.so.1: samples of every element and stride, those that are refused, and models that lie about themselves. */
#include "host.h"

#include <sha2.h>

/* ---- Samples. -----------------------------------------------------------------------------------------------------
 */

static void denoise(struct dae_model *model, struct dae_image in, struct dae_image out)
{
    check(shared, dae_denoise(model, &in, &out));
}

static void test_elements_and_strides(void **state)
{
    enum { N = 3, HEIGHT = 11, WIDTH = 13, LEN = N * HEIGHT * WIDTH };
    float x[LEN], y[LEN], z[LEN];
    unsigned char bytes[LEN], bytes_out[LEN];
    uint16_t wide[LEN], half[LEN];
    (void)state;
    fill(x, LEN, 7);
    for (int i = 0; i < LEN; ++i) {
        bytes[i] = (unsigned char)(255 * x[i]);
        x[i] = (float)bytes[i] / 255.0f;
    }
    denoise(conv, floats(x, N, HEIGHT, WIDTH), floats(y, N, HEIGHT, WIDTH));
    denoise(conv, image_of(bytes, LEN, DAE_U8, N, HEIGHT, WIDTH), floats(z, N, HEIGHT, WIDTH));
    assert_memory_equal(y, z, sizeof y);
    denoise(conv, image_of(bytes, LEN, DAE_U8, N, HEIGHT, WIDTH), image_of(bytes_out, LEN, DAE_U8, N, HEIGHT, WIDTH));
    denoise(conv, floats(x, N, HEIGHT, WIDTH), image_of(wide, sizeof wide, DAE_U16, N, HEIGHT, WIDTH));
    denoise(conv, floats(x, N, HEIGHT, WIDTH), image_of(half, sizeof half, DAE_F16, N, HEIGHT, WIDTH));
    float from_half[LEN];
    struct dae_image halves = image_of(half, sizeof half, DAE_F16, N, HEIGHT, WIDTH);
    denoise(conv, halves, floats(from_half, N, HEIGHT, WIDTH)); /* reads what was written */
    for (int i = 0; i < LEN; ++i) {
        const float held = y[i] < 0 ? 0 : y[i] > 1 ? 1 : y[i];
        if (!(fabsf((float)bytes_out[i] / 255.0f - held) <= 0.5f / 255 + 1e-6f))
            fail_msg("%d: %d, but %g", i, bytes_out[i], (double)held);
        assert_true(fabsf((float)wide[i] / 65535.0f - held) <= 0.5f / 65535 + 1e-6f);
        assert_true(isfinite(from_half[i]));
    }
    /* Every second column of rows with a border, the samples interleaved: stride of n is the smallest. */
    static float roomy[HEIGHT + 1][2 * WIDTH][N];
    for (int i = 0; i < LEN; ++i)
        roomy[i / WIDTH % HEIGHT][i % WIDTH * 2][i / (WIDTH * HEIGHT)] = x[i];
    struct dae_image strided = image_of(roomy, sizeof roomy, DAE_F32, N, HEIGHT, WIDTH);
    strided.stride[0] = sizeof(float);
    strided.stride[1] = sizeof roomy[0];
    strided.stride[2] = 2 * sizeof roomy[0][0];
    strided.stride[3] = 1; /* of an axis of one element: it does not matter */
    denoise(conv, strided, strided);
    for (int i = 0; i < LEN; ++i) {
        assert_true(roomy[i / WIDTH % HEIGHT][i % WIDTH * 2][i / (WIDTH * HEIGHT)] == y[i]);
        assert_true(roomy[i / WIDTH % HEIGHT][i % WIDTH * 2 + 1][i / (WIDTH * HEIGHT)] == 0);
    }
}

/* Replaces a piece of the header, which may change its length, and seals the file again. */
static unsigned char *forge(const unsigned char *bytes, size_t len, const char *from, const char *to, size_t *new_len)
{
    uint64_t header_len;
    memcpy(&header_len, bytes, 8);
    char *header = strndup((const char *)bytes + 8, header_len), *at = strstr(header, from);
    if (!at)
        fail_msg("no %s in %s", from, header);
    const size_t before = (size_t)(at - header), long_len = header_len - strlen(from) + strlen(to);
    const uint64_t padded = (long_len + 7) / 8 * 8;
    *new_len = 8 + padded + (len - 8 - header_len);
    unsigned char *forged = malloc(*new_len);
    memset(forged + 8, ' ', padded);
    memcpy(forged, &padded, 8);
    memcpy(forged + 8, header, before);
    memcpy(forged + 8 + before, to, strlen(to));
    memcpy(forged + 8 + before + strlen(to), at + strlen(from), header_len - before - strlen(from));
    memcpy(forged + 8 + padded, bytes + 8 + header_len, len - 8 - header_len);
    char *seal = strstr((char *)forged + 8, "\"sha256\":\"") + 10;
    memset(seal, '0', 64);
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA2_CTX hash;
    SHA256Init(&hash);
    SHA256Update(&hash, forged, *new_len);
    SHA256End(&hash, hex);
    memcpy(seal, hex, 64);
    free(header);
    return forged;
}

/* A model that changes nothing: a convolution by one weight that is 1, with a bias of 0. */
static struct dae_model *identity(void)
{
    size_t len, sealed_len;
    const float numbers[2] = {1, 0};
    struct dae_model *model =
        trained(shared, "name: same\n"
                        "model: {input: [8, 8, 1], layers: [conv2d: {filters: 1, kernel: 1}]}\n"
                        "train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 1}\n");
    check(shared, dae_model_save(model, path_of("same")));
    dae_model_close(model);
    unsigned char *bytes = read_file(path_of("same"), &len);
    memcpy(bytes + len - sizeof numbers, numbers, sizeof numbers);
    unsigned char *sealed = forge(bytes, len, "dae-cl", "dae-cl", &sealed_len);
    check(shared, dae_model_read(shared, "same", sealed, sealed_len, &model));
    free(bytes);
    free(sealed);
    return model;
}

static void test_halves(void **state)
{
    (void)state;
    static const struct {
        uint16_t half;
        float value;
    } known[] = {{0x3C00, 1},        {0x0000, 0},           {0xC000, -2},
                 {0x7BFF, 65504},    {0x0001, 0x1p-24f},    {0x03FF, 0x3FFp-24f},
                 {0x0400, 0x1p-14f}, {0x3555, 0x1.554p-2f}, {0x8001, -0x1p-24f}};
    enum { N = sizeof known / sizeof known[0] };
    uint16_t half[PIXELS] = {0}, again[PIXELS];
    float value[PIXELS];
    struct dae_model *same = identity();
    for (int i = 0; i < N; ++i)
        half[i] = known[i].half;
    denoise(same, image_of(half, sizeof half, DAE_F16, 1, SIDE, SIDE), floats(value, 1, SIDE, SIDE));
    for (int i = 0; i < N; ++i)
        if (value[i] != known[i].value)
            fail_msg("half %04x is %a, not %a", known[i].half, (double)value[i], (double)known[i].value);
    /* Every finite positive half comes back as itself, and numbers between two round to the even one. */
    for (unsigned first = 0; first < 0x7C00; first += PIXELS) {
        for (unsigned i = 0; i < PIXELS; ++i)
            half[i] = (uint16_t)(first + i);
        denoise(same, image_of(half, sizeof half, DAE_F16, 1, SIDE, SIDE),
                image_of(again, sizeof again, DAE_F16, 1, SIDE, SIDE));
        assert_memory_equal(half, again, sizeof half);
    }
    const float between[] = {1 + 0x1p-11f, 1 + 0x3p-11f, 0x1p-25f, 0x3p-25f, 65519, 65520, 0x1.FFEp-15f};
    const uint16_t rounded[] = {0x3C00, 0x3C02, 0x0000, 0x0002, 0x7BFF, 0x7C00, 0x0400};
    memset(value, 0, sizeof value);
    memcpy(value, between, sizeof between);
    denoise(same, floats(value, 1, SIDE, SIDE), image_of(half, sizeof half, DAE_F16, 1, SIDE, SIDE));
    assert_memory_equal(half, rounded, sizeof rounded);
    dae_model_close(same);
}

static void test_bad_images(void **state)
{
    float x[4 * PIXELS] = {0}, y[4 * PIXELS] = {0};
    const struct dae_image good = floats(x, 4, SIDE, SIDE);
    struct dae_image out = floats(y, 4, SIDE, SIDE);
    (void)state;
#define bad(change, status, piece)                                                                                     \
    do {                                                                                                               \
        struct dae_image in = good;                                                                                    \
        change;                                                                                                        \
        refused(shared, dae_denoise(conv, &in, &out), status, piece);                                                  \
    } while (0)
    refused(shared, dae_denoise(conv, NULL, &out), DAE_CONFIG, "in: it is NULL");
    refused(shared, dae_denoise(conv, &good, NULL), DAE_CONFIG, "out: it is NULL");
    bad(in.size = 8, DAE_CONFIG, "in: size is 8");
    bad(in.size += 8, DAE_CONFIG, "in: size is");
    bad(in.data = NULL, DAE_CONFIG, "in: data is NULL");
    bad(in.element = 0, DAE_CONFIG, "in: element is 0");
    bad(in.element = 5, DAE_CONFIG, "in: element is 5");
    bad(in.rank = 1, DAE_CONFIG, "in: rank is 1");
    bad(in.rank = 6, DAE_CONFIG, "in: rank is 6");
    bad(in.shape[1] = 0, DAE_CONFIG, "in: shape[1] is 0");
    bad(in.shape[2] = -8, DAE_CONFIG, "in: shape[2] is -8");
    bad(in.shape[0] = INT64_MAX, DAE_CONFIG, "in: the product of its shape overflows");
    bad((in.shape[0] = INT64_C(1) << 31, in.shape[1] = INT64_C(1) << 31), DAE_CONFIG, "overflows");
    bad(in.shape[0] = INT64_MAX / PIXELS / 8, DAE_CONFIG, "but it has");
    bad(in.bytes -= 1, DAE_CONFIG, "in: its shape and strides reach over 1024 bytes, but it has 1023");
    bad((in.stride[0] = -256, in.stride[1] = 32, in.stride[2] = 4), DAE_CONFIG, "in: stride[0] is -256");
    bad((in.stride[0] = 256, in.stride[1] = 32, in.stride[2] = 0), DAE_CONFIG, "in: stride[2] is 0");
    bad((in.stride[0] = 256, in.stride[1] = 32, in.stride[2] = 3), DAE_CONFIG, "in: stride[2] is 3");
    bad((in.stride[0] = 256, in.stride[1] = 31, in.stride[2] = 4), DAE_CONFIG, "in: stride[1] is 31");
    bad((in.stride[0] = INT64_MAX / 2, in.stride[1] = 32, in.stride[2] = 4), DAE_CONFIG, "strides overflows");
    bad((in.stride[0] = INT64_MAX / 4, in.stride[1] = 32, in.stride[2] = 4), DAE_CONFIG, "but it has");
    bad(in.shape[3] = 2, DAE_CONFIG, "but it has");
    bad((in.shape[0] = 1, in.shape[3] = 2), DAE_BAD_DATA, "out: 4 samples");
    bad(in.shape[0] = 3, DAE_BAD_DATA, "out: 4 samples of 8x8x1, but expects 3 of 8x8x1");
    bad((in.rank = 2, in.shape[1] = 64), DAE_BAD_DATA, "in: samples of 64, but the model takes 8x8x1");
    x[PIXELS + 3] = NAN;
    bad((void)0, DAE_BAD_DATA, "in: sample 1, element 3: not a number (NaN)");
    x[PIXELS + 3] = INFINITY;
    bad((void)0, DAE_BAD_DATA, "in: sample 1, element 3: infinity");
    x[PIXELS + 3] = 0;
    refused(
        shared,
        dae_denoise(
            dense,
            &(struct dae_image){
                .size = sizeof out, .data = x, .bytes = sizeof x, .element = DAE_F32, .rank = 4, .shape = {1, 9, 9, 1}},
            &out),
        DAE_BAD_DATA, "the network only takes images of its own size");
    refused(shared, dae_impute(conv, &good, &out), DAE_CONFIG, "does not read the mask");
    refused(shared, dae_encode(conv, &good, &out), DAE_CONFIG, "names no layer `code`");
    for (int i = 0; i < 4 * PIXELS; ++i)
        assert_true(y[i] == 0); /* nothing was written */
}

static void test_encode(void **state)
{
    float code[2][CODE], x[2 * PIXELS];
    char *json;
    (void)state;
    fill(x, 2 * PIXELS, 3);
    memcpy(x + PIXELS, x, PIXELS * sizeof *x);
    struct dae_image in = floats(x, 2, SIDE, SIDE);
    struct dae_image out = {
        .size = sizeof out, .data = code, .bytes = sizeof code, .element = DAE_F32, .rank = 2, .shape = {2, CODE}};
    check(shared, dae_encode(dense, &in, &out));
    assert_memory_equal(code[0], code[1], sizeof code[0]);
    assert_true(code[0][0] != code[0][1]);
    out.shape[1] = 4;
    refused(shared, dae_encode(dense, &in, &out), DAE_BAD_DATA, "out: 2 samples of 4, but expects 2 of 5");
    check(shared, dae_model_describe(dense, &json));
    assert_non_null(strstr(json, "\"own_size_because\""));
    dae_free(json);
    check(shared, dae_model_describe(conv, &json));
    assert_non_null(strstr(json, "\"multiple\""));
    dae_free(json);
}

static void test_holes(void **state)
{
    static const char config[] = "name: holes\n"
                                 "model:\n"
                                 "  input: [6]\n"
                                 "  layers: [{concat: {}, from: [input, mask]}, dense: {units: 6}]\n"
                                 "corruption: {masking: {p: 0.3}}\n"
                                 "train: {loss: mse, optimizer: {adam: {lr: 0.05}}, batch: 16, epochs: 60}\n";
    enum { N = 64, D = 6 };
    float x[N * D], y[N * D];
    (void)state;
    for (int i = 0; i < N * D; ++i)
        x[i] = (float)(i / D % 7) / 7; /* all numbers of a row are equal */
    struct dae_run *run;
    struct dae_model *model;
    struct dae_image rows = {
        .size = sizeof rows, .data = x, .bytes = sizeof x, .element = DAE_F32, .rank = 2, .shape = {N, D}};
    check(shared, dae_run_new(shared, config, &run));
    check(shared, dae_run_data(run, "train", &rows));
    train(shared, run);
    check(shared, dae_run_model(run, &model));
    dae_run_close(run);
    for (int i = 0; i < N; ++i)
        x[i * D + i % D] = NAN;
    struct dae_image out = rows;
    out.data = y;
    check(shared, dae_impute(model, &rows, &out));
    double worst = 0;
    for (int i = 0; i < N * D; ++i)
        if (isnan(x[i]))
            worst = fmax(worst, fabs((double)y[i] - (double)(i / D % 7) / 7));
        else
            assert_true(x[i] == y[i]);
    assert_true(worst < 0.2);
    out.element = DAE_U8;
    refused(shared, dae_impute(model, &rows, &out), DAE_CONFIG, "out: holes are NaN");
    dae_model_close(model);
}

/* ---- Models that lie. -------------------------------------------------------------------------------------------- */

static void test_lying_models(void **state)
{
    static const struct {
        const char *from, *to, *piece;
        enum dae_status status;
    } lies[] = {
        {"dae-cl model 1", "dae-cl model 2", "it is not a model of this version of dae-cl", DAE_CHECKPOINT},
        {"dae-cl model 1", "dae-cl model 17", "it is not a model of this version of dae-cl", DAE_CHECKPOINT},
        {"[64,5]", "[64,6]", "its dtype and shape make", DAE_CHECKPOINT},
        {"[64,5]", "[5,64]", "the network needs F32 64x5", DAE_CHECKPOINT},
        {"[64,5]", "[4294967296,4294967296]", "overflows", DAE_CHECKPOINT},
        {"[64,5]", "[-64,5]", "not a list", DAE_CHECKPOINT},
        {"[64,5]", "[64,1e300]", "not a list", DAE_CHECKPOINT},
        {"\"data_offsets\":[0,", "\"data_offsets\":[9007199254740991,", "are not inside", DAE_CHECKPOINT},
        {"\"data_offsets\":[0,", "\"data_offsets\":[18446744073709551615,", "not two whole numbers", DAE_CHECKPOINT},
        {"\"data_offsets\":[0,", "\"data_offsets\":[4,", "its dtype and shape make", DAE_CHECKPOINT},
        {"\"F32\"", "\"F64\"", "its dtype and shape make", DAE_CHECKPOINT},
        {"\"F32\"", "\"I32\"", "the network needs F32", DAE_CHECKPOINT},
        {"units: 64", "units: 65", "reshape", DAE_CONFIG},
        {"units: 64", "units: 640000000000000", "units", DAE_CONFIG},
    };
    size_t len, new_len;
    struct dae_model *model;
    (void)state;
    check(shared, dae_model_save(dense, path_of("honest")));
    unsigned char *bytes = read_file(path_of("honest"), &len);
    unsigned char *same = forge(bytes, len, "dae-cl", "dae-cl", &new_len);
    check(shared, dae_model_read(shared, "memory", same, new_len, &model));
    check(shared, dae_model_save(model, path_of("again")));
    same_files(path_of("honest"), path_of("again"));
    dae_model_close(model);
    free(same);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; ++i) {
        unsigned char *forged = forge(bytes, len, lies[i].from, lies[i].to, &new_len);
        refused(shared, dae_model_read(shared, "memory", forged, new_len, &model), lies[i].status, lies[i].piece);
        assert_null(model);
        free(forged);
    }
    for (size_t short_len = 0; short_len < len; short_len += short_len < 2000 ? 1 : 37) {
        unsigned char *cut = malloc(short_len + 1); /* its own block, so that reading beyond is noticed */
        memcpy(cut, bytes, short_len);
        refused(shared, dae_model_read(shared, "memory", cut, short_len, &model), DAE_CHECKPOINT, "memory: ");
        free(cut);
    }
    bytes[len - 1] ^= 1;
    refused(shared, dae_model_read(shared, "memory", bytes, len, &model), DAE_CHECKPOINT, "seal");
    free(bytes);
    refused(shared, dae_model_load(shared, path_of("missing"), &model), DAE_IO, "missing: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_and_strides),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_bad_images),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_lying_models),
    };
    return begin() != 0 || cmocka_run_group_tests(tests, open_models, close_models);
}
