#include "base/utf8.h"

#include <string.h>

static size_t decode(const unsigned char *at, uint32_t *code)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xC2 && at[0] < 0xE0 ? 2 : at[0] >= 0xE0 && at[0] < 0xF0 ? 3 : 4;
    if (n == 4 && (at[0] < 0xF0 || at[0] > 0xF4))
        return 0;
    *code = n == 1 ? at[0] : at[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; ++i) {
        if ((at[i] & 0xC0) != 0x80)
            return 0; /* the terminating NUL ends here too */
        *code = *code << 6 | (at[i] & 0x3Fu);
    }
    if (n > 1 && (*code < smallest[n] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)))
        return 0;
    return n;
}

size_t utf8_next(const char *text, uint32_t *code)
{
    size_t n = decode((const unsigned char *)text, code);
    if (n == 0) {
        *code = UTF8_REPLACEMENT;
        return 1;
    }
    if ((*code < 0x20 && *code != '\t' && *code != '\n' && *code != '\r') || (*code >= 0x7F && *code < 0xA0) ||
        *code == 0xFFFE || *code == 0xFFFF)
        *code = UTF8_REPLACEMENT;
    return n;
}

void utf8_clean(char *text)
{
    while (*text) {
        uint32_t code;
        const size_t n = utf8_next(text, &code);
        if (code == UTF8_REPLACEMENT || code == '\r')
            memset(text, '?', n);
        text += n;
    }
}

void utf8_add(struct text *out, const char *text)
{
    const char *clean = text; /* from here on nothing has been appended */
    while (*text) {
        uint32_t code;
        const size_t n = decode((const unsigned char *)text, &code);
        if (n == 0) {
            text_add_bytes(out, clean, (size_t)(text - clean));
            text_add(out, "\xef\xbf\xbd");
            clean = text + 1;
        }
        text += n > 0 ? n : 1;
    }
    text_add_bytes(out, clean, (size_t)(text - clean));
}
