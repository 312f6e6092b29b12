/* The median filter, the oldest remedy for single wrong pixels (Tukey, Exploratory Data Analysis, 1977). It is not
 * trained. */
#ifndef STATS_MEDIAN_H
#define STATS_MEDIAN_H

#include <stddef.h>

/* Each pixel of each channel becomes the median of the 3x3 around it; beyond the border the image is mirrored, its edge
 * repeated, as scipy.ndimage.median_filter does. A window with a NaN in it gives NaN. */
void median_filter(const float *image /* (n,h,w,c) */, float *out /* (n,h,w,c) */, size_t n, size_t h, size_t w,
                   size_t c);

#endif
