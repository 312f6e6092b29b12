#include "graph/formula.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The end of what begins at `at`: a comment, a word (an identifier or a number with its exponent), or one character. */
static const char *token_end(const char *at)
{
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    if (at[0] == '/' && at[1] == '/')
        return at + strcspn(at, "\n");
    const bool number = isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1]));
    const char *end = at + 1;
    while ((is_word(*at) || number) &&
           (is_word(*end) || (number && (*end == '.' || (strchr("+-", *end) && strchr("eEpP", end[-1]) && *end)))))
        ++end;
    return end;
}

bool formula_names(const char *text, const char *identifier)
{
    const size_t len = strlen(identifier);
    bool member = false;
    for (const char *at = text, *end; at && *at; at = end) {
        end = token_end(at);
        if (!member && (size_t)(end - at) == len && memcmp(at, identifier, len) == 0)
            return true;
        if (!isspace((unsigned char)*at))
            member = *at == '.' && end == at + 1;
    }
    return false;
}

/* Calls that only move bits and do not round. */
static bool is_exact(const char *name, size_t len)
{
    return (len > 3 && strncmp(name, "as_", 3) == 0) || (len > 2 && strncmp(name, "is", 2) == 0) ||
           (len == 6 && strncmp(name, "select", 6) == 0) || (len == 5 && strncmp(name, "known", 5) == 0);
}

int64_t formula_flops(const char *text)
{
    int64_t flops = 0;
    for (const char *at = text, *end; *at; at = end) {
        end = token_end(at);
        const bool identifier = is_word(*at) && !isdigit((unsigned char)*at);
        const bool call = identifier && end[strspn(end, " \n")] == '(';
        flops += call ? !is_exact(at, (size_t)(end - at)) : end == at + 1 && strchr("+-*/", *at);
    }
    return flops;
}
