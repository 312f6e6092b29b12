/* What an image file contains in addition to its colours, so that it can be written back. */
#ifndef FORMAT_IMAGE_EXTRAS_H
#define FORMAT_IMAGE_EXTRAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A chunk of a PNG, byte for byte; what other kinds contain (EXIF, XMP, a comment, pixel sizes) becomes one. */
struct image_chunk {
    char name[5];
    bool late; /* after the pixels */
    unsigned char *bytes;
    size_t len;
};

/* What only a TIFF says, and a TIFF gets back; of its first page. */
enum { IMAGE_PREMULTIPLIED = 2 };
struct image_tiff {
    struct image_tag {
        unsigned tag;
        char *text;
    } * text; /* (n_texts): ImageDescription, Software, ... */
    int n_texts;
    float density[2];   /* horizontal, vertical; 0: none */
    unsigned unit;      /* of the density */
    unsigned codec;     /* the compression; 0: not from a TIFF */
    unsigned predictor; /* of the compression */
    int alpha_kind;     /* 1 + its ExtraSamples: 1 unspecified, IMAGE_PREMULTIPLIED, 3 not; 0: not from a TIFF */
};

/* What only an OpenEXR says, and an OpenEXR gets back. */
struct image_exr {
    unsigned char *header; /* (header_len) the first bytes of a file of file_len; NULL: not from an OpenEXR */
    size_t header_len, file_len;
    float *alpha;        /* (H,W) the colours are multiplied by it; NULL: none */
    bool is_transparent; /* somewhere */
    bool is_half;        /* no channel stores 32 bits */
    bool has_attributes; /* beyond those that every file has */
};

/* Zero-initialise with {0}. All pointers are owned. */
struct image_extras {
    uint16_t *alpha; /* (pages,H,W) as stored; NULL: the image has no alpha channel */
    char *profile_name;
    unsigned char *profile; /* ICC, as libpng takes it; NULL: none */
    size_t profile_len;
    struct image_chunk *chunk; /* (n_chunks) */
    int n_chunks, capacity;
    struct image_tiff tiff;
    unsigned char *fits_card; /* (n_fits_cards,80) what only a FITS says, and a FITS gets back; NULL: none */
    size_t n_fits_cards;
    struct image_exr exr;
};

/* Appends a copy; false when out of memory. */
bool image_extras_add(struct image_extras *extras, const char name[5], bool late, const unsigned char *bytes,
                      size_t len);
/* Appends a text chunk (tEXt); a text that contains a NUL, which a PNG cannot hold, is cut there. */
bool image_extras_add_text(struct image_extras *extras, const char *keyword, const unsigned char *text, size_t len);
/* Appends the pixel density, per metre (pHYs). */
bool image_extras_set_density(struct image_extras *extras, double x, double y);
/* Appends XMP, as the iTXt chunk that stands for it in a PNG (XMP part 3, 1.1.5), and finds it; NULL: there is none. */
bool image_extras_set_xmp(struct image_extras *extras, const unsigned char *xmp, size_t len);
const unsigned char *image_extras_xmp(const struct image_extras *extras, size_t *len);
/* The first chunk of that name; NULL: none. */
struct image_chunk *image_extras_find(const struct image_extras *extras, const char name[5]);
/* Replaces the profile with a copy of this one; false when out of memory. */
bool image_extras_set_profile(struct image_extras *extras, const char *name, const unsigned char *bytes, size_t len);
void image_extras_drop_profile(struct image_extras *extras);

/* Appends a text of a TIFF's tag; false when out of memory. */
bool image_extras_add_tag(struct image_extras *extras, unsigned tag, const char *text);

/* Frees all, and the struct itself; NULL is fine. */
void image_extras_free(struct image_extras *extras);

#endif
