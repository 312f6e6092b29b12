#include "cli/manual.h"

#include <string.h>

#include "base/version.h"
#include "cli/help.h"
#include "cli/installed.h"

enum { LINE_WIDTH = 72 }; /* with room for the backslashes before dashes */

/* A word, in which roff's control characters lose their meaning; `begins` if a line begins with it. */
static void roff_word(FILE *out, const char *word, size_t len, bool begins)
{
    if (begins && len && (word[0] == '.' || word[0] == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < len; ++i)
        if (word[i] == '\\')
            fputs("\\e", out);
        else if (word[i] == '-')
            fputs("\\-", out);
        else
            fputc(word[i], out);
}

/* The words of a text, on lines of at most LINE_WIDTH if possible. */
static void roff_text(FILE *out, const char *text, size_t len)
{
    size_t at = 0;
    for (const char *end = text + len; text < end; text += strspn(text, " ")) {
        size_t word = strcspn(text, " ");
        if (word > (size_t)(end - text))
            word = (size_t)(end - text);
        if (at > 0 && at + 1 + word > LINE_WIDTH) {
            fputc('\n', out);
            at = 0;
        } else if (at > 0) {
            fputc(' ', out);
            ++at;
        }
        roff_word(out, text, word, at == 0);
        at += word;
        text += word;
    }
    fputc('\n', out);
}

static void roff(FILE *out, const char *text)
{
    roff_text(out, text, strlen(text));
}

static void roff_item(FILE *out, const char *term, const char *meaning)
{
    fputs(".TP\n\\fB", out);
    roff_word(out, term, strlen(term), false);
    fputs("\\fR\n", out);
    roff(out, meaning);
}

static void roff_rows(FILE *out, const struct command_row *row)
{
    for (; row && row->text; ++row)
        roff_item(out, row->text, row->meaning);
}

/* ".TH DAE\-CL\-RUN 1 ..." and the name of the page. */
static void print_head(FILE *out, const char *name, const char *purpose)
{
    fputs(".TH DAE\\-CL", out);
    for (const char *at = name; *at; ++at)
        fputc(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at, out);
    fprintf(out, " 1 \"%s\" \"dae\\-cl %s\" \"User Commands\"\n.SH NAME\ndae\\-cl", DAE_CL_RELEASED, DAE_CL_VERSION);
    roff_word(out, name, strlen(name), false);
    fputs(" \\-\n", out);
    roff(out, purpose);
}

/* Paragraphs of a description, one a line. */
static void print_paragraphs(FILE *out, const char *text)
{
    for (const char *at = text; *at; at += strspn(at, "\n")) {
        const size_t len = strcspn(at, "\n");
        if (at != text)
            fputs(".PP\n", out);
        roff_text(out, at, len);
        at += len;
    }
}

static void print_synopsis(FILE *out, const struct command *command)
{
    char text[64];
    fprintf(out, ".SH SYNOPSIS\n.B dae\\-cl %s\n", command->name);
    if (*command->arguments) {
        fputs(".I ", out);
        roff(out, command->arguments);
    }
    for (int i = 0; command->options && command->options[i]; ++i)
        if (command->options[i]->required) {
            help_option_text(command->options[i], text, sizeof text);
            fputs(".B ", out);
            roff(out, text);
        }
    fputs("[options]\n", out);
}

static void print_options(FILE *out, const struct command *command)
{
    fputs(".SH OPTIONS\n", out);
    for (int i = 0; help_option_at(command, i); ++i) {
        const struct command_option *option = help_option_at(command, i);
        char text[64];
        help_option_text(option, text, sizeof text);
        roff_item(out, text, option->help);
        if (option->kind == OPTION_LIST)
            fputs("(any number of times)\n", out);
    }
}

static bool takes_option(const struct command *command, const struct command_option *option)
{
    for (int i = 0; command->options && command->options[i]; ++i)
        if (command->options[i] == option)
            return true;
    return false;
}

/* The files that come with the program, as far as a command reads them: all for the page of the program. */
static enum dae_status print_files(FILE *out, const struct command *command, struct error *err)
{
    struct arena arena = {0};
    const char *configs = installed_share_path("configs", &arena);
    if (!configs)
        return error_no_memory(err, "folder name", 0);
    fputs(".SH FILES\n", out);
    if (command)
        roff_rows(out, command->files);
    if (!command || strstr(command->arguments, "CONFIG"))
        roff_item(out, configs, "the configs that a CONFIG without a slash and a full stop names");
    if (!command || takes_option(command, &option_plugins))
        roff_item(out, installed_plugins_path(), "the layers, corruptions, losses and optimizers");
    roff_item(
        out, "~/.cache/dae-cl",
        "what is remembered between runs, such as the result of each driver's probe; DAE_CL_CACHE_DIR names another "
        "folder");
    arena_release(&arena);
    return DAE_OK;
}

static void print_exit_status(FILE *out)
{
    static const struct command_row codes[] = {
#define EXIT(name, code, text) {#code, text},
        DAE_STATUSES(EXIT)
#undef EXIT
            {NULL, NULL},
    };
    fputs(".SH EXIT STATUS\n", out);
    roff_rows(out, codes);
}

static enum dae_status print_command(const struct command *command, FILE *out, struct error *err)
{
    char name[64];
    snprintf(name, sizeof name, "-%s", command->name);
    print_head(out, name, command->summary);
    print_synopsis(out, command);
    if (command->description) {
        fputs(".SH DESCRIPTION\n", out);
        print_paragraphs(out, command->description);
    }
    const char *row, *meaning;
    for (int i = 0; command->row && command->row(i, &row, &meaning); ++i)
        roff_item(out, row, meaning);
    print_options(out, command);
    if (command->examples) {
        fputs(".SH EXAMPLES\n", out);
        roff_rows(out, command->examples);
    }
    TRY(print_files(out, command, err));
    print_exit_status(out);
    fputs(".SH SEE ALSO\n.BR dae\\-cl (1)\n", out);
    return DAE_OK;
}

static enum dae_status print_program(FILE *out, struct error *err)
{
    char name[64];
    print_head(out, "", help_purpose);
    fputs(".SH SYNOPSIS\n.B dae\\-cl\n.I COMMAND\n[arguments] [options]\n.SH COMMANDS\n"
          "Each command has a manual page of its own, for example\n.BR dae\\-cl\\-run (1).\n",
          out);
    for (int i = 0; commands[i]; ++i) {
        snprintf(name, sizeof name, "%s %s", commands[i]->name, commands[i]->arguments);
        if (!*commands[i]->arguments)
            name[strlen(commands[i]->name)] = '\0';
        roff_item(out, name, commands[i]->summary);
    }
    fputs(".SH ENVIRONMENT\n", out);
    roff_rows(out, help_environment);
    TRY(print_files(out, NULL, err));
    print_exit_status(out);
    fputs(".SH SEE ALSO\n", out);
    for (int i = 0; commands[i]; ++i)
        fprintf(out, ".BR dae\\-cl\\-%s (1)%s\n", commands[i]->name, commands[i + 1] ? "," : "");
    return DAE_OK;
}

enum dae_status manual_print(const struct command *command, FILE *out, struct error *err)
{
    return command ? print_command(command, out, err) : print_program(out, err);
}
