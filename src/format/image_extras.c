#include "format/image_extras.h"

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
    if (extras->n_chunks == extras->capacity) {
        const int capacity = extras->capacity ? 2 * extras->capacity : 8;
        struct image_chunk *grown = realloc(extras->chunk, (size_t)capacity * sizeof *grown);
        if (!grown)
            return false;
        extras->chunk = grown;
        extras->capacity = capacity;
    }
    struct image_chunk *chunk = &extras->chunk[extras->n_chunks];
    *chunk = (struct image_chunk){.late = late, .bytes = copied(bytes, len), .len = len};
    memcpy(chunk->name, name, 4);
    extras->n_chunks += chunk->bytes != NULL;
    return chunk->bytes != NULL;
}

struct image_chunk *image_extras_find(const struct image_extras *extras, const char name[5])
{
    for (int i = 0; i < extras->n_chunks; ++i)
        if (strcmp(extras->chunk[i].name, name) == 0)
            return &extras->chunk[i];
    return NULL;
}

/* A chunk of two parts. */
static bool add_parts(struct image_extras *extras, const char name[5], const void *head, size_t head_len,
                      const unsigned char *rest, size_t len)
{
    unsigned char *bytes = malloc(head_len + len);
    bool added = bytes != NULL;
    if (added) {
        memcpy(bytes, head, head_len);
        if (len > 0)
            memcpy(bytes + head_len, rest, len);
        added = image_extras_add(extras, name, false, bytes, head_len + len);
    }
    free(bytes);
    return added;
}

bool image_extras_add_text(struct image_extras *extras, const char *keyword, const unsigned char *text, size_t len)
{
    const unsigned char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
    return add_parts(extras, "tEXt", keyword, strlen(keyword) + 1, text, nul ? (size_t)(nul - text) : len);
}

bool image_extras_set_density(struct image_extras *extras, double x, double y)
{
    unsigned char bytes[9] = {[8] = 1}; /* the unit: a metre */
    const double density[2] = {x, y};
    for (int i = 0; i < 8; ++i)
        bytes[i] = (unsigned char)((uint32_t)(density[i / 4] + 0.5) >> (24 - 8 * (i % 4)));
    return image_extras_add(extras, "pHYs", false, bytes, sizeof bytes);
}

/* Keyword, no compression, no language, no translated keyword. */
static const char xmp_head[] = "XML:com.adobe.xmp\0\0\0\0";

bool image_extras_set_xmp(struct image_extras *extras, const unsigned char *xmp, size_t len)
{
    return add_parts(extras, "iTXt", xmp_head, sizeof xmp_head, xmp, len);
}

const unsigned char *image_extras_xmp(const struct image_extras *extras, size_t *len)
{
    for (int i = 0; i < extras->n_chunks; ++i) {
        const struct image_chunk *chunk = &extras->chunk[i];
        if (strcmp(chunk->name, "iTXt") != 0 || chunk->len < sizeof xmp_head ||
            memcmp(chunk->bytes, xmp_head, sizeof xmp_head) != 0)
            continue;
        *len = chunk->len - sizeof xmp_head;
        return chunk->bytes + sizeof xmp_head;
    }
    return NULL;
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

bool image_extras_add_tag(struct image_extras *extras, unsigned tag, const char *text)
{
    struct image_tiff *tiff = &extras->tiff;
    struct image_tag *grown = realloc(tiff->text, ((size_t)tiff->n_texts + 1) * sizeof *grown);
    if (!grown)
        return false;
    tiff->text = grown;
    grown[tiff->n_texts] = (struct image_tag){tag, strdup(text)};
    tiff->n_texts += grown[tiff->n_texts].text != NULL;
    return tiff->n_texts > 0 && grown[tiff->n_texts - 1].text && grown[tiff->n_texts - 1].tag == tag;
}

void image_extras_free(struct image_extras *extras)
{
    if (!extras)
        return;
    for (int i = 0; i < extras->n_chunks; ++i)
        free(extras->chunk[i].bytes);
    for (int i = 0; i < extras->tiff.n_texts; ++i)
        free(extras->tiff.text[i].text);
    free(extras->tiff.text);
    free(extras->fits_card);
    free(extras->exr.header);
    free(extras->exr.alpha);
    free(extras->chunk);
    free(extras->alpha);
    image_extras_drop_profile(extras);
    free(extras);
}
