#include "lib/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/shape.h"
#include "format/image.h"

static const struct {
    const char *name;
    int64_t bytes;
} elements[] = {[DAE_U8] = {"u8", 1}, [DAE_U16] = {"u16", 2}, [DAE_F16] = {"f16", 2}, [DAE_F32] = {"f32", 4}};

bool samples_are_floats(const struct samples *samples)
{
    return samples->element == DAE_F16 || samples->element == DAE_F32;
}

unsigned samples_largest(const struct samples *samples)
{
    return samples->element == DAE_U8 ? UINT8_MAX : samples->element == DAE_U16 ? UINT16_MAX : 0;
}

/* ---- Checks. ----------------------------------------------------------------------------------------------------- */

static enum dae_status check_form(const struct dae_image *image, const char *what, struct error *err)
{
    if (!image)
        return error_set(err, DAE_CONFIG, "%s: it is NULL", what);
    if (image->size != sizeof *image)
        return error_set(err, DAE_CONFIG, "%s: size is %zu, but a struct dae_image of this library has %zu bytes", what,
                         image->size, sizeof *image);
    if (image->element < DAE_U8 || image->element > DAE_F32)
        return error_set(err, DAE_CONFIG, "%s: element is %d; expects a value of enum dae_element", what,
                         (int)image->element);
    if (image->rank < 2 || image->rank > DAE_IMAGE_RANK)
        return error_set(err, DAE_CONFIG, "%s: rank is %d; expects 2 to %d, samples first", what, (int)image->rank,
                         DAE_IMAGE_RANK);
    if (!image->data)
        return error_set(err, DAE_CONFIG, "%s: data is NULL", what);
    for (int i = 0; i < image->rank; ++i)
        if (image->shape[i] < 1)
            return error_set(err, DAE_CONFIG, "%s: shape[%d] is %lld; expects at least 1", what, i,
                             (long long)image->shape[i]);
    return DAE_OK;
}

/* The number of elements, of which there may be as many as a float array can have. */
static enum dae_status check_len(const struct dae_image *image, const char *what, struct samples *s, struct error *err)
{
    int64_t len = 1, bytes;
    bool overflows = false;
    for (int i = 0; i < image->rank; ++i)
        overflows = overflows || __builtin_mul_overflow(len, image->shape[i], &len);
    if (overflows || __builtin_mul_overflow(len, (int64_t)sizeof(float), &bytes))
        return error_set(err, DAE_CONFIG, "%s: the product of its shape overflows", what);
    s->len = len;
    return DAE_OK;
}

/* All zero: elements without gaps. Else as given; that of an axis of one element does not matter. */
static enum dae_status take_strides(const struct dae_image *image, const char *what, struct samples *s,
                                    struct error *err)
{
    bool dense = true;
    for (int i = 0; i < image->rank; ++i)
        dense = dense && image->stride[i] == 0;
    int64_t next = elements[image->element].bytes;
    const int pad = DAE_IMAGE_RANK - image->rank;
    for (int i = image->rank - 1; i >= 0; --i) {
        s->dim[pad + i] = image->shape[i];
        s->stride[pad + i] = dense ? next : image->stride[i];
        if (__builtin_mul_overflow(next, image->shape[i], &next) && dense)
            return error_set(err, DAE_CONFIG, "%s: the product of its shape overflows", what);
        if (!dense && image->shape[i] > 1 && image->stride[i] < 1)
            return error_set(err, DAE_CONFIG, "%s: stride[%d] is %lld; expects a positive number of bytes", what, i,
                             (long long)image->stride[i]);
    }
    for (int i = 0; i < DAE_IMAGE_RANK; ++i)
        if (i < pad || s->dim[i] == 1) {
            s->dim[i] = 1;
            s->stride[i] = 0;
        }
    return DAE_OK;
}

/* Goes through the axes by ascending stride: each must step over everything that those before it reach. */
static enum dae_status check_extent(const struct dae_image *image, const char *what, const struct samples *s,
                                    struct error *err)
{
    int64_t extent = elements[image->element].bytes;
    bool seen[DAE_IMAGE_RANK] = {false};
    for (int turn = 0; turn < DAE_IMAGE_RANK; ++turn) {
        int least = -1;
        for (int i = 0; i < DAE_IMAGE_RANK; ++i)
            if (!seen[i] && (least < 0 || s->stride[i] < s->stride[least]))
                least = i;
        seen[least] = true;
        if (s->dim[least] == 1)
            continue;
        if (s->stride[least] < extent)
            return error_set(err, DAE_CONFIG, "%s: stride[%d] is %lld, but what it steps over has %lld bytes", what,
                             least - (DAE_IMAGE_RANK - image->rank), (long long)s->stride[least], (long long)extent);
        int64_t reach;
        if (__builtin_mul_overflow(s->stride[least], s->dim[least] - 1, &reach) ||
            __builtin_add_overflow(extent, reach, &extent))
            return error_set(err, DAE_CONFIG, "%s: the product of its shape and strides overflows", what);
    }
    if ((uint64_t)extent > image->bytes)
        return error_set(err, DAE_CONFIG, "%s: its shape and strides reach over %lld bytes, but it has %zu", what,
                         (long long)extent, image->bytes);
    return DAE_OK;
}

enum dae_status samples_check(const struct dae_image *image, const char *what, struct samples *s, struct error *err)
{
    *s = (struct samples){0};
    TRY(check_form(image, what, err));
    TRY(check_len(image, what, s, err));
    TRY(take_strides(image, what, s, err));
    TRY(check_extent(image, what, s, err));
    s->data = image->data;
    s->element = (enum dae_element)image->element;
    s->n = image->shape[0];
    s->shape.rank = image->rank - 1;
    for (int i = 0; i < s->shape.rank; ++i)
        s->shape.dim[i] = image->shape[i + 1];
    return DAE_OK;
}

/* ---- Halves. ----------------------------------------------------------------------------------------------------- */

static float half_read(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                       : exponent == 0 ? ldexpf((float)fraction, -24)
                                       : ldexpf((float)(fraction + 1024), exponent - 25);
    return half & 0x8000 ? -size : size;
}

/* Rounds to nearest, ties to even; beyond the largest half is infinity. */
static uint16_t half_write(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    if (isnan(x))
        return sign | 0x7E00;
    const float size = fabsf(x);
    if (size >= 65520.0f)
        return sign | 0x7C00;
    int exponent = 0;
    frexpf(size, &exponent); /* size = f 2^exponent, 0.5 <= f < 1 */
    if (size == 0 || exponent < -13)
        return (uint16_t)(sign | (uint16_t)nearbyintf(ldexpf(size, 24))); /* subnormal, or the least normal number */
    const int fraction = (int)nearbyintf(ldexpf(size, 11 - exponent));    /* 1024 to 2048, which carries */
    return (uint16_t)(sign | (uint16_t)(((exponent + 14) << 10) + fraction - 1024));
}

/* ---- Copies. ----------------------------------------------------------------------------------------------------- */

static void read_row(const char *from, int64_t stride, int64_t n, enum dae_element element, float *x)
{
    for (int64_t i = 0; i < n; ++i, from += stride) {
        uint16_t wide;
        switch (element) {
        case DAE_U8:
            x[i] = (float)*(const unsigned char *)from / 255.0f;
            break;
        case DAE_U16:
            memcpy(&wide, from, sizeof wide);
            x[i] = (float)wide / 65535.0f;
            break;
        case DAE_F16:
            memcpy(&wide, from, sizeof wide);
            x[i] = half_read(wide);
            break;
        case DAE_F32:
            memcpy(&x[i], from, sizeof x[i]);
            break;
        }
    }
}

static void write_row(char *to, int64_t stride, int64_t n, enum dae_element element, const float *x)
{
    for (int64_t i = 0; i < n; ++i, to += stride) {
        uint16_t wide;
        switch (element) {
        case DAE_U8:
            *(unsigned char *)to = (unsigned char)image_step(x[i], UINT8_MAX);
            break;
        case DAE_U16:
            wide = (uint16_t)image_step(x[i], UINT16_MAX);
            memcpy(to, &wide, sizeof wide);
            break;
        case DAE_F16:
            wide = half_write(x[i]);
            memcpy(to, &wide, sizeof wide);
            break;
        case DAE_F32:
            memcpy(to, &x[i], sizeof x[i]);
            break;
        }
    }
}

/* The place of row number `row`, counted over all axes but the last. */
static char *row_at(const struct samples *s, int64_t row)
{
    char *at = s->data;
    for (int i = DAE_IMAGE_RANK - 2; i >= 0; --i) {
        at += row % s->dim[i] * s->stride[i];
        row /= s->dim[i];
    }
    return at;
}

void samples_read(const struct samples *s, float *x)
{
    const int64_t width = s->dim[DAE_IMAGE_RANK - 1];
    for (int64_t row = 0; row < s->len / width; ++row)
        read_row(row_at(s, row), s->stride[DAE_IMAGE_RANK - 1], width, s->element, x + row * width);
}

void samples_read_bytes(const struct samples *s, unsigned char *x)
{
    const int64_t width = s->dim[DAE_IMAGE_RANK - 1], stride = s->stride[DAE_IMAGE_RANK - 1];
    for (int64_t row = 0; row < s->len / width; ++row) {
        const char *from = row_at(s, row);
        for (int64_t i = 0; i < width; ++i)
            x[row * width + i] = *(const unsigned char *)(from + i * stride);
    }
}

void samples_write(const struct samples *s, const float *x)
{
    const int64_t width = s->dim[DAE_IMAGE_RANK - 1];
    for (int64_t row = 0; row < s->len / width; ++row)
        write_row(row_at(s, row), s->stride[DAE_IMAGE_RANK - 1], width, s->element, x + row * width);
}
