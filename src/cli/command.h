/* One table describes every subcommand: the parser, `--help`, `dae-cl help`, the manual pages and the shells'
 * completions read it.
 *
 * A subcommand is a file src/cli/NAME.c that defines `const struct command command_NAME`, and a word of COMMANDS below.
 * Its `run` prints results to stdout and progress to stderr, and leaves errors to main. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/invocation.h"

enum { COMMAND_MAX = 32 }; /* rows of `commands`, and of one command's options */

enum option_kind {
    OPTION_FLAG,  /* no value */
    OPTION_VALUE, /* one value; the last one given counts */
    OPTION_LIST,  /* one value, any number of times */
};

struct command_option {
    const char *name;  /* without dashes; a name of one letter is written with one dash, others with two */
    const char *value; /* the placeholder of the value in help: "DIR"; NULL for a flag */
    enum option_kind kind;
    bool required;
    const char *help; /* one sentence without a full stop */
};

/* A line to type, or a file, and what it does. */
struct command_row {
    const char *text;
    const char *meaning; /* without a full stop */
};

struct command {
    const char *name;
    const char *arguments;   /* "CONFIG", "MODEL INPUT...", "[NAME]", ""; determines how many there may be */
    const char *summary;     /* one line, without a full stop */
    const char *description; /* paragraphs separated by blank lines, each one line; or NULL */
    const struct command_option *const *options; /* ends with NULL; NULL if there are none */
    /* Row `index` of a list that belongs to the description, or false after the last one. May be NULL. */
    bool (*row)(int index, const char **name, const char **meaning);
    const struct command_row *examples; /* commands with real options, at most 77 characters; ends with {NULL, NULL} */
    const struct command_row *files;    /* what it reads and writes, for the manual; ends with {NULL, NULL}, or NULL */
    enum dae_status (*run)(const struct invocation *invocation, struct error *err);
};

/* Rows that several commands share. */
extern const struct command_option option_platform; /* --platform NAME[:N] */
extern const struct command_option option_set;      /* --set KEY.PATH=VALUE, repeatable */
extern const struct command_option option_plugins;  /* --plugins DIR, repeatable */
extern const struct command_option option_json;     /* --json */
extern const struct command_option option_trust;    /* --trust-device */
extern const struct command_option option_out;      /* --out DIR */
extern const struct command_option option_resume;   /* --resume */
extern const struct command_option option_ranks;    /* --ranks N */
extern const struct command_option option_force;    /* --force */

/* All commands, in the order of the manual. */
#define COMMANDS(X)                                                                                                    \
    X(init)                                                                                                            \
    X(run)                                                                                                             \
    X(check)                                                                                                           \
    X(verify)                                                                                                          \
    X(bench)                                                                                                           \
    X(tune)                                                                                                            \
    X(study)                                                                                                           \
    X(sweep)                                                                                                           \
    X(compare)                                                                                                         \
    X(watch)                                                                                                           \
    X(denoise)                                                                                                         \
    X(impute)                                                                                                          \
    X(export)                                                                                                          \
    X(import)                                                                                                          \
    X(devices)                                                                                                         \
    X(doctor)                                                                                                          \
    X(plugins)                                                                                                         \
    X(schema)                                                                                                          \
    X(help)
#define DECLARE(name) extern const struct command command_##name;
COMMANDS(DECLARE)
#undef DECLARE

/* Ends with NULL. */
extern const struct command *const commands[];

/* An unknown name is DAE_CONFIG: "no command is called 'chekc' (did you mean 'check'?)". */
MUST_USE enum dae_status command_find(const char *name, const struct command **command, struct error *err);

/* Parses the words after the subcommand's name. Wrong usage is DAE_CONFIG. `--help` ends parsing with *wants_help set.
 * On success the caller releases it. */
MUST_USE enum dae_status command_parse(const struct command *command, int argc, char **argv,
                                       struct invocation *invocation, bool *wants_help, struct error *err);
void command_release(struct invocation *invocation);

#endif
