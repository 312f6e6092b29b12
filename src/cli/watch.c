/* dae-cl watch: follows the log of a run, as curves in text on a terminal, or as one plain line per epoch. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/tensorboard.h"

enum {
    PATH_LEN = 1200,
    TEXT_LEN = 512,
    NAME_LEN = 64,
    USUAL_ROWS = 24,
    USUAL_COLUMNS = 80,
    MOST_COLUMNS = 160,
    MOST_ROWS = 24, /* of the curves */
    LEFT = 12,      /* columns of the numbers beside them */
    AROUND = 6,     /* rows above and below them */
};

/* The curves of the network that is being trained. */
struct watched {
    char path[PATH_LEN]; /* of the log */
    FILE *log;
    ino_t number; /* of the file that is open */
    bool terminal, ended, changed;
    char network[NAME_LEN], last[TEXT_LEN]; /* its name, and what happened last */
    double *train, *validation;             /* (n), malloc'ed */
    size_t n, capacity;
    struct tensorboard *export; /* or NULL */
};

/* ---- Reading. ---------------------------------------------------------------------------------------------------- */

static enum dae_status add_epoch(struct watched *w, double train, double validation, struct error *err)
{
    if (w->n == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 256;
        double *a = realloc(w->train, capacity * sizeof *a);
        w->train = a ? a : w->train;
        double *b = realloc(w->validation, capacity * sizeof *b);
        w->validation = b ? b : w->validation;
        if (!a || !b)
            return error_no_memory(err, "curves", capacity * sizeof *a);
        w->capacity = capacity;
    }
    w->train[w->n] = train;
    w->validation[w->n++] = validation;
    return DAE_OK;
}

static double number_of(const cJSON *event, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(event, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* An epoch's number; 0 for what is none. */
static int64_t int_of(double number)
{
    return number >= 0 && number < 1e15 ? (int64_t)number : 0;
}

static const char *text_of(const cJSON *event, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, key));
    return text ? text : "";
}

static enum dae_status take_epoch(struct watched *w, const cJSON *event, struct error *err)
{
    const char *network = text_of(event, "network");
    if (strncmp(w->network, network, NAME_LEN - 1) != 0)
        w->n = 0;
    snprintf(w->network, sizeof w->network, "%s", network);
    snprintf(w->last, sizeof w->last, "%s: epoch %.0f, loss %.5f, validation %.5f, %.0f samples/s", network,
             number_of(event, "epoch"), number_of(event, "train_loss"), number_of(event, "validation_loss"),
             number_of(event, "images_per_second"));
    const struct tensorboard_epoch epoch = {.network = network,
                                            .epoch = int_of(number_of(event, "epoch")),
                                            .train_loss = number_of(event, "train_loss"),
                                            .validation_loss = number_of(event, "validation_loss"),
                                            .samples_per_second = number_of(event, "images_per_second"),
                                            .seconds = number_of(event, "seconds")};
    if (w->export)
        TRY(tensorboard_add(w->export, &epoch, err));
    return add_epoch(w, epoch.train_loss, epoch.validation_loss, err);
}

/* A line that is not an event is left out: the log belongs to the run, and may be of another version. */
static enum dae_status take_line(struct watched *w, const char *line, struct error *err)
{
    enum dae_status status = DAE_OK;
    cJSON *event = json_parse(line, strlen(line), NULL);
    const char *name = text_of(event, "event"), *text = text_of(event, "text");
    if (strcmp(name, "epoch") == 0)
        status = take_epoch(w, event, err);
    else if (*name)
        snprintf(w->last, sizeof w->last, "%s%s%.*s", name, *text ? ": " : "", (int)strcspn(text, "\n"), text);
    w->ended = strcmp(name, "done") == 0 || strcmp(name, "stopped") == 0 || (w->ended && !*name);
    w->changed = w->changed || *name;
    utf8_clean(w->network);
    utf8_clean(w->last);
    if (*name && !w->terminal)
        puts(w->last);
    cJSON_Delete(event);
    return status;
}

/* Opens the log, or opens it again if another file has its name, because the run was started from scratch. */
static enum dae_status open_log(struct watched *w, struct error *err)
{
    struct stat info;
    if (stat(w->path, &info) < 0 || (w->log && info.st_ino == w->number))
        return w->log ? DAE_OK : error_io(err, "open", w->path);
    if (w->log)
        fclose(w->log);
    w->log = fopen(w->path, "r");
    w->number = info.st_ino;
    w->n = 0;
    w->ended = false;
    return w->log ? DAE_OK : error_io(err, "open", w->path);
}

/* Reads all whole lines that are there; a half one is read again when the run has written the rest. */
static enum dae_status read_log(struct watched *w, struct error *err)
{
    char *line CLEANUP(cleanup_free) = NULL;
    size_t capacity = 0;
    TRY(open_log(w, err));
    for (;;) {
        const long at = ftell(w->log);
        const ssize_t len = getline(&line, &capacity, w->log);
        if (len > 0 && line[len - 1] == '\n') {
            TRY(take_line(w, line, err));
            continue;
        }
        const bool failed = ferror(w->log) || fseek(w->log, at, SEEK_SET) < 0;
        clearerr(w->log);
        return failed ? error_io(err, "read", w->path) : DAE_OK;
    }
}

/* Writes for TensorBoard what was read; the last line was written when the log was last changed. */
static enum dae_status export_log(const struct watched *w, struct error *err)
{
    struct stat info;
    if (!w->export)
        return DAE_OK;
    if (fstat(fileno(w->log), &info) < 0)
        return error_io(err, "read", w->path);
    return tensorboard_flush(w->export, (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec, err);
}

/* ---- Drawing. ---------------------------------------------------------------------------------------------------- */

struct plot {
    int rows, columns;
    double low, high; /* logarithms of the losses if all are positive */
    bool log;
    char cell[MOST_ROWS][MOST_COLUMNS + 1];
};

static double height_of(const struct plot *plot, double loss)
{
    return plot->log ? log10(loss) : loss;
}

static void find_range(struct plot *plot, const struct watched *w)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < 2 * w->n; ++i) {
        const double x = i < w->n ? w->train[i] : w->validation[i - w->n];
        low = isfinite(x) && x < low ? x : low;
        high = isfinite(x) && x > high ? x : high;
    }
    plot->log = low > 0 && high > 2 * low;
    plot->low = height_of(plot, low);
    plot->high = height_of(plot, high);
    if (!(plot->high > plot->low))
        plot->high = plot->low + 1;
}

static void mark(struct plot *plot, const double *loss, size_t n, char sign)
{
    for (size_t i = 0; i < n; ++i) {
        const double part = (height_of(plot, loss[i]) - plot->low) / (plot->high - plot->low);
        const int column = n > 1 ? (int)((double)i / (double)(n - 1) * (plot->columns - 1) + 0.5) : 0;
        if (isfinite(part))
            plot->cell[plot->rows - 1 - (int)(part * (plot->rows - 1) + 0.5)][column] = sign;
    }
}

static int between(int low, int x, int high)
{
    return x < low ? low : x > high ? high : x;
}

static void draw(struct watched *w, const char *run)
{
    struct winsize size = {0};
    struct plot plot = {0};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    const int width = known ? size.ws_col : USUAL_COLUMNS, height = known ? size.ws_row : USUAL_ROWS;
    plot.rows = between(2, height - AROUND, MOST_ROWS);
    plot.columns = between(2, width - LEFT - 1, MOST_COLUMNS);
    for (int r = 0; r < plot.rows; ++r)
        memset(plot.cell[r], ' ', (size_t)plot.columns);
    if (w->n > 0) {
        find_range(&plot, w);
        mark(&plot, w->train, w->n, '.');
        mark(&plot, w->validation, w->n, 'o');
    }
    char head[PATH_LEN];
    snprintf(head, sizeof head, "%s", run);
    utf8_clean(head);
    printf("\033[H\033[J%.*s\r\n\r\n", width - 1, head);
    for (int r = 0; r < plot.rows; ++r) {
        const double at = plot.high - (plot.high - plot.low) * r / (plot.rows - 1);
        if (w->n > 0 && (r == 0 || r == plot.rows - 1))
            printf("%*.5g |%s\r\n", LEFT - 2, plot.log ? pow(10, at) : at, plot.cell[r]);
        else
            printf("%*s |%s\r\n", LEFT - 2, "", plot.cell[r]);
    }
    char foot[TEXT_LEN];
    snprintf(foot, sizeof foot, "%zu epochs of %s; o validation, . training%s", w->n, *w->network ? w->network : "-",
             plot.log ? " (logarithmic)" : "");
    printf("%.*s\r\n%.*s\r\n", width - 1, foot, width - 1, w->last);
}

/* ---- The command. ------------------------------------------------------------------------------------------------ */

static enum dae_status follow(struct watched *w, const char *run, bool once, struct error *err)
{
    static const struct timespec pause = {.tv_nsec = 300000000};
    for (;;) {
        TRY(read_log(w, err));
        TRY(export_log(w, err));
        if (w->changed && w->terminal)
            draw(w, run);
        w->changed = false;
        if (fflush(stdout) != 0 || w->ended || once)
            return DAE_OK; /* main reports a failed write */
        nanosleep(&pause, NULL);
    }
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    const char *folder = invocation->argument[0], *kind = getenv("TERM");
    const char *into = invocation_value(invocation, "tensorboard");
    struct watched *w = calloc(1, sizeof *w);
    if (!w)
        return error_no_memory(err, "watch", sizeof *w);
    w->terminal = isatty(STDOUT_FILENO) == 1 && !(kind && strcmp(kind, "dumb") == 0);
    enum dae_status status = DAE_OK;
    if ((size_t)snprintf(w->path, sizeof w->path, "%s/log.jsonl", folder) >= sizeof w->path)
        status = error_set(err, DAE_IO, "the path %s is too long", folder);
    else if (into)
        status = tensorboard_open(into, &w->export, err);
    if (status == DAE_OK)
        status = follow(w, folder, invocation_has(invocation, "once"), err);
    tensorboard_close(w->export);
    if (w->log)
        fclose(w->log);
    free(w->train);
    free(w->validation);
    free(w);
    return status;
}

static const struct command_option option_once = {"once", NULL, OPTION_FLAG, false,
                                                  "show what is there now, and do not wait for more"};
static const struct command_option option_tensorboard = {
    "tensorboard", "DIR", OPTION_VALUE, false, "also write the curves for TensorBoard, below DIR, as they come"};
static const struct command_option *const options[] = {&option_once, &option_tensorboard, NULL};

static const struct command_row examples[] = {
    {"dae-cl watch runs/conv_mnist", "follow a run"},
    {"dae-cl watch runs/conv_mnist --once --tensorboard board", "export a run, for tensorboard --logdir board"},
    {NULL, NULL},
};

const struct command command_watch = {
    .name = "watch",
    .arguments = "RUN",
    .summary = "follow a run that is training, as curves in text",
    .description =
        "RUN is the folder of a run, whose log is read as it grows. On a terminal the curves of the network that "
        "is being trained are drawn again after each epoch; in a pipe and with TERM=dumb each event is a line. "
        "The command ends with the run; Ctrl-C ends it before that and does not affect the run.\n\n"
        "--tensorboard writes an event file into DIR/NETWORK for each network that the log has, with the losses and "
        "the "
        "samples per second of each epoch. A file that is there already is an error.",
    .options = options,
    .examples = examples,
    .run = run,
};
