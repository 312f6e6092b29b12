/* JPEG, by libjpeg. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "format/exif.h"
#include "format/image_extras.h"
#include "format/image_kind.h"
#include "format/png_image.h"

enum {
    SCANS_MAX = 1000, /* of a progressive file; each costs a pass over the image, even a short one */
    EXIF_MARKER = JPEG_APP0 + 1,
    PROFILE_MARKER = JPEG_APP0 + 2,
    MARKER_BYTES_MAX = 65535,
    EXIF_HEAD = 6,           /* "Exif", 0, 0 */
    BLOCK_PIXELS = 64,       /* each costs at least one bit, unless it is coded arithmetically */
    STRAY_BYTES = 0x7ffffff, /* that a sum of them may reach */
};

static const char xmp_head[] = "http://ns.adobe.com/xap/1.0/"; /* with its NUL; XMP part 3, 1.1.3 */

/* A JPEG being read: everything that must be freed when libjpeg jumps. */
struct jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char problem[JMSG_LENGTH_MAX];
    bool out_of_memory;
    unsigned char *row; /* (W,C) */
    struct image *image;
    unsigned char *profile;
    unsigned profile_len;
    bool in_extras; /* a fault there loses the profile, not the image */
    int n_stray;    /* bytes between segments, which belong to none */
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
    struct jpeg_reader *r = jpeg->client_data;
    if (level >= 0 || r->in_extras)
        return;
    if (r->errors.msg_code != JWRN_EXTRANEOUS_DATA) /* any other warning: libjpeg invents pixels */
        on_error(jpeg);
    if (r->n_stray < STRAY_BYTES)
        r->n_stray += r->errors.msg_parm.i[0];
}

static void on_progress(j_common_ptr jpeg)
{
    struct jpeg_reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number <= SCANS_MAX)
        return;
    snprintf(r->problem, sizeof r->problem, "more than %d scans", SCANS_MAX);
    longjmp(r->jump, 1);
}

/* As in png_image.c, calls into libjpeg sit in functions that keep no local that changes. */
static bool start(struct jpeg_reader *r, const unsigned char *bytes, size_t len)
{
    if (setjmp(r->jump))
        return false;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.client_data = r;
    r->jpeg.progress = &r->progress;
    jpeg_mem_src(&r->jpeg, bytes, len);
    jpeg_save_markers(&r->jpeg, EXIF_MARKER, MARKER_BYTES_MAX); /* orientation and XMP are also there */
    if (r->image->extras) {
        jpeg_save_markers(&r->jpeg, PROFILE_MARKER, MARKER_BYTES_MAX);
        jpeg_save_markers(&r->jpeg, JPEG_COM, MARKER_BYTES_MAX);
    }
    jpeg_read_header(&r->jpeg, TRUE);
    r->jpeg.out_color_space = r->jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    r->jpeg.dct_method = JDCT_ISLOW;
    return true;
}

static bool read_pixels(struct jpeg_reader *r)
{
    struct image *image = r->image;
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

/* The first EXIF block, in PNG's form, which is only its TIFF part. False when out of memory. */
static bool take_exif(struct jpeg_reader *r)
{
    for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next) {
        if (m->marker != EXIF_MARKER || m->data_length < EXIF_HEAD || memcmp(m->data, "Exif\0", EXIF_HEAD) != 0)
            continue;
        const unsigned char *tiff = m->data + EXIF_HEAD;
        const size_t len = m->data_length - EXIF_HEAD;
        r->image->orientation = exif_orientation(tiff, len);
        if (len >= 4 && (memcmp(tiff, "II*", 4) == 0 || memcmp(tiff, "MM\0*", 4) == 0))
            return !r->image->extras || image_extras_add(r->image->extras, "eXIf", false, tiff, len);
        if (r->image->extras)
            image_say(r->image, "EXIF: it does not begin like TIFF: it is left out");
        return true;
    }
    return true;
}

/* XMP and comments become a PNG's text, the pixel density its pHYs. False when out of memory. */
static bool take_text(struct jpeg_reader *r)
{
    struct image_extras *extras = r->image->extras;
    for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next) {
        const size_t head = sizeof xmp_head;
        if (m->marker == EXIF_MARKER && m->data_length > head && memcmp(m->data, xmp_head, head) == 0) {
            if (!image_extras_set_xmp(extras, m->data + head, m->data_length - head))
                return false;
        } else if (m->marker == JPEG_COM && !image_extras_add_text(extras, "Comment", m->data, m->data_length)) {
            return false;
        }
    }
    if (!r->jpeg.saw_JFIF_marker || (r->jpeg.density_unit != 1 && r->jpeg.density_unit != 2))
        return true;
    const double per_metre = r->jpeg.density_unit == 1 ? 1 / 0.0254 : 100;
    return image_extras_set_density(extras, r->jpeg.X_density * per_metre, r->jpeg.Y_density * per_metre);
}

/* The header's markers, before the pixels are read. */
static enum dae_status take_extras(struct jpeg_reader *r, const char *name, struct error *err)
{
    struct image_extras *extras = r->image->extras;
    bool taken = take_exif(r) && (!extras || (take_text(r) && read_profile(r)));
    if (taken && r->profile)
        taken = image_extras_set_profile(extras, "ICC profile", r->profile, r->profile_len);
    else if (taken && extras && has_profile(r))
        image_say(r->image, "colour profile: parts of it are missing or out of order: it is left out");
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
                                 int64_t max_pixels, struct error *err)
{
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    r->jpeg.client_data = r;
    if (!start(r, bytes, len))
        return failed(r, name, len, err);
    const int64_t width = r->jpeg.image_width, height = r->jpeg.image_height;
    TRY(image_check_size(name, 1, height, width, max_pixels, err));
    if (!r->jpeg.arith_code && width * height / BLOCK_PIXELS / 8 > (int64_t)len)
        return error_set(err, DAE_BAD_DATA, "%s: JPEG: %lld x %lld pixels cannot fit in a file of %zu bytes", name,
                         (long long)width, (long long)height, len);
    if (r->jpeg.num_components != 1 && r->jpeg.num_components != 3)
        return error_set(err, DAE_BAD_DATA, "%s: JPEG: %d channels%s; save the image in grey or RGB", name,
                         r->jpeg.num_components, r->jpeg.num_components == 4 ? " (CMYK)" : "");
    r->image->height = height;
    r->image->width = width;
    r->image->channels = r->jpeg.num_components;
    r->image->largest = 255;
    TRY(take_extras(r, name, err));
    TRY(image_allocate(name, false, r->image, err));
    const size_t row_len = (size_t)width * (size_t)r->image->channels;
    r->row = malloc(row_len);
    if (!r->row)
        return error_no_memory(err, name, row_len);
    if (!read_pixels(r))
        return failed(r, name, len, err);
    if (r->n_stray > 0)
        image_say(r->image, "%d stray byte%s before a marker ignored", r->n_stray, r->n_stray == 1 ? "" : "s");
    if (r->jpeg.src->bytes_in_buffer > 0)
        image_say(r->image, "%zu bytes after the image are ignored", r->jpeg.src->bytes_in_buffer);
    return r->image->extras && r->image->extras->profile ? png_image_check_profile(r->image, err) : DAE_OK;
}

static bool is_jpeg(const unsigned char *start, size_t len)
{
    return len >= 3 && start[0] == 0xFF && start[1] == 0xD8 && start[2] == 0xFF;
}

/* Faults that libjpeg only warns about, above all a truncated file, count as damage. */
static enum dae_status decode(const char *name, const unsigned char *bytes, size_t len, int64_t max_pixels,
                              struct image *image, struct error *err)
{
    struct jpeg_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_no_memory(err, name, sizeof *r);
    r->image = image;
    enum dae_status status = read_jpeg(r, name, bytes, len, max_pixels, err);
    jpeg_destroy_decompress(&r->jpeg);
    free(r->row);
    free(r->profile);
    free(r);
    return status;
}

const struct image_kind image_kind_jpeg = {
    .name = "JPEG",
    .endings = "jpg jpeg jpe jfif",
    .is = is_jpeg,
    .decode = decode,
    .numbers = "8 bits, grey or colour",
    .kept = "in the PNG: EXIF, XMP, colour profile, comments, pixel density",
};
