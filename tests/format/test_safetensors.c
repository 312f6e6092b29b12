/* The container of models and checkpoints: round trips, exact bytes, and refusal of everything damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "format/safetensors.h"

static char folder[512], path[600];

static int make_folder(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/safetensors_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails if a temporary file remains */
}

static void write_file(const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* A file as another tool writes it: header and then n_data bytes. */
static void write_foreign(const char *header, size_t n_data)
{
    char bytes[8192] = {0};
    uint64_t length = strlen(header);
    assert_true(8 + length + n_data <= sizeof bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    memset(bytes + 8 + length, 1, n_data);
    write_file(bytes, 8 + length + n_data);
}

static char *load_file(size_t *len)
{
    char *bytes;
    struct error err = {0};
    assert_int_equal(file_read(path, 1 << 20, DAE_BUG, &bytes, len, &err), DAE_OK);
    return bytes;
}

#define DAMAGED "; the file is damaged or not a safetensors file: use another copy or checkpoint"

/* Opening must fail with this status and message; %s in it is the path. */
static void refused(int flags, enum dae_status status, const char *message)
{
    struct safetensors file;
    struct error err = {0};
    assert_int_equal(safetensors_open(path, flags, &file, &err), status);
    assert_int_equal(err.status, status);
    assert_null(file.tensors);
    assert_null(file.block);
    const char *mark = strstr(message, "%s");
    assert_non_null(mark);
    char want[2048];
    snprintf(want, sizeof want, "dae-cl: error: %.*s%s%s%s", (int)(mark - message), message, path, mark + 2,
             status == DAE_CHECKPOINT ? DAMAGED : "");
    assert_string_equal(err.text, want);
}

static const float weights[2][3] = {{1, -2, 3.5f}, {0, 1e-30f, 7}};
static const int64_t step = 1234567890123;
static const uint8_t odd[5] = {1, 2, 3, 4, 255};
static const struct st_tensor tensors[] = {
    {.name = "enc1.w", .dtype = ST_F32, .rank = 2, .shape = {2, 3}, .data = weights},
    {.name = "odd \"quoted\" \\ \n\xc3\xa9", .dtype = ST_U8, .rank = 1, .shape = {5}, .data = odd},
    {.name = "step", .dtype = ST_I64, .rank = 0, .data = &step},
    {.name = "empty", .dtype = ST_F64, .rank = 3, .shape = {4, 0, 2}},
};
static const struct st_meta meta[] = {{"config", "name: x\n\tseed: \"1\"\n"}, {"", ""}};

static void save(void)
{
    struct error err = {0};
    assert_int_equal(safetensors_save(path, tensors, 4, meta, 2, &err), DAE_OK);
}

static void round_trip(void **state)
{
    (void)state;
    save();
    struct safetensors file;
    struct error err = {0};
    assert_int_equal(safetensors_open(path, 0, &file, &err), DAE_OK);
    assert_true(file.sealed);
    assert_int_equal(file.n_tensors, 4);
    assert_int_equal(file.n_meta, 2);
    for (size_t i = 0; i < 4; ++i) {
        const struct st_tensor *tensor = safetensors_find(&file, tensors[i].name);
        assert_ptr_equal(tensor, &file.tensors[i]);
        assert_int_equal(tensor->dtype, tensors[i].dtype);
        assert_int_equal(tensor->rank, tensors[i].rank);
        assert_memory_equal(tensor->shape, tensors[i].shape, sizeof tensor->shape);
        assert_int_equal((uintptr_t)tensor->data % 64, 0);
        if (safetensors_bytes(tensor) > 0)
            assert_memory_equal(tensor->data, tensors[i].data, safetensors_bytes(tensor));
    }
    assert_int_equal(safetensors_bytes(&file.tensors[0]), 24);
    assert_int_equal(safetensors_bytes(&file.tensors[2]), 8);
    assert_int_equal(safetensors_bytes(&file.tensors[3]), 0);
    assert_string_equal(safetensors_meta(&file, "config"), meta[0].value);
    assert_string_equal(safetensors_meta(&file, ""), "");
    assert_null(safetensors_meta(&file, "sha256"));
    assert_null(safetensors_find(&file, "enc1"));
    assert_string_equal(safetensors_dtype_name(ST_BF16), "BF16");
    safetensors_close(&file);
    assert_null(file.tensors);
}

/* The bytes, spelled out; the digest comes from Python's hashlib over the same bytes with 64 zeros for the digits. */
static void exact_bytes(void **state)
{
    (void)state;
    static const char want[] = "\xa0\0\0\0\0\0\0\0"
                               "{\"__metadata__\":{\"sha256\":"
                               "\"22a21008098bf5f39dc98b21c9772a2a4f95a5a0b3908735644a2ec09310fb73\",\"k\":\"v\"},"
                               "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}     "
                               "\0\0\x80\x3f";
    static const float one = 1;
    const struct st_tensor w = {.name = "w", .dtype = ST_F32, .rank = 1, .shape = {1}, .data = &one};
    struct error err = {0};
    assert_int_equal(safetensors_save(path, &w, 1, &(struct st_meta){"k", "v"}, 1, &err), DAE_OK);
    size_t len;
    char *bytes = load_file(&len);
    assert_int_equal(len, sizeof want - 1);
    assert_memory_equal(bytes, want, len);
    free(bytes);
}

static void same_input_same_bytes(void **state)
{
    (void)state;
    size_t len[2];
    char *bytes[2];
    for (int i = 0; i < 2; ++i) {
        save();
        bytes[i] = load_file(&len[i]);
        assert_int_equal(len[i] % 8, (24 + 5 + 8) % 8);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void no_tensors_is_a_file(void **state)
{
    (void)state;
    struct safetensors file;
    struct error err = {0};
    assert_int_equal(safetensors_save(path, NULL, 0, NULL, 0, &err), DAE_OK);
    assert_int_equal(safetensors_open(path, 0, &file, &err), DAE_OK);
    assert_int_equal(file.n_tensors + file.n_meta, 0);
    safetensors_close(&file);
}

/* The file in its current state must be refused. */
static void damage_is_refused(const char *kind, size_t at, int change)
{
    struct safetensors file;
    struct error err = {0};
    enum dae_status status = safetensors_open(path, 0, &file, &err);
    if (status != DAE_CHECKPOINT)
        fail_msg("%s at %zu, change %d: status %d, %s", kind, at, change, status, err.text);
    /* As a foreign file it may pass if the change hides the seal, but must do no harm. */
    struct error ignored = {0};
    if (safetensors_open(path, ST_FOREIGN_OK, &file, &ignored) == DAE_OK) {
        assert_false(file.sealed);
        safetensors_close(&file);
    }
}

/* Every prefix, every single-byte change to every value, and every byte doubled. */
static void every_damage_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(safetensors_save(path, &tensors[1], 1, &meta[1], 1, &err), DAE_OK);
    size_t len;
    char *bytes = load_file(&len);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t at = 0; at < len; ++at) {
        for (int change = 1; change < 256; ++change) {
            char changed = (char)(bytes[at] ^ change);
            assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
            damage_is_refused("change", at, change);
        }
        assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
    }
    for (size_t at = 0; at < len; ++at) {
        assert_int_equal(pwrite(fd, bytes, at + 1, 0), at + 1);
        assert_int_equal(pwrite(fd, bytes + at, len - at, (off_t)at + 1), len - at);
        damage_is_refused("doubling", at, 0);
    }
    assert_int_equal(pwrite(fd, bytes, len, 0), len);
    for (size_t n = len; n-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)n), 0);
        damage_is_refused("prefix", n, 0);
    }
    close(fd);
    free(bytes);
}

static void damage_names_its_place(void **state)
{
    (void)state;
    save();
    size_t len;
    char *bytes = load_file(&len);
    bytes[len - 1] ^= 1;
    write_file(bytes, len);
    refused(0, DAE_CHECKPOINT, "%s: its content does not match its sha256 seal");
    refused(ST_FOREIGN_OK, DAE_CHECKPOINT, "%s: its content does not match its sha256 seal");
    write_file(bytes, 5);
    refused(0, DAE_CHECKPOINT, "%s: 5 bytes, less than the 8 of the header's length");
    write_file("\x10\0\0\0\0\0\0\0{}", 10);
    refused(0, DAE_CHECKPOINT, "%s: byte 0: a header of 16 bytes, but only 2 follow");
    write_file("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
    refused(0, DAE_CHECKPOINT, "%s: byte 0: a header of 9223372036854775807 bytes, above the limit of 16777216");
    write_foreign("{}", 0);
    refused(0, DAE_CHECKPOINT,
            "%s: byte 8: no sha256 seal at the start of the header, as in files written by another tool");
    free(bytes);
}

static void foreign_files(void **state)
{
    (void)state;
    struct safetensors file;
    struct error err = {0};
    write_foreign("{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[3,11]},"
                  "\"a\": {\"data_offsets\":[0,3], \"shape\":[3], \"dtype\":\"U8\"}} ",
                  11);
    assert_int_equal(safetensors_open(path, ST_FOREIGN_OK, &file, &err), DAE_OK);
    assert_false(file.sealed);
    assert_int_equal(file.n_tensors, 2);
    assert_string_equal(file.tensors[0].name, "b");
    assert_int_equal((uintptr_t)file.tensors[0].data % 64, 0); /* although it is at byte 3 of the data */
    assert_int_equal(((const uint32_t *)file.tensors[0].data)[1], 0x01010101);
    safetensors_close(&file);
}

#define T(name, dtype, shape, offsets)                                                                                 \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define BAD_SHAPE "%s: tensor \"a\": its shape is not a list of at most 8 whole numbers"
#define BAD_OFFSETS "%s: tensor \"a\": data_offsets are not two whole numbers"
#define BAD_KEYS "%s: tensor \"a\": expects dtype, shape and data_offsets, nothing else"

static const struct {
    const char *header;
    size_t n_data;
    const char *message;
} bad_headers[] = {
    {"", 0, "%s: byte 8: the header is not one JSON object"},
    {"[]", 0, "%s: byte 10: the header is not one JSON object"},
    {"{\"a\":}", 0, "%s: byte 13: the header is not one JSON object"},
    {" {}", 0, "%s: byte 11: the header is not one JSON object"},
    {"{}\t", 0, "%s: byte 10: the header is not one JSON object"},
    {"{}", 4, "%s: 14 bytes, but its tensors end at byte 10"},
    {"{" T("a", "F31", "[1]", "[0,4]") "}", 4, "%s: tensor \"a\": unknown or missing dtype"},
    {"{" T("a", "F32", "1", "[0,4]") "}", 4, BAD_SHAPE},
    {"{" T("a", "F32", "[1.5]", "[0,4]") "}", 4, BAD_SHAPE},
    {"{" T("a", "F32", "[-1]", "[0,4]") "}", 4, BAD_SHAPE},
    {"{" T("a", "F32", "[1e300]", "[0,4]") "}", 4, BAD_SHAPE},
    {"{" T("a", "F32", "[\"1\"]", "[0,4]") "}", 4, BAD_SHAPE},
    {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, BAD_SHAPE},
    {"{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0,
     "%s: tensor \"a\": the product of its shape overflows"},
    {"{" T("a", "F32", "[1]", "[0]") "}", 4, BAD_OFFSETS},
    {"{" T("a", "F32", "[1]", "[0,4,4]") "}", 4, BAD_OFFSETS},
    {"{" T("a", "F32", "[1]", "{\"x\":0,\"y\":4}") "}", 4, BAD_OFFSETS},
    {"{" T("a", "F32", "[1]", "[-4,0]") "}", 4, BAD_OFFSETS},
    {"{" T("a", "F32", "[1]", "[4,0]") "}", 4, "%s: tensor \"a\": bytes 66 to 62 are not inside the file's 66"},
    {"{" T("a", "F32", "[2]", "[0,8]") "}", 4, "%s: tensor \"a\": bytes 62 to 70 are not inside the file's 66"},
    {"{" T("a", "F32", "[2]", "[0,4]") "}", 4, "%s: tensor \"a\" at byte 62: 4 bytes, but its dtype and shape make 8"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[5,9]") "}", 9,
     "%s: tensor \"b\" starts at byte 120, but the one before it ends at byte 119"},
    {"{" T("b", "F32", "[1]", "[2,6]") "," T("a", "F32", "[1]", "[0,4]") "}", 6,
     "%s: tensor \"b\" starts at byte 117, but the one before it ends at byte 119"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8, "%s: tensor \"a\" occurs twice"},
    {"{\"a\":3}", 0, BAD_KEYS},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0, BAD_KEYS},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":0}}", 0, BAD_KEYS},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"shape\":[0]}}", 0, BAD_OFFSETS},
    {"{\"__metadata__\":[]}", 0, "%s: __metadata__ is not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "%s: __metadata__ entry \"k\" is not a string"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0, "%s: __metadata__ entry \"k\" occurs twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "%s: __metadata__ occurs twice"},
    {"{\"__metadata__\":{\"k\":\"1\",\"sha256\":\"00\"}}", 0,
     "%s: its sha256 seal is not where it was written: another tool rewrote the file"},
    {"{\"\\u001b[31m0123456789012345678901234567890123456789012345678901234567890123456789\":0}", 0,
     "%s: tensor \"?[31m01234567890123456789012345678901234567890123456789012345678...\": expects dtype, shape and "
     "data_offsets, nothing else"},
};

static void bad_headers_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; ++i) {
        write_foreign(bad_headers[i].header, bad_headers[i].n_data);
        refused(ST_FOREIGN_OK, DAE_CHECKPOINT, bad_headers[i].message);
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    char header[8001] = "{\"a\":";
    memset(header + 5, '[', sizeof header - 6);
    write_foreign(header, 0);
    struct safetensors file;
    struct error err = {0};
    assert_int_equal(safetensors_open(path, ST_FOREIGN_OK, &file, &err), DAE_CHECKPOINT);
}

static void only_regular_files(void **state)
{
    (void)state;
    refused(0, DAE_IO, "cannot open %s: No such file or directory");
    assert_int_equal(mkdir(path, 0700), 0);
    refused(0, DAE_IO, "cannot read %s: it is not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(0, DAE_IO, "cannot read %s: it is not a regular file");
    assert_int_equal(unlink(path), 0);

    char target[700];
    snprintf(target, sizeof target, "%s.target", path);
    save();
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    struct safetensors file;
    struct error err = {0};
    assert_int_equal(safetensors_open(path, 0, &file, &err), DAE_OK); /* a link is followed */
    safetensors_close(&file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(target, path), 0);
    if (geteuid() != 0) { /* root may read everything */
        assert_int_equal(chmod(path, 0), 0);
        refused(0, DAE_IO, "cannot open %s: Permission denied");
    }
}

static void full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    save();
    size_t len[2];
    char *bytes[2];
    bytes[0] = load_file(&len[0]);

    static const char zeros[100000];
    const struct st_tensor big = {.name = "big", .dtype = ST_U8, .rank = 1, .shape = {sizeof zeros}, .data = zeros};
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct error err = {0};
    enum dae_status status = safetensors_save(path, &big, 1, NULL, 0, &err);
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);

    assert_int_equal(status, DAE_IO);
    assert_non_null(strstr(err.text, "File too large"));
    bytes[1] = load_file(&len[1]);
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void misuse_is_a_bug(void **state)
{
    (void)state;
    const struct st_tensor good = {.name = "a", .dtype = ST_U8, .rank = 1, .shape = {5}, .data = odd};
    struct st_tensor bad[6] = {good, good, good, good, good, good};
    bad[0].name = "";
    bad[1].name = "__metadata__";
    bad[2].data = NULL;
    bad[3].rank = ST_MAX_RANK + 1;
    bad[4].rank = 2;
    bad[4].shape[0] = bad[4].shape[1] = (uint64_t)1 << 32;
    bad[5].dtype = (enum st_dtype)99;
    for (int i = 0; i < 6; ++i) {
        struct error err = {0};
        assert_int_equal(safetensors_save(path, &bad[i], 1, NULL, 0, &err), DAE_BUG);
    }
    struct error err = {0};
    assert_int_equal(safetensors_save(path, (struct st_tensor[]){good, good}, 2, NULL, 0, &err), DAE_BUG);
    assert_non_null(strstr(err.text, "\"a\" is given twice"));
    err = (struct error){0};
    assert_int_equal(safetensors_save(path, &good, 1, &(struct st_meta){"sha256", ""}, 1, &err), DAE_BUG);
    err = (struct error){0};
    assert_int_equal(safetensors_save(path, &good, 1, (struct st_meta[]){{"k", ""}, {"k", ""}}, 2, &err), DAE_BUG);
    assert_int_not_equal(access(path, F_OK), 0);
    /* A metadata key may share a tensor's name. */
    err = (struct error){0};
    assert_int_equal(safetensors_save(path, &good, 1, &(struct st_meta){"a", ""}, 1, &err), DAE_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(round_trip),
        TEST(exact_bytes),
        TEST(same_input_same_bytes),
        TEST(no_tensors_is_a_file),
        TEST(every_damage_is_refused),
        TEST(damage_names_its_place),
        TEST(foreign_files),
        TEST(bad_headers_are_named),
        TEST(deep_nesting_is_refused),
        TEST(only_regular_files),
        TEST(full_disk_keeps_the_old_file),
        TEST(misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
