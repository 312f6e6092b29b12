#define _GNU_SOURCE
#include "report/gnuplot.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "base/utf8.h"

enum { PATIENCE = 30 }; /* seconds for one picture, which takes a tenth of one */

/* Of the common sans-serif fonts DejaVu Sans is the widest: its digits measure 0.636 of the font size. */
static double character_width(uint32_t code, double font)
{
    return font * (code < 0x1100 ? 0.63 : 1.05);
}

double gnuplot_text_width(const char *string, double font)
{
    double width = 0;
    uint32_t code;
    for (const char *at = string; at && *at;) {
        at += utf8_next(at, &code);
        width += character_width(code, font);
    }
    return width;
}

/* Single quotes, because gnuplot would run text between backquotes inside double quotes. A doubled quote is a quote
 * except at the beginning, where gnuplot takes it for the end of an empty text: those get a text of their own. */
void gnuplot_quote(struct text *script, const char *string, double font, double max_width)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    double left = gnuplot_text_width(string, font) > max_width + 0.5 ? max_width - font : max_width;
    uint32_t code;
    const size_t n_first = string ? strspn(string, "'") : 0;
    if (n_first > 0)
        text_printf(script, "\"%.*s\".", (int)n_first, string);
    text_add(script, "'");
    for (const char *at = string; at && *at;) {
        size_t n = utf8_next(at, &code);
        left -= character_width(code, font);
        if (left < -0.6) {
            text_add(script, ellipsis);
            break;
        }
        if (code == '\'')
            text_add(script, at >= string + n_first ? "''" : "");
        else if (code == '\t' || code == '\n' || code == '\r')
            text_add(script, " ");
        else if (code == UTF8_REPLACEMENT)
            text_add(script, "\xEF\xBF\xBD");
        else
            text_add_bytes(script, at, n);
        at += n;
    }
    text_add(script, "'");
}

/* An anonymous file in memory takes any amount of data without a reader, while a pipe could fill up or break. */
static enum dae_status memory_file(const char *name, int *fd, struct error *err)
{
    *fd = memfd_create(name, MFD_CLOEXEC);
    return *fd >= 0 ? DAE_OK : error_set(err, DAE_IO, "cannot make a memory file for gnuplot: %s", strerror(errno));
}

static enum dae_status fill(int fd, const char *bytes, size_t len, struct error *err)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_no_memory(err, "gnuplot script", len);
        bytes += n;
        len -= (size_t)n;
    }
    return DAE_OK;
}

static enum dae_status drain(int fd, struct text *out, struct error *err)
{
    char block[16384];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, block, sizeof block, at)) != 0; at += n > 0 ? n : 0) {
        if (n > 0)
            text_add_bytes(out, block, (size_t)n);
        else if (errno != EINTR)
            return error_set(err, DAE_IO, "cannot read what gnuplot wrote: %s", strerror(errno));
    }
    return out->failed ? error_no_memory(err, "gnuplot output", out->len) : DAE_OK;
}

static int spawn(const int fds[3], pid_t *child)
{
    char *const argv[] = {"gnuplot", "--default-settings", NULL};
    const struct spawn_file files[] = {{fds[0], STDIN_FILENO}, {fds[1], STDOUT_FILENO}, {fds[2], STDERR_FILENO}};
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    return spawn_program(argv, files, 3, &usual, child);
}

bool gnuplot_is_there(void)
{
    char path[PATH_MAX];
    const char *at = getenv("PATH");
    while (at && *at) {
        const size_t len = strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s/gnuplot", (int)len, at);
        if (access(path, X_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

/* Waits until the child has ended; kills it and returns false if it takes too long. */
static bool wait_for(pid_t child, int *state)
{
    const double end = clock_seconds() + PATIENCE;
    const struct timespec tick = {0, 2000000};
    for (pid_t ended = 0; (ended = waitpid(child, state, WNOHANG)) != child;) {
        if (ended < 0 && errno != EINTR)
            return true; /* already reaped elsewhere: check its picture */
        if (clock_seconds() > end) {
            kill(-child, SIGKILL); /* the whole group, so that no process keeps the picture open */
            while (waitpid(child, state, 0) < 0 && errno == EINTR)
                ;
            return false;
        }
        nanosleep(&tick, NULL);
    }
    return true;
}

/* Runs gnuplot with fds as its standard input, output and error. */
static enum dae_status run(const int fds[3], struct error *err)
{
    static bool is_hanging; /* the next one would hang just as long */
    pid_t child;
    if (is_hanging)
        return error_set(err, DAE_IO, "gnuplot has not finished a figure within %d s", PATIENCE);
    int code = spawn(fds, &child);
    if (code == ENOENT || code == EACCES || code == ENOTDIR)
        return error_set(err, DAE_IO,
                         "cannot run gnuplot, which draws the figures: %s; install it "
                         "(Debian and Ubuntu: apt install gnuplot-nox)",
                         strerror(code));
    if (code != 0)
        return error_set(err, DAE_IO, "cannot run gnuplot: %s", strerror(code));
    int state = 0;
    if (!wait_for(child, &state)) {
        is_hanging = true;
        return error_set(err, DAE_IO, "gnuplot has not finished a figure within %d s", PATIENCE);
    }
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return DAE_OK;
    struct text words = {0};
    struct error ignored = {0};
    bool read = drain(fds[2], &words, &ignored) == DAE_OK && words.len > 0;
    enum dae_status status = WIFSIGNALED(state)
                                 ? error_set(err, DAE_IO, "gnuplot was ended by signal %d", WTERMSIG(state))
                                 : error_set(err, DAE_IO, "gnuplot failed with exit status %d", WEXITSTATUS(state));
    if (read)
        error_note(err, "gnuplot says: %.1500s", words.data);
    text_release(&words);
    return status;
}

/* One picture into memory: the terminal's line, then the script. */
static enum dae_status draw(const char *terminal, const struct text *script, struct text *picture, struct error *err)
{
    int fds[3] = {-1, -1, -1};
    static const char *const names[3] = {"gnuplot-script", "gnuplot-picture", "gnuplot-errors"};
    enum dae_status status = DAE_OK;
    for (int i = 0; i < 3 && status == DAE_OK; ++i)
        status = memory_file(names[i], &fds[i], err);
    if (status == DAE_OK)
        status = fill(fds[0], terminal, strlen(terminal), err);
    if (status == DAE_OK)
        status = fill(fds[0], script->data, script->len, err);
    if (status == DAE_OK && lseek(fds[0], 0, SEEK_SET) < 0)
        status = error_set(err, DAE_IO, "cannot rewind the gnuplot script: %s", strerror(errno));
    if (status == DAE_OK)
        status = run(fds, err);
    if (status == DAE_OK)
        status = drain(fds[1], picture, err);
    for (int i = 0; i < 3; ++i)
        if (fds[i] >= 0)
            close(fds[i]);
    return status;
}

static bool ends_with(const struct text *text, const char *end, size_t len)
{
    return text->len >= len && memcmp(text->data + text->len - len, end, len) == 0;
}

static enum dae_status draw_png(int width, int height, const struct text *script, struct text *png, struct error *err)
{
    char terminal[200];
    /* This terminal measures fonts in points of 1/72 inch at 96 dots per inch; three quarters convert to pixels. */
    snprintf(terminal, sizeof terminal,
             "set encoding utf8\nset terminal pngcairo noenhanced background rgb 'white' font 'Arial,%d' fontscale "
             "0.75 size %d,%d\nkey_spacing = 1.2\npoint_scale = 1\n",
             GNUPLOT_FONT, width, height);
    TRY(draw(terminal, script, png, err));
    if (png->len < 8 || memcmp(png->data, "\x89PNG\r\n\x1a\n", 8) != 0 || !ends_with(png, "IEND\xAE\x42\x60\x82", 8))
        return error_set(err, DAE_IO, "gnuplot wrote %zu bytes that are no complete PNG", png->len);
    return DAE_OK;
}

static enum dae_status draw_svg(int width, int height, bool sharp, const struct text *script, const struct text *hover,
                                struct text *svg, struct error *err)
{
    static const char open[] = "<svg", pixelated[] = " style=\"image-rendering:pixelated\"", close_tag[] = "</svg>";
    char terminal[200];
    snprintf(terminal, sizeof terminal,
             "set encoding utf8\nset terminal svg noenhanced background rgb 'white' font 'sans-serif,%d' size "
             "%d,%d\nkey_spacing = 0.95\npoint_scale = 0.6\n",
             GNUPLOT_FONT, width, height);
    struct text drawn = {0};
    enum dae_status status = draw(terminal, script, &drawn, err);
    while (status == DAE_OK && drawn.len > 0 && strchr(" \r\n", drawn.data[drawn.len - 1]))
        drawn.data[--drawn.len] = '\0';
    const char *root = status == DAE_OK && drawn.len > 0 ? strstr(drawn.data, open) : NULL;
    if (status == DAE_OK && !(root && ends_with(&drawn, close_tag, sizeof close_tag - 1)))
        status = error_set(err, DAE_IO, "gnuplot wrote %zu bytes that are no complete SVG", drawn.len);
    if (status == DAE_OK) {
        /* gnuplot embeds images at their own resolution, and a viewer would blur what it enlarges. */
        size_t before = (size_t)(root - drawn.data) + sizeof open - 1;
        text_add_bytes(svg, drawn.data, before);
        text_add(svg, sharp ? pixelated : "");
        text_add_bytes(svg, drawn.data + before, drawn.len - before - (sizeof close_tag - 1));
        text_add(svg, hover && hover->data ? hover->data : "");
        text_add(svg, close_tag);
        text_add(svg, "\n");
        if (svg->failed)
            status = error_no_memory(err, "SVG figure", drawn.len);
    }
    text_release(&drawn);
    return status;
}

/* Writes a temporary file for each of the two and renames them only after both exist. */
static enum dae_status save_pair(const char *const paths[2], const struct text pictures[2], struct error *err)
{
    struct atomic_file files[2] = {{.fd = -1}, {.fd = -1}};
    enum dae_status status = DAE_OK;
    for (int i = 0; i < 2 && status == DAE_OK; ++i) {
        status = atomic_file_begin(&files[i], paths[i], err);
        if (status == DAE_OK)
            status = atomic_file_write(&files[i], pictures[i].data, pictures[i].len, err);
    }
    for (int i = 0; i < 2 && status == DAE_OK; ++i)
        status = atomic_file_commit(&files[i], err);
    for (int i = 0; i < 2; ++i)
        atomic_file_discard(&files[i]);
    return status;
}

enum dae_status gnuplot_save(const char *stem, int width, int height, bool sharp, const struct text *script,
                             const struct text *hover, struct error *err)
{
    struct text paths[2] = {{0}, {0}}, pictures[2] = {{0}, {0}};
    text_printf(&paths[0], "%s.png", stem);
    text_printf(&paths[1], "%s.svg", stem);
    enum dae_status status = DAE_OK;
    if (script->failed || (hover && hover->failed) || paths[0].failed || paths[1].failed)
        status = error_no_memory(err, "gnuplot script", script->len);
    if (status == DAE_OK)
        status = draw_png(width, height, script, &pictures[0], err);
    if (status == DAE_OK)
        status = draw_svg(width, height, sharp, script, hover, &pictures[1], err);
    if (status == DAE_OK)
        status = save_pair((const char *const[]){paths[0].data, paths[1].data}, pictures, err);
    else
        error_note(err, "while drawing %s.png and .svg", stem);
    for (int i = 0; i < 2; ++i) {
        text_release(&paths[i]);
        text_release(&pictures[i]);
    }
    return status;
}
