#include "report/escape.h"

#include <stdint.h>

#include "base/utf8.h"

void escape_add(struct text *text, const char *string)
{
    uint32_t code;
    for (const char *at = string; at && *at;) {
        size_t n = utf8_next(at, &code);
        switch (code) {
        case '&':
            text_add(text, "&amp;");
            break;
        case '<':
            text_add(text, "&lt;");
            break;
        case '>':
            text_add(text, "&gt;");
            break;
        case '"':
            text_add(text, "&quot;");
            break;
        case '\'':
            text_add(text, "&#39;");
            break;
        case UTF8_REPLACEMENT:
            text_add(text, "\xEF\xBF\xBD");
            break;
        default:
            text_add_bytes(text, at, n);
        }
        at += n;
    }
}
