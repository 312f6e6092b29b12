/* Event files as TensorBoard reads them: records of TFRecord's framing, each a protocol buffer "Event". They are
 * written by hand, because an event of numbers is five fields, and every build can write them. */
#ifndef FORMAT_EVENT_FILE_H
#define FORMAT_EVENT_FILE_H

#include <stdint.h>

#include "base/text.h"

/* A number with its name, such as "loss/training". */
struct event_value {
    const char *tag;
    double value; /* stored as a float; NaN stays NaN */
};

/* Appends a record to `out`: what a file begins with, or the values of a step. `time` is in seconds since 1970. */
void event_file_begin(struct text *out, double time);
void event_file_add(struct text *out, double time, int64_t step, const struct event_value *value /* (n) */, int n);

/* CRC-32C (RFC 3720, appendix B.4). */
uint32_t event_file_crc(const void *bytes, size_t len);

#endif
