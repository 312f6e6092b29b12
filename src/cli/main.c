/* The program: finds the subcommand, runs it, prints its one error, and turns its status into the exit code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/driver_guard.h"
#include "cli/help.h"
#include "cli/stop.h"
#include "driver/driver.h"

#define LIST(name) &command_##name,
const struct command *const commands[] = {COMMANDS(LIST) NULL};
#undef LIST

/* A closed standard stream would give its number to the next file that is opened, and output would end up in that file.
 * /dev/null, opened for reading, reserves the number and makes printing fail. */
static void keep_standard_streams(void)
{
    int fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd >= 0)
        close(fd);
}

static enum dae_status dispatch(int argc, char **argv, struct error *err)
{
    if (argc < 2) {
        enum dae_status status = error_set(err, DAE_CONFIG, "no command given");
        error_note(err, "dae-cl --help lists them");
        return status;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_overview(stdout);
        return DAE_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "version") == 0) {
        help_version(stdout);
        return DAE_OK;
    }
    const struct command *command;
    TRY(command_find(argv[1], &command, err));
    struct invocation invocation;
    bool wants_help;
    TRY(command_parse(command, argc - 2, argv + 2, &invocation, &wants_help, err));
    enum dae_status status = DAE_OK;
    if (wants_help)
        help_command(command, stdout);
    else
        status = command->run(&invocation, err);
    command_release(&invocation);
    return status;
}

/* Printing is buffered, so only here it is known whether everything was written. A reader that has closed the pipe (`|
 * head`) needs no message. */
static enum dae_status flush_output(struct error *err)
{
    struct stat info;
    bool failed_now = fflush(stdout) != 0;
    const char *why = failed_now ? strerror(errno) : "a write failed";
    if (!failed_now && !ferror(stdout))
        return DAE_OK;
    if (fstat(STDOUT_FILENO, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)))
        return DAE_IO;
    return error_set(err, DAE_IO, "standard output: %s", why);
}

int main(int argc, char **argv)
{
    static struct error err;
    keep_standard_streams();
    json_watch_memory();
    stop_begin();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file beyond its limit is a failed write and must not end the program */
    enum dae_status status = dispatch(argc, argv, &err);
    enum dae_status flushed = flush_output(&err);
    if (status == DAE_OK)
        status = flushed;
    if (err.status != DAE_OK)
        fprintf(stderr, "%s\n", err.text);
    driver_guard_disarm();
    driver_finish();
    return (int)status;
}
