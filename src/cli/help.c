#include "cli/help.h"

#include <string.h>

#include "base/version.h"
#include "cli/completion.h"
#include "cli/help_formats.h"
#include "cli/manual.h"
#include "cli/shipped.h"

enum { WIDTH = 79, INDENT = 6 };

static const struct command_option option_man = {"man", NULL, OPTION_FLAG, false,
                                                 "print the manual page, of COMMAND if one is named, in roff"};

static const struct command_option option_completion = {"completion", "bash|fish|zsh", OPTION_VALUE, false,
                                                        "print the completion of the commands for this shell"};

static const struct command_option option_markdown = {"markdown", NULL, OPTION_FLAG, false,
                                                      "print formats as the table of docs/images.md"};

/* Every command takes it, so no command lists it. */
static const struct command_option option_help = {"help", NULL, OPTION_FLAG, false, "print this help"};

const char help_purpose[] = "train and run denoising autoencoders on any OpenCL device";

const struct command_row help_environment[] = {
    {"DAE_CL_PLATFORM", "the OpenCL device to use, written as for --platform; --platform overrides it, and it "
                        "overrides the config's `device`"},
    {"DAE_CL_DATA", "the folder that contains the data sets, for example mnist/"},
    {"DAE_CL_CACHE_DIR", "the folder for what is remembered between runs, such as the result of each driver's probe, "
                         "and for PoCL's compiled kernels; if not set, $XDG_CACHE_HOME/dae-cl or ~/.cache/dae-cl"},
    {"POCL_CACHE_DIR",
     "PoCL's own variable: PoCL keeps its compiled kernels there instead, if nobody else can write to it"},
    {"DAE_CL_TUNE", "off: a device's first use measures no sizes of tiles; what is remembered is used nevertheless"},
    {"DAE_CL_KERNELS", "a folder of kernel files that replace the built-in ones, for developing them"},
    {NULL, NULL},
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

void help_option_text(const struct command_option *option, char *text, size_t len)
{
    snprintf(text, len, "%s%s%s%s", option->name[1] ? "--" : "-", option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

const struct command_option *help_option_at(const struct command *command, int index)
{
    int n = 0;
    while (command->options && command->options[n])
        ++n;
    return index < n ? command->options[index] : index == n ? &option_help : NULL;
}

static void print_option(const struct command_option *option, FILE *out)
{
    char text[64];
    help_option_text(option, text, sizeof text);
    fprintf(out, "  %s%s\n", text, option->kind == OPTION_LIST ? "  (any number of times)" : "");
    wrap(out, option->help, strlen(option->help), INDENT, 0);
}

static void print_rows(const struct command_row *row, FILE *out)
{
    for (; row->text; ++row) {
        fprintf(out, "  %s\n", row->text);
        wrap(out, row->meaning, strlen(row->meaning), INDENT, 0);
    }
}

/* "usage: dae-cl denoise MODEL INPUT... -o DIR [options]" */
static void print_usage(const struct command *command, FILE *out)
{
    fprintf(out, "usage: dae-cl %s%s%s", command->name, *command->arguments ? " " : "", command->arguments);
    for (int i = 0; command->options && command->options[i]; ++i)
        if (command->options[i]->required) {
            char text[64];
            help_option_text(command->options[i], text, sizeof text);
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
    for (int i = 0; help_option_at(command, i); ++i)
        print_option(help_option_at(command, i), out);
    if (command->examples) {
        fprintf(out, "\nexamples:\n");
        print_rows(command->examples, out);
    }
}

void help_overview(FILE *out)
{
    fprintf(out, "dae-cl: %s\n\nusage: dae-cl COMMAND [arguments] [options]\n\ncommands:\n", help_purpose);
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
    print_rows(help_environment, out);
    fprintf(out, "\nexit codes:\n");
#define EXIT(name, code, text) fprintf(out, "  %3d  %s\n", code, text);
    DAE_STATUSES(EXIT)
#undef EXIT
}

void help_version(FILE *out)
{
    fprintf(out, "dae-cl %s\n", DAE_CL_VERSION);
}

static enum dae_status run(const struct invocation *invocation, struct error *err)
{
    const char *topic = invocation->n_arguments ? invocation->argument[0] : "";
    const bool manual = invocation_has(invocation, "man");
    const struct command *command = NULL;
    if (invocation_has(invocation, "completion"))
        return completion_print(invocation_value(invocation, "completion"), err);
    if (strcmp(topic, "configs") == 0)
        return shipped_print(err);
    if (strcmp(topic, "formats") == 0) {
        help_formats(stdout, invocation_has(invocation, "markdown"));
        return DAE_OK;
    }
    if (*topic)
        TRY(command_find(topic, &command, err));
    if (manual)
        return manual_print(command, stdout, err);
    if (command)
        help_command(command, stdout);
    else
        help_overview(stdout);
    return DAE_OK;
}

static const struct command_option *const options[] = {&option_man, &option_completion, &option_markdown, NULL};

/* What `help` describes besides commands. */
static bool row_of(int index, const char **name, const char **meaning)
{
    static const struct command_row topics[] = {
        {"configs", "the configs that come with dae-cl, which commands take by name"},
        {"formats", "the kinds of image files"},
    };
    if (index >= (int)(sizeof topics / sizeof *topics))
        return false;
    *name = topics[index].text;
    *meaning = topics[index].meaning;
    return true;
}

static const struct command_row examples[] = {
    {"dae-cl help configs", "which configs come with dae-cl"},
    {"dae-cl help run --man | man -l -", "the manual page of run, if it is not installed"},
    {"dae-cl help --completion bash > ~/.bash_completion", "completion, if dae-cl is not installed"},
    {NULL, NULL},
};

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "list the commands, or describe one",
    .description = "COMMAND may also be one of these:",
    .options = options,
    .row = row_of,
    .examples = examples,
    .run = run,
};
