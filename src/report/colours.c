#include "report/colours.h"

#include "report/style.h"

/* Curves: Okabe and Ito's palette (2008), distinguishable with any colour vision; Tol's wine and a grey replace its
 * yellow, which is too pale on white. Classes: Tol's "muted" scheme in an order that keeps neighbours far apart; a
 * darker grey replaces its pale one. A colour that both have is the same entry twice. */
const struct colour colours[COLOUR_N] = {
    [COLOUR_INK] = {STYLE_INK, "#e6edf3"},
    [COLOUR_FAINT] = {STYLE_FAINT, "#303944"},
    [COLOUR_AXIS] = {STYLE_AXIS, "#768390"},
    [COLOUR_BAR] = {"#7a9cc0", "#5b7ea3"},
    [COLOUR_SERIES] = {"#0072b2", "#4aa8e8"},
    {"#d55e00", "#ff8a3d"},
    {"#009e73", "#2cc495"},
    {"#cc79a7", "#e09bc3"},
    {"#56b4e9", NULL},
    {"#e69f00", NULL},
    {"#882255", "#d977a8"},
    {"#666666", "#a8a8a8"},
    [COLOUR_CLASS] = {"#332288", "#8f83e0"},
    {"#cc6677", NULL},
    {"#117733", "#4cba70"},
    {"#ddcc77", NULL},
    {"#88ccee", NULL},
    {"#882255", "#d977a8"},
    {"#44aa99", NULL},
    {"#999933", "#b9b94d"},
    {"#aa4499", "#cf78c2"},
    {"#666666", "#a8a8a8"},
    {"#bbbbbb", NULL},
};

const char *colour_of_series(size_t series)
{
    return colours[COLOUR_SERIES + series].light;
}

const char *colour_of_class(int class)
{
    return colours[COLOUR_CLASS + class].light;
}
