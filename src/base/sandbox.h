/* Runs work in a child process that may crash, hang, exit or print anything, such as loading a foreign driver. The
 * child announces each step and ends with an answer; the parent enforces the time limit, keeps the child's output off
 * the terminal, and reports how the child ended. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/error.h"
#include "base/json.h"

/* Runs in the child and returns the answer, which is then freed (NULL: none, as if the child had exited). */
typedef cJSON *sandbox_work(void *context);

enum sandbox_end {
    SANDBOX_ANSWERED,
    SANDBOX_EXITED,  /* without an answer; number is the exit status */
    SANDBOX_CRASHED, /* number is the signal */
    SANDBOX_HUNG,    /* a step took longer than allowed, and the child was killed */
};

struct sandbox {
    enum sandbox_end end;
    int number;
    double seconds;  /* that the step had taken by the clock when the child was killed */
    cJSON *answer;   /* owned: cJSON_Delete; NULL unless answered */
    char step[256];  /* the last step that began: "loading its library" */
    char words[160]; /* the first line printed in that step, in printable characters; or "" */
};

/* Forks n children at once; child i runs work(context[i]), in its own process group and with its own standard streams.
 * No step may take longer than step_seconds, measured in processor time if it computes, else by the clock. The parent
 * must not yet have used what the work uses (for OpenCL: no call at all), because threads do not survive a fork.
 * Returns when all children are gone. Whatever they did is DAE_OK, with the story of each in out[i]; failure to create
 * a child is DAE_IO. */
MUST_USE enum dae_status sandbox_run(sandbox_work *work, void *const *context, int n, double step_seconds,
                                     struct sandbox *out, struct error *err);

/* The same with programs: child i runs the program argv[i][0] with the arguments argv[i], which end with NULL, and that
 * program calls sandbox_serve. Nothing is forked that the parent's other threads could have left locked. A program that
 * cannot be started is DAE_IO. */
MUST_USE enum dae_status sandbox_run_programs(char *const *const *argv, int n, double step_seconds, struct sandbox *out,
                                              struct error *err);
/* Runs the work in such a program, and ends it. */
_Noreturn void sandbox_serve(sandbox_work *work, void *context, double step_seconds);

/* Announces in the child what it does next, as a phrase that follows "while": "loading its library". The time limit
 * restarts. Does nothing outside of a child. */
void sandbox_step(const char *format, ...) BASE_PRINTF(1, 2);

/* "it crashed (SIGSEGV) while loading its library; it printed '...'"; "" if it answered. */
void sandbox_story(const struct sandbox *sandbox, char *text, size_t len);

#endif
