/* Completion for shells, made from the table of commands. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "base/text.h"
#include "cli/command.h"
#include "cli/shipped.h"

/* What a shell offers for an argument or for the value of an option. */
enum completion_kind {
    COMPLETE_NOTHING, /* a number, a key */
    COMPLETE_WORDS,   /* completion_words: one of a few */
    COMPLETE_CONFIGS, /* the configs that come with dae-cl, and files */
    COMPLETE_FILES,   /* files and folders */
    COMPLETE_FOLDERS,
};

/* A placeholder of a command, "[CONFIG]" or "f32|f16", with the words that it stands for. */
struct completion {
    const struct command *command;
    const char *placeholder; /* len bytes */
    size_t len;
    enum completion_kind kind;
    const struct shipped *config; /* n_configs of them */
    int n_configs;
};

/* Calls `word` for each of the words, with its meaning or "". */
void completion_words(const struct completion *completion, void *context,
                      void (*word)(void *context, const char *text, size_t len, const char *meaning));

/* Argument number `index` of a command; false after the last one. *repeated: it is "INPUT...". */
bool completion_argument(struct completion *completion, const struct command *command, int index, bool *repeated);
/* The value of an option, which takes one. */
void completion_value(struct completion *completion, const struct command *command,
                      const struct command_option *option);

/* The script of a shell; `base` has the configs. */
void completion_bash(const struct completion *base, struct text *out);
void completion_fish(const struct completion *base, struct text *out);
void completion_zsh(const struct completion *base, struct text *out);

/* Prints the script of "bash", "fish" or "zsh" to stdout; another shell is DAE_CONFIG. */
MUST_USE enum dae_status completion_print(const char *shell, struct error *err);

#endif
