/* For the tests of images: a file in a temporary folder, written by libpng and libjpeg themselves. */
#ifndef TESTS_DATA_IMAGE_WRITING_H
#define TESTS_DATA_IMAGE_WRITING_H

#include <png.h>
#include <zlib.h>

#include "files.h"

#include <jpeglib.h> /* requires stdio.h before it */

static char folder[PATH_BYTES], path[PATH_BYTES + 16];
static const int64_t many_pixels = 1 << 20;

static inline int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    snprintf(path, sizeof path, "%s/a.png", folder);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    unlink(path);
    close_folder(folder);
    return 0;
}

/* Writes a 4 x 3 PNG by libpng itself; rows (3, row_bytes). */
static inline void write_png(int bits, int type, int interlace, const unsigned char *rows, size_t row_bytes,
                             const png_color *palette, int n_palette, const unsigned char *alpha)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, 4, 3, bits, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette)
        png_set_PLTE(png, info, palette, n_palette);
    if (alpha)
        png_set_tRNS(png, info, alpha, n_palette, NULL);
    png_write_info(png, info);
    unsigned char copy[3 * 32];
    memcpy(copy, rows, 3 * row_bytes);
    png_bytep row[3] = {copy, copy + row_bytes, copy + 2 * row_bytes};
    png_write_image(png, row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

/* A smooth picture as JPEG, grey or RGB. */
static inline void write_jpeg(int height, int width, int channels, boolean progressive)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    unsigned char row[64 * 3];
    JSAMPROW rows = row;
    assert_non_null(file);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 4 ? JCS_CMYK : channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; ++y) {
        for (int i = 0; i < width * channels; ++i)
            row[i] = (unsigned char)(40 + 3 * y + 2 * (i / channels) + 30 * (i % channels));
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

#endif
