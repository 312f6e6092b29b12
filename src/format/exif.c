#include "format/exif.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { HEADER_BYTES = 8, ENTRY_BYTES = 12, ORIENTATION = 0x0112, SHORT = 3 };

static uint32_t number(const unsigned char *at, int n, bool big_endian)
{
    uint32_t value = 0;
    for (int i = 0; i < n; ++i)
        value = value << 8 | at[big_endian ? i : n - 1 - i];
    return value;
}

/* The two bytes of the orientation's value; NULL if the block states none. */
static const unsigned char *find(const unsigned char *exif, size_t len, bool *big_endian)
{
    if (len < HEADER_BYTES || (memcmp(exif, "II*\0", 4) != 0 && memcmp(exif, "MM\0*", 4) != 0))
        return NULL;
    *big_endian = exif[0] == 'M';
    const size_t directory = number(exif + 4, 4, *big_endian);
    if (directory > len - 2)
        return NULL;
    const size_t n = number(exif + directory, 2, *big_endian);
    for (size_t i = 0, at = directory + 2; i < n && at + ENTRY_BYTES <= len; ++i, at += ENTRY_BYTES)
        if (number(exif + at, 2, *big_endian) == ORIENTATION)
            return number(exif + at + 2, 2, *big_endian) == SHORT ? exif + at + 8 : NULL;
    return NULL;
}

int exif_orientation(const unsigned char *exif, size_t len)
{
    bool big_endian = false;
    const unsigned char *value = find(exif, len, &big_endian);
    const uint32_t orientation = value ? number(value, 2, big_endian) : 1;
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}

void exif_reset_orientation(unsigned char *exif, size_t len)
{
    bool big_endian = false;
    const unsigned char *value = find(exif, len, &big_endian);
    if (!value)
        return;
    const size_t at = (size_t)(value - exif);
    exif[at] = !big_endian;
    exif[at + 1] = big_endian;
}
