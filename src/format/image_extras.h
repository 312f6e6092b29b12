/* What a file of an image holds beside its colours, so that the file that is written holds it too. */
#ifndef FORMAT_IMAGE_EXTRAS_H
#define FORMAT_IMAGE_EXTRAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A chunk of a PNG (a JPEG's EXIF is made one), byte for byte. */
struct image_chunk {
    char name[5];
    bool late; /* behind the pixels */
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
    char notice[512]; /* for the user: what was changed or left out; empty when there is nothing to say */
};

/* Appends a copy; false when out of memory. */
bool image_extras_add(struct image_extras *extras, const char name[5], bool late, const unsigned char *bytes,
                      size_t len);
/* Takes a copy of a profile in place of the one before; false when out of memory. */
bool image_extras_set_profile(struct image_extras *extras, const char *name, const unsigned char *bytes, size_t len);
void image_extras_drop_profile(struct image_extras *extras);
/* Adds to the notice, behind "; " if there is one. */
__attribute__((format(printf, 2, 3))) void image_extras_say(struct image_extras *extras, const char *format, ...);

/* Frees all, and the struct itself; NULL is fine. */
void image_extras_free(struct image_extras *extras);

#endif
