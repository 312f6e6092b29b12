#include "cli/table_text.h"

#include <math.h>
#include <string.h>

#include "config/value.h"

void table_text_cell(struct text *csv, const char *text)
{
    if (!text || !strpbrk(text, ",\"\r\n")) {
        text_add(csv, text ? text : "");
        return;
    }
    text_add(csv, "\"");
    for (; *text; ++text)
        text_printf(csv, *text == '"' ? "\"\"" : "%c", *text);
    text_add(csv, "\"");
}

void table_text_number(struct text *csv, double value)
{
    char number[VALUE_NUMBER_BYTES];
    text_add(csv, isnan(value) ? "" : value_number(value, number));
}
