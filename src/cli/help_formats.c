#include "cli/help_formats.h"

#include <string.h>

#include "format/image_kind.h"

/* ".jpg .jpeg", each between two quotes. */
static void print_endings(FILE *out, const struct image_kind *kind, const char *quote)
{
    for (const char *at = kind->endings; *at; ++at)
        if (at == kind->endings || at[-1] == ' ')
            fprintf(out, "%s%s.%.*s%s", at == kind->endings ? "" : " ", quote, (int)strcspn(at, " "), at, quote);
}

static void print_text(FILE *out, const struct image_kind *kind)
{
    fprintf(out, "%s (", kind->name);
    print_endings(out, kind, "");
    if (!kind->numbers) {
        fprintf(out, ")\n  is not read: %s\n", kind->instead);
        return;
    }
    fprintf(out, ")%s\n  stores: %s\n  a result keeps: %s\n", kind->is_written ? "" : ", written as PNG", kind->numbers,
            kind->kept);
    if (!kind->decode)
        fprintf(out, "  is not read: %s\n", kind->instead);
}

static void print_row(FILE *out, const struct image_kind *kind)
{
    fprintf(out, "| %s | ", kind->name);
    print_endings(out, kind, "`");
    if (kind->numbers)
        fprintf(out, " | %s | %s | %s |\n", kind->numbers, kind->is_written ? "itself" : "PNG", kind->kept);
    else
        fprintf(out, " | is not read: %s | | |\n", kind->instead);
}

void help_formats(FILE *out, bool markdown)
{
    if (markdown)
        fputs("| kind | names end in | numbers | written as | what else a result keeps |\n"
              "| --- | --- | --- | --- | --- |\n",
              out);
    else
        fputs("Images. The first bytes of a file tell its kind, or else the ending of its name does, in any letter "
              "case.\n\n",
              out);
    for (int i = 0; image_kind_at(i); ++i)
        (markdown ? print_row : print_text)(out, image_kind_at(i));
}
