#define _GNU_SOURCE /* pipe2 */
#include "base/sandbox.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"
#include "base/text.h"

enum {
    MAX_ANSWER = 1 << 20,
    TICK_MS = 50,       /* how often to check whether a child has ended: its own children may hold its pipes open */
    SHORT_TICK_MS = 1,  /* the same after they are closed: the child is about to end */
    STARVED_TIMES = 10, /* how many times longer by the clock a step may take that gets little processor time */
    SPARE_SECONDS = 5,  /* how much later the child's own alarm goes off, in case the parent is gone */
    CHANNEL = 3,        /* the number of the channel in a program */
    FIRST_FREE = 10,    /* pipes get numbers from here on, so that they do not meet those that a program is given */
};
static const double ASLEEP = 0.05; /* of a processor: a child that uses less is waiting for something else */

/* ---- In the child. -------------------------------------------------------------------------------------- */

static int channel = -1;
static unsigned alarm_seconds;

/* Signals that a child treats as usual, whatever the parent does. */
static const int usual_signals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT,
                                    SIGINT,  SIGTERM, SIGPIPE, SIGALRM, SIGCHLD};

static void send_all(const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(channel, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(EXIT_FAILURE); /* the parent is gone */
        bytes += n;
        len -= (size_t)n;
    }
}

void sandbox_step(const char *format, ...)
{
    char line[sizeof((struct sandbox *)NULL)->step] = "S";
    if (channel < 0)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(line + 1, sizeof line - 2, format, args);
    va_end(args);
    for (char *c = line; *c; ++c)
        if (*c == '\n')
            *c = ' ';
    const size_t len = strlen(line);
    line[len] = '\n';
    send_all(line, len + 1);
    alarm(alarm_seconds);
}

static void forbid_core(void)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
}

static unsigned seconds_of_alarm(double step_seconds)
{
    return (unsigned)(STARVED_TIMES * step_seconds) + SPARE_SECONDS;
}

/* Foreign code gets none of our signal handlers, no terminal and no core file. */
static void settle(int words)
{
    for (size_t i = 0; i < sizeof usual_signals / sizeof usual_signals[0]; ++i)
        signal(usual_signals[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    forbid_core();
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    dup2(words, STDOUT_FILENO);
    dup2(words, STDERR_FILENO);
    alarm(alarm_seconds);
}

static _Noreturn void be_child(sandbox_work *work, void *context)
{
    cJSON *answer = work(context);
    struct text text = {0};
    struct error err = {0};
    if (json_print(answer, false, "answer", &text, &err) != DAE_OK)
        _exit(EXIT_FAILURE);
    send_all("A", 1);
    send_all(text.data, text.len);
    send_all("\n", 1);
    _exit(EXIT_SUCCESS); /* not exit: handlers and buffers belong to the parent */
}

void sandbox_serve(sandbox_work *work, void *context, double step_seconds)
{
    channel = CHANNEL;
    alarm_seconds = seconds_of_alarm(step_seconds);
    forbid_core();
    alarm(alarm_seconds);
    be_child(work, context);
}

/* ---- In the parent. ------------------------------------------------------------------------------------- */

struct watch {
    pid_t child;        /* 0: it is gone */
    int channel, words; /* our ends of the two pipes; -1 once closed by the other side */
    struct text line;   /* of the channel, as far as it has arrived */
    struct text answer;
    char first_words[sizeof((struct sandbox *)NULL)->words];
    size_t words_len;
    bool said; /* the first line is complete */
    double step_seconds, step_began, processor_then, deadline;
    struct sandbox *out;
};

/* Keeps the first line of the current step, which says what went wrong; a stack dump follows it. */
static void hear_words(struct watch *watch, const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n && !watch->said; ++i) {
        if (bytes[i] == '\n')
            watch->said = watch->words_len > 0;
        else if (isprint((unsigned char)bytes[i]) && watch->words_len < sizeof watch->first_words - 1 &&
                 (watch->words_len > 0 || bytes[i] != ' '))
            watch->first_words[watch->words_len++] = bytes[i];
    }
}

static void begin_step(struct watch *watch)
{
    watch->step_began = clock_seconds();
    watch->processor_then = clock_processor_seconds(watch->child);
    watch->deadline = watch->step_began + watch->step_seconds;
}

/* A step's limit counts processor time, because on a busy machine a compiler may be slow without being stuck. For a
 * sleeping child it counts the clock. */
static bool is_stuck(struct watch *watch)
{
    const double now = clock_seconds();
    if (now < watch->deadline)
        return false;
    const double passed = now - watch->step_began,
                 computed = clock_processor_seconds(watch->child) - watch->processor_then;
    if (computed >= watch->step_seconds || computed < ASLEEP * passed ||
        passed >= STARVED_TIMES * watch->step_seconds) {
        watch->out->seconds = passed;
        return true;
    }
    watch->deadline = now + 1e-3 * TICK_MS;
    return false;
}

static void hear_channel(struct watch *watch, const char *bytes, ssize_t n)
{
    for (const char *end = bytes + n; bytes < end && watch->line.len < MAX_ANSWER;) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        text_add_bytes(&watch->line, bytes, (size_t)((newline ? newline : end) - bytes));
        if (!newline)
            return;
        bytes = newline + 1;
        if (watch->line.data && watch->line.data[0] == 'S') {
            snprintf(watch->out->step, sizeof watch->out->step, "%s", watch->line.data + 1);
            begin_step(watch);
            watch->words_len = 0;
            watch->said = false;
        } else if (watch->line.data && watch->line.data[0] == 'A') {
            watch->answer.len = 0;
            text_add(&watch->answer, watch->line.data + 1);
        }
        watch->line.len = 0;
    }
}

/* Reads what is available; false if nothing more will come. */
static bool hear(struct watch *watch, int *fd)
{
    char block[4096];
    const ssize_t n = read(*fd, block, sizeof block);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n <= 0) {
        close(*fd);
        *fd = -1;
        return false;
    }
    if (fd == &watch->words)
        hear_words(watch, block, n);
    else
        hear_channel(watch, block, n);
    return true;
}

/* How long to wait for the next thing to happen. */
static int patience_ms(const struct watch *watch, int n)
{
    double seconds = 1e-3 * TICK_MS;
    for (int i = 0; i < n; ++i) {
        const double left = watch[i].deadline - clock_seconds();
        const bool is_silent = watch[i].channel < 0 && watch[i].words < 0;
        if (watch[i].child > 0 && is_silent)
            return SHORT_TICK_MS;
        if (watch[i].child > 0 && left < seconds)
            seconds = left > 0 ? left : 0;
    }
    return (int)(1e3 * seconds) + 1;
}

/* Waits for output, an answer, or a tick. Closed pipes are negative, and poll ignores them. fds has 2 n places. */
static void listen_once(struct watch *watch, int n, struct pollfd *fds)
{
    for (int i = 0; i < n; ++i) {
        fds[2 * i] = (struct pollfd){watch[i].channel, POLLIN, 0};
        fds[2 * i + 1] = (struct pollfd){watch[i].words, POLLIN, 0};
    }
    if (poll(fds, 2 * (nfds_t)n, patience_ms(watch, n)) <= 0)
        return;
    for (int i = 0; i < n; ++i) {
        /* A step forgets the words before it, and its own may have come with it. */
        if (fds[2 * i].revents)
            hear(&watch[i], &watch[i].channel);
        if (fds[2 * i + 1].revents)
            hear(&watch[i], &watch[i].words);
    }
}

/* A zombie still holds the number of its group. */
static bool has_ended(pid_t child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ? errno != EINTR : info.si_pid == child;
}

/* Reads what was written before the end from the pipes. Children of the child may hold them open, and are not waited
 * for. */
static void drain(struct watch *watch)
{
    int *const fds[2] = {&watch->channel, &watch->words}; /* a step forgets the words before it */
    for (int i = 0; i < 2; ++i) {
        if (*fds[i] < 0)
            continue;
        struct pollfd ready = {*fds[i], POLLIN, 0};
        const double end = clock_seconds() + 1;
        while (clock_seconds() < end && poll(&ready, 1, 0) > 0 && hear(watch, fds[i]))
            ;
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

/* Ends the child and everything that it has started, and completes its story. */
static void finish(struct watch *watch, bool in_time)
{
    int state = 0;
    pid_t reaped;
    struct sandbox *out = watch->out;
    kill(-watch->child, SIGKILL);
    kill(watch->child, SIGKILL);
    while ((reaped = waitpid(watch->child, &state, 0)) < 0 && errno == EINTR)
        ;
    drain(watch);
    out->end = !in_time                                       ? SANDBOX_HUNG
               : reaped == watch->child && WIFSIGNALED(state) ? SANDBOX_CRASHED
                                                              : SANDBOX_EXITED;
    if (out->end == SANDBOX_CRASHED)
        out->number = WTERMSIG(state);
    else if (out->end == SANDBOX_EXITED && reaped == watch->child)
        out->number = WEXITSTATUS(state);
    if (out->end == SANDBOX_EXITED && out->number == EXIT_SUCCESS && watch->answer.len > 0 && !watch->answer.failed)
        out->answer = json_parse(watch->answer.data, watch->answer.len, NULL);
    if (out->answer)
        out->end = SANDBOX_ANSWERED;
    memcpy(out->words, watch->first_words, watch->words_len);
    text_release(&watch->line);
    text_release(&watch->answer);
    watch->child = 0;
}

/* What a child does: the work with context[i], or the program of argv[i]. */
struct task {
    sandbox_work *work; /* NULL: a program */
    void *const *context;
    char *const *const *argv;
};

/* The two ends of a pipe, which no program inherits unless it is given one. */
static enum dae_status make_pipe(int ends[2], struct error *err)
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) < 0)
        return error_set(err, DAE_IO, "cannot make a pipe: %s", strerror(errno));
    int code = 0;
    for (int i = 0; i < 2; ++i) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FIRST_FREE);
        code = ends[i] < 0 ? errno : code;
        close(low[i]);
    }
    if (code == 0)
        return DAE_OK;
    for (int i = 0; i < 2; ++i)
        if (ends[i] >= 0)
            close(ends[i]);
    return error_set(err, DAE_IO, "cannot make a pipe: %s", strerror(code));
}

/* Returns 0, or the error's number. */
static int fork_child(struct watch *watch, const struct task *task, int i, const int answer[2], const int words[2])
{
    fflush(NULL); /* otherwise the child could write its copy of the buffered output */
    watch->child = fork();
    if (watch->child == 0) {
        close(answer[0]);
        close(words[0]);
        channel = answer[1];
        settle(words[1]);
        close(words[1]);
        be_child(task->work, task->context[i]);
    }
    return watch->child < 0 ? errno : 0;
}

/* The same for a program, which gets what `settle` gives to a forked child. */
static int spawn_child(struct watch *watch, char *const *argv, int answer, int words)
{
    const struct spawn_file files[] = {
        {-1, STDIN_FILENO}, {words, STDOUT_FILENO}, {words, STDERR_FILENO}, {answer, CHANNEL}};
    sigset_t usual;
    sigemptyset(&usual);
    for (size_t i = 0; i < sizeof usual_signals / sizeof usual_signals[0]; ++i)
        sigaddset(&usual, usual_signals[i]);
    return spawn_program(argv, files, 4, &usual, &watch->child);
}

static enum dae_status start(struct watch *watch, const struct task *task, int i, struct error *err)
{
    int answer[2], words[2];
    TRY(make_pipe(answer, err));
    if (make_pipe(words, err) != DAE_OK) {
        close(answer[0]);
        close(answer[1]);
        return err->status;
    }
    const int code =
        task->work ? fork_child(watch, task, i, answer, words) : spawn_child(watch, task->argv[i], answer[1], words[1]);
    close(answer[1]);
    close(words[1]);
    if (code != 0) {
        watch->child = 0;
        close(answer[0]);
        close(words[0]);
        return error_set(err, DAE_IO, "cannot start %s: %s", task->work ? "a child process" : task->argv[i][0],
                         strerror(code));
    }
    setpgid(watch->child, watch->child); /* parent and child both call it, because either may be first */
    watch->channel = answer[0];
    watch->words = words[0];
    begin_step(watch);
    return DAE_OK;
}

static enum dae_status run_all(struct watch *watch, int n, struct pollfd *fds, const struct task *task,
                               struct error *err)
{
    enum dae_status status = DAE_OK;
    int n_running = 0;
    for (int i = 0; i < n && status == DAE_OK; ++i) {
        status = start(&watch[i], task, i, err);
        n_running += status == DAE_OK;
    }
    while (n_running > 0) {
        if (status == DAE_OK)
            listen_once(watch, n, fds);
        for (int i = 0; i < n; ++i) {
            const bool ended = watch[i].child > 0 && has_ended(watch[i].child);
            if (watch[i].child > 0 && (ended || status != DAE_OK || is_stuck(&watch[i]))) {
                finish(&watch[i], ended);
                --n_running;
            }
        }
    }
    return status;
}

static enum dae_status run_tasks(const struct task *task, int n, double step_seconds, struct sandbox *out,
                                 struct error *err)
{
    struct watch *watch = calloc((size_t)n + 1, sizeof *watch);
    struct pollfd *fds = calloc(2 * (size_t)n + 1, sizeof *fds);
    enum dae_status status = watch && fds ? DAE_OK : error_no_memory(err, "children", (size_t)n * sizeof *watch);
    alarm_seconds = seconds_of_alarm(step_seconds);
    for (int i = 0; i < n && status == DAE_OK; ++i) {
        out[i] = (struct sandbox){.step = "starting"};
        watch[i] = (struct watch){.channel = -1, .words = -1, .step_seconds = step_seconds, .out = &out[i]};
    }
    if (status == DAE_OK)
        status = run_all(watch, n, fds, task, err);
    for (int i = 0; i < n && watch && status != DAE_OK; ++i)
        if (watch[i].out) {
            cJSON_Delete(out[i].answer);
            out[i].answer = NULL;
        }
    free(watch);
    free(fds);
    return status;
}

enum dae_status sandbox_run(sandbox_work *work, void *const *context, int n, double step_seconds, struct sandbox *out,
                            struct error *err)
{
    return run_tasks(&(struct task){.work = work, .context = context}, n, step_seconds, out, err);
}

enum dae_status sandbox_run_programs(char *const *const *argv, int n, double step_seconds, struct sandbox *out,
                                     struct error *err)
{
    return run_tasks(&(struct task){.argv = argv}, n, step_seconds, out, err);
}

static const char *signal_name(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    case SIGABRT:
        return "SIGABRT";
    case SIGKILL:
        return "SIGKILL";
    case SIGTERM:
        return "SIGTERM";
    }
    return strsignal(number);
}

void sandbox_story(const struct sandbox *sandbox, char *text, size_t len)
{
    int n = 0;
    text[0] = '\0';
    if (sandbox->end == SANDBOX_HUNG)
        n = snprintf(text, len, "it hung (no progress in %.2g s) while %s", sandbox->seconds, sandbox->step);
    else if (sandbox->end == SANDBOX_CRASHED)
        n = snprintf(text, len, "it crashed (%s) while %s", signal_name(sandbox->number), sandbox->step);
    else if (sandbox->end == SANDBOX_EXITED)
        n = snprintf(text, len, "it ended the program (exit status %d) while %s", sandbox->number, sandbox->step);
    if (n > 0 && (size_t)n < len && sandbox->words[0])
        snprintf(text + n, len - (size_t)n, "; it printed '%s'", sandbox->words);
}
