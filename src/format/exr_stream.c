#ifdef HAVE_EXR

#include "format/exr_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t on_read(exr_const_context_t file, void *data, void *to, uint64_t len, uint64_t offset,
                       exr_stream_error_func_ptr_t fail)
{
    struct exr_stream *s = data;
    (void)file, (void)fail;
    const size_t rest = offset < s->present ? s->present - (size_t)offset : 0;
    const size_t n = len < rest ? (size_t)len : rest;
    if (n > 0) {
        memcpy(to, s->bytes + offset, n);
        s->seen = offset + n > s->seen ? (size_t)offset + n : s->seen;
    }
    return (int64_t)n;
}

static int64_t on_size(exr_const_context_t file, void *data)
{
    (void)file;
    return (int64_t)((struct exr_stream *)data)->len;
}

/* The table of offsets is written last, at its place before the pixels. */
static int64_t on_write(exr_const_context_t file, void *data, const void *from, uint64_t len, uint64_t offset,
                        exr_stream_error_func_ptr_t fail)
{
    struct exr_stream *s = data;
    static const unsigned char zeros[256];
    (void)file, (void)fail;
    while (s->out->len < offset && !s->out->failed)
        text_add_bytes(s->out, zeros,
                       offset - s->out->len < sizeof zeros ? (size_t)offset - s->out->len : sizeof zeros);
    if (s->out->failed)
        return -1;
    const size_t rest = s->out->len - (size_t)offset, old = rest < len ? rest : (size_t)len;
    memcpy(s->out->data + offset, from, old);
    text_add_bytes(s->out, (const unsigned char *)from + old, (size_t)len - old);
    return s->out->failed ? -1 : (int64_t)len;
}

static void on_error(exr_const_context_t file, exr_result_t code, const char *message)
{
    void *data = NULL;
    if (exr_get_user_data(file, &data) != EXR_ERR_SUCCESS || !data)
        return;
    struct exr_stream *s = data;
    s->has_failed = s->has_failed || code == EXR_ERR_OUT_OF_MEMORY;
    if (!s->problem[0])
        snprintf(s->problem, sizeof s->problem, "%s", message);
}

/* The library unpacks chunks that are too short without a word: what is missing is 0, not what was in memory. */
static void *zeroed(size_t bytes)
{
    return calloc(1, bytes);
}

exr_context_t exr_stream_open(struct exr_stream *s, const char *name)
{
    exr_context_t file = NULL;
    exr_context_initializer_t options = EXR_DEFAULT_CONTEXT_INITIALIZER;
    options.error_handler_fn = on_error;
    options.user_data = s;
    options.alloc_fn = zeroed;
    options.free_fn = free;
    /* Else the library passes over what it does not understand, such as a new compression, and takes defaults. */
    options.flags = EXR_CONTEXT_FLAG_STRICT_HEADER | EXR_CONTEXT_FLAG_DISABLE_CHUNK_RECONSTRUCTION;
    if (s->out)
        options.write_fn = on_write;
    else
        options.read_fn = on_read;
    if (!s->out)
        options.size_fn = on_size;
    const exr_result_t result = s->out ? exr_start_write(&file, name, EXR_WRITE_FILE_DIRECTLY, &options)
                                       : exr_start_read(&file, name, &options);
    if (result == EXR_ERR_SUCCESS)
        return file;
    s->has_failed = s->has_failed || result == EXR_ERR_OUT_OF_MEMORY;
    if (!s->problem[0])
        snprintf(s->problem, sizeof s->problem, "%s", exr_get_default_error_message(result));
    return NULL;
}

#endif
