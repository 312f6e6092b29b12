/* The script for zsh: a call of _arguments for each command. */
#include <string.h>

#include "cli/completion.h"
#include "cli/help.h"

/* Text inside of '...', in which the characters of `special` are escaped for _arguments or _describe. */
static void add_quoted(struct text *out, const char *text, size_t len, const char *special)
{
    for (size_t i = 0; i < len; ++i)
        if (text[i] == '\'')
            text_add(out, "'\\''");
        else
            text_printf(out, "%s%c", strchr(special, text[i]) ? "\\" : "", text[i]);
}

static void add_word(void *context, const char *text, size_t len, const char *meaning)
{
    struct text *out = context;
    text_add(out, " '");
    add_quoted(out, text, len, ":");
    if (*meaning) {
        text_add(out, ":");
        add_quoted(out, meaning, strlen(meaning), "\\");
    }
    text_add(out, "'");
}

static void add_plain_word(void *context, const char *text, size_t len, const char *meaning)
{
    (void)meaning;
    text_add(context, " ");
    add_quoted(context, text, len, ":");
}

/* ":CONFIG:_dae_cl_configs" */
static void add_action(const struct completion *completion, struct text *out)
{
    text_add(out, ":");
    add_quoted(out, completion->placeholder, completion->len, ":[]\\");
    text_add(out, ":");
    if (completion->kind == COMPLETE_CONFIGS) {
        text_add(out, "_dae_cl_configs");
    } else if (completion->kind == COMPLETE_WORDS) {
        text_add(out, "(");
        completion_words(completion, out, add_plain_word);
        text_add(out, ")");
    } else {
        text_add(out, completion->kind == COMPLETE_FOLDERS ? "_path_files -/"
                      : completion->kind == COMPLETE_FILES ? "_files"
                                                           : " ");
    }
}

static void add_option(struct completion *completion, const struct command *command,
                       const struct command_option *option, struct text *out)
{
    text_printf(out, " \\\n            '%s%s%s[", option->kind == OPTION_LIST ? "*" : "", option->name[1] ? "--" : "-",
                option->name);
    add_quoted(out, option->help, strlen(option->help), ":[]\\");
    text_add(out, "]");
    if (option->value) {
        completion_value(completion, command, option);
        add_action(completion, out);
    }
    text_add(out, "'");
}

static void add_command(const struct completion *base, const struct command *command, struct text *out)
{
    struct completion completion = *base;
    bool repeated = false;
    text_printf(out, "    (%s)\n        _arguments", command->name);
    for (int i = 0; help_option_at(command, i); ++i)
        add_option(&completion, command, help_option_at(command, i), out);
    for (int i = 0; completion_argument(&completion, command, i, &repeated); ++i) {
        text_printf(out, repeated ? " \\\n            '*" : " \\\n            '%d", i + 1);
        add_action(&completion, out);
        text_add(out, "'");
    }
    text_add(out, "\n        ;;\n");
}

void completion_zsh(const struct completion *base, struct text *out)
{
    struct completion configs = *base;
    configs.kind = COMPLETE_CONFIGS;
    text_add(out, "#compdef dae-cl\n"
                  "# zsh completion for dae-cl, printed by `dae-cl help --completion zsh`\n\n"
                  "_dae_cl_configs() {\n"
                  "    local -a configs=(");
    completion_words(&configs, out, add_word);
    text_add(out, ")\n"
                  "    local ret=1\n"
                  "    _describe config configs && ret=0\n"
                  "    _files && ret=0\n"
                  "    return ret\n"
                  "}\n\n"
                  "_dae_cl() {\n"
                  "    if ((CURRENT == 2)); then\n"
                  "        local -a commands=(");
    for (int i = 0; commands[i]; ++i)
        add_word(out, commands[i]->name, strlen(commands[i]->name), commands[i]->summary);
    text_add(out, " --help --version)\n"
                  "        _describe command commands\n"
                  "        return\n"
                  "    fi\n"
                  "    shift words\n"
                  "    ((CURRENT--))\n"
                  "    case $words[1] in\n");
    for (int i = 0; commands[i]; ++i)
        add_command(base, commands[i], out);
    text_add(out, "    esac\n"
                  "}\n\n"
                  "_dae_cl \"$@\"\n");
}
