#include "cli/help.h"

#include <string.h>

#include "base/version.h"
#include "cli/help_formats.h"
#include "cli/shipped.h"

enum { WIDTH = 79, INDENT = 6 };

static const struct command_option option_man = {"man", NULL, OPTION_FLAG, false, "print the manual page, in roff"};

static const struct command_option option_markdown = {"markdown", NULL, OPTION_FLAG, false,
                                                      "print formats as the table of docs/images.md"};

/* Every command takes it, so no command lists it. */
static const struct command_option option_help = {"help", NULL, OPTION_FLAG, false, "print this help"};

static const char purpose[] = "train and run denoising autoencoders on any OpenCL device";

static const struct {
    const char *name, *meaning;
} environment[] = {
    {"DAE_CL_PLATFORM", "the OpenCL device to use, written as for --platform; --platform overrides it, and it "
                        "overrides the config's `device`"},
    {"DAE_CL_DATA", "the folder that contains the data sets, for example mnist/"},
    {"DAE_CL_CACHE_DIR", "the folder for what is remembered between runs, such as the result of each driver's probe, "
                         "and for PoCL's compiled kernels; if not set, $XDG_CACHE_HOME/dae-cl or ~/.cache/dae-cl"},
    {"POCL_CACHE_DIR",
     "PoCL's own variable: PoCL keeps its compiled kernels there instead, if nobody else can write to it"},
    {"DAE_CL_KERNELS", "a folder of kernel files that replace the built-in ones, for developing them"},
};

static const struct {
    int code;
    const char *meaning;
} exit_codes[] = {
#define EXIT(name, code, text) {code, text},
    DAE_STATUSES(EXIT)
#undef EXIT
};

enum {
    N_ENVIRONMENT = sizeof environment / sizeof environment[0],
    N_EXIT_CODES = sizeof exit_codes / sizeof exit_codes[0],
};

/* Prints one paragraph with indented lines of at most WIDTH; `at` characters of the first line are already printed. */
static void wrap(FILE *out, const char *text, size_t len, int indent, int at)
{
    for (const char *end = text + len; text < end;) {
        size_t word = strcspn(text, " ");
        if (word > (size_t)(end - text))
            word = (size_t)(end - text);
        if (at > indent && at + 1 + (int)word > WIDTH) {
            fputc('\n', out);
            at = 0;
        }
        if (at < indent)
            at += fprintf(out, "%*s", indent - at, "");
        else if (at > indent)
            at += fprintf(out, " ");
        at += fprintf(out, "%.*s", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* "--set KEY.PATH=VALUE". */
static void option_text(const struct command_option *option, char *text, size_t len)
{
    snprintf(text, len, "%s%s%s%s", option->name[1] ? "--" : "-", option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

/* Option number `index` of a command, the last of which is --help; NULL after it. */
static const struct command_option *option_at(const struct command *command, int index)
{
    int n = 0;
    while (command->options && command->options[n])
        ++n;
    return index < n ? command->options[index] : index == n ? &option_help : NULL;
}

static void print_option(const struct command_option *option, FILE *out)
{
    char text[64];
    option_text(option, text, sizeof text);
    fprintf(out, "  %s%s\n", text, option->kind == OPTION_LIST ? "  (any number of times)" : "");
    wrap(out, option->help, strlen(option->help), INDENT, 0);
}

/* "usage: dae-cl denoise MODEL INPUT... -o DIR [options]" */
static void print_usage(const struct command *command, FILE *out)
{
    fprintf(out, "usage: dae-cl %s%s%s", command->name, *command->arguments ? " " : "", command->arguments);
    for (int i = 0; command->options && command->options[i]; ++i)
        if (command->options[i]->required) {
            char text[64];
            option_text(command->options[i], text, sizeof text);
            fprintf(out, " %s", text);
        }
    fprintf(out, " [options]\n");
}

void help_command(const struct command *command, FILE *out)
{
    print_usage(command, out);
    fprintf(out, "\n%s: %s\n", command->name, command->summary);
    for (const char *text = command->description; text && *text; text += strspn(text, "\n")) {
        size_t len = strcspn(text, "\n");
        fputc('\n', out);
        wrap(out, text, len, 0, 0);
        text += len;
    }
    const char *name, *meaning;
    for (int i = 0; command->row && command->row(i, &name, &meaning); ++i) {
        fprintf(out, "%s  %s\n", i ? "" : "\n", name);
        wrap(out, meaning, strlen(meaning), INDENT, 0);
    }
    fprintf(out, "\noptions:\n");
    for (int i = 0; option_at(command, i); ++i)
        print_option(option_at(command, i), out);
}

void help_overview(FILE *out)
{
    fprintf(out, "dae-cl: %s\n\nusage: dae-cl COMMAND [arguments] [options]\n\ncommands:\n", purpose);
    for (int i = 0; commands[i]; ++i) {
        char text[64];
        int at = snprintf(text, sizeof text, "  %s %s", commands[i]->name, commands[i]->arguments);
        fprintf(out, "%-28s", text);
        wrap(out, commands[i]->summary, strlen(commands[i]->summary), 28, at < 28 ? 28 : at);
    }
    fprintf(out, "\n"
                 "dae-cl help COMMAND describes a command, dae-cl help configs the configs that\n"
                 "come with dae-cl, and dae-cl help formats the kinds of image files;\n"
                 "dae-cl --version prints the version.\n\n"
                 "environment:\n");
    for (int i = 0; i < N_ENVIRONMENT; ++i) {
        fprintf(out, "  %s\n", environment[i].name);
        wrap(out, environment[i].meaning, strlen(environment[i].meaning), INDENT, 0);
    }
    fprintf(out, "\nexit codes:\n");
    for (int i = 0; i < N_EXIT_CODES; ++i)
        fprintf(out, "  %3d  %s\n", exit_codes[i].code, exit_codes[i].meaning);
}

void help_version(FILE *out)
{
    fprintf(out, "dae-cl %s\n", DAE_CL_VERSION);
}

/* Text for roff: its control characters lose their meaning. */
static void roff_bytes(FILE *out, const char *text, size_t len)
{
    if (len && (text[0] == '.' || text[0] == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < len; ++i)
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else
            fputc(text[i], out);
}

static void roff(FILE *out, const char *text)
{
    roff_bytes(out, text, strlen(text));
}

static void roff_item(FILE *out, const char *term, const char *meaning)
{
    fputs(".TP\n\\fB", out);
    roff(out, term);
    fputs("\\fR\n", out);
    roff(out, meaning);
    fputc('\n', out);
}

static void roff_command(const struct command *command, FILE *out)
{
    fprintf(out, ".SS dae\\-cl %s ", command->name);
    roff(out, command->arguments);
    fputs("\n", out);
    roff(out, command->summary);
    fputs(".\n", out);
    for (const char *text = command->description; text && *text; text += strspn(text, "\n")) {
        size_t len = strcspn(text, "\n");
        fputs(".PP\n", out);
        roff_bytes(out, text, len);
        fputc('\n', out);
        text += len;
    }
    const char *name, *meaning;
    for (int i = 0; command->row && command->row(i, &name, &meaning); ++i)
        roff_item(out, name, meaning);
    for (int i = 0; option_at(command, i); ++i) {
        const struct command_option *option = option_at(command, i);
        char text[64];
        option_text(option, text, sizeof text);
        roff_item(out, text, option->help);
        if (option->kind == OPTION_LIST)
            fputs("(any number of times)\n", out);
    }
}

void help_manual(FILE *out)
{
    fputs(".TH DAE\\-CL 1 \"\" \"dae\\-cl ", out);
    roff(out, DAE_CL_VERSION);
    fputs("\" \"User Commands\"\n.SH NAME\ndae\\-cl \\- ", out);
    roff(out, purpose);
    fputs("\n.SH SYNOPSIS\n.B dae\\-cl\n.I COMMAND\n[arguments] [options]\n.SH COMMANDS\n", out);
    for (int i = 0; commands[i]; ++i)
        roff_command(commands[i], out);
    fputs(".SH ENVIRONMENT\n", out);
    for (int i = 0; i < N_ENVIRONMENT; ++i)
        roff_item(out, environment[i].name, environment[i].meaning);
    fputs(".SH EXIT STATUS\n", out);
    for (int i = 0; i < N_EXIT_CODES; ++i) {
        char code[16];
        snprintf(code, sizeof code, "%d", exit_codes[i].code);
        roff_item(out, code, exit_codes[i].meaning);
    }
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    if (invocation_has(invocation, "man")) {
        help_manual(stdout);
    } else if (invocation->n_arguments && strcmp(invocation->argument[0], "formats") == 0) {
        help_formats(stdout, invocation_has(invocation, "markdown"));
    } else if (invocation->n_arguments && strcmp(invocation->argument[0], "configs") == 0) {
        TRY(shipped_print(err));
    } else if (invocation->n_arguments) {
        const struct command *command;
        TRY(command_find(invocation->argument[0], &command, err));
        help_command(command, stdout);
    } else {
        help_overview(stdout);
    }
    return DAE_OK;
}

static const struct command_option *const options[] = {&option_man, &option_markdown, NULL};

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "list the commands, or describe one",
    .description =
        "dae-cl help configs lists the configs that come with dae-cl, which commands take by name, and dae-cl help "
        "formats the kinds of image files.",
    .options = options,
    .run = run,
};
