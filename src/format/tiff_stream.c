#ifdef HAVE_TIFF

#include "format/tiff_stream.h"

#include <stdio.h>
#include <string.h>

enum { ALLOCATION_BYTES = 64 << 20 }; /* that libtiff may make for any file, in addition to four times its length */

static tmsize_t on_read(thandle_t handle, void *to, tmsize_t len)
{
    struct tiff_stream *s = handle;
    const unsigned char *bytes = s->out ? (const unsigned char *)s->out->data : s->bytes;
    const size_t end = s->out ? s->out->len : s->len, rest = s->at < end ? end - s->at : 0;
    const size_t n = (size_t)len < rest ? (size_t)len : rest;
    memcpy(to, bytes + s->at, n);
    s->at += n;
    s->is_short = s->is_short || n < (size_t)len;
    return (tmsize_t)n;
}

static tmsize_t on_write(thandle_t handle, void *from, tmsize_t len)
{
    struct tiff_stream *s = handle;
    static const unsigned char zeros[256];
    while (s->out->len < s->at && !s->out->failed)
        text_add_bytes(s->out, zeros, s->at - s->out->len < sizeof zeros ? s->at - s->out->len : sizeof zeros);
    if (s->out->failed)
        return 0;
    const size_t old = s->out->len - s->at < (size_t)len ? s->out->len - s->at : (size_t)len;
    memcpy(s->out->data + s->at, from, old);
    text_add_bytes(s->out, (const unsigned char *)from + old, (size_t)len - old);
    s->at += (size_t)len;
    return s->out->failed ? 0 : len;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    struct tiff_stream *s = handle;
    const size_t end = s->out ? s->out->len : s->len;
    s->at = (size_t)offset + (whence == SEEK_CUR ? s->at : whence == SEEK_END ? end : 0);
    return s->at;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    const struct tiff_stream *s = handle;
    return s->out ? s->out->len : s->len;
}

static int on_map(thandle_t handle, void **base, toff_t *size)
{
    (void)handle, (void)base, (void)size;
    return 0;
}

static void on_unmap(thandle_t handle, void *base, toff_t size)
{
    (void)handle, (void)base, (void)size;
}

static int on_error(TIFF *tiff, void *data, const char *module, const char *format, va_list list)
{
    struct tiff_stream *s = data;
    (void)tiff, (void)module;
    if (!s->problem[0])
        vsnprintf(s->problem, sizeof s->problem, format, list);
    return 1;
}

static int on_warning(TIFF *tiff, void *data, const char *module, const char *format, va_list list)
{
    (void)tiff, (void)data, (void)module, (void)format, (void)list;
    return 1;
}

TIFF *tiff_stream_open(struct tiff_stream *s, const char *name, const char *mode)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, s);
    if (!s->out)
        TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(4 * s->len + ALLOCATION_BYTES));
    TIFF *tiff =
        TIFFClientOpenExt(name, mode, s, on_read, on_write, on_seek, on_close, on_size, on_map, on_unmap, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

#endif
