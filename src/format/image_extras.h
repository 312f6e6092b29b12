/* What an image file contains in addition to its colours, so that it can be written back. */
#ifndef FORMAT_IMAGE_EXTRAS_H
#define FORMAT_IMAGE_EXTRAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A chunk of a PNG, byte for byte; a JPEG's EXIF becomes one. */
struct image_chunk {
    char name[5];
    bool late; /* after the pixels */
    unsigned char *bytes;
    size_t len;
};

/* Zero-initialise with {0}. All pointers are owned. */
struct image_extras {
    uint16_t *alpha; /* (H,W) as stored; NULL: the image has no alpha channel */
    char *profile_name;
    unsigned char *profile; /* ICC, as libpng takes it; NULL: none */
    size_t profile_len;
    struct image_chunk *chunk; /* (n_chunks) */
    int n_chunks;
    char notice[512]; /* for the user: what was changed or left out; or "" */
};

/* Appends a copy; false when out of memory. */
bool image_extras_add(struct image_extras *extras, const char name[5], bool late, const unsigned char *bytes,
                      size_t len);
/* Replaces the profile with a copy of this one; false when out of memory. */
bool image_extras_set_profile(struct image_extras *extras, const char *name, const unsigned char *bytes, size_t len);
void image_extras_drop_profile(struct image_extras *extras);
/* Appends to the notice, after "; " if there is one. */
__attribute__((format(printf, 2, 3))) void image_extras_say(struct image_extras *extras, const char *format, ...);

/* Frees all, and the struct itself; NULL is fine. */
void image_extras_free(struct image_extras *extras);

#endif
