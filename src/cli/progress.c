#include "cli/progress.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_BAR = 24, LEAST_BAR = 8, USUAL_COLUMNS = 80, PART_LEN = 96, LINE_LEN = 256 };

static const double redraw_seconds = 0.1;

bool progress_on_terminal(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) == 1 && !(kind && strcmp(kind, "dumb") == 0);
}

void progress_begin(struct progress_line *line, const char *title)
{
    *line = (struct progress_line){.terminal = progress_on_terminal(), .title = title};
    if (title)
        fprintf(stderr, "%s\n", title);
}

/* Characters that fit in a line without moving to the next; asked each time, because windows are resized. */
static size_t line_width(const struct progress_line *line)
{
    struct winsize size = {0};
    if (!line->terminal)
        return LINE_LEN - 1;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    const size_t width = (size_t)(known ? size.ws_col : USUAL_COLUMNS) - 1;
    return width < LINE_LEN - 1 ? width : LINE_LEN - 1;
}

/* Appends the parts, the most important ones first, as long as they fit. */
static void append_parts(char text[LINE_LEN], size_t width, const char (*part)[PART_LEN], int n)
{
    size_t len = strlen(text);
    for (int i = 0; i < n && len + strlen(part[i]) <= width; ++i) {
        memcpy(text + len, part[i], strlen(part[i]) + 1);
        len += strlen(part[i]);
    }
}

/* Writes over the line: head, a bar if there is room for one, and tail. ASCII only. */
static void draw(struct progress_line *line, const char *head, double done, const char *tail)
{
    const size_t width = line_width(line), used = strlen(head) + strlen(tail) + strlen(" []");
    char bar[MOST_BAR + 4] = "";
    if (used + LEAST_BAR <= width) {
        const size_t len = width - used < MOST_BAR ? width - used : MOST_BAR;
        bar[0] = ' ', bar[1] = '[', bar[len + 2] = ']', bar[len + 3] = '\0';
        for (size_t i = 0; i < len; ++i)
            bar[i + 2] = (double)(i + 1) <= done * (double)len + 1e-9 ? '=' : '.';
    }
    line->shown_at = clock_seconds();
    char text[3 * LINE_LEN];
    snprintf(text, sizeof text, "%s%s%s", head, bar, tail);
    fprintf(stderr, "\r%.*s\033[K", (int)width, text);
    fflush(stderr);
}

/* "1:05", "2:03:09" */
static void print_duration(char *text, size_t len, double seconds)
{
    const long s = seconds > 0 && seconds < 1e8 ? (long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(text, len, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, len, "%ld:%02ld", s / 60, s % 60);
}

void progress_draw(struct progress_line *line, const struct progress *p)
{
    if (!line->terminal || clock_seconds() - line->shown_at < redraw_seconds)
        return;
    char head[PART_LEN], left[32], part[3][PART_LEN], tail[LINE_LEN] = "";
    print_duration(left, sizeof left, p->seconds_left);
    snprintf(head, sizeof head, "  epoch %lld/%lld", (long long)p->epoch, (long long)p->n_epochs);
    snprintf(part[0], sizeof part[0], "  loss %.5f", p->loss);
    snprintf(part[1], sizeof part[1], "  %s left", left);
    snprintf(part[2], sizeof part[2], "  %.0f samples/s", p->images_per_second);
    const size_t width = line_width(line), used = strlen(head);
    append_parts(tail, width > used ? width - used : 0, (const char(*)[PART_LEN])part, 3);
    draw(line, head, (double)p->step / (double)p->n_steps, tail);
}

void progress_epoch(struct progress_line *line, const struct epoch_record *record)
{
    char part[4 + LOSSES_MAX][PART_LEN], text[LINE_LEN] = "";
    snprintf(part[0], sizeof part[0], "  epoch %lld/%lld", (long long)record->epoch, (long long)record->n_epochs);
    snprintf(part[1], sizeof part[1], "  loss %.5f", record->train_loss);
    snprintf(part[2], sizeof part[2], "  validation %.5f", record->validation_loss);
    for (int i = 0; i < record->n_terms; ++i)
        snprintf(part[3 + i], sizeof part[3 + i], "%s%s %.5f%s", i ? ", " : " (", record->term_name[i], record->term[i],
                 i + 1 < record->n_terms ? "" : ")");
    snprintf(part[3 + record->n_terms], sizeof part[3], "  %.0f samples/s", record->images_per_second);
    append_parts(text, line_width(line), (const char(*)[PART_LEN])part, 4 + record->n_terms);
    fprintf(stderr, "%s%s%s\n", line->terminal ? "\r" : "", text, line->terminal ? "\033[K" : "");
}

static void draw_part(struct progress_line *line, double done, const char *name)
{
    char tail[LINE_LEN];
    snprintf(tail, sizeof tail, " %3.0f %%  %s", 100 * done, name);
    draw(line, " ", done, tail);
}

void progress_part(struct progress_line *line, double done, const char *what)
{
    const double time = clock_seconds();
    char name[sizeof line->part];
    snprintf(name, sizeof name, "%s", what);
    const bool other = strcmp(line->part, name) != 0;
    memcpy(line->part, name, sizeof name);
    if (!line->terminal && other)
        fprintf(stderr, "  %s\n", name);
    if (!line->terminal || (!other && time - line->shown_at < redraw_seconds))
        return;
    draw_part(line, done, name);
}

void progress_work(struct progress_line *line, double done, const char *what)
{
    const double time = clock_seconds();
    char text[192], left[32];
    if (!line->terminal || (line->shown_at > 0 && time - line->shown_at < redraw_seconds))
        return;
    if (line->began_at == 0) {
        line->began_at = time;
        line->began_with = done;
    }
    snprintf(text, sizeof text, "%s", what);
    if (done > line->began_with) {
        print_duration(left, sizeof left, (1 - done) / (done - line->began_with) * (time - line->began_at));
        snprintf(text, sizeof text, "%.140s, %s left", what, left);
    }
    draw_part(line, done, text);
}

void progress_end(struct progress_line *line)
{
    if (line->terminal)
        fprintf(stderr, "\r\033[K");
}
