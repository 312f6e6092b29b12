/* The one fact of an EXIF block that pixels depend on (CIPA DC-008, 4.6.4): how to turn them for viewing. */
#ifndef FORMAT_EXIF_H
#define FORMAT_EXIF_H

#include <stddef.h>

/* The orientation, 1 to 8, that a block (a TIFF header and its first directory) states; 1 if it states none. */
int exif_orientation(const unsigned char *exif, size_t len);

/* Changes the orientation that a block states to 1, in place. */
void exif_reset_orientation(unsigned char *exif, size_t len);

#endif
