/* libdae.so.1: two threads from the start, what must not change in the host, training, and cancelling at random in two
 * threads. */
#include "host.h"

/* ---- Two threads at once, before anything else has used OpenCL. -------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
}

static struct sigaction handler[65]; /* before anything has used OpenCL */

static void note_handlers(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i <= 64; ++i)
        sigaction(i, NULL, &handler[i]);
}

static void same_handlers(void)
{
    struct sigaction now;
    for (int i = 1; i <= 64; ++i)
        if (sigaction(i, NULL, &now) == 0 && now.sa_handler != handler[i].sa_handler)
            fail_msg("the handler of signal %d was changed", i);
}

static void *train_and_save(void *path)
{
    struct dae_context *context = open_context();
    struct dae_model *model = trained(context, dense_config);
    check(context, dae_model_save(model, path));
    dae_model_close(model);
    dae_close(context);
    return NULL;
}

static void test_two_threads_begin(void **state)
{
    pthread_t thread[2];
    char path[2][512];
    (void)state;
    note_handlers();
    for (int i = 0; i < 2; ++i) {
        snprintf(path[i], sizeof path[i], "%s/thread%d", folder, i);
        assert_int_equal(pthread_create(&thread[i], NULL, train_and_save, path[i]), 0);
    }
    for (int i = 0; i < 2; ++i)
        pthread_join(thread[i], NULL);
    same_files(path[0], path[1]);
    same_handlers();
}

/* ---- The host. --------------------------------------------------------------------------------------------------- */

static int n_lines;
static void on_log(void *user, const char *line)
{
    assert_string_equal(user, "user");
    assert_null(strchr(line, '\n'));
    n_lines += strncmp(line, "device: ", 8) == 0;
}

static void test_host_stays_as_it_is(void **state)
{
    char folder_before[512], folder_after[512];
    (void)state;
    const mode_t mask = umask(027);
    const char *locale = setlocale(LC_ALL, NULL);
    char *kept = strdup(locale);
    assert_non_null(getcwd(folder_before, sizeof folder_before));
    struct dae_context *context = open_context();
    dae_set_log(context, on_log, (char[]){"user"});
    struct dae_model *model = trained(context, dense_config);
    check(context, dae_model_save(model, path_of("mode")));
    dae_model_close(model);
    dae_close(context);
    assert_int_equal(n_lines, 1);
    same_handlers();
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGUSR1));
    assert_int_equal(umask(mask), 027);
    assert_non_null(getcwd(folder_after, sizeof folder_after));
    assert_string_equal(folder_before, folder_after);
    assert_string_equal(kept, setlocale(LC_ALL, NULL));
    struct stat info;
    assert_int_equal(stat(path_of("mode"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    free(kept);
}

static void test_decimal_comma(void **state)
{
    (void)state;
    char command[640];
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/localedef.log 2>&1", folder,
             folder);
    setenv("LOCPATH", folder, 1);
    if (system(command) != 0 || !setlocale(LC_ALL, "de_DE.UTF-8"))
        skip();
    assert_non_null(strchr(localeconv()->decimal_point, ','));
    train_and_save((char *)path_of("comma"));
    assert_string_equal(setlocale(LC_ALL, NULL), "de_DE.UTF-8");
    setlocale(LC_ALL, "C");
    same_files(path_of("comma"), path_of("thread0"));
}

/* ---- Training. --------------------------------------------------------------------------------------------------- */

static void test_training(void **state)
{
    int finished = 0, steps = 0;
    char *json;
    struct dae_model *model;
    (void)state;
    struct dae_context *context = open_context();
    struct dae_run *run = new_run(context, dense_config);
    refused(context, dae_run_model(run, &model), DAE_CONFIG, "nothing was trained yet");
    refused(context, dae_run_checkpoint(run, path_of("none")), DAE_CONFIG, "nothing was trained yet");
    refused(context, dae_run_wait(run, 0, &finished), DAE_CONFIG, "was not started");
    for (; !finished; ++steps) {
        check(context, dae_run_step(run, &finished));
        if (steps == 1)
            check(context, dae_run_checkpoint(run, path_of("half")));
    }
    assert_int_equal(steps, 4);
    check(context, dae_run_metrics(run, &json));
    assert_non_null(strstr(json, "\"history\""));
    assert_non_null(strstr(json, "\"validation_loss\""));
    dae_free(json);
    check(context, dae_run_model(run, &model));
    check(context, dae_model_save(model, path_of("steps")));
    dae_model_close(model);
    dae_run_close(run);
    same_files(path_of("steps"), path_of("thread0"));

    run = new_run(context, dense_config);
    check(context, dae_run_resume(run, path_of("half")));
    train(context, run);
    check(context, dae_run_model(run, &model));
    check(context, dae_model_save(model, path_of("resumed")));
    dae_model_close(model);
    dae_run_close(run);
    same_files(path_of("resumed"), path_of("steps"));

    run = new_run(context, conv_config);
    check(context, dae_run_resume(run, path_of("half")));
    refused(context, dae_run_step(run, &finished), DAE_CHECKPOINT, "half");
    dae_run_close(run);
    dae_close(context);
}

/* A frozen layer computes what it did in the model that training started from, so its codes keep their bits. */
static void test_training_goes_on(void **state)
{
    char config[sizeof dense_config + 700], *json;
    struct dae_run *run;
    (void)state;
    struct dae_context *context = open_context();
    const int len = snprintf(config, sizeof config, "%s", dense_config);
    snprintf(strstr(config, "epochs: 4}"), sizeof config - (size_t)len, "epochs: 1, from: '%s', freeze: five}\n",
             path_of("thread0"));
    struct dae_model *model = trained(context, config);
    check(context, dae_model_describe(model, &json));
    assert_non_null(strstr(json, "from_sha256"));
    dae_free(json);
    check(context, dae_model_save(model, path_of("tuned")));
    dae_model_close(model);

    snprintf(config + len - 2, sizeof config - (size_t)len, ", from: '%s'}\n", path_of("missing"));
    refused(context, dae_run_new(context, config, &run), DAE_IO, "missing");
    assert_null(run);
    snprintf(config + len - 2, sizeof config - (size_t)len, ", freeze: five}\n");
    refused(context, dae_run_new(context, config, &run), DAE_CONFIG, "train.freeze requires train.from");
    dae_close(context);
}

static int stop_soon(void *calls, double done)
{
    assert_true(done >= 0 && done <= 1);
    return ++*(int *)calls == 2;
}

static void test_progress_cancels(void **state)
{
    int calls = 0, finished;
    (void)state;
    struct dae_context *context = open_context();
    char config[sizeof conv_config + 8];
    snprintf(config, sizeof config, "%s", conv_config);
    memcpy(strstr(config, "epochs: 40"), "epochs: 99", 10);
    struct dae_run *run = new_run(context, config);
    dae_set_progress(context, stop_soon, &calls);
    check(context, dae_run_start(run));
    refused(context, dae_run_wait(run, -1, &finished), DAE_INTERRUPTED, "stopped");
    assert_int_equal(finished, 0);
    assert_int_equal(calls, 2);
    dae_run_close(run);
    dae_close(context);
}

static void test_errors_have_places(void **state)
{
    struct dae_run *run;
    int line, column;
    (void)state;
    struct dae_context *context = open_context();
    refused(context,
            dae_run_new(context,
                        "name: x\nmodel: {input: [4], layers: [dense: {units: none}]}\n"
                        "train: {loss: mse, optimizer: {sgd: {lr: 0.1}}}\n",
                        &run),
            DAE_CONFIG, "config:2:");
    assert_null(run);
    assert_string_equal(dae_error_place(context, &line, &column), "config");
    assert_int_equal(line, 2);
    assert_true(column > 40);
    check(context, dae_run_new(context, dense_config, &run));
    assert_string_equal(dae_error(context), "");
    assert_null(dae_error_place(context, &line, &column));
    dae_run_close(run);
    dae_close(context);
    assert_int_equal(dae_open("memory: none", &context), DAE_CONFIG);
    assert_non_null(strstr(dae_error(context), "options:1:9: error: "));
    refused(context, dae_run_new(context, dense_config, &run), DAE_CONFIG, "could not be opened");
    dae_close(context);
    assert_int_equal(dae_open("trust: true", &context), DAE_CONFIG);
    assert_non_null(strstr(dae_error(context), "unknown key 'trust'"));
    dae_close(context);
}

/* ---- Cancelling. ------------------------------------------------------------------------------------------------- */

static unsigned number_of_cancellations(void)
{
    const char *text = getenv("DAE_CL_CANCELLATIONS");
    return text ? (unsigned)atoi(text) : 60;
}

static void pause_at_random(unsigned *seed, long most_us)
{
    const struct timespec pause = {0, 1000 * (rand_r(seed) % most_us)};
    nanosleep(&pause, NULL);
}

/* One of two threads: trains in starts that end at random, with checkpoints in between, and must arrive at the bytes of
 * an undisturbed training. */
static void *cancel_runs(void *path)
{
    unsigned seed = 17, n_cancelled = 0;
    struct dae_context *context = open_context();
    struct dae_model *model;
    for (unsigned left = number_of_cancellations(), round = 0; left > 0; ++round) {
        struct dae_run *run = new_run(context, conv_config);
        int finished = 0;
        while (!finished && left > 0) {
            char *json;
            check(context, dae_run_start(run));
            pause_at_random(&seed, 30000);
            if (rand_r(&seed) % 4 == 0)
                (void)dae_run_checkpoint(run, path); /* refused if nothing was trained yet */
            if (rand_r(&seed) % 8 == 0 || left == 1)
                check(context, dae_run_wait(run, -1, &finished));
            else {
                dae_run_cancel(run);
                check(context, dae_run_metrics(run, &json));
                dae_free(json);
                const enum dae_status status = dae_run_wait(run, -1, &finished);
                if (status != DAE_INTERRUPTED)
                    check(context, status);
                n_cancelled += status == DAE_INTERRUPTED;
            }
            --left;
        }
        if (finished) {
            check(context, dae_run_model(run, &model));
            check(context, dae_model_save(model, path));
            dae_model_close(model);
            same_files(path, path_of("undisturbed"));
        }
        dae_run_close(run);
    }
    assert_true(n_cancelled > number_of_cancellations() / 4);
    dae_close(context);
    return NULL;
}

/* The other: denoises while a third cancels at random. A cancelled call writes nothing. */
struct denoising {
    struct dae_context *context;
    bool over; /* read and written atomically */
};

static void *cancel_context(void *argument)
{
    struct denoising *work = argument;
    unsigned seed = 5;
    while (!__atomic_load_n(&work->over, __ATOMIC_RELAXED)) {
        dae_cancel(work->context);
        pause_at_random(&seed, 3000);
    }
    return NULL;
}

static void *cancel_denoising(void *unused)
{
    enum { HEIGHT = 200, WIDTH = 300 };
    static float x[HEIGHT * WIDTH], y[HEIGHT * WIDTH], want[HEIGHT * WIDTH];
    struct denoising work = {.context = open_context()};
    struct dae_model *model;
    pthread_t thread;
    unsigned n_cancelled = 0;
    fill(x, HEIGHT * WIDTH, 9);
    check(work.context, dae_model_load(work.context, path_of("undisturbed"), &model));
    struct dae_image in = floats(x, 20, HEIGHT / 20, WIDTH), out = floats(want, 20, HEIGHT / 20, WIDTH);
    check(work.context, dae_denoise(model, &in, &out));
    out.data = y;
    pthread_create(&thread, NULL, cancel_context, &work);
    for (unsigned i = 0; i < number_of_cancellations(); ++i) {
        memset(y, 0, sizeof y);
        const enum dae_status status = dae_denoise(model, &in, &out);
        if (status != DAE_INTERRUPTED)
            check(work.context, status);
        n_cancelled += status == DAE_INTERRUPTED;
        if (status == DAE_OK)
            assert_memory_equal(y, want, sizeof y);
        else
            for (int k = 0; k < HEIGHT * WIDTH; ++k)
                assert_true(y[k] == 0);
    }
    __atomic_store_n(&work.over, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_true(n_cancelled > 0);
    dae_model_close(model);
    dae_close(work.context);
    return unused;
}

static void test_cancelling(void **state)
{
    pthread_t thread[2];
    (void)state;
    struct dae_context *context = open_context();
    struct dae_model *model = trained(context, conv_config);
    check(context, dae_model_save(model, path_of("undisturbed")));
    dae_model_close(model);
    dae_close(context);
    pthread_create(&thread[0], NULL, cancel_runs, (char *)path_of("cancelled"));
    pthread_create(&thread[1], NULL, cancel_denoising, NULL);
    for (int i = 0; i < 2; ++i)
        pthread_join(thread[i], NULL);
}

/* ---- The rest. --------------------------------------------------------------------------------------------------- */

static void test_devices_and_verify(void **state)
{
    char *json;
    (void)state;
    assert_string_equal(dae_status_text(DAE_OK), "success");
    check(shared, dae_devices(shared, &json));
    assert_non_null(strstr(json, "\"devices\""));
    assert_non_null(strstr(json, "\"usable\":\ttrue"));
    dae_free(json);
    check(shared, dae_verify(shared, dense_config, &json));
    assert_non_null(strstr(json, "\"passed\":\ttrue"));
    dae_free(json);
    refused(shared, dae_verify(shared, "model: 3", &json), DAE_CONFIG, "config:1:");
    struct dae_run *run;
    struct dae_image samples = floats(pictures, SAMPLES, SIDE, SIDE);
    check(shared, dae_run_new(shared, dense_config, &run));
    int finished;
    refused(shared, dae_run_step(run, &finished), DAE_CONFIG, "no training samples were given");
    refused(shared, dae_run_data(run, "validation", &samples), DAE_CONFIG, "expects train or test");
    samples.shape[1] = 4;
    samples.shape[2] = 16;
    refused(shared, dae_run_data(run, "train", &samples), DAE_CONFIG,
            "model.input is 8x8x1, but the samples are 4x16x1");
    dae_run_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads_begin),
        cmocka_unit_test(test_host_stays_as_it_is),
        cmocka_unit_test(test_decimal_comma),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_training_goes_on),
        cmocka_unit_test(test_progress_cancels),
        cmocka_unit_test(test_errors_have_places),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test_setup_teardown(test_devices_and_verify, open_models, close_models),
    };
    return begin() != 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
