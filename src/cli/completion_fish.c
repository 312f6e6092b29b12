/* The script for fish: a line for each command, option and list of words. */
#include <stdio.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/help.h"

/* Text in '...'. */
static void add_quoted(struct text *out, const char *text, size_t len)
{
    text_add(out, "'");
    for (size_t i = 0; i < len; ++i)
        text_printf(out, "%s%c", text[i] == '\'' || text[i] == '\\' ? "\\" : "", text[i]);
    text_add(out, "'");
}

struct line {
    struct text *out;
    const char *start; /* "complete -c dae-cl -n ..." */
};

static void add_word(void *context, const char *text, size_t len, const char *meaning)
{
    const struct line *line = context;
    text_printf(line->out, "%s -a ", line->start);
    add_quoted(line->out, text, len);
    if (*meaning) {
        text_add(line->out, " -d ");
        add_quoted(line->out, meaning, strlen(meaning));
    }
    text_add(line->out, "\n");
}

static void add_value_word(void *context, const char *text, size_t len, const char *meaning)
{
    (void)meaning;
    text_add(context, " ");
    text_add_bytes(context, text, len);
}

static void add_option(struct completion *completion, const struct command *command,
                       const struct command_option *option, const char *start, struct text *out)
{
    text_printf(out, "%s %s %s", start, option->name[1] ? "-l" : "-s", option->name);
    if (option->value) {
        completion_value(completion, command, option);
        text_add(out, completion->kind == COMPLETE_FILES || completion->kind == COMPLETE_CONFIGS ? " -r -F" : " -x");
        if (completion->kind == COMPLETE_FOLDERS) {
            text_add(out, " -a '(__fish_complete_directories (commandline -ct))'");
        } else if (completion->kind == COMPLETE_WORDS || completion->kind == COMPLETE_CONFIGS) {
            text_add(out, " -a '");
            completion_words(completion, out, add_value_word);
            text_add(out, "'");
        }
    }
    text_add(out, " -d ");
    add_quoted(out, option->help, strlen(option->help));
    text_add(out, "\n");
}

static void add_command(const struct completion *base, const struct command *command, struct text *out)
{
    struct completion completion = *base;
    char start[128];
    bool repeated;
    snprintf(start, sizeof start, "complete -c dae-cl -n '__dae_cl_command %s'", command->name);
    for (int i = 0; help_option_at(command, i); ++i)
        add_option(&completion, command, help_option_at(command, i), start, out);
    for (int i = 0; completion_argument(&completion, command, i, &repeated); ++i) {
        if (completion.kind == COMPLETE_FILES || completion.kind == COMPLETE_CONFIGS)
            text_printf(out, "%s -F\n", start);
        else if (completion.kind == COMPLETE_FOLDERS)
            text_printf(out, "%s -a '(__fish_complete_directories (commandline -ct))'\n", start);
        struct line line = {out, start};
        completion_words(&completion, &line, add_word);
    }
}

void completion_fish(const struct completion *base, struct text *out)
{
    static const char none[] = "complete -c dae-cl -n __dae_cl_no_command";
    text_add(out, "# fish completion for dae-cl, printed by `dae-cl help --completion fish`\n\n"
                  "function __dae_cl_no_command\n"
                  "    test (count (commandline -opc)) -eq 1\n"
                  "end\n\n"
                  "function __dae_cl_command\n"
                  "    set -l words (commandline -opc)\n"
                  "    test (count $words) -ge 2; and test $words[2] = $argv[1]\n"
                  "end\n\n"
                  "complete -c dae-cl -f\n");
    struct line line = {out, none};
    for (int i = 0; commands[i]; ++i)
        add_word(&line, commands[i]->name, strlen(commands[i]->name), commands[i]->summary);
    text_printf(out, "%s -l help -d 'list the commands'\n%s -l version -d 'print the version'\n", none, none);
    for (int i = 0; commands[i]; ++i)
        add_command(base, commands[i], out);
}
