#include "format/image_extras.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *copied(const unsigned char *bytes, size_t len)
{
    unsigned char *copy = malloc(len + 1); /* a chunk may be empty */
    if (copy && len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

bool image_extras_add(struct image_extras *extras, const char name[5], bool late, const unsigned char *bytes,
                      size_t len)
{
    struct image_chunk *grown = realloc(extras->chunk, (size_t)(extras->n_chunks + 1) * sizeof *grown);
    if (!grown)
        return false;
    extras->chunk = grown;
    struct image_chunk *chunk = &grown[extras->n_chunks];
    *chunk = (struct image_chunk){.late = late, .bytes = copied(bytes, len), .len = len};
    memcpy(chunk->name, name, 4);
    extras->n_chunks += chunk->bytes != NULL;
    return chunk->bytes != NULL;
}

bool image_extras_set_profile(struct image_extras *extras, const char *name, const unsigned char *bytes, size_t len)
{
    image_extras_drop_profile(extras);
    extras->profile_name = strdup(name);
    extras->profile = copied(bytes, len);
    extras->profile_len = len;
    return extras->profile_name && extras->profile;
}

void image_extras_drop_profile(struct image_extras *extras)
{
    free(extras->profile_name);
    free(extras->profile);
    extras->profile_name = NULL;
    extras->profile = NULL;
    extras->profile_len = 0;
}

void image_extras_say(struct image_extras *extras, const char *format, ...)
{
    size_t len = strlen(extras->notice);
    if (len > 0 && len + 3 < sizeof extras->notice) {
        memcpy(extras->notice + len, "; ", 3);
        len += 2;
    }
    va_list list;
    va_start(list, format);
    vsnprintf(extras->notice + len, sizeof extras->notice - len, format, list);
    va_end(list);
}

void image_extras_free(struct image_extras *extras)
{
    if (!extras)
        return;
    for (int i = 0; i < extras->n_chunks; ++i)
        free(extras->chunk[i].bytes);
    free(extras->chunk);
    free(extras->alpha);
    image_extras_drop_profile(extras);
    free(extras);
}
