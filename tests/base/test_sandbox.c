/* Children that answer, crash, hang, exit and print: each gets its story, and nothing of it remains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/sandbox.h"

static const double seconds = 0.5;

static void rest(int milliseconds)
{
    nanosleep(&(struct timespec){0, milliseconds * 1000000L}, NULL);
}

static cJSON *answers(void *context)
{
    sandbox_step("counting");
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "n", *(int *)context + 1);
    return answer;
}

static cJSON *crashes(void *context)
{
    (void)context;
    sandbox_step("one thing");
    fprintf(stderr, "forgotten: it belongs to the step before\n");
    rest(100); /* the two pipes have no common order */
    sandbox_step("another\nthing");
    rest(100);
    fprintf(stderr, "\n   \033[1mtwo and two\a is five\nstack dump:\n");
    raise(SIGSEGV);
    return NULL;
}

static cJSON *aborts_late(void *context)
{
    cJSON *answer = answers(context);
    sandbox_step("cleaning up");
    abort();
    return answer;
}

static cJSON *hangs(void *context)
{
    (void)context;
    sandbox_step("waiting for nothing");
    while (pause())
        ;
    return NULL;
}

/* Longer than any step may take, and yet never stuck. */
static cJSON *plods(void *context)
{
    for (int i = 0; i < 5; ++i) {
        sandbox_step("step %d", i);
        rest(200);
    }
    return answers(context);
}

static double computed(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static cJSON *spins(void *context)
{
    (void)context;
    sandbox_step("counting for ever");
    for (;;)
        computed();
    return NULL;
}

/* As on a busy machine: a sixth of a processor, for twice as long as a step may take. */
static cJSON *starves(void *context)
{
    sandbox_step("compiling");
    for (int i = 0; i < 20; ++i) {
        const double end = computed() + 8e-3;
        while (computed() < end)
            ;
        rest(42);
    }
    return answers(context);
}

static cJSON *exits(void *context)
{
    (void)context;
    exit(0);
    return NULL;
}

static cJSON *gives_up(void *context)
{
    (void)context;
    return NULL;
}

static cJSON *chatters(void *context)
{
    for (int i = 0; i < 100000; ++i)
        puts("much ado about nothing");
    fflush(stdout);
    return answers(context);
}

static cJSON *ignores_signals(void *context)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGALRM, SIG_IGN);
    return hangs(context);
}

/* The child of the child keeps the pipes open. */
static cJSON *leaves_a_child(void *context)
{
    if (fork() == 0)
        for (;;)
            pause();
    return answers(context);
}

/* "it hung (no progress in 0.52 s) while ...": the time is measured, so on a busy machine it is more than the limit. */
static void assert_hung(const char *text, const char *step)
{
    double waited;
    int read = 0;
    assert_int_equal(sscanf(text, "it hung (no progress in %lf s) while %n", &waited, &read), 1);
    assert_true(waited >= seconds);
    assert_string_equal(text + read, step);
}

static void tell(sandbox_work *work, enum sandbox_end end, int number, const char *story)
{
    struct error err = {0};
    struct sandbox sandbox;
    int one = 1;
    char text[1024];
    assert_int_equal(sandbox_run(work, (void *[]){&one}, 1, seconds, &sandbox, &err), DAE_OK);
    assert_int_equal(sandbox.end, end);
    assert_int_equal(sandbox.number, number);
    assert_true((sandbox.answer != NULL) == (end == SANDBOX_ANSWERED));
    if (sandbox.answer)
        assert_true(cJSON_GetObjectItem(sandbox.answer, "n")->valuedouble == 2);
    sandbox_story(&sandbox, text, sizeof text);
    if (end == SANDBOX_HUNG)
        assert_hung(text, story);
    else
        assert_string_equal(text, story);
    cJSON_Delete(sandbox.answer);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD); /* no zombie */
}

static void the_end_is_told(void **state)
{
    (void)state;
    tell(answers, SANDBOX_ANSWERED, 0, "");
    tell(crashes, SANDBOX_CRASHED, SIGSEGV,
         "it crashed (SIGSEGV) while another thing; it printed '[1mtwo and two is five'");
    tell(aborts_late, SANDBOX_CRASHED, SIGABRT, "it crashed (SIGABRT) while cleaning up");
    tell(hangs, SANDBOX_HUNG, 0, "waiting for nothing");
    tell(ignores_signals, SANDBOX_HUNG, 0, "waiting for nothing");
    tell(exits, SANDBOX_EXITED, 0, "it ended the program (exit status 0) while starting");
    tell(gives_up, SANDBOX_EXITED, 1, "it ended the program (exit status 1) while starting");
}

static void time_runs_for_each_step(void **state)
{
    (void)state;
    tell(plods, SANDBOX_ANSWERED, 0, "");
}

static void who_gets_little_of_a_processor_is_not_stuck(void **state)
{
    (void)state;
    tell(starves, SANDBOX_ANSWERED, 0, "");
}

/* Processor seconds of the children that have ended. */
static double taken(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_sec +
           1e-6 * (double)usage.ru_stime.tv_usec;
}

/* By the clock it might continue for ten times its limit if it got no processor time. */
static void who_computes_too_long_is_stuck(void **state)
{
    (void)state;
    struct error err = {0};
    struct sandbox sandbox;
    char text[1024];
    const double before = taken();
    assert_int_equal(sandbox_run(spins, (void *[]){NULL}, 1, seconds, &sandbox, &err), DAE_OK);
    assert_int_equal(sandbox.end, SANDBOX_HUNG);
    const double computed_by_child = taken() - before;
    assert_true(computed_by_child > 0 && computed_by_child < 4 * seconds);
    sandbox_story(&sandbox, text, sizeof text);
    assert_non_null(strstr(text, "it hung (no progress in "));
    assert_non_null(strstr(text, " s) while counting for ever"));
}

static void words_do_not_block_or_reach_us(void **state)
{
    (void)state;
    tell(chatters, SANDBOX_ANSWERED, 0, "");
}

/* It holds the writing end of a pipe for as long as it lives. */
static void a_grandchild_is_ended_and_not_waited_for(void **state)
{
    (void)state;
    int life[2];
    assert_int_equal(pipe(life), 0);
    tell(leaves_a_child, SANDBOX_ANSWERED, 0, "");
    close(life[1]);
    struct pollfd end = {life[0], POLLIN, 0};
    assert_int_equal(poll(&end, 1, 5000), 1);
    assert_true(end.revents & POLLHUP);
    close(life[0]);
}

static cJSON *by_number(void *context)
{
    return *(int *)context == 1 ? crashes(context) : answers(context);
}

static void each_has_its_own_story(void **state)
{
    (void)state;
    struct error err = {0};
    struct sandbox sandbox[3];
    int numbers[3] = {0, 1, 2};
    assert_int_equal(
        sandbox_run(by_number, (void *[]){&numbers[0], &numbers[1], &numbers[2]}, 3, seconds, sandbox, &err), DAE_OK);
    assert_int_equal(sandbox[0].end, SANDBOX_ANSWERED);
    assert_int_equal(sandbox[1].end, SANDBOX_CRASHED);
    assert_int_equal(sandbox[2].end, SANDBOX_ANSWERED);
    assert_true(cJSON_GetObjectItem(sandbox[0].answer, "n")->valuedouble == 1);
    assert_true(cJSON_GetObjectItem(sandbox[2].answer, "n")->valuedouble == 3);
    cJSON_Delete(sandbox[0].answer);
    cJSON_Delete(sandbox[2].answer);
}

static void without_a_child_no_step_is_told(void **state)
{
    (void)state;
    sandbox_step("nothing"); /* must not write anywhere */
    tell(answers, SANDBOX_ANSWERED, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_told),
        cmocka_unit_test(time_runs_for_each_step),
        cmocka_unit_test(who_gets_little_of_a_processor_is_not_stuck),
        cmocka_unit_test(who_computes_too_long_is_stuck),
        cmocka_unit_test(words_do_not_block_or_reach_us),
        cmocka_unit_test(a_grandchild_is_ended_and_not_waited_for),
        cmocka_unit_test(each_has_its_own_story),
        cmocka_unit_test(without_a_child_no_step_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
