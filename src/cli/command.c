#include "cli/command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/shipped.h"
#include "config/fields.h"

const struct command_option option_platform = {
    "platform", "NAME[:N]", OPTION_VALUE, false,
    "use the OpenCL device whose platform, vendor or name contains NAME (if there are several, the N-th, counting from "
    "0), or cpu, gpu, auto; run splits its batches over NAME,NAME"};
const struct command_option option_set = {
    "set", "KEY.PATH=VALUE", OPTION_LIST, false,
    "change one value of the config, for example --set train.epochs=3. VALUE is taken as typed, with its blanks and "
    "signs; only numbers, true, false, [lists], {maps} and 'quoted texts' mean what they mean in YAML"};
const struct command_option option_plugins = {"plugins", "DIR", OPTION_LIST, false,
                                              "also load the plugins of this folder"};
const struct command_option option_json = {"json", NULL, OPTION_FLAG, false, "print JSON"};
const struct command_option option_trust = {"trust-device", NULL, OPTION_FLAG, false,
                                            "use the device even if it fails the check at its first use"};
const struct command_option option_out = {"out", "DIR", OPTION_VALUE, false,
                                          "the run's folder; runs/NAME, with the config's name, if not given; auto: "
                                          "the first of runs/NAME, runs/NAME-2, ... without a run"};
const struct command_option option_force = {"force", NULL, OPTION_FLAG, false,
                                            "discard the earlier run in the folder, and start from scratch"};
const struct command_option option_ranks = {
    "ranks", "N", OPTION_VALUE, false,
    "start N processes on this machine, which train together (train.parts; docs/many_machines.md); 1: run alone, also "
    "under mpirun"};
const struct command_option option_resume = {"resume", NULL, OPTION_FLAG, false,
                                             "continue from the checkpoints in the folder"};

enum dae_status command_find(const char *name, const struct command **command, struct error *err)
{
    const char *names[COMMAND_MAX];
    int n = 0;
    for (; commands[n] && n < COMMAND_MAX; ++n) {
        names[n] = commands[n]->name;
        if (strcmp(names[n], name) == 0) {
            *command = commands[n];
            return DAE_OK;
        }
    }
    const enum dae_status status = fields_unknown(NULL, "command", name, names, n, err);
    error_note(err, "dae-cl --help lists the commands");
    return status;
}

/* Every usage error ends with a pointer to the help. */
static enum dae_status usage(const struct command *command, struct error *err, const char *what, const char *text,
                             const char *why)
{
    char excerpt[VALUE_EXCERPT_BYTES];
    enum dae_status status =
        error_set(err, DAE_CONFIG, "%s: %s%s%s", command->name, what, value_excerpt(text, excerpt), why);
    error_note(err, "dae-cl %s --help lists its arguments", command->name);
    return status;
}

static void dashed(const struct command_option *option, char *text, size_t len)
{
    snprintf(text, len, "%s%s", option->name[1] ? "--" : "-", option->name);
}

/* Finds the option named by word[0..len). */
static enum dae_status find_option(const struct command *command, const char *word, size_t len,
                                   const struct command_option **option, struct error *err)
{
    char names[COMMAND_MAX][64], given[64];
    const char *list[COMMAND_MAX];
    int n = 0;
    snprintf(given, sizeof given, "%.*s", (int)len, word);
    for (; command->options && command->options[n] && n < COMMAND_MAX; ++n) {
        dashed(command->options[n], names[n], sizeof names[n]);
        list[n] = names[n];
        if (strcmp(names[n], given) == 0) {
            *option = command->options[n];
            return DAE_OK;
        }
    }
    const char *nearest = fields_nearest(given, list, n);
    char why[128] = "'";
    if (nearest)
        snprintf(why, sizeof why, "' (did you mean '%s'?)", nearest);
    return usage(command, err, "unknown option '", given, why);
}

/* Reads the option argv[*at] and its value, if it takes one; *at stays on the last word read. */
static enum dae_status read_option(const struct command *command, int argc, char **argv, int *at,
                                   struct invocation *invocation, struct error *err)
{
    const char *word = argv[*at], *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    const struct command_option *option = NULL;
    TRY(find_option(command, word, equals ? (size_t)(equals - word) : strlen(word), &option, err));
    const char *value = equals ? equals + 1 : NULL;
    if (option->kind == OPTION_FLAG && value)
        return usage(command, err, "this option takes no value: ", word, "");
    if (option->kind != OPTION_FLAG && !value && *at + 1 < argc)
        value = argv[++*at];
    if (option->kind != OPTION_FLAG && (!value || !*value)) {
        char why[128];
        snprintf(why, sizeof why, " expects a value, %s", option->value);
        return usage(command, err, "option ", word, why);
    }
    invocation->option[invocation->n_options++] = (struct given){option->name, value};
    return DAE_OK;
}

/* The word of "MODEL INPUT..." for argument number `index`; the number of words, and how many of them are required. */
static const char *argument_word(const char *arguments, int index, int *len, int *min, int *max)
{
    const char *found = "";
    *len = *min = *max = 0;
    for (const char *word = arguments; *word; word += strspn(word, " ")) {
        int word_len = (int)strcspn(word, " ");
        if (*max == index) {
            found = word;
            *len = word_len;
        }
        *min += word[0] != '[';
        *max = word_len > 3 && strncmp(word + word_len - 3, "...", 3) == 0 ? INT_MAX : *max + 1;
        word += word_len;
    }
    return found;
}

static enum dae_status check_complete(const struct command *command, const struct invocation *invocation,
                                      struct error *err)
{
    int len, min, max;
    const char *word = argument_word(command->arguments, invocation->n_arguments, &len, &min, &max);
    char text[64];
    if (invocation->n_arguments < min) {
        snprintf(text, sizeof text, "%.*s", len, word);
        const enum dae_status status = usage(command, err, "", text, " is missing");
        if (strcmp(text, "CONFIG") == 0)
            shipped_note(err);
        return status;
    }
    if (invocation->n_arguments > max)
        return usage(command, err, "too many arguments: '", invocation->argument[max], "'");
    for (int i = 0; command->options && command->options[i]; ++i) {
        const struct command_option *option = command->options[i];
        dashed(option, text, sizeof text);
        if (option->required && !invocation_has(invocation, option->name))
            return usage(command, err, "option ", text, " is missing");
    }
    return DAE_OK;
}

static enum dae_status read_words(const struct command *command, int argc, char **argv, struct invocation *invocation,
                                  bool *wants_help, struct error *err)
{
    bool options_end = false;
    for (int i = 0; i < argc; ++i) {
        const char *word = argv[i];
        bool is_option = !options_end && word[0] == '-' && word[1];
        if (is_option && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            *wants_help = true;
            return DAE_OK;
        }
        if (is_option && strcmp(word, "--") == 0)
            options_end = true;
        else if (is_option)
            TRY(read_option(command, argc, argv, &i, invocation, err));
        else
            invocation->argument[invocation->n_arguments++] = word;
    }
    return check_complete(command, invocation, err);
}

enum dae_status command_parse(const struct command *command, int argc, char **argv, struct invocation *invocation,
                              bool *wants_help, struct error *err)
{
    *wants_help = false;
    *invocation = (struct invocation){.command = command};
    invocation->argument = calloc((size_t)argc + 1, sizeof *invocation->argument);
    invocation->option = calloc((size_t)argc + 1, sizeof *invocation->option);
    enum dae_status status = invocation->argument && invocation->option
                                 ? read_words(command, argc, argv, invocation, wants_help, err)
                                 : error_no_memory(err, "command line", (size_t)argc * sizeof *invocation->option);
    if (status != DAE_OK)
        command_release(invocation);
    return status;
}

void command_release(struct invocation *invocation)
{
    free(invocation->argument);
    free(invocation->option);
    *invocation = (struct invocation){0};
}
