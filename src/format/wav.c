#include "format/wav.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TAG_PCM = 1,
    TAG_FLOAT = 3,
    TAG_EXTENSIBLE = 0xfffe,
    FORMAT_BYTES = 16,     /* of the plain header */
    EXTENSIBLE_BYTES = 40, /* of the extensible one, whose */
    SUBFORMAT_AT = 24,     /* kind of numbers is here */
    CHUNK_BYTES = 8,       /* of a chunk's name and length */
    HEADER_BYTES = 44,     /* that wav_write_header writes */
    NUMBERS_AT_ONCE = 4096,
    NUMBER_BYTES = 8, /* the most that one takes */
};

/* ---- Bytes. ------------------------------------------------------------------------------------------------------ */

static uint32_t word(const unsigned char *bytes, int n)
{
    uint32_t value = 0;
    for (int i = n; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static void put_word(unsigned char *bytes, uint32_t value, int n)
{
    for (int i = 0; i < n; ++i)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

/* Reads as much of [at, at + len) as there is. */
static enum dae_status read_at(const struct wav *wav, int64_t at, void *bytes, size_t len, size_t *got,
                               struct error *err)
{
    *got = 0;
    while (*got < len) {
        const ssize_t n = pread(wav->fd, (char *)bytes + *got, len - *got, (off_t)(at + (int64_t)*got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, DAE_IO, "cannot read %s: %s", wav->path, strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return DAE_OK;
}

static int64_t frame_bytes(const struct wav_form *form)
{
    return (int64_t)form->channels * (form->bits / 8);
}

/* ---- The chunks. ------------------------------------------------------------------------------------------------- */

static enum dae_status read_format(struct wav *wav, int64_t at, int64_t len, struct error *err)
{
    unsigned char bytes[EXTENSIBLE_BYTES] = {0};
    const size_t wanted = len < EXTENSIBLE_BYTES ? (size_t)len : EXTENSIBLE_BYTES;
    if (len < FORMAT_BYTES)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: its format takes %lld bytes; at least 16 are needed",
                         wav->path, (long long)at, (long long)len);
    size_t got;
    TRY(read_at(wav, at, bytes, wanted, &got, err));
    uint32_t tag = word(bytes, 2);
    const uint32_t channels = word(bytes + 2, 2), rate = word(bytes + 4, 4), frame = word(bytes + 12, 2),
                   bits = word(bytes + 14, 2);
    if (tag == TAG_EXTENSIBLE && len >= EXTENSIBLE_BYTES)
        tag = word(bytes + SUBFORMAT_AT, 2);
    const bool pcm = tag == TAG_PCM && (bits == 8 || bits == 16 || bits == 24 || bits == 32);
    if (!pcm && !(tag == TAG_FLOAT && (bits == 32 || bits == 64)))
        return error_set(
            err, DAE_BAD_DATA,
            "%s: byte %lld: numbers of kind %u with %u bits; dae-cl reads PCM of 8, 16, 24 and 32 bits and "
            "floats of 32 and 64; convert it, for example by sox",
            wav->path, (long long)at, (unsigned)tag, (unsigned)bits);
    if (channels < 1 || channels > WAV_MAX_CHANNELS || rate < 1 || rate > INT32_MAX || frame != channels * (bits / 8))
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %lld: %u channels, %u points per second and %u bytes per point do not fit together",
                         wav->path, (long long)at, (unsigned)channels, (unsigned)rate, (unsigned)frame);
    wav->form.channels = (int)channels;
    wav->form.rate = (int)rate;
    wav->form.bits = (int)bits;
    wav->form.is_float = tag == TAG_FLOAT;
    return DAE_OK;
}

/* Checks the numbers' chunk against the file's length. */
static enum dae_status take_data(struct wav *wav, int64_t at, int64_t len, int64_t file_bytes, struct error *err)
{
    if (wav->form.channels == 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte %lld: its numbers come before their format", wav->path,
                         (long long)at);
    if (len > file_bytes - at)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %lld: truncated: the header claims %lld bytes, the file holds %lld; get it again",
                         wav->path, (long long)file_bytes, (long long)len, (long long)(file_bytes - at));
    if (len == 0)
        return error_set(err, DAE_BAD_DATA, "%s: it contains no samples", wav->path);
    if (len % frame_bytes(&wav->form) != 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s: byte %lld: %lld bytes are no whole number of points of %lld bytes; get it again",
                         wav->path, (long long)at, (long long)len, (long long)frame_bytes(&wav->form));
    wav->form.n = len / frame_bytes(&wav->form);
    wav->data = at;
    return DAE_OK;
}

/* A chunk of odd length is followed by a byte that does not count. */
static enum dae_status read_chunks(struct wav *wav, int64_t file_bytes, struct error *err)
{
    unsigned char bytes[CHUNK_BYTES];
    size_t got;
    for (int64_t at = WAV_START_BYTES; at + CHUNK_BYTES <= file_bytes;) {
        TRY(read_at(wav, at, bytes, sizeof bytes, &got, err));
        const int64_t len = word(bytes + 4, 4), inside = at + CHUNK_BYTES;
        if (memcmp(bytes, "fmt ", 4) == 0 && wav->form.channels == 0)
            TRY(read_format(wav, inside, len, err));
        else if (memcmp(bytes, "data", 4) == 0 && wav->data == 0)
            TRY(take_data(wav, inside, len, file_bytes, err));
        else
            ++wav->n_skipped;
        at = inside + len + len % 2;
    }
    if (wav->data > 0)
        return DAE_OK;
    return error_set(err, DAE_BAD_DATA, "%s: byte %lld: truncated: there is no chunk of numbers; get it again",
                     wav->path, (long long)file_bytes);
}

bool wav_is_start(const unsigned char *start, size_t len)
{
    return len >= WAV_START_BYTES && (memcmp(start, "RIFF", 4) == 0 || memcmp(start, "RF64", 4) == 0) &&
           memcmp(start + 8, "WAVE", 4) == 0;
}

static enum dae_status read_header(struct wav *wav, struct error *err)
{
    unsigned char start[WAV_START_BYTES];
    struct stat info;
    size_t got;
    if (fstat(wav->fd, &info) < 0)
        return error_set(err, DAE_IO, "cannot read %s: %s", wav->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, DAE_IO, "cannot read %s: it is not a regular file", wav->path);
    TRY(read_at(wav, 0, start, sizeof start, &got, err));
    if (!wav_is_start(start, got))
        return error_set(err, DAE_BAD_DATA, "%s: byte 0: not a WAV file: it does not begin with RIFF and WAVE",
                         wav->path);
    if (memcmp(start, "RF64", 4) == 0)
        return error_set(err, DAE_BAD_DATA, "%s: byte 0: RF64 is not supported; split it into files below 4 GiB",
                         wav->path);
    return read_chunks(wav, (int64_t)info.st_size, err);
}

enum dae_status wav_open(const char *path, struct wav *wav, struct error *err)
{
    *wav = (struct wav){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (wav->fd < 0)
        return error_set(err, DAE_IO, "cannot open %s: %s", path, strerror(errno));
    const enum dae_status status = read_header(wav, err);
    if (status != DAE_OK)
        wav_close(wav);
    return status;
}

void wav_close(struct wav *wav)
{
    if (wav->path && wav->fd >= 0)
        close(wav->fd);
    *wav = (struct wav){.fd = -1};
}

/* ---- Numbers. ---------------------------------------------------------------------------------------------------- */

/* A number as it is stored; 8 bits are unsigned, all others signed. */
static float decode(const struct wav_form *form, const unsigned char *bytes)
{
    if (form->is_float && form->bits == 64) {
        const uint64_t stored = word(bytes, 4) | (uint64_t)word(bytes + 4, 4) << 32;
        double wide;
        memcpy(&wide, &stored, sizeof wide);
        return fabs(wide) <= (double)FLT_MAX ? (float)wide : NAN; /* C leaves other conversions open */
    }
    const int n = form->bits / 8;
    uint32_t stored = word(bytes, n);
    if (form->is_float) {
        float value;
        memcpy(&value, &stored, sizeof value);
        return value;
    }
    stored = (stored << (32 - form->bits)) ^ (form->bits == 8 ? UINT32_C(1) << 31 : 0);
    int32_t number;
    memcpy(&number, &stored, sizeof number);
    return (float)number * 0x1p-31f;
}

static void encode(const struct wav_form *form, float value, unsigned char *bytes)
{
    if (form->is_float && form->bits == 64) {
        const double wide = (double)value;
        uint64_t stored;
        memcpy(&stored, &wide, sizeof stored);
        put_word(bytes, (uint32_t)stored, 4);
        put_word(bytes + 4, (uint32_t)(stored >> 32), 4);
        return;
    }
    uint32_t stored;
    if (form->is_float) {
        memcpy(&stored, &value, sizeof stored);
    } else {
        const double whole = ldexp(1, form->bits - 1), number = rint((double)value * whole);
        const double clamped = number > whole - 1 ? whole - 1 : number < -whole ? -whole : number;
        stored = (uint32_t)(int32_t)clamped ^ (form->bits == 8 ? 0x80u : 0);
    }
    put_word(bytes, stored, form->bits / 8);
}

enum dae_status wav_read(const struct wav *wav, int64_t first, int64_t n, float *values, struct error *err)
{
    unsigned char bytes[NUMBERS_AT_ONCE * NUMBER_BYTES];
    const int64_t len = n * wav->form.channels, from = first * wav->form.channels;
    const int each = wav->form.bits / 8;
    for (int64_t done = 0; done < len;) {
        const int64_t part = len - done < NUMBERS_AT_ONCE ? len - done : NUMBERS_AT_ONCE;
        size_t got;
        TRY(read_at(wav, wav->data + (from + done) * each, bytes, (size_t)(part * each), &got, err));
        if (got < (size_t)(part * each))
            return error_set(err, DAE_IO, "cannot read %s: it became shorter while it was read", wav->path);
        for (int64_t i = 0; i < part; ++i) {
            const float value = values[done + i] = decode(&wav->form, bytes + i * each);
            if (!isfinite(value))
                return error_set(err, DAE_BAD_DATA, "%s: point %lld, channel %lld: not a finite number; replace it",
                                 wav->path, (long long)((from + done + i) / wav->form.channels),
                                 (long long)((from + done + i) % wav->form.channels));
        }
        done += part;
    }
    return DAE_OK;
}

/* ---- Writing. ---------------------------------------------------------------------------------------------------- */

/* The plain header, which every program reads, also for files that had the extensible one. */
enum dae_status wav_write_header(struct atomic_file *file, const struct wav_form *form, struct error *err)
{
    const int64_t len = form->n * frame_bytes(form), frame = frame_bytes(form);
    unsigned char header[HEADER_BYTES] = "RIFF....WAVEfmt ";
    if (len > (int64_t)UINT32_MAX - HEADER_BYTES)
        return error_set(err, DAE_BAD_DATA, "cannot write %s: %lld bytes are more than a WAV file holds", file->path,
                         (long long)len);
    put_word(header + 4, (uint32_t)(len + len % 2 + HEADER_BYTES - CHUNK_BYTES), 4);
    put_word(header + 16, FORMAT_BYTES, 4);
    put_word(header + 20, form->is_float ? TAG_FLOAT : TAG_PCM, 2);
    put_word(header + 22, (uint32_t)form->channels, 2);
    put_word(header + 24, (uint32_t)form->rate, 4);
    put_word(header + 28, (uint32_t)((uint64_t)form->rate * (uint64_t)frame), 4);
    put_word(header + 32, (uint32_t)frame, 2);
    put_word(header + 34, (uint32_t)form->bits, 2);
    memcpy(header + 36, "data", 4);
    put_word(header + 40, (uint32_t)len, 4);
    return atomic_file_write(file, header, sizeof header, err);
}

enum dae_status wav_write(struct atomic_file *file, const struct wav_form *form, const float *values, int64_t n,
                          struct error *err)
{
    unsigned char bytes[NUMBERS_AT_ONCE * NUMBER_BYTES];
    const int64_t len = n * form->channels;
    const int each = form->bits / 8;
    for (int64_t done = 0; done < len;) {
        const int64_t part = len - done < NUMBERS_AT_ONCE ? len - done : NUMBERS_AT_ONCE;
        for (int64_t i = 0; i < part; ++i)
            encode(form, values[done + i], bytes + i * each);
        TRY(atomic_file_write(file, bytes, (size_t)(part * each), err));
        done += part;
    }
    return DAE_OK;
}

enum dae_status wav_write_end(struct atomic_file *file, const struct wav_form *form, struct error *err)
{
    return form->n * frame_bytes(form) % 2 ? atomic_file_write(file, "", 1, err) : DAE_OK;
}
