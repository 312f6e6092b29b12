/* SHA-256 as tools print it. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

enum { SHA256_TEXT = 65 }; /* 64 hex digits in lower case, and a NUL */

/* What `sha256sum` prints for a file with these bytes. */
void sha256_text(const void *bytes, size_t len, char out[SHA256_TEXT]);

#endif
