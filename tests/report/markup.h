/* For tests: checks that XML, or equally strict HTML, is well formed. */
#ifndef TESTS_REPORT_MARKUP_H
#define TESTS_REPORT_MARKUP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool markup_is_void(const char *name)
{
    return strcmp(name, "meta") == 0 || strcmp(name, "img") == 0;
}

/* The '>' that ends the tag at '<', skipping quoted attribute values; NULL if there is none or '<' comes first. */
static const char *markup_tag_end(const char *at)
{
    for (++at; *at && *at != '>'; ++at) {
        if (*at == '<')
            return NULL;
        if (*at == '"' || *at == '\'') {
            at = strchr(at + 1, *at);
            if (!at)
                return NULL;
        }
    }
    return *at ? at : NULL;
}

/* One root element of that name; tags balanced and nested; outside tags no bare '<', and '&' only in entities. */
static bool markup_is_well_formed(const char *text, const char *root)
{
    static char stack[200][40];
    size_t depth = 0, n_roots = 0;
    for (const char *at = text; *at; ++at) {
        if (*at == '&' && strspn(at + 1, "abcdefghijklmnopqrstuvwxyz#0123456789") == strcspn(at + 1, ";"))
            continue;
        if (*at == '&')
            return false;
        if (*at != '<')
            continue;
        const char *end = markup_tag_end(at);
        if (strncmp(at, "<!--", 4) == 0)
            end = strstr(at, "-->") ? strstr(at, "-->") + 2 : NULL;
        if (!end)
            return false;
        char name[40];
        int len = (int)strcspn(at + 1 + (at[1] == '/'), " \t\r\n/>");
        snprintf(name, sizeof name, "%.*s", len, at + 1 + (at[1] == '/'));
        if (at[1] == '/') {
            if (depth == 0 || strcmp(stack[--depth], name) != 0)
                return false;
        } else if (at[1] != '!' && at[1] != '?' && end[-1] != '/' && !markup_is_void(name)) {
            if (depth == 0 && (strcmp(name, root) != 0 || n_roots++ > 0))
                return false;
            if (depth == sizeof stack / sizeof *stack)
                return false;
            strcpy(stack[depth++], name);
        }
        at = end;
    }
    return depth == 0 && n_roots == 1;
}

#endif
