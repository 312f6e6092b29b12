/* WAV, the RIFF file of sound: PCM of 8, 16, 24 and 32 bits and floats of 32 and 64 bits, also with the extensible
 * header (Microsoft, Multiple Channel Audio Data and WAVE Files, 2007). It is read and written in pieces, because a
 * recording may be longer than the memory. */
#ifndef FORMAT_WAV_H
#define FORMAT_WAV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic_file.h"
#include "base/error.h"

enum { WAV_MAX_CHANNELS = 256, WAV_START_BYTES = 12 };

/* How the numbers of a file are stored. */
struct wav_form {
    int channels, rate; /* points per second */
    int bits;           /* of a number: 8, 16, 24, 32; 32 or 64 if they are floats */
    bool is_float;
    int64_t n; /* points in time, at least 1 */
};

/* A file that is open for reading. Zero-initialise; wav_close. */
struct wav {
    struct wav_form form;
    const char *path; /* the caller's */
    int fd;           /* below 0 when it is not open */
    int64_t data;     /* the byte at which the numbers begin */
    int n_skipped;    /* chunks besides those of sound, which are not read */
};

/* Whether a file that begins with these bytes is a WAV file. */
bool wav_is_start(const unsigned char *start, size_t len);

/* Opens a file and checks its chunks. Damaged, truncated, without numbers, of a kind that is not read (compressed, more
 * than 4 GiB as RF64): DAE_BAD_DATA with the byte; missing or unreadable: DAE_IO. */
MUST_USE enum dae_status wav_open(const char *path, struct wav *wav, struct error *err);
void wav_close(struct wav *wav);

/* Reads n points from `first` on, of 0 .. form.n - 1: values (n, channels), PCM scaled to [-1, 1), floats as they are.
 * NaN or infinity: DAE_BAD_DATA with the point; DAE_IO. */
MUST_USE enum dae_status wav_read(const struct wav *wav, int64_t first, int64_t n, float *values, struct error *err);

/* Writes a header, then the numbers (n, channels) of the form in any number of pieces, then the end; PCM is rounded and
 * clamped to its range. More than 4 GiB: DAE_BAD_DATA; DAE_IO. The caller begins and commits the file. */
MUST_USE enum dae_status wav_write_header(struct atomic_file *file, const struct wav_form *form, struct error *err);
MUST_USE enum dae_status wav_write(struct atomic_file *file, const struct wav_form *form, const float *values,
                                   int64_t n, struct error *err);
MUST_USE enum dae_status wav_write_end(struct atomic_file *file, const struct wav_form *form, struct error *err);

#endif
