#include "cli/progress.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_LEN = 24 };

static const double redraw_seconds = 0.1;

void progress_begin(struct progress_line *line, const char *title)
{
    *line = (struct progress_line){.terminal = isatty(STDERR_FILENO) == 1, .title = title};
    if (title)
        fprintf(stderr, "%s\n", title);
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
    const double time = clock_seconds();
    if (!line->terminal || time - line->shown_at < redraw_seconds)
        return;
    line->shown_at = time;
    char bar[BAR_LEN + 1], left[32];
    for (int i = 0; i < BAR_LEN; ++i)
        bar[i] = (i + 1) * p->n_steps <= p->step * BAR_LEN ? '=' : '.';
    bar[BAR_LEN] = '\0';
    print_duration(left, sizeof left, p->seconds_left);
    fprintf(stderr, "\r  epoch %lld/%lld [%s] loss %.5f  %.0f samples/s  %s left \033[K", (long long)p->epoch,
            (long long)p->n_epochs, bar, p->loss, p->images_per_second, left);
    fflush(stderr);
}

void progress_epoch(struct progress_line *line, const struct epoch_record *record)
{
    fprintf(stderr, "%s  epoch %lld/%lld  loss %.5f  validation %.5f  %.0f samples/s%s\n", line->terminal ? "\r" : "",
            (long long)record->epoch, (long long)record->n_epochs, record->train_loss, record->validation_loss,
            record->images_per_second, line->terminal ? " \033[K" : "");
}

static void draw_part(struct progress_line *line, double done, const char *name)
{
    char bar[BAR_LEN + 1];
    line->shown_at = clock_seconds();
    for (int i = 0; i < BAR_LEN; ++i)
        bar[i] = (i + 1) <= done * BAR_LEN + 1e-9 ? '=' : '.';
    bar[BAR_LEN] = '\0';
    fprintf(stderr, "\r  [%s] %3.0f %%  %s\033[K", bar, 100 * done, name);
    fflush(stderr);
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
