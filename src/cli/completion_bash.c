/* The script for bash: a case for each command. It needs nothing of the package bash-completion, which only loads it.
 */
#include <string.h>

#include "cli/completion.h"
#include "cli/help.h"

static const char head[] =
    "# bash completion for dae-cl, printed by `dae-cl help --completion bash`\n\n"
    "# Replies with the files, folders or words that begin as the word does.\n"
    "_dae_cl_reply() { # -f|-d|'' [WORD...]\n"
    "    local how=$1 cur=${COMP_WORDS[COMP_CWORD]}\n"
    "    shift\n"
    "    [ \"$cur\" != = ] || cur=''\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$cur\"; [ -z \"$how\" ] || compgen \"$how\" -- \"$cur\")\n"
    "    [ -z \"$how\" ] || compopt -o filenames 2>/dev/null\n"
    "}\n\n"
    "# Replies to a word that begins an option; else counts the arguments before the word.\n"
    "_dae_cl_options() { # OPTIONS OPTIONS-WITH-A-VALUE\n"
    "    local i\n"
    "    if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then\n"
    "        _dae_cl_reply '' \"$1\"\n"
    "        return 1\n"
    "    fi\n"
    "    n=0\n"
    "    for ((i = 2; i < COMP_CWORD; ++i)); do\n"
    "        if [[ \" $2 \" == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
    "            [ \"${COMP_WORDS[i + 1]}\" != = ] || ((++i))\n"
    "            ((++i))\n"
    "        elif [[ ${COMP_WORDS[i]} != -* ]]; then\n"
    "            ((++n))\n"
    "        fi\n"
    "    done\n"
    "}\n\n"
    "_dae_cl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options valued n\n"
    "    COMPREPLY=()\n"
    "    if [ \"$COMP_CWORD\" -gt 2 ] && [ \"$cur\" != = ] && [ \"$prev\" = = ]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]} # --option=VALUE is three words\n"
    "    fi\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        _dae_cl_reply ''";

static const char middle[] = " --help --version\n"
                             "        return\n"
                             "    fi\n"
                             "    case ${COMP_WORDS[1]} in\n";

static const char tail[] = "    esac\n"
                           "}\n\n"
                           "complete -F _dae_cl dae-cl\n";

static void add_word(void *context, const char *text, size_t len, const char *meaning)
{
    (void)meaning;
    text_add(context, " ");
    text_add_bytes(context, text, len);
}

/* "_dae_cl_reply -f conv_mnist fc_mnist" */
static void add_reply(const struct completion *completion, struct text *out)
{
    text_printf(out, "_dae_cl_reply %s",
                completion->kind == COMPLETE_FOLDERS                                         ? "-d"
                : completion->kind == COMPLETE_FILES || completion->kind == COMPLETE_CONFIGS ? "-f"
                                                                                             : "''");
    completion_words(completion, out, add_word);
}

static void add_options(const struct command *command, bool valued, struct text *out)
{
    const struct command_option *option;
    for (int i = 0; (option = help_option_at(command, i)); ++i)
        if (!valued || option->value)
            text_printf(out, " %s%s", option->name[1] ? "--" : "-", option->name);
}

static void add_command(const struct completion *base, const struct command *command, struct text *out)
{
    struct completion completion = *base;
    const struct command_option *option;
    bool repeated = false;
    text_printf(out, "    %s)\n        options='", command->name);
    add_options(command, false, out);
    text_add(out, "'\n        valued='");
    add_options(command, true, out);
    text_add(out, "'\n        case $prev in\n");
    for (int i = 0; (option = help_option_at(command, i)); ++i)
        if (option->value) {
            completion_value(&completion, command, option);
            text_printf(out, "        %s%s) ", option->name[1] ? "--" : "-", option->name);
            if (completion.kind != COMPLETE_NOTHING) {
                add_reply(&completion, out);
                text_add(out, "; ");
            }
            text_add(out, "return ;;\n");
        }
    text_add(out, "        esac\n"
                  "        _dae_cl_options \"$options\" \"$valued\" || return\n"
                  "        case $n in\n");
    for (int i = 0; completion_argument(&completion, command, i, &repeated); ++i) {
        if (completion.kind == COMPLETE_NOTHING)
            continue;
        text_printf(out, repeated ? "        *) " : "        %d) ", i);
        add_reply(&completion, out);
        text_add(out, " ;;\n");
    }
    text_add(out, "        esac\n        ;;\n");
}

void completion_bash(const struct completion *base, struct text *out)
{
    text_add(out, head);
    for (int i = 0; commands[i]; ++i)
        text_printf(out, " %s", commands[i]->name);
    text_add(out, middle);
    for (int i = 0; commands[i]; ++i)
        add_command(base, commands[i], out);
    text_add(out, tail);
}
