#include "report/hover.h"

#include "report/escape.h"

enum { RADIUS = 8 };

void hover_add(struct text *hover, double x, double y, const char *name, const char *value)
{
    text_printf(hover, "<circle cx='%.1f' cy='%.1f' r='%d' fill='none' pointer-events='all'><title>", x, y, RADIUS);
    escape_add(hover, name);
    text_add(hover, *name ? ", " : "");
    escape_add(hover, value);
    text_add(hover, "</title></circle>\n");
}
