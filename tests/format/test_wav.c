/* WAV: every kind of numbers is read exactly and written back to the same bytes; damage is refused with its byte. */
#include "format/wav.h"

#include <math.h>

#include "files.h"

static char folder[PATH_BYTES], path[PATH_BYTES + 16], copy[PATH_BYTES + 16];

static int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    snprintf(path, sizeof path, "%s/a.wav", folder);
    snprintf(copy, sizeof copy, "%s/b.wav", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(copy);
    close_folder(folder);
    return 0;
}

struct bytes {
    unsigned char at[512];
    size_t len;
};

static void add(struct bytes *b, const void *from, size_t len)
{
    memcpy(b->at + b->len, from, len);
    b->len += len;
}

static void add_word(struct bytes *b, uint32_t value, int n)
{
    for (int i = 0; i < n; ++i)
        b->at[b->len++] = (unsigned char)(value >> 8 * i);
}

/* A header as other programs write it, without the numbers. */
static struct bytes header(int tag, int channels, int bits, uint32_t data_len)
{
    struct bytes b = {.len = 0};
    add(&b, "RIFF", 4);
    add_word(&b, 36 + data_len, 4);
    add(&b, "WAVEfmt ", 8);
    add_word(&b, 16, 4);
    add_word(&b, (uint32_t)tag, 2);
    add_word(&b, (uint32_t)channels, 2);
    add_word(&b, 8000, 4);
    add_word(&b, (uint32_t)(8000 * channels * bits / 8), 4);
    add_word(&b, (uint32_t)(channels * bits / 8), 2);
    add_word(&b, (uint32_t)bits, 2);
    add(&b, "data", 4);
    add_word(&b, data_len, 4);
    return b;
}

static void save(const struct bytes *b)
{
    write_file(path, b->at, b->len);
}

/* Reads all numbers, in two pieces, and writes them to `copy`. */
static int64_t round_trip(float *values)
{
    struct wav wav;
    struct error err = {0};
    if (wav_open(path, &wav, &err) != DAE_OK || wav_read(&wav, 0, 1, values, &err) != DAE_OK ||
        wav_read(&wav, 1, wav.form.n - 1, values + wav.form.channels, &err) != DAE_OK)
        fail_msg("%s", err.text);
    struct atomic_file file = {0};
    if (atomic_file_begin(&file, copy, &err) != DAE_OK || wav_write_header(&file, &wav.form, &err) != DAE_OK ||
        wav_write(&file, &wav.form, values, wav.form.n, &err) != DAE_OK ||
        wav_write_end(&file, &wav.form, &err) != DAE_OK || atomic_file_commit(&file, &err) != DAE_OK)
        fail_msg("%s", err.text);
    const int64_t len = wav.form.n * wav.form.channels;
    wav_close(&wav);
    return len;
}

static void expect_same_bytes(void)
{
    size_t len, copy_len;
    unsigned char *a = read_bytes(path, &len), *b = read_bytes(copy, &copy_len);
    assert_int_equal(len, copy_len);
    assert_memory_equal(a, b, len);
    free(a);
    free(b);
}

/* The smallest, zero, and the largest number of each kind, of two channels. */
static void numbers_are_exact(void **state)
{
    static const struct {
        int tag, bits;
        unsigned char data[32];
        float want[4];
    } kinds[] = {
        {1, 8, {0x00, 0x80, 0x81, 0xff}, {-1, 0, 0x1p-7f, 1 - 0x1p-7f}},
        {1, 16, {0x00, 0x80, 0, 0, 1, 0, 0xff, 0x7f}, {-1, 0, 0x1p-15f, 1 - 0x1p-15f}},
        {1, 24, {0, 0, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, {-1, 0, -0x1p-23f, 1 - 0x1p-23f}},
        {1, 32, {0, 0, 0, 0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0x7f}, {-1, 0, 0x1p-23f, 1 - 0x1p-23f}},
        {3, 32, {0, 0, 0x80, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xcd, 0xcc, 0xcc, 0x3d}, {-1, 0, 2, 0.1f}},
        {3,
         64,
         {0, 0, 0, 0, 0, 0, 0xf0, 0xbf, 0, 0, 0, 0, 0, 0, 0,    0,
          0, 0, 0, 0, 0, 0, 0,    0x40, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f},
         {-1, 0, 2, 0.5f}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
        float values[4];
        struct bytes b = header(kinds[i].tag, 2, kinds[i].bits, (uint32_t)kinds[i].bits / 2);
        add(&b, kinds[i].data, (size_t)kinds[i].bits / 2);
        save(&b);
        assert_int_equal(round_trip(values), 4);
        for (int k = 0; k < 4; ++k)
            assert_true(values[k] == kinds[i].want[k]);
        expect_same_bytes();
    }
}

static void writing_clamps_and_rounds(void **state)
{
    const float values[] = {-3, 1, 0.5f / 32768, 1.5f / 32768, 7};
    const struct wav_form form = {.channels = 1, .rate = 8000, .bits = 16, .n = 5};
    struct atomic_file file = {0};
    struct error err = {0};
    float back[5];
    (void)state;
    assert_int_equal(atomic_file_begin(&file, path, &err), DAE_OK);
    assert_int_equal(wav_write_header(&file, &form, &err), DAE_OK);
    assert_int_equal(wav_write(&file, &form, values, 5, &err), DAE_OK);
    assert_int_equal(atomic_file_commit(&file, &err), DAE_OK);
    round_trip(back);
    const float want[] = {-1, 1 - 0x1p-15f, 0, 2 * 0x1p-15f, 1 - 0x1p-15f};
    for (int i = 0; i < 5; ++i)
        assert_true(back[i] == want[i]);
}

/* An odd number of bytes is followed by one that does not count. */
static void odd_lengths_are_padded(void **state)
{
    struct bytes b = header(1, 1, 8, 3);
    float values[3];
    (void)state;
    add(&b, "abc\0", 4);
    b.at[4] = 40;
    save(&b);
    assert_int_equal(round_trip(values), 3);
    expect_same_bytes();
}

/* The extensible header, a chunk of odd length with its byte of padding, and chunks after the numbers. */
static void odd_chunks_are_skipped(void **state)
{
    struct bytes b = {.len = 0};
    float values[4];
    (void)state;
    add(&b, "RIFF....WAVELIST", 16);
    add_word(&b, 3, 4);
    add(&b, "abc\0fmt ", 8);
    add_word(&b, 40, 4);
    add_word(&b, 0xfffe, 2);
    add_word(&b, 1, 2);
    add_word(&b, 8000, 4);
    add_word(&b, 16000, 4);
    add_word(&b, 2, 2);
    add_word(&b, 16, 2);
    add_word(&b, 22, 2);
    add_word(&b, 16, 2);
    add_word(&b, 4, 4);
    add(&b, "\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 16);
    add(&b, "data", 4);
    add_word(&b, 4, 4);
    add(&b, "\x00\x40\x00\xc0", 4);
    add(&b, "cue ", 4);
    add_word(&b, 1, 4);
    add(&b, "x\0", 2);
    save(&b);
    assert_int_equal(round_trip(values), 2);
    assert_true(values[0] == 0.5f && values[1] == -0.5f);
    struct wav wav;
    struct error err = {0};
    assert_int_equal(wav_open(path, &wav, &err), DAE_OK);
    assert_int_equal(wav.n_skipped, 2);
    wav_close(&wav);
}

static void refused(const struct bytes *b, enum dae_status status, const char *piece)
{
    struct wav wav;
    struct error err = {0};
    float values[64];
    save(b);
    enum dae_status found = wav_open(path, &wav, &err);
    if (found == DAE_OK) {
        found = wav_read(&wav, 0, wav.form.n, values, &err);
        wav_close(&wav);
    }
    assert_int_equal(found, status);
    if (!strstr(err.text, piece))
        fail_msg("'%s' lacks '%s'", err.text, piece);
}

static void damage_is_refused(void **state)
{
    (void)state;
    struct bytes b = header(1, 1, 16, 4);
    refused(&b, DAE_BAD_DATA, "byte 44: truncated: the header claims 4 bytes, the file holds 0");
    b = header(1, 1, 16, 0);
    refused(&b, DAE_BAD_DATA, "contains no samples");
    b = header(1, 2, 16, 2);
    add(&b, "ab", 2);
    refused(&b, DAE_BAD_DATA, "2 bytes are no whole number of points of 4 bytes");
    b = header(2, 1, 16, 2);
    add(&b, "ab", 2);
    refused(&b, DAE_BAD_DATA, "numbers of kind 2 with 16 bits");
    b = header(1, 1, 12, 2);
    refused(&b, DAE_BAD_DATA, "numbers of kind 1 with 12 bits");
    b = header(1, 0, 16, 2);
    refused(&b, DAE_BAD_DATA, "0 channels");
    b = header(3, 1, 32, 8);
    add(&b, "\0\0\0\0\0\0\xc0\x7f", 8);
    refused(&b, DAE_BAD_DATA, "point 1, channel 0: not a finite number");
    b = header(3, 1, 64, 8);
    add(&b, "\0\0\0\0\0\0\xe0\x7f", 8);
    refused(&b, DAE_BAD_DATA, "point 0, channel 0: not a finite number");
    b = header(1, 1, 16, 2);
    memcpy(b.at + 12, "xxxx", 4);
    add(&b, "ab", 2);
    refused(&b, DAE_BAD_DATA, "its numbers come before their format");
    memcpy(b.at, "RF64", 4);
    refused(&b, DAE_BAD_DATA, "RF64 is not supported");
    memcpy(b.at, "OggS", 4);
    refused(&b, DAE_BAD_DATA, "not a WAV file");
    b.len = 0;
    refused(&b, DAE_BAD_DATA, "not a WAV file");
}

static enum dae_status load(const char *name, struct error *err)
{
    struct wav wav;
    float values[256];
    TRY(wav_open(name, &wav, err));
    assert_true(wav.form.n >= 1 && wav.form.channels >= 1 && wav.form.n * wav.form.channels <= 256);
    const enum dae_status status = wav_read(&wav, 0, wav.form.n, values, err);
    wav_close(&wav);
    return status;
}

static void small_damage_never_crashes(void **state)
{
    (void)state;
    struct bytes b = header(1, 2, 24, 12);
    add(&b, "abcdefghijkl", 12);
    for (size_t i = 0; i < b.len; ++i)
        for (int bit = 0; bit < 8; ++bit) {
            struct bytes damaged = b;
            damaged.at[i] ^= (unsigned char)(1 << bit);
            save(&damaged);
            struct error err = {0};
            const enum dae_status status = load(path, &err);
            assert_true(status == DAE_OK || (status == DAE_BAD_DATA && err.text[0]));
        }
    for (size_t len = 0; len < b.len; ++len) {
        struct error err = {0};
        write_file(path, b.at, len);
        assert_int_equal(load(path, &err), DAE_BAD_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact),      cmocka_unit_test(writing_clamps_and_rounds),
        cmocka_unit_test(odd_chunks_are_skipped), cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(odd_lengths_are_padded), cmocka_unit_test(small_damage_never_crashes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
