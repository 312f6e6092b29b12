#include "base/sha256.h"

#include <stdint.h>
#include <sys/types.h>

#include <sha2.h>

void sha256_text(const void *bytes, size_t len, char out[SHA256_TEXT])
{
    SHA2_CTX hash;
    SHA256Init(&hash);
    SHA256Update(&hash, (const uint8_t *)bytes, len);
    SHA256End(&hash, out);
}
