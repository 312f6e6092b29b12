#include "cli/figures.h"

#include <stdio.h>

#include "cli/output.h"
#include "report/gnuplot.h"

static bool is_said;

static void say_once(const char *why)
{
    if (!is_said)
        output_note("warning: figures are left out: %s\n", why);
    is_said = true;
}

void figures_expect(void)
{
    if (!gnuplot_is_there())
        say_once("gnuplot, which draws them, is not installed (Debian and Ubuntu: apt install gnuplot-nox)");
}

bool figures_drawn(enum dae_status status, const struct error *drawing, struct error *err)
{
    if (status == DAE_IO) {
        say_once(error_message(drawing));
    } else if (status != DAE_OK) {
        const enum dae_status kept = error_set(err, status, "%s", error_message(drawing));
        (void)kept; /* it is err's */
    }
    return status == DAE_OK;
}

enum dae_status figures_embed(struct html *html, enum dae_status status, const struct error *drawing, const char *stem,
                              const char *caption, const char *alt, struct error *err)
{
    char path[1300];
    if (!figures_drawn(status, drawing, err))
        return err->status;
    snprintf(path, sizeof path, "%s.svg", stem);
    return html_figure(html, path, caption, alt, err);
}
