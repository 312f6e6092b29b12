/* Work that may crash, hang, exit or print what it likes, done in a child process: loading somebody else's driver is
 * such work. The child says what it is about to do, step by step, and ends with an answer; the parent keeps the clock,
 * keeps the child's words away from the terminal, and can say how it ended. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/error.h"
#include "base/json.h"

/* Runs in the child, never returns to the parent's code, and returns the answer, which is freed (NULL: none, as if the
 * child had exited). */
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
    double seconds;  /* that the step had taken by the clock when the child was killed for it */
    cJSON *answer;   /* owned: cJSON_Delete; NULL unless answered */
    char step[256];  /* the last one that was begun: "loading its library" */
    char words[160]; /* the first line that it printed in that step, in printable characters; or "" */
};

/* Forks n children at once; child i runs work(context[i]), in a process group and with standard streams of its own. No
 * step may take longer than step_seconds: of a processor if it computes, else of the clock. The parent must not have
 * used yet what the work uses (for OpenCL: no call at all), as threads do not survive a fork. Returns when all are
 * gone. Whatever they did is DAE_OK with each one's story in out[i]; a child that could not be made is DAE_IO. */
MUST_USE enum dae_status sandbox_run(sandbox_work *work, void *const *context, int n, double step_seconds,
                                     struct sandbox *out, struct error *err);

/* In the child: what it does next, as a phrase that follows "while": "loading its library". Its time begins anew. Does
 * nothing outside of a child. */
void sandbox_step(const char *format, ...) BASE_PRINTF(1, 2);

/* "it crashed (SIGSEGV) while loading its library; it printed '...'"; "" when it answered. */
void sandbox_story(const struct sandbox *sandbox, char *text, size_t len);

#endif
