#include "format/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "format/image_extras.h"

enum {
    SCANS_MAX = 1000, /* of a progressive file; each costs a pass over the image, even a short one */
    EXIF_MARKER = JPEG_APP0 + 1,
    PROFILE_MARKER = JPEG_APP0 + 2,
    MARKER_BYTES_MAX = 65535,
    EXIF_HEAD = 6, /* "Exif", 0, 0 */
};

/* A JPEG being read: everything that must be freed when libjpeg jumps. */
struct jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char problem[JMSG_LENGTH_MAX];
    bool out_of_memory;
    unsigned char *row;          /* (W,C) */
    struct image_extras *extras; /* that are being read; or NULL */
    unsigned char *profile;
    unsigned profile_len;
    bool in_extras; /* a fault there loses the profile, not the image */
};

static void on_error(j_common_ptr jpeg)
{
    struct jpeg_reader *r = jpeg->client_data;
    r->errors.format_message(jpeg, r->problem);
    r->out_of_memory = r->errors.msg_code == JERR_OUT_OF_MEMORY;
    longjmp(r->jump, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    const struct jpeg_reader *r = jpeg->client_data;
    if (level < 0 && !r->in_extras) /* a warning: libjpeg invents pixels */
        on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg)
{
    struct jpeg_reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number <= SCANS_MAX)
        return;
    snprintf(r->problem, sizeof r->problem, "more than %d scans", SCANS_MAX);
    longjmp(r->jump, 1);
}

/* As in image.c, calls into libjpeg sit in functions that keep no local that changes. */
static bool start(struct jpeg_reader *r, const unsigned char *bytes, size_t len)
{
    if (setjmp(r->jump))
        return false;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.client_data = r;
    r->jpeg.progress = &r->progress;
    jpeg_mem_src(&r->jpeg, bytes, len);
    if (r->extras) {
        jpeg_save_markers(&r->jpeg, EXIF_MARKER, MARKER_BYTES_MAX);
        jpeg_save_markers(&r->jpeg, PROFILE_MARKER, MARKER_BYTES_MAX);
    }
    jpeg_read_header(&r->jpeg, TRUE);
    r->jpeg.out_color_space = r->jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    r->jpeg.dct_method = JDCT_ISLOW;
    return true;
}

static bool decode(struct jpeg_reader *r, struct image *image)
{
    if (setjmp(r->jump))
        return false;
    jpeg_start_decompress(&r->jpeg);
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        float *to = image->pixels + (size_t)r->jpeg.output_scanline * r->jpeg.output_width * (size_t)image->channels;
        jpeg_read_scanlines(&r->jpeg, &r->row, 1);
        for (size_t i = 0; i < (size_t)r->jpeg.output_width * (size_t)image->channels; ++i)
            to[i] = (float)r->row[i] / 255.0f;
    }
    jpeg_finish_decompress(&r->jpeg);
    return true;
}

static bool read_profile(struct jpeg_reader *r)
{
    if (setjmp(r->jump))
        return false;
    r->in_extras = true;
    jpeg_read_icc_profile(&r->jpeg, &r->profile, &r->profile_len);
    r->in_extras = false;
    return true;
}

static bool has_profile(const struct jpeg_reader *r)
{
    for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next)
        if (m->marker == PROFILE_MARKER && m->data_length >= 12 && memcmp(m->data, "ICC_PROFILE", 12) == 0)
            return true;
    return false;
}

/* Converts the first EXIF block to PNG's form, which is only its TIFF part. False when out of memory. */
static bool take_exif(struct jpeg_reader *r)
{
    for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next) {
        if (m->marker != EXIF_MARKER || m->data_length < EXIF_HEAD || memcmp(m->data, "Exif\0", EXIF_HEAD) != 0)
            continue;
        const unsigned char *tiff = m->data + EXIF_HEAD;
        const size_t len = m->data_length - EXIF_HEAD;
        if (len >= 4 && (memcmp(tiff, "II*", 4) == 0 || memcmp(tiff, "MM\0*", 4) == 0))
            return image_extras_add(r->extras, "eXIf", false, tiff, len);
        image_extras_say(r->extras, "EXIF: it does not begin like TIFF: it is left out");
        return true;
    }
    return true;
}

/* The header's markers, before the pixels are read. */
static enum dae_status take_extras(struct jpeg_reader *r, const char *name, struct error *err)
{
    bool taken = read_profile(r) && take_exif(r);
    if (taken && r->profile)
        taken = image_extras_set_profile(r->extras, "ICC profile", r->profile, r->profile_len);
    else if (taken && has_profile(r))
        image_extras_say(r->extras, "colour profile: parts of it are missing or out of order: it is left out");
    return taken ? DAE_OK : error_no_memory(err, name, r->profile_len);
}

static enum dae_status failed(const struct jpeg_reader *r, const char *name, size_t len, struct error *err)
{
    if (r->out_of_memory)
        return error_no_memory(err, name, len);
    const size_t left = r->jpeg.src ? r->jpeg.src->bytes_in_buffer : len;
    return error_set(err, DAE_BAD_DATA, "%s: byte %zu: JPEG: %s", name, left <= len ? len - left : len, r->problem);
}

static enum dae_status read_jpeg(struct jpeg_reader *r, const char *name, const unsigned char *bytes, size_t len,
                                 int64_t max_pixels, struct image *image, struct error *err)
{
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    r->jpeg.client_data = r;
    if (!start(r, bytes, len))
        return failed(r, name, len, err);
    const int64_t width = r->jpeg.image_width, height = r->jpeg.image_height;
    if (width * height > max_pixels)
        return error_set(err, DAE_BAD_DATA, "%s: JPEG: %lld x %lld pixels, more than the limit of %lld", name,
                         (long long)width, (long long)height, (long long)max_pixels);
    if (r->jpeg.num_components != 1 && r->jpeg.num_components != 3)
        return error_set(err, DAE_BAD_DATA, "%s: JPEG: %d channels; save the image in grey or RGB", name,
                         r->jpeg.num_components);
    if (r->extras)
        TRY(take_extras(r, name, err));
    *image = (struct image){
        .height = height, .width = width, .channels = r->jpeg.num_components, .bits = 8, .extras = r->extras};
    const size_t row_len = (size_t)width * (size_t)image->channels;
    image->pixels = malloc(row_len * (size_t)height * sizeof *image->pixels);
    r->row = malloc(row_len);
    if (!image->pixels || !r->row)
        return error_no_memory(err, name, row_len * (size_t)height * sizeof *image->pixels);
    return decode(r, image) ? DAE_OK : failed(r, name, len, err);
}

bool jpeg_is(const unsigned char *bytes, size_t len)
{
    return len >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

enum dae_status jpeg_decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                            struct image *image, struct error *err)
{
    struct jpeg_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_no_memory(err, name, sizeof *r);
    r->extras = image->extras;
    enum dae_status status = read_jpeg(r, name, bytes, len, max_pixels, image, err);
    jpeg_destroy_decompress(&r->jpeg);
    free(r->row);
    free(r->profile);
    free(r);
    return status;
}
